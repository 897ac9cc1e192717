"""Which of several checkpoints a round resumes from: the newest that is whole and its own."""

import shutil

import numpy as np
import pytest

from jaxpe.training.checkpoints import CheckpointFolder


def make_state(step):
    """A state that says of which step it is."""
    return {"model": np.full((3, 2), step, np.float32), "count": np.int32(step)}


def write(path, identity, *steps):
    """A folder with the checkpoints of several steps: each is written as the only one, and then the others are put back."""
    for step in steps:
        folder = CheckpointFolder(path.with_name(f"{path.name}-{step}"), identity, every=0)
        folder.save(step, make_state(step))
        path.mkdir(exist_ok=True)
        shutil.copytree(folder.path / f"{step:08d}", path / f"{step:08d}")
    return path


def load(path, identity="mine"):
    """The step of the checkpoint that is used, or None; its arrays are those of that step."""
    checkpoint = CheckpointFolder(path, identity, every=0).load_newest(make_state)
    if checkpoint is None:
        return None
    for leaf in (checkpoint.state["model"], checkpoint.state["count"]):
        np.testing.assert_array_equal(leaf, np.full(leaf.shape, checkpoint.step, leaf.dtype))
    return checkpoint.step


def damage(path):
    """Flips a bit in the largest file of a checkpoint."""
    file = max((file for file in path.rglob("*") if file.is_file()), key=lambda file: file.stat().st_size)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 4
    file.write_bytes(content)


@pytest.mark.parametrize("steps", [(20, 100), (100, 20), (9, 10, 300)])
def test_the_newest_checkpoint_is_used(tmp_path, steps):
    assert load(write(tmp_path / "round", "mine", *steps)) == max(steps)


def test_a_damaged_newest_checkpoint_gives_way_to_the_one_before(tmp_path):
    path = write(tmp_path / "round", "mine", 20, 100)
    damage(path / "00000100")
    assert load(path) == 20
    damage(path / "00000020")
    assert load(path) is None


def test_a_newer_checkpoint_of_another_round_is_refused(tmp_path):
    path = write(tmp_path / "round", "mine", 20)
    other = write(tmp_path / "other", "theirs", 100)
    assert load(other, "theirs") == 100 and load(other) is None
    shutil.copytree(other / "00000100", path / "00000100")
    assert load(path) == 20


def test_a_checkpoint_under_the_name_of_another_step_is_never_taken_for_that_step(tmp_path):
    path = write(tmp_path / "round", "mine", 20)
    (path / "00000020").rename(path / "00000300")
    assert load(path) in (None, 20)


def test_a_checkpoint_of_another_structure_is_refused(tmp_path):
    folder = CheckpointFolder(tmp_path / "round", "mine", every=0)
    folder.save(20, {"model": np.zeros((3, 2), np.float32), "count": np.float32(20)})
    assert load(folder.path) is None
