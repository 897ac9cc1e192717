"""Tensors as PyTorch's pickles describe them: the names that may occur, and what each of them stands for.

A call of a function that rebuilds a tensor becomes a description of that tensor; calls of other names that ordinary
checkpoints hold (`OPAQUE`) become a placeholder. Nothing is imported or called.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import ml_dtypes
import numpy as np

MAX_DEPTH = 16  # of dictionaries and lists in which tensors are looked for
MAX_LETTERS = 2**24  # of all names of tensors
STORAGES: dict[str, np.dtype] = {
    "Float": np.dtype("<f4"), "Double": np.dtype("<f8"), "Half": np.dtype("<f2"), "BFloat16": np.dtype(ml_dtypes.bfloat16),
    "Long": np.dtype("<i8"), "Int": np.dtype("<i4"), "Short": np.dtype("<i2"), "Char": np.dtype("i1"),
    "Byte": np.dtype("u1"), "Bool": np.dtype("?"), "ComplexFloat": np.dtype("<c8"), "ComplexDouble": np.dtype("<c16"),
    "QInt8": np.dtype("i1"), "QUInt8": np.dtype("u1"), "QInt32": np.dtype("<i4"), "Untyped": np.dtype("u1"),
}  # fmt: skip
DTYPES: dict[str, np.dtype] = {
    "float32": np.dtype("<f4"), "float64": np.dtype("<f8"), "float16": np.dtype("<f2"),
    "bfloat16": np.dtype(ml_dtypes.bfloat16), "float8_e4m3fn": np.dtype(ml_dtypes.float8_e4m3fn),
    "float8_e5m2": np.dtype(ml_dtypes.float8_e5m2), "int64": np.dtype("<i8"), "int32": np.dtype("<i4"),
    "int16": np.dtype("<i2"), "int8": np.dtype("i1"), "uint64": np.dtype("<u8"), "uint32": np.dtype("<u4"),
    "uint16": np.dtype("<u2"), "uint8": np.dtype("u1"), "bool": np.dtype("?"), "complex64": np.dtype("<c8"),
    "complex128": np.dtype("<c16"),
}  # fmt: skip
OPAQUE = {
    "argparse.Namespace", "copyreg._reconstructor", "copy_reg._reconstructor", "_codecs.encode", "types.SimpleNamespace",
    "numpy.ndarray", "numpy.dtype", "torch.device", "torch.Tensor", "torch.FloatTensor", "torch.strided",
    "torch.per_tensor_affine", "torch.per_channel_affine", "torch.serialization._get_layout", "torch._utils._rebuild_qtensor",
    "torch._utils._rebuild_sparse_tensor", "torch._utils._rebuild_meta_tensor_no_storage", "datetime.datetime",
    "datetime.timedelta", "datetime.date", "decimal.Decimal", "fractions.Fraction", "uuid.UUID",
    *(f"numpy{core}.multiarray.{name}" for core in (".core", "._core") for name in ("scalar", "_reconstruct")),
    *(f"numpy{core}.numeric._frombuffer" for core in (".core", "._core")),
    *(
        f"{module}.{kind}"
        for module in ("pathlib", "pathlib._local")  # the second is what Python 3.13 writes
        for kind in ("Path", "PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath")
    ),
    *(f"{module}.{name}" for module in ("builtins", "__builtin__")
      for name in ("set", "frozenset", "complex", "bytearray", "bytes", "object", "slice", "range", "xrange", "list",
                   "dict", "tuple", "int", "float", "bool", "str", "unicode", "long")),
}  # fmt: skip


class Storage(NamedTuple):
    """Where the numbers of a tensor lie: a name in the file, and how many of which type."""

    key: str
    dtype: np.dtype
    length: int


class Tensor(NamedTuple):
    """A view of a storage that is not read yet; offset and strides in numbers."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class Name(NamedTuple):
    """MODULE.NAME, as a pickle names what it would import."""

    path: str


class Placeholder(NamedTuple):
    """What a call would make that is no tensor."""

    path: str


def describe_tensor(storage: object, offset: object, shape: object, strides: object, *_: object) -> Tensor:
    """The arguments of torch._utils._rebuild_tensor and _rebuild_tensor_v2. Raises ValueError if they are others."""
    if not (isinstance(storage, Storage) and isinstance(shape, tuple) and isinstance(strides, tuple)):
        raise ValueError("a tensor without a storage, a shape or strides")
    numbers = (offset, *shape, *strides)
    if not all(isinstance(n, int) and n >= 0 for n in numbers) or len(shape) != len(strides):
        raise ValueError("a tensor whose shape or strides are no numbers")
    assert isinstance(offset, int)
    return Tensor(storage, offset, shape, strides)


def describe_typed_tensor(
    storage: object,
    offset: object,
    shape: object,
    strides: object,
    _grad: object,
    _hooks: object,
    dtype: object,
    *_: object,
) -> Tensor:
    """The arguments of torch._utils._rebuild_tensor_v3, which names the type of bytes."""
    tensor = describe_tensor(storage, offset, shape, strides)
    kind = DTYPES.get(dtype.path.removeprefix("torch.")) if isinstance(dtype, Name) else None
    if kind is None:
        raise ValueError(f"a tensor of the type {dtype}")
    size = tensor.storage.length * tensor.storage.dtype.itemsize
    return tensor._replace(storage=Storage(tensor.storage.key, kind, size // kind.itemsize))


def describe_storage(saved: object) -> Storage:
    """The persistent id of a storage: ("storage", type, key, device, count). Raises ValueError for any other."""
    if isinstance(saved, tuple) and len(saved) in (5, 6) and saved[0] == "storage" and saved[5:] in ((), (None,)):
        _, kind, key, _, count = saved[:5]
        name = kind.path.rpartition(".")[2].removesuffix("Storage") if isinstance(kind, Name) else ""
        if name in STORAGES and isinstance(key, str) and isinstance(count, int) and count >= 0:
            return Storage(key, STORAGES[name], count)
    raise ValueError("a storage of an unknown kind")


def keep_first(value: object, *_: object) -> object:
    """A parameter is its tensor."""
    return value


def make_dictionary(items: object = (), *_: object) -> dict[str | int, object]:
    """The dictionary of an OrderedDict: of pairs, or another dictionary."""
    pairs = items.items() if isinstance(items, dict) else items if isinstance(items, list | tuple) else ()
    return collect_items(item for pair in pairs if isinstance(pair, list | tuple) and len(pair) == 2 for item in pair)


def make_empty_dictionary(*_: object) -> dict[str | int, object]:
    """A defaultdict, whose items follow."""
    return {}


def collect_items(values: Iterable[object]) -> dict[str | int, object]:
    """A dictionary of keys and values in turn."""
    pairs = iter(values)
    return {key: value for key, value in zip(pairs, pairs, strict=True) if isinstance(key, str | int)}


BUILDERS: dict[str, Callable[..., object]] = {
    "torch._utils._rebuild_tensor": describe_tensor,
    "torch._utils._rebuild_tensor_v2": describe_tensor,
    "torch._utils._rebuild_tensor_v3": describe_typed_tensor,
    "torch._utils._rebuild_parameter": keep_first,
    "torch._utils._rebuild_parameter_with_state": keep_first,
    "torch.nn.parameter.Parameter": keep_first,
    "torch.nn.parameter.Buffer": keep_first,
    "torch.Size": keep_first,
    "collections.OrderedDict": make_dictionary,
    "collections.Counter": make_dictionary,
    "collections.defaultdict": make_empty_dictionary,
}
FROM_TYPE = "torch._tensor._rebuild_from_type_v2"  # (function, type, arguments, state)
ALLOWED = {
    *BUILDERS, *OPAQUE, FROM_TYPE, "torch.storage.UntypedStorage",
    *(f"torch.{name}Storage" for name in STORAGES), *(f"torch.{name}" for name in DTYPES),
}  # fmt: skip


def rebuild(function: object, arguments: object) -> object:
    """What a call would make: a tensor's description, a dictionary, or a placeholder. Raises ValueError for other calls."""
    if not (isinstance(function, Name) and isinstance(arguments, tuple)):
        raise ValueError("a call of what is no function")
    if function.path == FROM_TYPE and len(arguments) > 2:
        return rebuild(arguments[0], arguments[2])
    builder = BUILDERS.get(function.path)
    return builder(*arguments) if builder else Placeholder(function.path)


def add_items(target: object, items: list[object]) -> None:
    """Adds to a list or a dictionary; a placeholder takes nothing."""
    if isinstance(target, list):
        target.extend(items)
    elif isinstance(target, dict):
        target.update(collect_items(items))


def name_tensors(described: object) -> dict[str, Tensor]:
    """The tensors in nested dictionaries and lists, named by their keys with dots between; a single one is `tensor`.

    A container that is in several places counts in the first only, and those deeper than `MAX_DEPTH` not at all. Raises
    ValueError if the names are longer than `MAX_LETTERS` in all.
    """
    if isinstance(described, Tensor):
        return {"tensor": described}
    named, visited, letters = dict[str, Tensor](), set[int](), 0
    waiting = [("", described, 0)]
    while waiting:
        prefix, container, depth = waiting.pop()
        if id(container) in visited:
            continue
        visited.add(id(container))
        inner = []
        for key, value in list_items(container):
            is_container = isinstance(value, dict | list | tuple) and not isinstance(value, Tensor | Placeholder | Name)
            if isinstance(value, Tensor) or (is_container and depth < MAX_DEPTH):
                name = f"{prefix}{key}"
                letters += len(name)
                if letters > MAX_LETTERS:
                    raise ValueError("names of tensors that are too long")
                if isinstance(value, Tensor):
                    named.setdefault(name, value)
                else:
                    inner.append((f"{name}.", value, depth + 1))
        waiting += reversed(inner)
    return named


def list_items(container: object) -> Iterable[tuple[object, object]]:
    """Keys and values of a dictionary, or numbers and values of a list; nothing of anything else."""
    if isinstance(container, dict):
        return container.items()
    return enumerate(container) if isinstance(container, list | tuple) else ()
