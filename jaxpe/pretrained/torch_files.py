"""Tensors of PyTorch files, read one at a time. Both layouts: a zip archive (PyTorch 1.6 and later: `NAME/data.pkl` and a
member for each storage, none of them compressed), and the older one, five pickles followed by the bytes of the storages.
"""

from __future__ import annotations

import io
import math
import mmap
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO, cast

import numpy as np
from jaxtyping import Shaped
from numpy import ndarray

from jaxpe.errors import UserError
from jaxpe.pretrained.stored_arrays import Content, StoredArray, check_count, read_at
from jaxpe.pretrained.torch_pickle import PickleReader
from jaxpe.pretrained.torch_tensors import Storage, Tensor, name_tensors

MAGIC = 0x1950A86A20F9469CFC6C  # the first pickle of the older layout
ARCHIVE = b"PK\3\4"
MAX_EXPANDED = 2**20  # numbers of a tensor that is larger than its storage
ReadStorage = Callable[[Storage], Shaped[ndarray, "N"]]


def read_torch(path: Path) -> Content:
    """The tensors of a file by name, also those of nested dictionaries, not read yet. Nothing is executed.

    Raises UserError for a file that asks for more than tensors, ValueError for a damaged one.
    """
    with path.open("rb") as file:
        is_archive = file.read(len(ARCHIVE)) == ARCHIVE
    described, read_storage = open_archive(path) if is_archive else open_older(path)
    tensors = name_tensors(described)
    check_count(len(tensors))
    arrays = {
        name: StoredArray(tensor.shape, partial(read_view, f"{name} of {path}", tensor, read_storage))
        for name, tensor in tensors.items()
    }
    return arrays, {}


def open_archive(path: Path) -> tuple[object, ReadStorage]:
    """What the pickle of a zip archive describes, and a reader of its storages."""
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        main = next((name for name in names if name.rpartition("/")[2] == "data.pkl"), None)
        if main is None:
            raise UserError(f"{path} is a zip archive without the member data.pkl: give a file that torch.save wrote.")
        folder = main.removesuffix("data.pkl")
        order = f"{folder}byteorder"
        if order in names and read_member(path, archive, order).strip() == b"big":
            raise UserError(f"{path} was written on a big-endian machine: save it again on another one.")
        described = PickleReader(str(path)).read(io.BytesIO(read_member(path, archive, main)))

    def read_storage(storage: Storage) -> Shaped[ndarray, "N"]:
        with zipfile.ZipFile(path) as archive:
            return np.frombuffer(
                read_member(path, archive, f"{folder}data/{storage.key}"), storage.dtype, storage.length
            )

    return described, read_storage


def read_member(path: Path, archive: zipfile.ZipFile, name: str) -> bytes:
    """A member of an archive. Raises UserError if it is compressed: a small file could hold any number of bytes."""
    member = archive.getinfo(name)
    if member.compress_type != zipfile.ZIP_STORED:
        raise UserError(
            f"{path} is compressed, which torch.save never does: unpack it, or save it again with torch.save."
        )
    if not 0 <= member.file_size == member.compress_size <= path.stat().st_size:
        raise ValueError(f"the member {name} is longer than the file")
    return archive.read(member)


def open_older(path: Path) -> tuple[object, ReadStorage]:
    """The same of the older layout: magic number, protocol, machine, tensors, keys; then count and numbers of each storage."""
    places = dict[str, tuple[int, int]]()  # where a storage begins, and its bytes
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        reader = PickleReader(str(path))
        if reader.read(cast(IO[bytes], content)) != MAGIC:
            raise UserError(f"{path} is not a file of weights, but another pickle: give a file that torch.save wrote.")
        _, machine, described, keys = (reader.read(cast(IO[bytes], content)) for _ in range(4))
        if not isinstance(keys, list):
            raise ValueError("no list of storages")
        if isinstance(machine, dict) and machine.get("little_endian") is False:
            raise UserError(f"{path} was written on a big-endian machine: save it again on another one.")
        offset = content.tell()
        for key in keys:
            count = int.from_bytes(content[offset : offset + 8], "little")
            size = count * reader.storages[key].dtype.itemsize
            places[key] = offset + 8, size
            offset += 8 + size
        if offset > len(content):
            raise ValueError("it ends too early")

    def read_storage(storage: Storage) -> Shaped[ndarray, "N"]:
        start, size = places[storage.key]
        if storage.length * storage.dtype.itemsize > size:
            raise ValueError(f"the storage {storage.key} is shorter than the pickle says")
        return read_at(path, start, storage.dtype, (storage.length,))

    return described, read_storage


def read_view(name: str, tensor: Tensor, read_storage: ReadStorage) -> Shaped[ndarray, "*shape"]:
    """The numbers of a tensor. Raises UserError if its shape or strides leave the storage, or repeat it too often."""
    size = math.prod(tensor.shape)
    if not size:
        return np.zeros(tensor.shape, tensor.storage.dtype)
    values = read_storage(tensor.storage)
    last = tensor.offset + sum((n - 1) * step for n, step in zip(tensor.shape, tensor.strides, strict=True))
    if last >= len(values):
        raise UserError(f"{name} reaches beyond its storage: it was not loaded.")
    if size > max(len(values), MAX_EXPANDED):
        raise UserError(f"{name} repeats its storage of {len(values)} numbers {size} times: it was not loaded.")
    strides = [step * values.itemsize for step in tensor.strides]
    return np.lib.stride_tricks.as_strided(values[tensor.offset :], tensor.shape, strides).copy()
