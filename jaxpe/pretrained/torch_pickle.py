"""Tensors of a PyTorch file without PyTorch, and without executing its pickle.

A pickle is a program: loading it calls what it names. Here it may name an ordered dictionary, the types of storages, and the
one function that describes a tensor; anything else is refused. Both layouts are read: a zip archive (PyTorch 1.6 and later:
`NAME/data.pkl` and one file for each storage), and the older one, five pickles followed by the bytes of the storages.
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
from numpy import ndarray

from jaxpe.errors import UserError

MAGIC = 0x1950A86A20F9469CFC6C  # the first pickle of the older layout
DTYPES = {
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
}
ReadStorage = Callable[[str, str, int], ndarray]  # (key, dtype, count) -> its values


class Tensor(NamedTuple):
    """A view of a storage that is not read yet."""

    storage: tuple[str, str, int]  # key, dtype, count
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def describe_tensor(storage: Any, offset: int, shape: Any, strides: Any, *_: Any) -> Tensor:
    """Takes the place of torch._utils._rebuild_tensor_v2."""
    return Tensor(tuple(storage), offset, tuple(shape), tuple(strides))


ALLOWED: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): describe_tensor,
} | {("torch", name): dtype for name, dtype in DTYPES.items()}


class RestrictedUnpickler(pickle.Unpickler):
    """Resolves no names but those of `ALLOWED`."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ALLOWED:
            raise UserError(f"The file asks for {module}.{name}, which no tensor needs: it was not loaded.")
        return ALLOWED[module, name]

    def persistent_load(self, saved: Any) -> tuple[str, str, int]:
        _, dtype, key, _, count = saved[:5]
        return str(key), str(dtype), int(count)


def read_tensors(content: bytes) -> dict[str, ndarray]:
    """The tensors of a file by name. Raises UserError if it is damaged, or asks for more than tensors."""
    try:
        is_archive = zipfile.is_zipfile(io.BytesIO(content))
        described, read_storage = open_archive(content) if is_archive else open_older(content)
        tensors = {name: value for name, value in described.items() if isinstance(value, Tensor)}
        return {name: read_view(tensor, read_storage) for name, tensor in tensors.items()}
    except UserError:
        raise
    except Exception as error:
        raise UserError(
            f"This is not a complete file of PyTorch tensors ({type(error).__name__}): download it again."
        ) from error


def open_archive(content: bytes) -> tuple[Any, ReadStorage]:
    """The described tensors of a zip archive, and a reader of its storages."""
    archive = zipfile.ZipFile(io.BytesIO(content))
    main = next(name for name in archive.namelist() if name.endswith("/data.pkl"))
    folder = main.removesuffix("data.pkl") + "data/"

    def read_storage(key: str, dtype: str, count: int) -> ndarray:
        return np.frombuffer(archive.read(folder + key), dtype, count)

    return RestrictedUnpickler(io.BytesIO(archive.read(main))).load(), read_storage


def open_older(content: bytes) -> tuple[Any, ReadStorage]:
    """The same of the older layout: magic number, protocol, machine, tensors, keys; then count and bytes of each storage."""
    file = io.BytesIO(content)
    magic, _, _, described, keys = (RestrictedUnpickler(file).load() for _ in range(5))
    if magic != MAGIC:
        raise ValueError("not the magic number")
    dtypes = {tensor.storage[0]: tensor.storage[1] for tensor in described.values() if isinstance(tensor, Tensor)}
    storages, offset = {}, file.tell()
    for key in keys:
        count = int.from_bytes(content[offset : offset + 8], "little")
        storages[key] = np.frombuffer(content, dtypes[key], count, offset + 8)
        offset += 8 + storages[key].nbytes

    def read_storage(key: str, dtype: str, count: int) -> ndarray:
        return storages[key]

    return described, read_storage


def read_view(tensor: Tensor, read_storage: ReadStorage) -> ndarray:
    """The numbers of a tensor. Raises UserError if its shape or strides leave the storage."""
    values = read_storage(*tensor.storage)
    last = tensor.offset + sum((n - 1) * step for n, step in zip(tensor.shape, tensor.strides, strict=True))
    numbers = (tensor.offset, *tensor.shape, *tensor.strides)
    if min(numbers) < 0 or last >= len(values) or math.prod(tensor.shape) > len(values):
        raise UserError("A tensor of the file reaches beyond its storage: it was not loaded.")
    strides = [step * values.itemsize for step in tensor.strides]
    return np.lib.stride_tricks.as_strided(values[tensor.offset :], tensor.shape, strides).copy()
