"""The command `jaxpe new`: an encoding to begin from, and its test."""

from __future__ import annotations

import importlib.util
import keyword
from pathlib import Path

import jinja2

from jaxpe.encodings import CATALOGUE
from jaxpe.errors import UserError
from jaxpe.records import store


def write(name: str, folder: Path, hook: str) -> int:
    """Writes NAME.py, with an encoding that works at once, and test_NAME.py beside it. Overwrites nothing."""
    if not name.isidentifier() or keyword.iskeyword(name):
        raise UserError(f"{name!r} cannot be the name of a Python file: use letters, digits and _, as in my_encoding.")
    if name in CATALOGUE:
        raise UserError(f"The catalogue has an encoding {name!r} already: choose another name.")
    if importlib.util.find_spec(name):
        raise UserError(f"There is a Python package {name!r} already, which the file would hide: choose another name.")
    class_name = "".join(part[:1].upper() + part[1:] for part in name.split("_")) or name
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("jaxpe.cli"), undefined=jinja2.StrictUndefined, keep_trailing_newline=True
    )
    templates = {folder / f"{name}.py": f"{hook}.py.jinja", folder / f"test_{name}.py": "test.py.jinja"}
    for path in templates:
        if path.exists():
            raise UserError(f"{path} exists already: choose another name, or another --folder.")
    for path, template in templates.items():
        store.write_text(path, environment.get_template(template).render(name=name, class_name=class_name))
    file, test = templates
    print(
        f"{file} and {test} are written. Next:\n"
        f"  jaxpe check {file}:{class_name}\n"
        f"  jaxpe scorecard {file}:{class_name}\n"
        f"  python -m pytest {test}"
    )
    return 0
