"""Arrays and keys of GGUF files (llama.cpp), read by the library `gguf`, and the rotary configuration that the keys state.

Layout: ggml-org/ggml `docs/gguf.md`. "GGUF", u32 version, u64 number of arrays, u64 number of keys; each key a string, u32
type, value; then the arrays. A string: u64 length, characters. An array of values: u32 type, u64 count, values.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from jaxtyping import Float, Shaped
from numpy import ndarray

from jaxpe.errors import UserError
from jaxpe.pretrained.stored_arrays import Content, StoredArray, import_library, read_number

SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}  # bytes of a value, by type
STRING, ARRAY = 8, 9  # the other types
MAX_VALUES = 2**21  # in the arrays of a header: `gguf` takes about 700 bytes and 20 µs for each


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
    """The arrays of a file, not read yet, and its keys without those of the tokenizer."""
    gguf = import_library("gguf")
    check_header(path)
    reader = gguf.GGUFReader(path)
    shapes = {tensor.name: tuple(map(int, reversed(tensor.shape))) for tensor in reader.tensors}
    arrays = {t.name: StoredArray(shapes[t.name], partial(read_tensor, path, t)) for t in reader.tensors}
    return arrays, {n: field.contents() for n, field in reader.fields.items() if not n.startswith("tokenizer.")}


def read_tensor(path: Path, tensor: Any) -> Shaped[ndarray, "*shape"]:
    """A copy of a `gguf.ReaderTensor` as plain numbers. Raises UserError for a type that `gguf` cannot dequantize."""
    if tensor.data.dtype != np.uint8:
        return np.array(tensor.data)
    try:
        return np.array(import_library("gguf.quants").dequantize(tensor.data, tensor.tensor_type))
    except NotImplementedError as error:
        raise UserError(
            f"{tensor.name} of {path} is quantized as {tensor.tensor_type.name}, which the library gguf cannot read: "
            "use a file with another quantization."
        ) from error


def check_header(path: Path) -> None:
    """Checks the counts of the header against the size of the file, which `gguf.GGUFReader` does not.

    Raises ValueError if a count is too large for the file, UserError if the header has too many values.
    """
    size, values = path.stat().st_size, 0
    with path.open("rb") as file:
        file.seek(16)
        for _ in range(read_number(file, "Q")):
            skip(file, size, read_number(file, "Q"))
            values += skip_value(file, size, read_number(file, "I"))
            if values > MAX_VALUES:
                raise UserError(
                    f"The header of {path} has more than {MAX_VALUES} values, which takes too much memory: use a "
                    "safetensors file of this model."
                )


def skip(file: BinaryIO, size: int, count: int) -> None:
    """Moves `count` bytes further. Raises ValueError at the end of the file."""
    if count > size - file.tell():
        raise ValueError("it ends too early")
    file.seek(count, 1)


def skip_value(file: BinaryIO, size: int, kind: int) -> int:
    """Moves behind a value, and returns how many values it holds."""
    if kind == STRING:
        skip(file, size, read_number(file, "Q"))
    elif kind == ARRAY:
        kind, count = read_number(file, "I"), read_number(file, "Q")
        if kind not in SIZES:
            return sum(skip_value(file, size, kind) for _ in range(count))
        skip(file, size, count * SIZES[kind])
        return count
    elif kind in SIZES:
        skip(file, size, SIZES[kind])
    else:
        raise ValueError(f"a value of the unknown type {kind}")
    return 1


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
