"""Resuming: the same bits, and checkpoints that cannot be used. tests/study/test_workspace.py kills whole processes."""

import json
import subprocess
import sys

import numpy as np
import pytest
from small_runs import have_equal_bits, train_replicas

from jaxpe.records.leases import LeaseLost
from jaxpe.training.checkpoints import CheckpointFolder, sweep_checkpoints
from jaxpe.training.population import SNAPSHOTS


def interrupt_in_second_chunk(folder):
    """Trains until Ctrl-C in the second chunk, at step 20."""
    chunks = []

    def report(progress):
        chunks.append(progress)
        if len(chunks) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_replicas(folder=folder, report=report)


@pytest.fixture
def folder(tmp_path):
    """The checkpoint of an interrupted training."""
    folder = CheckpointFolder(tmp_path / "round", "here", every=0)
    interrupt_in_second_chunk(folder)
    return folder


def test_only_the_newest_checkpoint_is_kept(folder):
    assert [path.name for path in folder.path.iterdir()] == ["00000020"]


def test_a_resumed_training_has_the_same_bits_and_all_kept_parameters(pair, folder):
    chunks, load, loaded = [], folder.load_newest, []
    folder.load_newest = lambda make_template: loaded.append(load(make_template)) or loaded[-1]
    resumed = train_replicas(folder=folder, report=lambda progress: chunks.append(progress.advanced))
    assert chunks[0] == 20 and have_equal_bits(resumed[0], pair[0])
    assert 0 < float(loaded[0].state.seconds) < sum(replica.seconds for replica in resumed)
    assert set(resumed[0].snapshots) == set(SNAPSHOTS)


def test_an_altered_checkpoint_is_not_used(pair, folder, caplog):
    meta = folder.path / "00000020" / "meta.json"
    meta.write_text(json.dumps(json.loads(meta.read_text()) | {"digest": "0"}))
    chunks = []
    assert have_equal_bits(
        train_replicas(folder=folder, report=lambda progress: chunks.append(progress.advanced))[0], pair[0]
    )
    assert chunks[0] == 10 and "step 20 cannot be used (it was altered)" in caplog.text


@pytest.mark.parametrize("change", ["step in the file", "name of the folder", "both"])
def test_a_checkpoint_of_another_step_is_not_used(folder, change, caplog):
    """One flipped bit makes 20 a 28: the training would go on where it has never been."""
    place = folder.path / "00000020"
    if change != "name of the folder":
        meta = place / "meta.json"
        meta.write_text(json.dumps(json.loads(meta.read_text()) | {"step": 28}))
    if change != "step in the file":
        place.rename(folder.path / "00000028")
    assert folder.load_newest(lambda step: None) is None and "was altered" in caplog.text


@pytest.mark.slow
def test_two_processes_may_write_into_one_folder(tmp_path):
    """Neither fails; at worst a checkpoint is superfluous."""
    code = (
        "import sys; from pathlib import Path; import numpy as np\n"
        "from jaxpe.training.checkpoints import CheckpointFolder\n"
        "folder = CheckpointFolder(Path(sys.argv[1]), 'same', 0.0)\n"
        "for step in range(1, 25):\n    folder.save(step, {'a': np.full(1000, step)})\n"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", code, tmp_path / "round"], stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    assert [(process.communicate()[1], process.returncode) for process in processes] == [("", 0)] * 2
    assert not [path for path in (tmp_path / "round").iterdir() if not path.name.isdigit()]
    loaded = CheckpointFolder(tmp_path / "round", "same").load_newest(lambda step: {"a": np.zeros(1000, int)})
    assert loaded.step == 24 and loaded.state["a"][0] == 24


@pytest.mark.parametrize("moment", ["before", "while writing"])
def test_who_lost_the_lease_writes_and_deletes_nothing(moment, tmp_path):
    """Also where it is lost while the arrays are written: the checkpoints of the other process stay."""
    other = CheckpointFolder(tmp_path / "round", "same")
    other.save(3, {"a": np.arange(4)})
    calls = []

    def require():
        calls.append(1)
        if moment == "before" or len(calls) > 1:
            raise LeaseLost

    loser = CheckpointFolder(tmp_path / "round", "same", require=require)
    with pytest.raises(LeaseLost):
        loser.save(9, {"a": np.zeros(4)})
    with pytest.raises(LeaseLost):
        loser.clear()
    assert [path.name for path in (tmp_path / "round").iterdir()] == ["00000003"]


def test_ctrl_c_after_the_lease_was_lost_stays_ctrl_c(tmp_path):
    def lose():
        raise LeaseLost

    interrupt_in_second_chunk(CheckpointFolder(tmp_path / "round", "here", require=lose))
    assert not (tmp_path / "round").exists()


def test_checkpoints_of_finished_rounds_are_swept(tmp_path):
    """Not those of rounds of which a run is missing, nor what cannot be read."""
    rounds = {"done": ["a", "b"], "half": ["a", "c"], "unnamed": []}
    for name, runs in rounds.items():
        CheckpointFolder(tmp_path / "c" / name, "x", runs=runs).save(3, {"a": np.zeros(1)})
    for name, text in (("empty", None), ("torn", "{"), ("odd", '{"runs": 3}')):
        (tmp_path / "c" / name / "00000001").mkdir(parents=True)
        if text is None:
            (tmp_path / "c" / name / "00000001").rmdir()
        else:
            (tmp_path / "c" / name / "00000001" / "meta.json").write_text(text)
    sweep_checkpoints(tmp_path / "c", {"a", "b"}.__contains__)
    assert sorted(path.name for path in (tmp_path / "c").iterdir()) == ["half", "odd", "torn", "unnamed"]
    sweep_checkpoints(tmp_path / "no", lambda run: True)


def test_a_checkpoint_of_other_versions_is_not_used(folder, caplog):
    assert CheckpointFolder(folder.path, "elsewhere").load_newest(lambda step: None) is None
    assert "other versions or devices" in caplog.text
