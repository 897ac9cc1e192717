"""From arguments to the command that they name."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import tyro

from jaxpe.cli.arguments import UnknownOption
from jaxpe.cli.commands import COMMANDS
from jaxpe.cli.examples import EXAMPLES, add_examples, describe_command
from jaxpe.cli.parsing import HELP, parse
from jaxpe.errors import UnknownName, UserError

ABOUT = """Experiments on positional encodings for Transformers.

`jaxpe study` runs all experiments but throughput and scorecard, `jaxpe run EXPERIMENT` any one. `jaxpe COMMAND --help` explains a
command, `jaxpe --version` prints the version. A claim is a statement that an experiment tests; its verdict is stored with the
results.

Exit codes: 0 done; 1 an internal error; 2 wrong arguments, bad input or a full disk; 3 finished, but a training diverged
or was given up, or `check`, `doctor` or `verify` named a fault; 130 stopped by Ctrl-C, 143 by SIGTERM."""


def run_script(file: str, arguments: Sequence[str]) -> int:
    """Runs a file in experiments/ as `jaxpe run` does; a file of the user's own elsewhere, whatever its name, is itself."""
    from jaxpe.cli.experiment_options import run_with_options
    from jaxpe.study.experiment import find_experiments_folder

    path = Path(file).resolve()
    is_ours = path.parent == find_experiments_folder().resolve()
    return run_with_options(path.stem if is_ours else file, path.name, arguments)


def dispatch(arguments: Sequence[str]) -> int:
    """Runs the command that the arguments name. Raises UserError where there is none."""
    name, *rest = arguments or [""]
    if name in HELP:
        about = add_examples(ABOUT, [EXAMPLES[command][0] for command in ("study", "run", "compare")])
        return int(tyro.extras.subcommand_cli_from_dict(COMMANDS, prog="jaxpe", description=about, args=["--help"]))
    if name == "--version":
        print(f"jaxpe {version('jaxpe')}")
        return 0
    if not name:
        raise UserError(
            f"Which command? {', '.join(COMMANDS)}. `jaxpe --help` explains them; begin with `jaxpe study`."
        )
    if name not in COMMANDS:
        raise UnknownName("command", name, COMMANDS, "`jaxpe --help` lists all commands.")
    if name == "run" and rest and not rest[0].startswith("-"):
        from jaxpe.cli.experiment_options import run_with_options

        return run_with_options(rest[0], f"jaxpe run {rest[0]}", rest[1:])
    try:
        return int(parse(COMMANDS[name], f"jaxpe {name}", describe_command(name, COMMANDS[name]), rest))
    except UnknownOption as error:
        if name not in ("study", "run"):
            raise
        from jaxpe.cli.experiment_options import explain_unknown_option

        raise explain_unknown_option(error) from None
