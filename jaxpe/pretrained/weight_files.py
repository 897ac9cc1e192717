"""Arrays of weight files by name: safetensors, ONNX, PyTorch, CTranslate2, GGUF. Shapes first, values on demand.

The first bytes of a file say which format it has; ONNX has no such mark and is known by its suffix.
Layouts: huggingface/safetensors README; of the others in `onnx_files`, `torch_files`, `ctranslate2_files`, `gguf_files`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from safetensors import safe_open

from jaxpe.errors import UserError
from jaxpe.pretrained.ctranslate2_files import read_ctranslate2
from jaxpe.pretrained.gguf_files import read_gguf
from jaxpe.pretrained.onnx_files import read_onnx
from jaxpe.pretrained.stored_arrays import Content, StoredArray, WeightFile, check_count, report_damage
from jaxpe.pretrained.torch_files import ARCHIVE, read_torch

PICKLES = range(2, 6)  # protocols


def open_weights(path: Path) -> WeightFile:
    """The arrays of a file, none of them read yet. Raises UserError if it is damaged or of an unknown format."""
    if not path.is_file():
        raise UserError(f"There is no file {path}: give a file of weights, or a name of `jaxpe fetch`.")
    try:
        layout = detect_layout(path)
        with report_damage(path, layout):
            return WeightFile(path, layout, *READERS[layout](path))
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}): check its permissions.") from error


def detect_layout(path: Path) -> str:
    """The format of a file. Raises UserError if it is none of `READERS`."""
    if path.suffix.lower() == ".onnx":
        return "ONNX"
    with path.open("rb") as file:
        head = file.read(16).ljust(16, b"\xff")
    if head.startswith(b"GGUF"):
        return "GGUF"
    if head[8:9] == b"{":  # before pickles, since the length before it can begin like one
        return "safetensors"
    if head.startswith(ARCHIVE) or (head[0] == 0x80 and head[1] in PICKLES):
        return "PyTorch"
    if head[1:4] == b"\0\0\0" and 1 < int.from_bytes(head[4:6], "little") < 256:
        return "CTranslate2"
    raise UserError(f"{path} is not a file of weights in a known format: give {', '.join(READERS)}.")


def read_array(file: WeightFile, name: str) -> Float[ndarray, "*shape"]:
    """One array as float32; a number that is too large becomes infinite. Raises UserError if it has no real numbers."""
    with report_damage(file.path, file.layout), np.errstate(all="ignore"):
        array = np.asarray(file.arrays[name].read())
        if array.dtype.kind in "cOSUMm":
            raise UserError(
                f"{name} of {file.path} holds no real numbers (its type is {array.dtype}): give another array."
            )
        return array.astype(np.float32, copy=False)


def read_safetensors(path: Path) -> Content:
    """Arrays and metadata of a safetensors file."""
    file = safe_open(path, "numpy")
    check_count(len(file.keys()))
    shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    arrays = {name: StoredArray(shape, partial(file.get_tensor, name)) for name, shape in shapes.items()}
    return arrays, file.metadata() or {}


READERS: dict[str, Callable[[Path], Content]] = {
    "safetensors": read_safetensors,
    "ONNX": read_onnx,
    "PyTorch": read_torch,
    "CTranslate2": read_ctranslate2,
    "GGUF": read_gguf,
}
