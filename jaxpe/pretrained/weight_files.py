"""Arrays of weight files by name: safetensors, ONNX, PyTorch, CTranslate2, GGUF. Shapes first, values when asked for.

The first bytes say which one a file is (ONNX has none of its own: there it is the suffix). No count that a file claims is
believed before it was held against the file's size, so that a broken file costs a sentence and no memory.

Layouts: huggingface/safetensors README; ONNX `onnx.proto`; OpenNMT/CTranslate2 `specs/model_spec.py`; ggml-org/ggml
`docs/gguf.md`. All numbers are little-endian.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from jaxtyping import Float, Num
from numpy import ndarray

from jaxpe.errors import UserError


class Stored(NamedTuple):
    """An array that is still in its file."""

    shape: tuple[int, ...]
    read: Callable[[], Num[ndarray, "*shape"]]


class WeightFile(NamedTuple):
    """What a file holds: its arrays, and what it says about them (strings of safetensors, keys of GGUF)."""

    path: Path
    layout: str
    arrays: dict[str, Stored]
    notes: dict[str, Any]


Content = tuple[dict[str, Stored], dict[str, Any]]


@contextmanager
def whole(path: Path, layout: str) -> Iterator[None]:
    """Turns whatever a broken file makes a reader raise into one sentence."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        why = (str(error).strip().splitlines() or [""])[0][:160] or type(error).__name__
        raise UserError(f"{path} is no whole {layout} file ({why}): get it again.") from error


def layout_of(path: Path) -> str:
    """The format of a file, by its first bytes."""
    if path.suffix.lower() == ".onnx":
        return "ONNX"
    with path.open("rb") as file:
        head = file.read(16).ljust(16, b"\xff")
    if head.startswith(b"GGUF"):
        return "GGUF"
    if head.startswith((b"PK\3\4", b"\x80\2")):
        return "PyTorch"
    if head[8:9] == b"{":
        return "safetensors"
    if head[1:4] == b"\0\0\0" and 1 < int.from_bytes(head[4:6], "little") < 256:
        return "CTranslate2"
    raise UserError(f"{path} is no file of weights that can be read: give {', '.join(READERS)}.")


def open_weights(path: Path) -> WeightFile:
    """The arrays of a file, none of them read yet. Raises UserError where it is broken or of another kind."""
    if not path.is_file():
        raise UserError(f"There is no file {path}: give a file of weights, or a name of `jaxpe fetch`.")
    try:
        layout = layout_of(path)
        with whole(path, layout):
            return WeightFile(path, layout, *READERS[layout](path))
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}): check its permissions.") from error


def values(file: WeightFile, name: str) -> Float[ndarray, "*shape"]:
    """One array as float32."""
    with whole(file.path, file.layout):
        return np.asarray(file.arrays[name].read()).astype(np.float32, copy=False)


def optional(module: str) -> Any:
    """A reader's library that jaxpe does not need otherwise."""
    import importlib

    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise UserError(
            f"Reading this file takes the library {module.split('.')[0]}: pip install 'jaxpe[pretrained]'."
        ) from error


# ── libraries that read for us ──────────────────────────────────────────────────────────────────────────────────────


def read_safetensors(path: Path) -> Content:
    from safetensors import safe_open

    file = safe_open(path, "numpy")
    shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    arrays = {name: Stored(shape, partial(file.get_tensor, name)) for name, shape in shapes.items()}
    return arrays, file.metadata() or {}


def read_torch(path: Path) -> Content:
    from jaxpe.pretrained import torch_pickle

    tensors = torch_pickle.read(path.read_bytes())
    return {name: Stored(value.shape, partial(np.asarray, value)) for name, value in tensors.items()}, {}


def read_onnx(path: Path) -> Content:
    """The initialisers of the graph; those in files of their own are found beside it."""
    onnx, helper = optional("onnx"), optional("onnx.numpy_helper")
    found = onnx.load(str(path), load_external_data=False).graph.initializer
    reads = (partial(helper.to_array, one, str(path.parent)) for one in found)
    return {str(one.name): Stored(tuple(one.dims), read) for one, read in zip(found, reads, strict=True)}, {}


# ── formats read here ───────────────────────────────────────────────────────────────────────────────────────────────


def widened(halves: Num[ndarray, "*shape"]) -> Float[ndarray, "*shape"]:
    """bfloat16 as float32: its bits are the upper half."""
    return (halves.astype("<u4") << 16).view("<f4")


def taken(file: BinaryIO, size: int, count: int) -> bytes:
    """The next bytes, if the file, of `size` bytes, has as many."""
    if count > size - file.tell():
        raise ValueError("it ends too early")
    return file.read(count)


def number(file: BinaryIO, kind: str) -> Any:
    (found,) = struct.unpack(f"<{kind}", file.read(struct.calcsize(f"<{kind}")))
    return found


def at_offset(path: Path, offset: int, dtype: str, shape: tuple[int, ...]) -> Num[ndarray, "*shape"]:
    """An array of a file; dtype `bf16` is widened."""
    stored = np.fromfile(path, "<u2" if dtype == "bf16" else dtype, math.prod(shape), offset=offset)
    return (widened(stored) if dtype == "bf16" else stored).reshape(shape)


CTRANSLATE2 = (("<f4", 4), ("<i1", 1), ("<i2", 2), ("<i4", 4), ("<f2", 2), ("bf16", 2))  # by number: dtype, bytes


def read_ctranslate2(path: Path) -> Content:
    """u32 version, string spec, u32 revision, u32 count; then each array, u32 count, and aliases: two strings each."""
    size, found = path.stat().st_size, {}
    with path.open("rb") as file:
        version = number(file, "I")
        if not 4 <= version <= 6:
            raise ValueError(f"its version is {version}, known are 4 to 6")
        short_text(file, size), number(file, "I")
        for _ in range(number(file, "I")):
            name = short_text(file, size)
            found[name] = ctranslate2_array(path, file, size)
        found |= {name: unscaled(found[name], found[f"{name}_scale"]) for name in found if f"{name}_scale" in found}
        for _ in range(number(file, "I")):
            alias, name = short_text(file, size), short_text(file, size)
            found[alias] = found[name]
    return found, {}


def short_text(file: BinaryIO, size: int) -> str:
    """u16 length with the NUL at the end, characters."""
    return taken(file, size, number(file, "H")).rstrip(b"\0").decode()


def ctranslate2_array(path: Path, file: BinaryIO, size: int) -> Stored:
    """u8 rank, u32 dimensions, u8 dtype, u32 bytes, data; the file is left behind it."""
    shape = tuple(number(file, "I") for _ in range(number(file, "B")))
    dtype, width = CTRANSLATE2[number(file, "B")]
    length = number(file, "I")
    offset = file.tell()
    if math.prod(shape) * width != length or length > size - offset:
        raise ValueError(f"an array of {length} bytes where {shape} needs {math.prod(shape) * width}")
    file.seek(length, 1)
    return Stored(shape, partial(at_offset, path, offset, dtype, shape))


def unscaled(weight: Stored, scale: Stored) -> Stored:
    """Integers that stand for numbers times a scale, one of each row or one for all."""

    def read() -> Num[ndarray, "*shape"]:
        return weight.read() / scale.read().reshape(-1, *[1] * (len(weight.shape) - 1))

    return Stored(weight.shape, read)


def read_gguf(path: Path) -> Content:
    from jaxpe.pretrained import gguf_files

    return gguf_files.read(path)


READERS: dict[str, Callable[[Path], Content]] = {
    "safetensors": read_safetensors,
    "ONNX": read_onnx,
    "PyTorch": read_torch,
    "CTranslate2": read_ctranslate2,
    "GGUF": read_gguf,
}
