"""Arrays and keys of GGUF files (llama.cpp), and the rotary configuration that the keys state.

Layout: ggml-org/ggml `docs/gguf.md`. "GGUF", u32 version, u64 number of arrays, u64 number of keys; each key a string, u32
type, value; each array a string, u32 rank, u64 dimensions (the fastest first), u32 type, u64 offset; then, aligned, the
numbers. A string: u64 length, characters. A list of values: u32 type, u64 count, values. Quantized arrays are read by the
library `gguf`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import ml_dtypes
import numpy as np
from jaxtyping import Float, Shaped
from numpy import ndarray

from jaxpe.errors import UserError
from jaxpe.pretrained.stored_arrays import (
    Content,
    StoredArray,
    check_count,
    import_library,
    read_at,
    read_bytes,
    read_number,
)

VERSIONS = (2, 3)
KEY_TYPES = {  # by number, of a key's value
    0: "u1", 1: "i1", 2: "<u2", 3: "<i2", 4: "<u4", 5: "<i4", 6: "<f4", 7: "?", 10: "<u8", 11: "<i8", 12: "<f8",
}  # fmt: skip
STRING, LIST = 8, 9  # the other types
ARRAY_TYPES = {  # by number, of arrays that are not quantized
    0: "<f4", 1: "<f2", 24: "i1", 25: "<i2", 26: "<i4", 27: "<i8", 28: "<f8", 30: ml_dtypes.bfloat16,
}  # fmt: skip
MAX_RANK = 8


class Rotary(NamedTuple):
    """Positions as rotations: pair i of a head's first `dimensions` turns by position · base^(-2i/dimensions) / factors[i].

    RoFormer: Su et al. 2021, arXiv:2104.09864. `scaling` is none, linear (positions / `factor`), yarn (arXiv:2309.00071), or
    longrope. `trained_length` is the context before scaling, or the only one stated.
    """

    base: float
    dimensions: int
    scaling: str
    factor: float
    trained_length: int | None
    factors: Float[ndarray, "F"] | None  # one per pair, as in Llama 3.1 and later


def describe_rotary(rotary: Rotary | None) -> str:
    """'base 500000, 64 dimensions, scaling yarn, factor 4'."""
    if rotary is None:
        return "not described further"
    scaling = rotary.scaling if rotary.factors is None else "one factor per pair"
    return f"base {rotary.base:g}, {rotary.dimensions} dimensions, scaling {scaling}, factor {rotary.factor:g}"


def read_gguf(path: Path) -> Content:
    """The arrays of a file, not read yet, and its keys without those of the tokenizer. Raises ValueError for a damaged one."""
    size, notes = path.stat().st_size, dict[str, Any]()
    with path.open("rb") as file:
        file.seek(4)
        version, array_count, key_count = (read_number(file, kind) for kind in "IQQ")
        if version not in VERSIONS:
            raise ValueError(f"its version is {version}, known are 2 and 3")
        check_count(array_count)
        for _ in range(key_count):
            name, kind = read_text(file, size), read_number(file, "I")
            if name.startswith("tokenizer."):
                skip_value(file, size, kind)
            else:
                notes[name] = read_value(file, size, kind)
        headers = [read_array_header(file, size) for _ in range(array_count)]
        start = file.tell()
    alignment = notes.get("general.alignment", 32)
    if not isinstance(alignment, int) or alignment < 1:
        raise ValueError(f"its alignment is {alignment}")
    start += -start % alignment
    return {header.name: locate_array(path, start, header) for header in headers}, notes


def read_text(file: BinaryIO, size: int) -> str:
    """The next string."""
    return read_bytes(file, size, read_number(file, "Q")).decode()


def read_value(file: BinaryIO, size: int, kind: int) -> Any:
    """The next value of a type: a number, a string or a list."""
    if kind == STRING:
        return read_text(file, size)
    if kind == LIST:
        kind, count = read_number(file, "I"), read_number(file, "Q")
        if kind not in KEY_TYPES:
            return [read_value(file, size, kind) for _ in range(count)]
        return np.frombuffer(
            read_bytes(file, size, count * np.dtype(KEY_TYPES[kind]).itemsize), KEY_TYPES[kind]
        ).tolist()
    if kind not in KEY_TYPES:
        raise ValueError(f"a value of the unknown type {kind}")
    return np.frombuffer(read_bytes(file, size, np.dtype(KEY_TYPES[kind]).itemsize), KEY_TYPES[kind]).tolist()[0]


def skip_value(file: BinaryIO, size: int, kind: int) -> None:
    """Moves behind a value."""
    if kind == STRING:
        skip(file, size, read_number(file, "Q"))
    elif kind == LIST:
        kind, count = read_number(file, "I"), read_number(file, "Q")
        if kind in KEY_TYPES:
            skip(file, size, count * np.dtype(KEY_TYPES[kind]).itemsize)
        else:
            for _ in range(count):
                skip_value(file, size, kind)
    elif kind in KEY_TYPES:
        skip(file, size, np.dtype(KEY_TYPES[kind]).itemsize)
    else:
        raise ValueError(f"a value of the unknown type {kind}")


def skip(file: BinaryIO, size: int, count: int) -> None:
    """Moves `count` bytes further. Raises ValueError at the end of the file."""
    if count > size - file.tell():
        raise ValueError("it ends too early")
    file.seek(count, 1)


class ArrayHeader(NamedTuple):
    """What a file says of an array; the offset counts from where the numbers of all arrays begin."""

    name: str
    shape: tuple[int, ...]
    kind: int
    offset: int


def read_array_header(file: BinaryIO, size: int) -> ArrayHeader:
    """The header of the next array."""
    name, rank = read_text(file, size), read_number(file, "I")
    if rank > MAX_RANK:
        raise ValueError(f"an array of {rank} dimensions")
    dimensions = [read_number(file, "Q") for _ in range(rank)]
    return ArrayHeader(name, tuple(reversed(dimensions)), read_number(file, "I"), read_number(file, "Q"))


def locate_array(path: Path, start: int, header: ArrayHeader) -> StoredArray:
    """An array that is not read yet; `start` is where the numbers of a file begin. Raises ValueError if it is not there."""
    name, shape, kind, offset = header
    if kind in ARRAY_TYPES:
        dtype = np.dtype(ARRAY_TYPES[kind])
        if math.prod(shape) * dtype.itemsize > path.stat().st_size - start - offset:
            raise ValueError(f"{name} is cut")
        return StoredArray(shape, partial(read_at, path, start + offset, dtype, shape))
    return StoredArray(shape, partial(read_quantized, path, name, start + offset, shape, kind))


def read_quantized(path: Path, name: str, offset: int, shape: tuple[int, ...], kind: int) -> Shaped[ndarray, "*shape"]:
    """An array as plain numbers. Raises UserError for a type that `gguf` cannot dequantize, ValueError for an unknown one."""
    constants, quants = import_library("gguf.constants"), import_library("gguf.quants")
    quantization = constants.GGMLQuantizationType(kind)
    stored = read_at(path, offset, np.uint8, quants.quant_shape_to_byte_shape(shape, quantization))
    try:
        with np.errstate(all="ignore"):  # infinite numbers are told later
            return np.asarray(quants.dequantize(stored, quantization))
    except NotImplementedError as error:
        raise UserError(
            f"{name} of {path} is quantized as {quantization.name}, which the library gguf cannot read: use a file with "
            "another quantization."
        ) from error


def read_rotary(notes: Mapping[str, Any], factors: Float[ndarray, "F"] | None) -> Rotary | None:
    """The rotary configuration among a file's keys ARCHITECTURE.rope.*; None if they have none."""
    model = notes.get("general.architecture", "")

    def key(name: str, default: Any = None) -> Any:
        return notes.get(f"{model}.{name}", default)

    if not any(name.startswith(f"{model}.rope.") for name in notes):
        return None
    heads = key("attention.head_count")
    width = key("attention.key_length") or (heads and key("embedding_length", 0) // int(np.max(heads)))
    factor = key("rope.scaling.factor") or key("rope.scale_linear")  # the name in older files
    return Rotary(
        base=float(key("rope.freq_base", 10000.0)),
        dimensions=int(key("rope.dimension_count") or width or 0),
        scaling=key("rope.scaling.type", "linear" if factor else "none"),
        factor=float(factor or 1.0),
        trained_length=key("rope.scaling.original_context_length") or key("context_length"),
        factors=factors,
    )
