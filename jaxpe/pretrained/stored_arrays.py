"""What the readers of weight files share: arrays that are still in their file, and errors about damaged files.

A reader checks every count that a file claims against the size of the file before it allocates memory, so that a damaged
file costs an error message and no memory. All numbers are little-endian.
"""

from __future__ import annotations

import importlib
import math
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from jaxtyping import Float, Num
from numpy import ndarray

from jaxpe.errors import UserError


class StoredArray(NamedTuple):
    """An array that is still in its file."""

    shape: tuple[int, ...]
    read: Callable[[], Num[ndarray, "*shape"]]


class WeightFile(NamedTuple):
    """The arrays of a file by name, and its metadata: strings of safetensors, keys of GGUF."""

    path: Path
    layout: str
    arrays: dict[str, StoredArray]
    notes: dict[str, Any]


Content = tuple[dict[str, StoredArray], dict[str, Any]]  # arrays and notes, as a reader returns them


@contextmanager
def report_damage(path: Path, layout: str) -> Iterator[None]:
    """Turns whatever a damaged file makes a reader raise into a UserError of one sentence."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        reason = (str(error).strip().splitlines() or [""])[0][:160] or type(error).__name__
        raise UserError(f"{path} is not a complete {layout} file ({reason}): download it again.") from error


def import_library(name: str) -> ModuleType:
    """A library that only some weight files need. Raises UserError if it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        library = name.split(".")[0]
        raise UserError(f"Reading this file needs the library {library}: pip install 'jaxpe[pretrained]'.") from error


def read_bytes(file: BinaryIO, size: int, count: int) -> bytes:
    """The next `count` bytes of a file of `size` bytes. Raises ValueError if it has fewer."""
    if count > size - file.tell():
        raise ValueError("it ends too early")
    return file.read(count)


def read_number(file: BinaryIO, kind: str) -> int:
    """The next integer, its type as in `struct`."""
    (number,) = struct.unpack(f"<{kind}", file.read(struct.calcsize(f"<{kind}")))
    return int(number)


def read_at(path: Path, offset: int, dtype: str, shape: tuple[int, ...]) -> Num[ndarray, "*shape"]:
    """An array at an offset of a file. dtype "bf16" becomes float32."""
    numbers = np.fromfile(path, "<u2" if dtype == "bf16" else dtype, math.prod(shape), offset=offset)
    return (widen_bfloat16(numbers) if dtype == "bf16" else numbers).reshape(shape)


def widen_bfloat16(halves: Num[ndarray, "*shape"]) -> Float[ndarray, "*shape"]:
    """bfloat16 bits as float32, of which they are the upper half."""
    return (halves.astype("<u4") << 16).view("<f4")
