"""What a measurement gives: a `Finding`, and a `PropertyResult` for the card. Faults of the user's code become findings too."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from jaxpe.errors import UserError
from jaxpe.plugins.calls import get_first_line, locate_error


class Finding(NamedTuple):
    """The result of one measurement: the value; the fault where the property does not hold; methods that contain it."""

    measured: str
    fault: str = ""
    methods: tuple[str, ...] = ()


class PropertyResult(NamedTuple):
    """A property: its name, what was measured, and the fault, '' where the property holds."""

    name: str
    measured: str
    fault: str = ""


def run_check(check: Callable[[], Finding], kind: type, required: bool = False) -> Finding:
    """check(), which calls code of a class. Its exceptions become a fault, and every fault gets its file and line.

    Raises UserError as the check does where it is `required`.
    """
    try:
        finding = check()
    except UserError as error:
        if required:
            raise
        return Finding("not measured", str(error).rstrip("."))
    except Exception as error:
        place = locate_error_in_class(error, kind) or locate_error(error)
        return Finding("not measured", f"{type(error).__name__}: {get_first_line(error)}{place}")
    if not finding.fault:
        return finding
    places = {method: locate_method(kind, method) for method in finding.methods}
    where = "; ".join(f"{method}: {place}" for method, place in places.items() if place)
    return finding._replace(fault=f"{finding.fault} ({where})" if where else finding.fault)


def locate_method(kind: type, method: str) -> str:
    """'file.py, line n' of a method or property; '' where there is no source."""
    attribute = inspect.getattr_static(kind, method)
    function: Any = attribute.fget if isinstance(attribute, property) else attribute
    function = inspect.unwrap(function)
    try:
        file, (_, line) = inspect.getsourcefile(function), inspect.getsourcelines(function)
    except (OSError, TypeError):
        return ""
    return f"{Path(str(file)).name}, line {line}"


def locate_error_in_class(error: BaseException, kind: type) -> str:
    """' (file.py, line n)' of the innermost frame in the file of a class, or ''."""
    file = inspect.getsourcefile(kind)
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return f" ({Path(str(file)).name}, line {lines[-1]})" if lines else ""
