"""`jaxpe new`: a template for an encoding or a task of your own, and its test."""

from __future__ import annotations

import keyword
import sys
from pathlib import Path
from typing import Any

import jinja2

from jaxpe.encodings import ENCODINGS
from jaxpe.errors import UserError
from jaxpe.plugins.code import is_own, locate_module
from jaxpe.plugins.registry import Registry
from jaxpe.records.files import write_text
from jaxpe.tasks import TASKS

TASK = "task"  # the template that is no hook
NEXT = {  # what to do with the files
    "encoding": "  jaxpe check {0}\n  jaxpe scorecard {0}\n  python -m pytest {1}",
    "task": "  jaxpe check {0}\n  jaxpe run accuracy --tasks {0}\n  python -m pytest {1}",
}


def write_templates(name: str, folder: Path, template: str) -> int:
    """Writes NAME.py, which works as it is, and test_NAME.py: a task, or an encoding with the hook that `template` names.

    Raises UserError for a name that is taken or no Python name, and where one of the files exists.
    """
    registry: Registry[Any] = TASKS if template == TASK else ENCODINGS
    check_name(name, registry)
    files = {
        folder / f"{name}.py": f"{template}.py.jinja",
        folder / f"test_{name}.py": f"test_{registry.kind}.py.jinja",
    }
    for path in files:
        if path.exists():
            raise UserError(f"{path} exists already: choose another name, or another --folder.")
    class_name = "".join(part[:1].upper() + part[1:] for part in name.split("_")) or name
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("jaxpe.cli"), undefined=jinja2.StrictUndefined, keep_trailing_newline=True
    )
    for path, source in files.items():
        write_text(path, environment.get_template(source).render(name=name, class_name=class_name))
    file, test = files
    print(f"Wrote {file} and {test}. Next:\n" + NEXT[registry.kind].format(f"{file}:{class_name}", test))
    return 0


def check_name(name: str, registry: Registry[Any]) -> None:
    """Raises UserError for a name that no file can have, and for one that jaxpe has."""
    if not name.isidentifier() or keyword.iskeyword(name):
        raise UserError(
            f"{name!r} cannot be the name of a Python file: use letters, digits and _, as in my_{registry.kind}."
        )
    if name in registry.catalogue or name in registry.reserved:
        raise UserError(f"There is {registry.noun} {name!r} in jaxpe already: choose another name.")
    path = locate_module(name)
    if name in sys.stdlib_module_names or (path is not None and not is_own(path)):
        raise UserError(f"There is a Python package {name!r} already, which the file would hide: choose another name.")
