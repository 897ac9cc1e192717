"""Files that are read back: text of a bounded size, and JSON values of declared types. Faults are one sentence each.

What lies in a results folder may have been cut off, edited or made by somebody else. Each reader says which file is meant,
where in it the fault is, and what to do. A CSV file may also lie there compressed, as NAME.csv.gz.
"""

from __future__ import annotations

import gzip
import json
import math
import os
import types
import zlib
from pathlib import Path
from typing import Any, NoReturn, TypeVar, Union, get_args, get_origin, get_type_hints, is_typeddict

from jaxpe.errors import UserError

T = TypeVar("T")
LARGEST = 64 * 2**20  # bytes
DEEPEST = 50  # lists and objects inside each other
AGAIN = "Restore it, or run its experiment again."
NAMES: dict[Any, str] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    type(None): "null",
}


def exists(path: Path) -> bool:
    """Whether there is anything at a path, be it a file, a compressed CSV file, a folder or a link that leads nowhere.

    Raises UserError where its folder cannot be searched.
    """
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return path.suffix == ".csv" and exists(name_compressed(path))
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({describe(error)}): change its permissions.") from error
    return True


def name_compressed(path: Path) -> Path:
    """Where a CSV file lies if it is compressed."""
    return path.with_name(f"{path.name}.gz")


def read_bytes(path: Path, advice: str = AGAIN) -> bytes:
    """The content of a file, or of the compressed CSV file that stands for it.

    Raises UserError for what is no file, cannot be read, is larger than `LARGEST`, or lies there twice.
    """
    if path.suffix == ".csv" and exists(packed := name_compressed(path)):
        if os.path.lexists(path):
            raise UserError(f"{path} also lies there compressed, as {packed.name}: remove one of the two.")
        return decompress(packed, advice)
    try:
        if not path.is_file():  # neither a folder nor a pipe, which would be waited for
            raise UserError(f"{path} was altered: it is not a file. {advice}")
        if path.stat().st_size > LARGEST:
            raise UserError(f"{path} was altered: it is larger than {LARGEST >> 20} MB. {advice}")
        return path.read_bytes()
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({describe(error)}): change its permissions, or restore it.") from error


def decompress(path: Path, advice: str) -> bytes:
    """The content of a file that gzip wrote. Raises UserError as `read_bytes` does, and where it is no such file."""
    read_bytes(path, advice)
    try:
        with gzip.open(path) as file:
            content = file.read(LARGEST + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path} was altered: it cannot be decompressed ({error}). {advice}") from error
    if len(content) > LARGEST:
        raise UserError(f"{path} was altered: it holds more than {LARGEST >> 20} MB. {advice}")
    return content


def read_text(path: Path, advice: str = AGAIN) -> str:
    """The text of a UTF-8 file without a byte order mark. Raises UserError where it is none."""
    content = read_bytes(path, advice)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{path} was altered: byte {error.start} is not UTF-8 text. {advice}") from error
    if "\0" in text:
        raise UserError(f"{path} was altered: byte {content.index(0)} is 0, which no text has. {advice}")
    return text


def read_typed_json(path: Path, kind: type[T], advice: str = AGAIN) -> T:
    """The value of a JSON file, which has the type `kind`: of `find_mismatch`.

    Raises UserError where the file cannot be read, is not JSON, is nested too deep, or holds a value of another type.
    """
    text = read_text(path, advice)
    try:
        value = json.loads(text, parse_constant=refuse_constant, parse_float=parse_finite)
    except (ValueError, RecursionError) as error:
        fault = "it is nested too deep" if isinstance(error, RecursionError) else f"it is not JSON ({error})"
        raise UserError(f"{path} was altered: {fault}. {advice}") from error
    if fault := "it is nested too deep" if is_deep(value) else find_mismatch(value, kind) or find_surrogate(value):
        raise UserError(f"{path} was altered: {fault}. {advice}")
    return value  # type: ignore[no-any-return]


def find_mismatch(value: Any, kind: Any, place: str = "") -> str:
    """Where a JSON value does not have a type; '' where it has: "entry 3, 'effect': a number is due, not 'high'".

    Types: Any, object, None, bool, int, float (also whole numbers), str, list[…], dict[str, …], unions, and typed dictionaries,
    which may have further keys.
    """
    origin, arguments = get_origin(kind), get_args(kind)
    if kind in (Any, object):
        return ""
    if origin in (Union, types.UnionType):
        faults = [find_mismatch(value, one, place) for one in arguments]
        return "" if "" in faults else faults[0]
    if is_typeddict(kind):
        return find_mismatch_in_object(value, kind, place)
    if origin in (list, dict):
        if not isinstance(value, origin):
            return describe_mismatch(value, "a list" if origin is list else "an object", place)
        entries = enumerate(value, 1) if isinstance(value, list) else value.items()
        for key, entry in entries:
            where = f"entry {key}" if origin is list else repr(key)
            if fault := find_mismatch(entry, arguments[-1], f"{place}, {where}" if place else where):
                return fault
        return ""
    kinds = (int, float) if kind is float else (type(None),) if kind is None else (kind,)
    fits = isinstance(value, kinds) and (kind is bool or not isinstance(value, bool))
    return "" if fits else describe_mismatch(value, NAMES[kinds[-1]], place)


def find_mismatch_in_object(value: Any, kind: Any, place: str) -> str:
    """The first key that a typed dictionary requires and lacks, or whose value has another type."""
    if not isinstance(value, dict):
        return describe_mismatch(value, "an object", place)
    for name, of_name in get_type_hints(kind).items():
        where = f"{place}, {name!r}" if place else repr(name)
        if name in value:
            if fault := find_mismatch(value[name], of_name, where):
                return fault
        elif name in kind.__required_keys__:
            return f"{where} is missing"
    return ""


def describe_mismatch(value: Any, due: str, place: str) -> str:
    """ "'effect': a number is due, not 'high'"; long values are cut."""
    text = "an object" if isinstance(value, dict) else "a list" if isinstance(value, list) else repr(value)
    return f"{place + ': ' if place else ''}{due} is due, not {text if len(text) < 40 else text[:37] + '…'}"


def is_deep(value: Any) -> bool:
    """Whether lists and objects lie inside each other more than `DEEPEST` times."""
    level = [value]
    for _ in range(DEEPEST):
        inner = (list(one.values()) if isinstance(one, dict) else one for one in level if isinstance(one, (list, dict)))
        level = [entry for entries in inner for entry in entries]
    return bool(level)


def find_surrogate(value: Any) -> str:
    """What is wrong with a value whose texts have half of a surrogate pair, which no file in UTF-8 can hold; '' for others."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        return f"it holds half a character ({error.object[error.start]!a})"
    return ""


def parse_finite(text: str) -> float:
    """A float of JSON. Raises ValueError for one that is too large."""
    if math.isinf(value := float(text)):
        raise ValueError(f"{text} is too large a number")
    return value


def refuse_constant(name: str) -> NoReturn:
    """Raises ValueError for NaN and Infinity, which Python reads and JSON does not have."""
    raise ValueError(f"{name} is not a value of JSON")


def describe(error: Exception) -> str:
    """What the system says of an error."""
    return os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
