"""From arguments to an exit code.

Exit codes: 0 done; 1 an internal error; 2 wrong arguments, bad input or a full disk; 3 finished, but a training diverged or
a property does not hold; 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

import tyro

from jaxpe.cli.arguments import UnknownOption
from jaxpe.cli.commands import COMMANDS
from jaxpe.cli.examples import EXAMPLES, add_examples, describe_command
from jaxpe.cli.options import format_command
from jaxpe.cli.parsing import HELP, parse
from jaxpe.errors import UnknownName, UserError

ABOUT = """Experiments on positional encodings for Transformers.

`jaxpe study` runs the experiments of the study, `jaxpe run EXPERIMENT` one experiment. `jaxpe COMMAND --help` explains a
command, `jaxpe --version` prints the version. A claim is a statement that an experiment tests; its verdict is stored with the
results.

Exit codes: 0 done; 1 an internal error; 2 wrong arguments, bad input or a full disk; 3 finished, but a training diverged,
`check` found a property that does not hold, or `doctor` a wrong result; 130 stopped by Ctrl-C."""


def main(arguments: list[str] | None = None) -> None:
    """The entry point of `jaxpe`."""
    exit_with(lambda: dispatch(sys.argv[1:] if arguments is None else arguments))


def script(file: str) -> None:
    """The entry point of a file in experiments/: the same options and the same code as `jaxpe run`."""
    from jaxpe.cli.experiment_options import run_with_options

    name = Path(file).stem if Path(file).parent.name == "experiments" else file
    exit_with(lambda: run_with_options(name, Path(file).name, sys.argv[1:]))


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


def exit_with(function: Callable[[], int]) -> None:
    """Runs a command and exits with its code. An error that the user can mend is printed as one sentence."""
    for stream in (sys.stdout, sys.stderr):  # a terminal without a character shows ? instead
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        code = function()
        sys.stdout.flush()
    except UserError as error:
        print(f"jaxpe: {error}", file=sys.stderr)
        code = 2
    except KeyboardInterrupt:
        print(f"jaxpe: stopped; finished work is kept. Resume with: {format_command()}", file=sys.stderr)
        code = 130
    except BrokenPipeError:
        code = 0
    except OSError as error:  # of the output itself: errors in a results folder are UserErrors
        if error.errno != errno.ENOSPC:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # takes what Python has not written yet
        print("jaxpe: no space is left for the output: free some, or print elsewhere.", file=sys.stderr)
        code = 2
    sys.exit(code)
