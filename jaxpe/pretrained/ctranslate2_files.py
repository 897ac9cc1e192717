"""Arrays of CTranslate2 files (`model.bin` of faster-whisper). Layout: OpenNMT/CTranslate2 `specs/model_spec.py`.

u32 version, string specification, u32 revision, u32 number of arrays; then each array, u32 number of aliases, and for each
alias two strings. A string: u16 length with the NUL at the end, characters. An array: string name, u8 rank, u32
dimensions, u8 type, u32 bytes, data.
"""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import BinaryIO

import ml_dtypes
import numpy as np
from jaxtyping import Shaped
from numpy import ndarray

from jaxpe.pretrained.stored_arrays import Content, StoredArray, check_count, read_at, read_bytes, read_number

VERSIONS = range(4, 7)
TYPES = tuple(map(np.dtype, ("<f4", "<i1", "<i2", "<i4", "<f2", ml_dtypes.bfloat16)))  # by number


def read_ctranslate2(path: Path) -> Content:
    """The arrays of a file. Integer weights are multiplied out with their scales."""
    size = path.stat().st_size
    arrays: dict[str, StoredArray] = {}
    with path.open("rb") as file:
        version = read_number(file, "I")
        if version not in VERSIONS:
            raise ValueError(f"its version is {version}, known are {VERSIONS[0]} to {VERSIONS[-1]}")
        read_text(file, size)
        read_number(file, "I")
        for _ in range(read_number(file, "I")):
            check_count(len(arrays))
            name = read_text(file, size)
            arrays[name] = locate_array(path, file, size)
        scaled = [name for name in arrays if f"{name}_scale" in arrays]
        arrays |= {name: apply_scale(arrays[name], arrays[f"{name}_scale"]) for name in scaled}
        for _ in range(read_number(file, "I")):
            alias, name = read_text(file, size), read_text(file, size)
            arrays[alias] = arrays[name]
    return arrays, {}


def read_text(file: BinaryIO, size: int) -> str:
    """The next string."""
    return read_bytes(file, size, read_number(file, "H")).rstrip(b"\0").decode()


def locate_array(path: Path, file: BinaryIO, size: int) -> StoredArray:
    """The next array, not read yet; leaves the file behind it."""
    shape = tuple(read_number(file, "I") for _ in range(read_number(file, "B")))
    dtype = TYPES[read_number(file, "B")]
    length = read_number(file, "I")
    offset = file.tell()
    if math.prod(shape) * dtype.itemsize != length or length > size - offset:
        raise ValueError(f"an array of {length} bytes where {shape} needs {math.prod(shape) * dtype.itemsize}")
    file.seek(length, 1)
    return StoredArray(shape, partial(read_at, path, offset, dtype, shape))


def apply_scale(weight: StoredArray, scale: StoredArray) -> StoredArray:
    """Integers that stand for numbers times a scale: one scale for each row, or one for all."""

    def read() -> Shaped[ndarray, "*shape"]:
        with np.errstate(all="ignore"):  # infinite numbers are told later
            numbers: ndarray = weight.read() / scale.read().reshape(-1, *[1] * (len(weight.shape) - 1))
        return numbers

    return StoredArray(weight.shape, read)
