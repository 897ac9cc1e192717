"""GGUF files of llama.cpp: keys, arrays, and the rotary configuration that the keys state. Layout: ggml-org/ggml `docs/gguf.md`.

"GGUF", u32 version (2 or 3), u64 arrays, u64 keys; each key a string, u32 type, value; each array a string, u32 rank, u64
dimensions (fastest first), u32 type, u64 offset; then the data, aligned. A string: u64 length, characters. Only arrays of
block-quantised types need the library `gguf`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from jaxpe.pretrained.weight_files import Content, Stored, at_offset, number, optional, taken

NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}  # types of values
STRING, ARRAY = 8, 9
DTYPES = {0: "<f4", 1: "<f2", 30: "bf16"}  # types of arrays that are not quantised in blocks
ALIGNMENT = 32


class Rotary(NamedTuple):
    """Positions as rotations: pair i of a head's first `dimensions` turns by position · base^(-2i/dimensions) / factors[i].

    RoFormer: Su et al. 2021, arXiv:2104.09864. `scaling` is none, linear (positions / `factor`), yarn (arXiv:2309.00071) or
    longrope; `trained_length` is the context before scaling, or the only one stated.
    """

    base: float
    dimensions: int
    scaling: str
    factor: float
    trained_length: int | None
    factors: Float[ndarray, F] | None  # of Llama 3.1 and later, which scales every pair by itself


def described(rotary: Rotary | None) -> str:
    if rotary is None:
        return "not stated further"
    scaling = rotary.scaling if rotary.factors is None else "one factor a pair"
    return f"base {rotary.base:g}, {rotary.dimensions} dimensions, scaling {scaling}, factor {rotary.factor:g}"


def read(path: Path) -> Content:
    """The arrays and the keys of a file."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(4)
        version = number(file, "I")
        if version not in (2, 3):
            raise ValueError(f"its version is {version}, known are 2 and 3")
        arrays, keys = number(file, "Q"), number(file, "Q")
        notes = dict(key_of(file, size) for _ in range(keys))
        entries = [entry_of(file, size) for _ in range(arrays)]
        alignment = int(notes.get("general.alignment", ALIGNMENT))
        start = -(-file.tell() // alignment) * alignment
    return {name: stored(path, size, start + offset, kind, shape) for name, shape, kind, offset in entries}, notes


def text(file: BinaryIO, size: int) -> str:
    return taken(file, size, number(file, "Q")).decode()


def key_of(file: BinaryIO, size: int) -> tuple[str, Any]:
    return text(file, size), value_of(file, size, number(file, "I"))


def value_of(file: BinaryIO, size: int, kind: int) -> Any:
    if kind in NUMBERS:
        return number(file, NUMBERS[kind])
    if kind == STRING:
        return text(file, size)
    if kind != ARRAY:
        raise ValueError(f"a value of the unknown type {kind}")
    kind, count = number(file, "I"), number(file, "Q")
    if kind == STRING:
        return [text(file, size) for _ in range(count)]
    dtype = np.dtype(NUMBERS[kind]).newbyteorder("<")
    return np.frombuffer(taken(file, size, count * dtype.itemsize), dtype)


def entry_of(file: BinaryIO, size: int) -> tuple[str, tuple[int, ...], int, int]:
    """Name, shape (slowest first), type and offset of an array."""
    name, rank = text(file, size), number(file, "I")
    if rank > 4:
        raise ValueError(f"{name} has {rank} dimensions")
    shape = tuple(number(file, "Q") for _ in range(rank))[::-1]
    return name, shape, number(file, "I"), number(file, "Q")


def stored(path: Path, size: int, offset: int, kind: int, shape: tuple[int, ...]) -> Stored:
    if kind in DTYPES:
        width = 4 if kind == 0 else 2
        if offset + math.prod(shape) * width > size:
            raise ValueError("it ends too early")
        return Stored(shape, partial(at_offset, path, offset, DTYPES[kind], shape))
    return Stored(shape, partial(dequantised, path, size, offset, kind, shape))


def dequantised(path: Path, size: int, offset: int, kind: int, shape: tuple[int, ...]) -> Float[ndarray, "*shape"]:
    """An array of a block-quantised type, by the library that defines them."""
    gguf, quants = optional("gguf"), optional("gguf.quants")
    quantisation = gguf.GGMLQuantizationType(kind)
    block, width = gguf.GGML_QUANT_SIZES[quantisation]
    row = shape[-1] // block * width
    count = math.prod(shape[:-1]) * row
    if shape[-1] % block or offset + count > size:
        raise ValueError("it ends too early")
    raw = np.fromfile(path, "u1", count, offset=offset)
    return quants.dequantize(raw.reshape(*shape[:-1], row), quantisation)


def rotary(notes: Mapping[str, Any], factors: Float[ndarray, F] | None) -> Rotary | None:
    """The rotary configuration among a file's keys ARCHITECTURE.rope.*; None where they have none."""
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
