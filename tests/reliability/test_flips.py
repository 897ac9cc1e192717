"""One flipped bit in what a run left: it is refused, measured again, or changes nothing that is read."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from jaxpe.errors import UserError
from jaxpe.records.results import open_results
from jaxpe.training.checkpoints import CheckpointFolder

NAME = "0" * 64
KEY = {"kind": "scores", "version": 1, "length": 7}
RECORD = {
    "seed": 3,
    "diverged": False,
    "config": {"task": "reverse", "width": 32},
    "history": {"loss": [1.5, 0.25, 0.125]},
}
FLIPS = 500


def make_template(step):
    return {"a": np.zeros(50, np.float32), "b": np.zeros((), np.int32)}


def read_all(folder):
    """What is stored, as it is read back; 'refused' or 'missing' where it is not."""
    facts = {}
    readers = {
        "record": lambda: open_results(folder, write=False).read_record(NAME),
        "parameters": lambda: open_results(folder, write=False).read_parameters(NAME),
        "measurement": lambda: open_results(folder, write=False).read_measurement(NAME, KEY),
        "checkpoint": lambda: CheckpointFolder(folder / "checkpoints" / "round", "id").load_newest(make_template),
    }
    for name, read in readers.items():
        try:
            value = read()
        except UserError:
            value = "refused"
        facts[name] = "missing" if value is None else value
    return facts


def is_equal(a, b):
    """Whether two values are the same, arrays and records included."""
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(is_equal(a[key], b[key]) for key in a)
    if isinstance(a, (tuple, list)):
        return type(a) is type(b) and len(a) == len(b) and all(map(is_equal, a, b))
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and a.dtype == b.dtype and np.array_equal(a, b)
    return a == b


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results") / "r"
    results, generator = open_results(folder), np.random.default_rng(0)
    results.write_run(NAME, RECORD, {"100/a": generator.normal(size=(8, 4)).astype(np.float32), "50/b": np.arange(3)})
    results.write_measurement(NAME, KEY, {"exact": np.float32(5), "by_place": np.arange(4.0)})
    state = {"a": generator.normal(size=50).astype(np.float32), "b": np.int32(9)}
    CheckpointFolder(folder / "checkpoints" / "round", "id").save(300, state)
    return folder


@pytest.mark.slow
def test_no_flipped_bit_is_silently_wrong(original, tmp_path):
    """Every file of run, measurement and checkpoint gets its share of the flips, so that small ones are tried too."""
    whole, generator = read_all(original), np.random.default_rng(1)
    assert whole["checkpoint"].step == 300 and not {"refused", "missing"} & set(map(str, whole.values()))
    folder = tmp_path / "r"
    shutil.copytree(original, folder)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    noticed = 0
    for i in range(FLIPS):
        path = files[i % len(files)]
        content = path.read_bytes()
        if not content:
            continue
        flipped = bytearray(content)
        flipped[generator.integers(len(content))] ^= 1 << generator.integers(8)
        path.write_bytes(flipped)
        for name, value in read_all(folder).items():
            if isinstance(value, str):
                noticed += 1
            else:
                assert is_equal(value, whole[name]), (path.relative_to(folder), name)
        path.write_bytes(content)
    assert noticed > FLIPS / 4
    assert is_equal(read_all(folder), whole)


@pytest.mark.parametrize("damage", ["emptied", "cut", "doubled", "a folder", "removed", "text", "unreadable"])
def test_no_damage_of_a_file_raises_anything_but_a_sentence(original, tmp_path, damage):
    whole, folder = read_all(original), tmp_path / "r"
    for number, source in enumerate(sorted(path for path in original.rglob("*") if path.is_file())):
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(original, folder)
        change(folder / source.relative_to(original), damage)
        for name, value in read_all(folder).items():
            assert isinstance(value, str) or is_equal(value, whole[name]), (number, source.name, name)


def change(path: Path, damage):
    """Damages a file."""
    content = path.read_bytes()
    if damage == "a folder":
        path.unlink()
        path.mkdir()
    elif damage == "removed":
        path.unlink()
    elif damage == "unreadable":
        path.chmod(0)
    else:
        texts = {"emptied": b"", "cut": content[: len(content) // 2], "doubled": content * 2, "text": b"[" * 5000}
        path.write_bytes(texts[damage])
