"""Files as `torch.save` writes them, in both layouts, without torch.

Stand-ins under PyTorch's names exist while a pickle is written, so that it names them as PyTorch's own would.
"""

import io
import pickle
import sys
import types
import zipfile
from collections import OrderedDict
from contextlib import contextmanager

import ml_dtypes
import numpy as np

MAGIC = 0x1950A86A20F9469CFC6C
KINDS = (
    "Float", "Double", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool", "ComplexFloat", "ComplexDouble",
)  # fmt: skip
KIND_OF = {
    "f4": "Float", "f8": "Double", "f2": "Half", "i8": "Long", "i4": "Int", "i2": "Short", "i1": "Char", "u1": "Byte",
    "b1": "Bool", "c8": "ComplexFloat", "c16": "ComplexDouble",
}  # fmt: skip


def make_function(module, name):
    """A function that a pickle names MODULE.NAME."""

    def stand_in(*_):
        raise NotImplementedError

    stand_in.__module__, stand_in.__name__, stand_in.__qualname__ = module, name, name
    return stand_in


FUNCTIONS = {
    name: make_function("torch._utils", name)
    for name in ("_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3", "_rebuild_parameter")
}
FROM_TYPE = make_function("torch._tensor", "_rebuild_from_type_v2")
STORAGES = {kind: type(f"{kind}Storage", (), {"__module__": "torch"}) for kind in (*KINDS, "Untyped")}


class Size(tuple):
    """torch.Size"""

    __module__ = "torch"

    def __reduce__(self):
        return Size, (tuple(self),)


class Type:
    """torch.uint16 and so on, which is pickled as a name."""

    def __init__(self, name):
        self.name = name

    def __reduce__(self):
        return self.name


@contextmanager
def stand_in_for_torch(types_named=()):
    """Modules called torch while something is pickled."""
    names = ("torch", "torch._utils", "torch._tensor")
    before = {name: sys.modules.get(name) for name in names}
    made = {name: types.ModuleType(name) for name in names}
    made["torch"]._utils, made["torch"]._tensor, made["torch"].Size = made["torch._utils"], made["torch._tensor"], Size
    for name, function in FUNCTIONS.items():
        setattr(made["torch._utils"], name, function)
    made["torch._tensor"]._rebuild_from_type_v2 = FROM_TYPE
    for kind, storage in STORAGES.items():
        setattr(made["torch"], f"{kind}Storage", storage)
    for one in types_named:
        setattr(made["torch"], one.name, one)
        one.__module__ = "torch"
    sys.modules |= made
    try:
        yield
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module


class Kept:
    """A storage: its key in the file, its kind, how many numbers, their bytes."""

    def __init__(self, key, kind, count, raw):
        self.key, self.kind, self.count, self.raw = key, kind, count, raw


class Tensor:
    """An array as a tensor that one of PyTorch's functions rebuilds. Changed fields make views and lies."""

    def __init__(self, array, function="_rebuild_tensor_v2", **changes):
        self.array, self.function, self.changes = np.asarray(array), function, changes

    def describe(self, key):
        array = np.ascontiguousarray(self.array).reshape(self.array.shape)
        kind = "BFloat16" if array.dtype == ml_dtypes.bfloat16 else KIND_OF[array.dtype.str[1:]]
        steps = tuple(step // array.itemsize for step in array.strides)
        fields = {"offset": 0, "shape": self.array.shape, "strides": steps, "count": array.size, "kind": kind}
        fields |= self.changes
        kept = Kept(fields.get("key", key), fields["kind"], fields["count"], fields.get("raw", array.tobytes()))
        return kept, (fields["offset"], fields["shape"], fields["strides"])


class Pickler(pickle.Pickler):
    """Keeps the storages that it meets."""

    def __init__(self, file):
        super().__init__(file, protocol=2)
        self.kept = {}

    def persistent_id(self, value):
        if isinstance(value, Kept):
            return "storage", STORAGES[value.kind], value.key, "cpu", value.count
        return None

    def reducer_override(self, value):
        if not isinstance(value, Tensor):
            return NotImplemented
        if value.function == "_rebuild_parameter":
            return FUNCTIONS[value.function], (Tensor(value.array, **value.changes), True, OrderedDict())
        storage, view = value.describe(str(len(self.kept)))
        self.kept[storage.key] = storage
        if value.function == "_rebuild_from_type_v2":
            inner = FUNCTIONS["_rebuild_tensor_v2"], Size, (storage, *view, False, OrderedDict()), {}
            return FROM_TYPE, inner
        more = {"_rebuild_tensor": (), "_rebuild_tensor_v3": (False, OrderedDict(), value.changes.get("dtype"))}
        return FUNCTIONS[value.function], (storage, *view, *more.get(value.function, (False, OrderedDict())))


def pickle_tensors(thing):
    """The pickle of nested dictionaries with tensors, and the storages by key."""
    file = io.BytesIO()
    pickler = Pickler(file)
    values = thing.values() if isinstance(thing, dict) else ()
    named = [value.changes["dtype"] for value in values if "dtype" in getattr(value, "changes", {})]
    with stand_in_for_torch(named):
        pickler.dump(thing)
    return file.getvalue(), pickler.kept


def encode_archive(thing, compression=zipfile.ZIP_STORED, order=None):
    """The zip layout."""
    described, storages = pickle_tensors(thing)
    members = {"data.pkl": described} | ({"byteorder": order} if order else {})
    return zip_members(members | {f"data/{key}": kept.raw for key, kept in storages.items()}, compression)


def zip_members(members, compression=zipfile.ZIP_STORED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(f"tiny/{name}", content)
    return file.getvalue()


def encode_older(thing, machine=None):
    """The layout before PyTorch 1.6."""
    described, storages = pickle_tensors(thing)
    head = b"".join(pickle.dumps(part, 2) for part in (MAGIC, 1001, machine or {"little_endian": True}))
    content = head + described + pickle.dumps(list(storages), 2)
    for kept in storages.values():
        content += kept.count.to_bytes(8, "little") + kept.raw
    return content
