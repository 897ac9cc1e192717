"""Calls of code of the user's own: its faults become one clear sentence."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from jaxpe.errors import UserError

T = TypeVar("T")


def call_user_code(function: Callable[[], T], what: str) -> T:
    """The result of function(). Any exception becomes a UserError that names the user's file and line."""
    try:
        return function()
    except UserError:
        raise
    except (Exception, SystemExit) as error:
        raise UserError(f"{what}: {type(error).__name__}: {get_first_line(error)}{locate_error(error)}.") from error


CURES = {  # what part of a library's message says what is wrong, and what to do
    " Consider one of the following options": "write nnx.List([…]) or nnx.Dict(…) around modules and parameters",
    " was called on traced array": "use jax.numpy there in place of numpy",
    " got an unexpected keyword argument 'key'": "write def __init__(self, context, *, key), with options after key",
}


def get_first_line(error: BaseException) -> str:
    """The first line of an error's message, at most 300 characters, without a full stop at the end; and a known cure."""
    line = (str(error).strip().splitlines() or ["no message"])[0]
    for part, cure in CURES.items():
        before, separator, _ = line.partition(part)
        if separator:
            return f"{before[:300].rstrip('.')}: {cure}"
    return line[:300].rstrip(".")


def locate_error(error: BaseException) -> str:
    """' (file.py, line n)' of the innermost frame that belongs neither to jaxpe nor to a library, or ''."""
    if isinstance(error, SyntaxError) and error.filename:
        return f" ({Path(error.filename).name}, line {error.lineno})"
    package = str(Path(__file__).parents[1])
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if not frame.filename.startswith((package, "<")) and not {"site-packages", "importlib"} & set(
            Path(frame.filename).parts
        ):
            return f" ({Path(frame.filename).name}, line {frame.lineno})"
    return ""
