"""PyTorch files made by the tests in both layouts, and hostile ones: nothing of a pickle is run."""

import io
import os
import pickle
import sys
import types
import zipfile

import numpy as np
import pytest
from weight_tables import POSITIONS, TOKENS

from jaxpe.errors import UserError
from jaxpe.pretrained import models, torch_pickle


def torch_modules(monkeypatch):
    """Stand-ins under PyTorch's names, so that a pickle names them as PyTorch's own would."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    torch.FloatStorage = type("FloatStorage", (), {"__module__": "torch"})
    exec("def _rebuild_tensor_v2(*parts): ...", utils.__dict__)
    utils._rebuild_tensor_v2.__module__ = "torch._utils"
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch._utils", utils)
    return torch, utils


def pickled(torch, utils, tensors):
    """A dictionary of tensors (storage key, count, offset, shape, strides) as PyTorch pickles one."""

    class Saved:
        def __init__(self, *parts):
            self.parts = parts

        def __reduce__(self):
            key, count, *view = self.parts
            return utils._rebuild_tensor_v2, (Stored(key, count), *view, False, {})

    class Stored(tuple):
        def __new__(cls, key, count):
            return super().__new__(cls, ("storage", torch.FloatStorage, key, "cpu", count))

    class Pickler(pickle.Pickler):
        def persistent_id(self, value):
            return tuple(value) if isinstance(value, Stored) else None

    file = io.BytesIO()
    Pickler(file, 2).dump({name: Saved(*parts) for name, parts in tensors.items()})
    return file.getvalue()


def archive_of(content, storages=()):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        made.writestr("tiny/data.pkl", content)
        for key, values in storages:
            made.writestr(f"tiny/data/{key}", values)
    return file.getvalue()


@pytest.mark.parametrize("older", [False, True])
def test_tensors_of_a_torch_file_in_both_layouts(monkeypatch, older):
    values = np.arange(10, dtype=np.float32)
    described = pickled(*torch_modules(monkeypatch), {"w": ("0", 10, 1, (2, 3), (1, 2)), "b": ("0", 10, 9, (), ())})
    if older:
        head = b"".join(pickle.dumps(part, 2) for part in (torch_pickle.MAGIC, 1001, {}))
        content = head + described + pickle.dumps(["0"], 2) + (10).to_bytes(8, "little") + values.tobytes()
    else:
        content = archive_of(described, [("0", values.tobytes())])
    found = torch_pickle.read_tensors(content)
    np.testing.assert_array_equal(found["w"], [[1, 3, 5], [2, 4, 6]])
    assert found["b"] == 9


class Command:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


def test_a_torch_file_that_asks_for_more_than_tensors_is_refused(monkeypatch, tmp_path):
    target = tmp_path / "made"
    for hostile in (pickle.dumps({"w": Command(target)}), b"cos\nsystem\n(S'touch " + str(target).encode() + b"'\ntR."):
        with pytest.raises(UserError, match=r"asks for (posix|nt|os)\.system"):
            torch_pickle.read_tensors(archive_of(hostile))
    assert not target.exists()
    beyond = pickled(*torch_modules(monkeypatch), {"w": ("0", 10, 8, (3,), (1,))})
    with pytest.raises(UserError, match="beyond its storage"):
        torch_pickle.read_tensors(archive_of(beyond, [("0", bytes(40))]))
    with pytest.raises(UserError, match="not a complete file of PyTorch tensors"):
        torch_pickle.read_tensors(b"not a pickle")


def test_tables_are_read_from_a_torch_file_and_a_cut_one_is_one_sentence(monkeypatch, tmp_path):
    tables = {"albert.position_embeddings.weight": POSITIONS, "albert.word_embeddings.weight": TOKENS}
    described = {name: (name, table.size, 0, table.shape, (table.shape[1], 1)) for name, table in tables.items()}
    storages = [(name, table.tobytes()) for name, table in tables.items()]
    content = archive_of(pickled(*torch_modules(monkeypatch), described), storages)
    (tmp_path / "pytorch_model.bin").write_bytes(content)
    model = models.open_model(tmp_path)
    np.testing.assert_array_equal(model.positions, POSITIONS)
    np.testing.assert_array_equal(model.tokens, TOKENS)
    (tmp_path / "pytorch_model.bin").write_bytes(content[:-50])
    with pytest.raises(UserError, match="not a complete file of PyTorch tensors"):
        models.open_model(tmp_path)
