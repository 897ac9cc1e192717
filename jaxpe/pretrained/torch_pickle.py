"""Tensors of a PyTorch file without PyTorch, and without running what a pickle asks to run.

A pickle is a program: loading it calls what it names. Here it may name an ordered dictionary, the types of storages, and the
one function that describes a tensor; anything else is refused. Both layouts are read: a zip archive (PyTorch 1.6 and later:
`NAME/data.pkl` beside one file a storage) and the older one, five pickles followed by the storages' bytes.
"""

from __future__ import annotations

import io
import math
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from jaxpe.errors import UserError

MAGIC = 0x1950A86A20F9469CFC6C  # the first pickle of the older layout
DTYPES = {
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
}
Storages = Callable[[str, str, int], np.ndarray]  # (key, dtype, count) -> its values


class Tensor(NamedTuple):
    """A view of a storage that is not read yet."""

    storage: tuple[str, str, int]  # key, dtype, count
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def describe(storage: Any, offset: int, shape: Any, strides: Any, *_: Any) -> Tensor:
    """What stands for torch._utils._rebuild_tensor_v2."""
    return Tensor(tuple(storage), offset, tuple(shape), tuple(strides))


ALLOWED: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): describe,
} | {("torch", name): dtype for name, dtype in DTYPES.items()}


class Restricted(pickle.Unpickler):
    """Resolves no other names than those of `ALLOWED`."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ALLOWED:
            raise UserError(f"The file asks for {module}.{name}, which no tensor needs: it was not loaded.")
        return ALLOWED[module, name]

    def persistent_load(self, saved: Any) -> tuple[str, str, int]:
        _, dtype, key, _, count = saved[:5]
        return str(key), str(dtype), int(count)


def read(content: bytes) -> dict[str, np.ndarray]:
    """The tensors of a file by name. Raises UserError where it is none, or asks for more than tensors."""
    try:
        archived = zipfile.is_zipfile(io.BytesIO(content))
        described, storages = read_archive(content) if archived else read_older(content)
        tensors = {name: value for name, value in described.items() if isinstance(value, Tensor)}
        return {name: values_of(tensor, storages) for name, tensor in tensors.items()}
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"This is no file of PyTorch tensors ({type(error).__name__}): get it again.") from error


def read_archive(content: bytes) -> tuple[Any, Storages]:
    archive = zipfile.ZipFile(io.BytesIO(content))
    main = next(name for name in archive.namelist() if name.endswith("/data.pkl"))
    folder = main.removesuffix("data.pkl") + "data/"

    def storage(key: str, dtype: str, count: int) -> np.ndarray:
        return np.frombuffer(archive.read(folder + key), dtype, count)

    return Restricted(io.BytesIO(archive.read(main))).load(), storage


def read_older(content: bytes) -> tuple[Any, Storages]:
    """Magic number, protocol, machine, tensors, keys of the storages; then a count and the bytes of each storage."""
    file = io.BytesIO(content)
    magic, _, _, described, keys = (Restricted(file).load() for _ in range(5))
    if magic != MAGIC:
        raise ValueError("not the magic number")
    dtypes = {tensor.storage[0]: tensor.storage[1] for tensor in described.values() if isinstance(tensor, Tensor)}
    found, at = {}, file.tell()
    for key in keys:
        count = int.from_bytes(content[at : at + 8], "little")
        found[key] = np.frombuffer(content, dtypes[key], count, at + 8)
        at += 8 + found[key].nbytes

    def storage(key: str, dtype: str, count: int) -> np.ndarray:
        return found[key]

    return described, storage


def values_of(tensor: Tensor, storages: Storages) -> np.ndarray:
    """The numbers of a tensor, its bounds checked: strides are the file's word."""
    values = storages(*tensor.storage)
    last = tensor.offset + sum((n - 1) * step for n, step in zip(tensor.shape, tensor.strides, strict=True))
    numbers = (tensor.offset, *tensor.shape, *tensor.strides)
    if min(numbers) < 0 or last >= len(values) or math.prod(tensor.shape) > len(values):
        raise UserError("A tensor of the file reaches beyond its storage: it was not loaded.")
    strides = [step * values.itemsize for step in tensor.strides]
    return np.lib.stride_tricks.as_strided(values[tensor.offset :], tensor.shape, strides).copy()
