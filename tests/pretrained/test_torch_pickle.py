"""Pickles are read and never executed: what they may name, what is refused, and damage."""

import io
import os
import pickle
import struct

import pytest

from jaxpe.errors import UserError
from jaxpe.pretrained import torch_pickle
from jaxpe.pretrained.torch_pickle import PickleReader
from jaxpe.pretrained.torch_tensors import Placeholder


def read(content):
    return PickleReader("m.bin").read(io.BytesIO(content))


VALUES = [
    None, True, False, 0, 255, -1, 70_000, 2**40, -(2**70), 2.5, "text", "déjà", "", b"bytes", (), (1,), (1, 2), (1, 2, 3),
    (1, 2, 3, 4), [], [1, "a", [2.0]], {}, {"a": 1, "b": {"c": [None]}}, {3: "integer keys"}, "x" * 300,
]  # fmt: skip


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_plain_values_are_what_they_are(value, protocol):
    if isinstance(value, bytes) and protocol < 3:  # written as a call of _codecs.encode
        assert read(pickle.dumps(value, protocol)) == Placeholder("_codecs.encode")
    else:
        assert read(pickle.dumps(value, protocol)) == value
        twice = [value, value, [value]]
        assert read(pickle.dumps(twice, protocol)) == twice


class Command:
    """What a hostile pickle runs."""

    def __init__(self, *call):
        self.call = call

    def __reduce__(self):
        return self.call[0], self.call[1:]


def hostile_pickles(target):
    """Pickles that make a file, in every way that a pickle can name and call."""
    touch = f"touch {target}"
    yield from (pickle.dumps({"w": Command(os.system, touch)}, protocol) for protocol in range(6))
    quoted = f"S'{touch}'\n".encode()
    yield b"cos\nsystem\n(" + quoted + b"tR."
    yield b"(cos\nsystem\n" + quoted + b"o."
    yield b"(" + quoted + b"ios\nsystem\n."
    yield pickle.dumps({"w": Command(eval, f"open({str(target)!r}, 'w')")})
    yield b"cposix\nsystem\n."
    yield b"\x80\x04\x8c\x08builtins\x8c\x04exec\x93\x8c\x04pass\x85R."
    yield b"ctorch\nload\n."
    yield b"ctorch._utils\n_rebuild_tensor_v2.__globals__\n."


@pytest.mark.parametrize("number", range(14))
def test_a_name_that_no_tensor_needs_is_refused_and_nothing_runs(tmp_path, number):
    target = tmp_path / "made"
    content = list(hostile_pickles(target))[number]
    with pytest.raises(UserError, match=r"^m\.bin asks for [\w.]+, which no tensor needs: it was not loaded\.$"):
        read(content)
    assert not target.exists()


def test_a_name_that_is_shown_stays_on_one_line():
    with pytest.raises(UserError) as error:
        read(b"\x80\x04\x8c\x03a\nb\x8c\x06\x1b[31m\x07\x93.")
    assert str(error.value).isprintable() and r"a\nb.\x1b[31m" in str(error.value)


DAMAGED = {
    "nothing": b"",
    "no end": pickle.dumps([1, 2])[:-1],
    "an empty stack": b".",
    "a pop beyond the mark": b"]K\x01(\x86.",
    "no mark": b"K\x01t.",
    "a memo that is not there": b"h\x07.",
    "odd items": b"}(K\x01u.",
    "a call of a number": b"K\x01)R.",
    "arguments that are no tuple": b"ccollections\nOrderedDict\nK\x01R.",
    "a long text": b"\x80\x02X" + struct.pack("<I", 2**31) + b"x.",
    "a longer text": b"\x80\x04\x8d" + struct.pack("<Q", 2**62) + b"x.",
    "a long frame": b"\x80\x04\x95" + struct.pack("<Q", 2**62) + b".",
    "a long integer": b"\x80\x02\x8b" + struct.pack("<i", 2**31 - 1) + b"x.",
    "a negative length": b"\x80\x02\x8b" + struct.pack("<i", -5) + b"x.",
    "an extension": b"\x80\x02\x82\x01.",
    "a buffer": b"\x80\x05\x97.",
    "a persistent id in text": b"Pstorage\n.",
    "an unknown instruction": b"\xff.",
    "digits": b"L" + b"9" * 5000 + b"L\n.",
    "a tensor of nothing": b"ctorch._utils\n_rebuild_tensor_v2\n(NNNNtR.",
    "a tensor without arguments": b"ctorch._utils\n_rebuild_tensor_v2\n)R.",
    "a storage of nothing": b"NQ.",
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_pickle_is_an_error_and_takes_no_memory(content):
    with pytest.raises((ValueError, TypeError, IndexError, KeyError, UserError)):
        read(content)


def test_a_pickle_of_too_many_instructions_is_an_error(monkeypatch):
    monkeypatch.setattr(torch_pickle, "MAX_STEPS", 100)
    assert read(b"0".join([b"N"] * 40) + b".") is None
    with pytest.raises(ValueError, match="more than 100 instructions"):
        read(b"]" * 200 + b".")


def test_what_would_break_python_itself_is_harmless():
    """Tuples nested too deep to be hashed, a memo place that would take gigabytes, lists that contain themselves."""
    nested = b"}N" + b"\x85" * 200_000 + b"K\x01s."
    assert read(nested) == {}
    assert read(b"Nr\xff\xff\xff\xff.") is None
    itself = read(b"]q\x00h\x00a.")
    assert itself[0] is itself


def test_sets_attributes_and_calls_of_allowed_names_are_placeholders_or_dictionaries():
    import argparse
    from collections import Counter, OrderedDict, defaultdict
    from pathlib import PurePosixPath

    import numpy as np

    ordered = OrderedDict(a=1)
    ordered._metadata = OrderedDict(version=1)
    values = {
        "ordered": ordered, "counter": Counter("aab"), "default": defaultdict(list, {"k": [1]}),
        "arguments": argparse.Namespace(rate=0.1), "path": PurePosixPath("a/b"), "scalar": np.float64(1.5),
        "array": np.arange(3), "set": {1}, "complex": 1j, "type": int,
    }  # fmt: skip
    for protocol in (2, 4):
        found = read(pickle.dumps(values, protocol))
        assert found["ordered"] == {"a": 1} and found["counter"] == {"a": 2, "b": 1} and found["default"] == {"k": [1]}
        assert isinstance(found["arguments"], Placeholder) and isinstance(found["array"], Placeholder)
        assert list(found) == list(values)


@pytest.mark.parametrize("module", ["pathlib", "pathlib._local"])
def test_paths_are_placeholders_whichever_python_wrote_them(module):
    """Python 3.13 names another module; checkpoints hold paths among their hyperparameters."""
    assert isinstance(read(f"c{module}\nPosixPath\n(Va\ntR.".encode()), Placeholder)
