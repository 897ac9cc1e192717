"""`jaxpe new`: a template for an encoding of your own, and its test."""

from __future__ import annotations

import keyword
import sys
from pathlib import Path

import jinja2

from jaxpe.encodings import CATALOGUE
from jaxpe.errors import UserError
from jaxpe.plugins.code import is_own, locate_module
from jaxpe.records.files import write_text


def write_templates(name: str, folder: Path, hook: str) -> int:
    """Writes NAME.py, an encoding that works as it is, and test_NAME.py.

    Raises UserError for a name that is taken or no Python name, and where one of the files exists.
    """
    check_name(name)
    files = {folder / f"{name}.py": f"{hook}.py.jinja", folder / f"test_{name}.py": "test.py.jinja"}
    for path in files:
        if path.exists():
            raise UserError(f"{path} exists already: choose another name, or another --folder.")
    class_name = "".join(part[:1].upper() + part[1:] for part in name.split("_")) or name
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("jaxpe.cli"), undefined=jinja2.StrictUndefined, keep_trailing_newline=True
    )
    for path, template in files.items():
        write_text(path, environment.get_template(template).render(name=name, class_name=class_name))
    file, test = files
    print(
        f"Wrote {file} and {test}. Next:\n"
        f"  jaxpe check {file}:{class_name}\n"
        f"  jaxpe scorecard {file}:{class_name}\n"
        f"  python -m pytest {test}"
    )
    return 0


def check_name(name: str) -> None:
    """Raises UserError for a name that no encoding can have."""
    if not name.isidentifier() or keyword.iskeyword(name):
        raise UserError(f"{name!r} cannot be the name of a Python file: use letters, digits and _, as in my_encoding.")
    if name in CATALOGUE:
        raise UserError(f"There is an encoding {name!r} in jaxpe already: choose another name.")
    path = locate_module(name)
    if name in sys.stdlib_module_names or (path is not None and not is_own(path)):
        raise UserError(f"There is a Python package {name!r} already, which the file would hide: choose another name.")
