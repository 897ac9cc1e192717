"""The results folder: runs are whole or absent, checked when read, and written once."""

import errno
import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

from jaxpe.errors import UserError
from jaxpe.records import files
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
    with pytest.raises(UserError, match="truncated or altered, or is that of another run: delete the folder x"):
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
    with pytest.raises(UserError, match=r"newer version of jaxpe .record schema 99"):
        open_results(tmp_path / "other")


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"schema": "2"}', "[" * 9999, '{"schema": 2', "{"])
def test_a_malformed_marker_is_named(results, content):
    (results.folder / MARKER).write_text(content)
    with pytest.raises(UserError, match=r"jaxpe\.json was altered: .*choose another folder"):
        open_results(results.folder)


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


def test_runs_of_an_older_schema_are_said_once_and_not_used(tmp_path, caplog):
    folder = tmp_path / "results"
    (folder / "runs" / "x").mkdir(parents=True)
    (folder / "runs" / "x" / "record.json").write_text("{}")
    (folder / MARKER).write_text(json.dumps({"schema": SCHEMA - 1}))
    open_results(folder, write=False)
    assert not caplog.text and json.loads((folder / MARKER).read_text())["schema"] == SCHEMA - 1
    open_results(folder)
    assert "its 1 stored runs are not used and are trained again" in caplog.text
    caplog.clear()
    open_results(folder)
    assert not caplog.text


@pytest.mark.parametrize("missing", ["record.json", "parameters.safetensors"])
def test_a_run_that_is_not_whole_is_set_aside_and_stored_again(results, missing):
    (results.locate_run("x") / missing).unlink()
    assert not results.has_run("x")
    results.write_run("x", {"seed": 5}, PARAMETERS)
    assert results.read_record("x")["seed"] == 5
    assert [
        path.name.partition(".")[2][:10] for path in results.locate_run("x").parent.iterdir() if path.name != "x"
    ] == ["incomplete"]


def test_a_run_under_the_name_of_another_is_not_believed(results):
    results.locate_run("x").rename(results.locate_run("y"))
    for read in (results.read_record, results.read_parameters):
        with pytest.raises(UserError, match="that of another run: delete the folder y"):
            read("y")


def test_parameters_of_another_run_are_not_believed(results):
    results.write_run("y", {"seed": 0}, {"100/a": np.zeros((2, 3))})
    path = results.locate_run("x") / "parameters.safetensors"
    path.write_bytes((results.locate_run("y") / "parameters.safetensors").read_bytes())
    with pytest.raises(UserError, match="that of another run"):
        results.read_parameters("x")


def store(path, arrays):
    np.savez(path.open("wb"), **arrays)


@pytest.mark.parametrize(
    "change", ["array removed", "array added", "value", "type", "key", "of another run", "no digest"]
)
def test_a_measurement_that_is_not_what_it_claims_to_be_is_measured_again(results, change, caplog):
    key = {"kind": "scores", "length": 3}
    results.write_measurement("x", key, {"exact": np.float32(2), "answers": np.arange(3.0)})
    path = results.locate_measurement("x", key)
    arrays = dict(np.load(path))
    identifier = "x"
    if change == "of another run":
        results.write_run("y", {"seed": 0}, PARAMETERS)
        results.locate_measurement("y", key).write_bytes(path.read_bytes())
        identifier = "y"
    elif change == "array removed":
        del arrays["answers"]
    elif change == "array added":
        arrays["more"] = np.zeros(1)
    elif change == "value":
        arrays["exact"] = np.float32(3)
    elif change == "type":
        arrays["exact"] = np.float64(2)
    elif change == "key":
        arrays[records.KEY] = np.asarray("x other")
    elif change == "no digest":
        del arrays[records.DIGEST]
    store(path, arrays)
    assert results.read_measurement(identifier, key) is None and "measured again" in caplog.text
    results.write_measurement(identifier, key, {"exact": np.float32(2)})
    assert results.read_measurement(identifier, key)["exact"] == 2


def test_what_killed_processes_left_is_swept_and_what_living_ones_write_is_not(tmp_path):
    folder = open_results(tmp_path / "results").folder
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    host = files.hash_host()
    names = {f"{host}-{dead.pid}-aaaa": False, f"{host}-{os.getpid()}-bbbb": True, f"00000000-{dead.pid}-cccc": True}
    for place in (folder, folder / "runs", folder / "runs" / "x", folder / "accuracy" / "figures"):
        for i, name in enumerate(names):
            path = place / f"{files.TEMPORARY}{name}"
            path.parent.mkdir(parents=True, exist_ok=True)
            if i % 2:
                path.write_text("")
            else:
                path.mkdir()
                (path / "file").write_text("")
    open_results(folder)
    left = {path.name.removeprefix(files.TEMPORARY) for path in folder.rglob(f"{files.TEMPORARY}*")}
    assert left == {name for name, stays in names.items() if stays}


def test_a_measurement_is_of_the_parameters_that_lie_beside_it(results, tmp_path):
    """The same run has other last bits on another machine; folders may be copied into each other."""
    key = {"kind": "scores", "length": 3}
    results.write_measurement("x", key, {"exact": np.float32(2)})
    assert results.read_measurement("x", key)["exact"] == 2
    other = open_results(tmp_path / "other")
    other.write_run("x", {"seed": 0}, {name: array + 1 for name, array in PARAMETERS.items()})
    shutil.copytree(other.locate_run("x"), results.locate_run("x"), dirs_exist_ok=True)
    assert results.read_measurement("x", key) is None
    results.write_measurement("x", key, {"exact": np.float32(3)})
    assert results.read_measurement("x", key)["exact"] == 3
