"""Code of the user's own: loaded from `path/to/file.py:Name`, called so that its faults become one clear sentence."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from jaxpe.errors import UnknownName, UserError

T = TypeVar("T")


def call_user_code(function: Callable[[], T], what: str) -> T:
    """The result of function(). Any exception becomes a UserError that names the user's file and line."""
    try:
        return function()
    except UserError:
        raise
    except (Exception, SystemExit) as error:
        raise UserError(f"{what}: {type(error).__name__}: {get_first_line(error)}{locate_error(error)}.") from error


def get_first_line(error: BaseException) -> str:
    """The first line of an error's message, at most 300 characters, without a full stop at the end."""
    return (str(error).strip().splitlines() or ["no message"])[0][:300].rstrip(".")


def locate_error(error: BaseException) -> str:
    """' (file.py, line n)' of the innermost frame that belongs neither to jaxpe nor to a library, or ''."""
    if isinstance(error, SyntaxError) and error.filename:
        return f" ({Path(error.filename).name}, line {error.lineno})"
    package = str(Path(__file__).parent)
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if not frame.filename.startswith((package, "<")) and not {"site-packages", "importlib"} & set(
            Path(frame.filename).parts
        ):
            return f" ({Path(frame.filename).name}, line {frame.lineno})"
    return ""


def split_name(name: str) -> tuple[Path, str]:
    """'path/file.py:Class' as (path, 'Class'). Raises UserError where it has no class, or there is no such file."""
    file, _, attribute = name.rpartition(":")
    if not file or not attribute:
        raise UserError(f"{name!r} does not name a class: write path/to/file.py:Class.")
    path = Path(file).expanduser()
    if not path.is_file():
        raise UserError(f"There is no file {file!r}: give the path to a Python file, as path/to/file.py:Class.")
    return path, attribute


@cache
def load_file(path: Path) -> ModuleType:
    """The module of a Python file, imported once under a unique name. Raises UserError where the import fails."""
    name = f"jaxpe_user_{path.stem}_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:8]}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UserError(f"{path.name} is not a Python file: its name must end in .py.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    call_user_code(lambda: spec.loader.exec_module(module), f"{path.name} could not be imported")  # type: ignore[union-attr]
    return module


def load_object(name: str) -> Any:
    """The object that 'path/to/file.py:Name' names. Raises UserError where the file does not define it."""
    path, attribute = split_name(name)
    module = load_file(path)
    if not hasattr(module, attribute):
        classes = [key for key, value in vars(module).items() if isinstance(value, type)]
        raise UnknownName(f"class in {path.name}", attribute, classes)
    return getattr(module, attribute)


def locate_class(kind: type) -> str:
    """'file.py, line n', where a class is defined."""
    return f"{Path(str(inspect.getsourcefile(kind))).name}, line {inspect.getsourcelines(kind)[1]}"


def hash_class_source(kind: type) -> str:
    """SHA-256 of the file that defines a class."""
    return hashlib.sha256(Path(inspect.getfile(kind)).read_bytes()).hexdigest()
