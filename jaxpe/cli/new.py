"""`jaxpe new`: templates for an encoding, a task or an experiment of your own, each with its test."""

from __future__ import annotations

import keyword
import sys
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

import jinja2

from jaxpe.encodings import ENCODINGS
from jaxpe.errors import UserError
from jaxpe.plugins.code import is_own, locate_module
from jaxpe.records.files import write_text
from jaxpe.study.experiment import EXPERIMENTS
from jaxpe.tasks import TASKS


class Kind(NamedTuple):
    """What `jaxpe new` writes: the names that jaxpe has already, and the commands to go on with."""

    noun: str
    taken: Collection[str]
    commands: tuple[str, ...]


KINDS = {
    "encoding": Kind(
        "an encoding", ENCODINGS.list_taken(), ("check {file}:{class_name}", "scorecard {file}:{class_name}")
    ),
    "task": Kind(
        "a task",
        TASKS.list_taken(),
        ("check {file}:{class_name}", "run accuracy --tasks {file}:{class_name} --results mine"),
    ),
    "experiment": Kind("an experiment", EXPERIMENTS, ("run {file} --help", "run {file} --preset smoke --results mine")),
}


def choose_template(hook: str | None, task: bool, experiment: bool) -> str:
    """The template that the options of `jaxpe new` name. Raises UserError where they name two."""
    given = [name for name, value in (("hook", hook), ("task", task), ("experiment", experiment)) if value]
    if len(given) > 1:
        raise UserError(
            f"A file holds one thing, and only an encoding has a hook: give one of --{' and --'.join(given)}."
        )
    return "task" if task else "experiment" if experiment else hook or "bias"


def write_templates(name: str, folder: Path, template: str) -> int:
    """Writes NAME.py, which works as it is, and test_NAME.py: an encoding with the hook that `template` names, or a kind.

    Raises UserError for a name that is taken or no Python name, and where one of the files exists.
    """
    kind = template if template in KINDS else "encoding"
    check_name(name, kind)
    file, test = folder / f"{name}.py", folder / f"test_{name}.py"
    for path in (file, test):
        if path.exists():
            raise UserError(f"{path} exists already: choose another name, or another --folder.")
    class_name = "".join(part[:1].upper() + part[1:] for part in name.split("_")) or name
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("jaxpe.cli"), undefined=jinja2.StrictUndefined, keep_trailing_newline=True
    )
    for path, source in ((file, template), (test, f"test_{kind}")):
        text = environment.get_template(f"{source}.py.jinja").render(name=name, class_name=class_name)
        write_text(path, text)
    commands = [f"  jaxpe {command.format(file=file, class_name=class_name)}" for command in KINDS[kind].commands]
    print("\n".join([f"Wrote {file} and {test}. Next:", *commands, f"  python -m pytest {test}"]))
    return 0


def check_name(name: str, kind: str) -> None:
    """Raises UserError for a name that no file of this kind can have."""
    if not name.isidentifier() or keyword.iskeyword(name):
        raise UserError(f"{name!r} cannot be the name of a Python file: use letters, digits and _, as in my_{kind}.")
    if name in KINDS[kind].taken:
        raise UserError(f"There is {KINDS[kind].noun} {name!r} in jaxpe already: choose another name.")
    path = locate_module(name)
    if name in sys.stdlib_module_names or (path is not None and not is_own(path)):
        raise UserError(f"There is a Python package {name!r} already, which the file would hide: choose another name.")
