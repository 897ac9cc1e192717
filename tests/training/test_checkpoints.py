"""Resuming: the same bits, and checkpoints that cannot be used. tests/study/test_workspace.py kills whole processes."""

import json

import pytest
from small_runs import have_equal_bits, train_replicas

from jaxpe.training.checkpoints import CheckpointFolder
from jaxpe.training.population import CHECKPOINTS


def interrupt_in_second_chunk(folder):
    """Trains until Ctrl-C in the second chunk, at step 20."""
    chunks = []

    def report(steps):
        chunks.append(steps)
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
    chunks = []
    resumed = train_replicas(folder=folder, report=chunks.append)
    assert chunks[0] == 20 and have_equal_bits(resumed[0], pair[0])
    assert set(resumed[0].checkpoints) == set(CHECKPOINTS)


def test_an_altered_checkpoint_is_not_used(pair, folder, caplog):
    meta = folder.path / "00000020" / "meta.json"
    meta.write_text(json.dumps(json.loads(meta.read_text()) | {"digest": "0"}))
    chunks = []
    assert have_equal_bits(train_replicas(folder=folder, report=chunks.append)[0], pair[0])
    assert chunks[0] == 10 and "step 20 cannot be used (it was altered)" in caplog.text


def test_a_checkpoint_of_other_versions_is_not_used(folder, caplog):
    assert CheckpointFolder(folder.path, "elsewhere").load_newest(lambda step: None) is None
    assert "other versions or devices" in caplog.text
