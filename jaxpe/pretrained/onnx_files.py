"""Arrays of ONNX graphs: its initializers, also those in files of their own.

Layout: ONNX `onnx.proto`, in protobuf's wire format: fields of a number and a kind, with a varint, 4 or 8 bytes, or a length
and as many bytes. Names and shapes are found here, so that a file is not held in memory; numbers are read by `onnx`.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Shaped
from numpy import ndarray

from jaxpe.pretrained.stored_arrays import Content, StoredArray, check_count, import_library

GRAPH, INITIALIZER, DIMENSIONS, NAME = 7, 5, 1, 8  # fields of a model, a graph, and a tensor
VARINT, EIGHT_BYTES, BYTES, FOUR_BYTES = 0, 1, 2, 5  # kinds


class Field(NamedTuple):
    """A field: where its bytes are, or the value of a varint."""

    number: int
    kind: int
    start: int
    stop: int
    value: int


def read_onnx(path: Path) -> Content:
    """The initializers of a graph, not read yet. Raises ValueError for a damaged file."""
    import_library("onnx")
    arrays = dict[str, StoredArray]()
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        for graph in walk_fields(content, 0, len(content)):
            if (graph.number, graph.kind) == (GRAPH, BYTES):
                for field in walk_fields(content, graph.start, graph.stop):
                    if (field.number, field.kind) == (INITIALIZER, BYTES):
                        name, shape = read_header(content, field)
                        check_count(len(arrays))
                        arrays[name] = StoredArray(shape, partial(read_initializer, path, field.start, field.stop))
    return arrays, {}


def walk_fields(content: mmap.mmap, start: int, stop: int) -> Iterator[Field]:
    """The fields of a message that lies between two places. Raises ValueError if they do not fit in."""
    while start < stop:
        key, start = read_varint(content, start, stop)
        number, kind, value = key >> 3, key & 7, 0
        if kind == VARINT:
            value, end = read_varint(content, start, stop)
        elif kind == BYTES:
            length, start = read_varint(content, start, stop)
            end = start + length
        elif kind in (EIGHT_BYTES, FOUR_BYTES):
            end = start + (8 if kind == EIGHT_BYTES else 4)
        else:
            raise ValueError(f"a field of the unknown kind {kind}")
        if end > stop:
            raise ValueError("it ends too early")
        yield Field(number, kind, start, end, value)
        start = end


def read_varint(content: mmap.mmap, start: int, stop: int) -> tuple[int, int]:
    """A number in groups of seven bits, the lowest first, and where it ends. Raises ValueError if it has more than 64."""
    value = 0
    for place in range(start, min(start + 10, stop)):
        value |= (content[place] & 127) << 7 * (place - start)
        if content[place] < 128:
            return value, place + 1
    raise ValueError("a number that does not end")


def read_header(content: mmap.mmap, tensor: Field) -> tuple[str, tuple[int, ...]]:
    """Name and shape of a tensor."""
    name, shape = "", list[int]()
    for field in walk_fields(content, tensor.start, tensor.stop):
        if (field.number, field.kind) == (NAME, BYTES):
            name = content[field.start : field.stop].decode()
        elif (field.number, field.kind) == (DIMENSIONS, VARINT):
            shape.append(field.value)
        elif (field.number, field.kind) == (DIMENSIONS, BYTES):  # packed
            start = field.start
            while start < field.stop:
                value, start = read_varint(content, start, field.stop)
                shape.append(value)
    return name, tuple(shape)


def read_initializer(path: Path, start: int, stop: int) -> Shaped[ndarray, "*shape"]:
    """The numbers of a tensor that lies between two places of a file."""
    onnx, helper = import_library("onnx"), import_library("onnx.numpy_helper")
    with path.open("rb") as file:
        file.seek(start)
        tensor = onnx.TensorProto.FromString(file.read(stop - start))
    return np.asarray(helper.to_array(tensor, str(path.parent)))
