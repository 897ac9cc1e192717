"""The results folder: runs are whole or absent, checked when read, and written once."""

import errno
import json
import os

import numpy as np
import pytest

from jaxpe.errors import UserError
from jaxpe.records import results as records
from jaxpe.records.results import MARKER, SCHEMA, open_results

PARAMETERS = {"100/a": np.arange(6.0).reshape(2, 3)}


@pytest.fixture
def results(tmp_path):
    folder = open_results(tmp_path / "results")
    folder.write_run("x", {"seed": 0}, PARAMETERS)
    return folder


def test_a_run_comes_back_as_it_was_and_the_first_writer_wins(results):
    results.write_run("x", {"seed": 1}, {"100/a": np.zeros(1)})
    assert results.read_record("x")["seed"] == 0
    np.testing.assert_array_equal(results.read_parameters("x")["100/a"], PARAMETERS["100/a"])
    assert [path.name for path in (results.folder / "runs").iterdir()] == ["x"]


def test_arrays_keep_their_shapes(results):
    """Scalars too, and what lies in memory in another order."""
    arrays = {"scalar": np.float32(3.0), "transposed": np.arange(6.0, dtype=np.float32).reshape(2, 3).T}
    results.write_run("y", {}, arrays)
    stored = results.read_parameters("y")
    assert stored["scalar"].shape == () and stored["scalar"] == 3.0
    np.testing.assert_array_equal(stored["transposed"], arrays["transposed"])


@pytest.mark.parametrize("name", ["record.json", "parameters.safetensors"])
@pytest.mark.parametrize("damage", ["cut", "altered"])
def test_damage_is_noticed_and_named(results, name, damage):
    path = results.locate_run("x") / name
    content = bytearray(path.read_bytes())
    if damage == "cut":
        content = content[: len(content) // 2]
    else:
        at = content.index(b'"seed": 0') + 8 if name == "record.json" else len(content) - 3
        content[at] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match="truncated or altered: delete the folder x"):
        results.read_parameters("x")


def test_measurements_come_back_and_damaged_ones_are_measured_again(results):
    key = {"kind": "scores", "length": 3}
    assert results.read_measurement("x", key) is None
    results.write_measurement("x", key, {"exact": np.float32(2)})
    assert results.read_measurement("x", key)["exact"] == 2
    assert results.read_measurement("x", {"kind": "scores", "length": 4}) is None
    results.locate_measurement("x", key).write_bytes(b"no npz")
    assert results.read_measurement("x", key) is None


def test_only_a_results_folder_of_this_schema_is_opened(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="is a file"):
        open_results(tmp_path / "file")
    with pytest.raises(UserError, match="not a results folder"):
        open_results(tmp_path)
    marker = open_results(tmp_path / "other").folder / MARKER
    assert json.loads(marker.read_text())["schema"] == SCHEMA
    marker.write_text(json.dumps({"schema": 99}))
    with pytest.raises(UserError, match=r"another version of jaxpe .record schema 99"):
        open_results(tmp_path / "other")
    marker.write_text("{")
    with pytest.raises(UserError, match="was altered"):
        open_results(tmp_path / "other")


def test_a_folder_is_made_only_to_be_written_to(tmp_path):
    assert not open_results(tmp_path / "new", write=False).folder.exists()
    assert open_results(tmp_path / "new").folder.is_dir()


def test_a_full_disk_loses_no_run(results, monkeypatch):
    def fail(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(records, "write_durably", fail)
    with pytest.raises(UserError, match="disk is full"):
        results.write_run("y", {}, PARAMETERS)
    monkeypatch.undo()
    assert not results.has_run("y") and results.read_record("x")["seed"] == 0
    assert [path.name for path in (results.folder / "runs").iterdir()] == ["x"]
    results.write_run("y", {}, PARAMETERS)
    assert results.has_run("y")
