"""`jaxpe new`: templates for an encoding or an experiment of your own, each with its test."""

from __future__ import annotations

import keyword
import sys
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

import jinja2

from jaxpe.encodings import CATALOGUE
from jaxpe.errors import UserError
from jaxpe.plugins.code import is_own, locate_module
from jaxpe.records.files import write_text
from jaxpe.study.experiment import EXPERIMENTS


class Kind(NamedTuple):
    """What `jaxpe new` writes: the template of its test, the names that jaxpe has already, and the commands to go on with."""

    test: str
    taken: Collection[str]
    commands: tuple[str, ...]


KINDS = {
    "encoding": Kind("test", CATALOGUE, ("check {file}:{class_name}", "scorecard {file}:{class_name}")),
    "experiment": Kind(
        "test_experiment", EXPERIMENTS, ("run {file} --help", "run {file} --preset smoke --results mine")
    ),
}


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
    for path, source in ((file, template), (test, KINDS[kind].test)):
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
        raise UserError(f"There is an {kind} {name!r} in jaxpe already: choose another name.")
    path = locate_module(name)
    if name in sys.stdlib_module_names or (path is not None and not is_own(path)):
        raise UserError(f"There is a Python package {name!r} already, which the file would hide: choose another name.")
