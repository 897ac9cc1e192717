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
from jaxtyping import Shaped
from numpy import ndarray
from numpy.typing import DTypeLike

from jaxpe.errors import UserError

MAX_ARRAYS = 2**17  # of a file: each takes about 1 kB of memory before it is read


class StoredArray(NamedTuple):
    """An array that is still in its file."""

    shape: tuple[int, ...]
    read: Callable[[], Shaped[ndarray, "*shape"]]


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
    except MemoryError as error:
        raise UserError(f"{path} needs more memory than there is: give a smaller file.") from error
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


def check_count(count: int) -> None:
    """Raises ValueError for more arrays than any model has."""
    if count > MAX_ARRAYS:
        raise ValueError(f"it has more than {MAX_ARRAYS} arrays")


def read_number(file: BinaryIO, kind: str) -> int:
    """The next integer, its type as in `struct`."""
    (number,) = struct.unpack(f"<{kind}", file.read(struct.calcsize(f"<{kind}")))
    return int(number)


def read_at(path: Path, offset: int, dtype: DTypeLike, shape: tuple[int, ...]) -> Shaped[ndarray, "*shape"]:
    """An array at an offset of a file. Raises ValueError if the file has fewer numbers."""
    kind = np.dtype(dtype)
    size = math.prod(shape) * kind.itemsize
    if size > path.stat().st_size - offset:
        raise ValueError("it ends too early")
    return np.fromfile(path, np.uint8, size, offset=offset).view(kind).reshape(shape)


def squeeze_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """A shape without dimensions of length 1, the first of them first, as long as two dimensions are left."""
    kept = list(shape)
    while len(kept) > 2 and 1 in kept:
        kept.remove(1)
    return tuple(kept)
