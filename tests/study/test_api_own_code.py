"""`jaxpe.train` and `jaxpe.load` where code of one's own fails, was edited or comes from elsewhere, and where folders were copied."""

import shutil

import pytest
from api_runs import MINE, SMALL

import jaxpe
from jaxpe.errors import UserError
from jaxpe.model import generate
from jaxpe.study import trained
from jaxpe.study.evaluators import guard_program
from jaxpe.study.workspace import Workspace


def test_runs_of_other_code_are_left_out_with_a_warning(tmp_path, caplog, monkeypatch):
    """A run of an earlier version of a file stays in the folder, and does not keep the newer one from being loaded."""
    monkeypatch.chdir(tmp_path)
    for strength in (0.1, 0.2):
        (tmp_path / "mine.py").write_text(MINE.format(strength=strength))
        runs = jaxpe.train("mine.py:Backwards", "decoder", "mine.py:Mine", results="r", **SMALL | {"seeds": 1})
    assert [model.id for model in jaxpe.load("r", encoding="Mine", task="Backwards")] == [
        runs[0].id
    ] and "are left out. Backwards, decoder, Mine: It was trained by other code" in caplog.text
    (tmp_path / "mine.py").unlink()
    jaxpe.train("reverse", "decoder", "none", results="r", **SMALL | {"seeds": 1})
    assert [model.config.encoding for model in jaxpe.load("r")] == ["none"] and "There is no file" in caplog.text


def test_an_answer_has_room_beyond_the_lengths_of_training(tmp_path, monkeypatch):
    """Without a position table nothing limits it; with one it is refused where a symbol of it has no position."""
    alibi, learned = (
        jaxpe.train("copy", "decoder", name, results=tmp_path, max_length_ratio=1.0, **SMALL)[0]
        for name in ("alibi", "learned")
    )
    symbols, rooms = [1] * 30, []

    def measure_room(model, padded, *others):
        rooms.append(len(padded.tokens) - int(padded.length))
        return generate(model, padded, *others)

    monkeypatch.setattr(trained, "generate", measure_room)
    alibi.generate(symbols)
    assert rooms[0] > len(symbols) > alibi.config.table_length
    with pytest.raises(UserError, match="an answer of copy with the decoder needs"):
        learned.generate(symbols)


NAN_LONG = """
import jax.numpy as jnp

from jaxpe.encodings import Encoding


class NanLong(Encoding):
    invariance = "relative"

    def bias(self, q, k, view):
        n = view.distances.shape[-1]
        return (-0.1 * jnp.abs(view.distances) + (jnp.nan if n > 28 else 0.0))[None]
"""


def test_outputs_that_are_no_numbers_in_a_test_are_said(tmp_path, monkeypatch, caplog):
    """They would count as wrong answers without a word."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(NAN_LONG)
    runs = jaxpe.train("copy", "decoder", "mine.py:NanLong", results="r", max_length_ratio=4.0, **SMALL)
    runs.evaluate([3, 5], examples=8)
    assert runs.work.failures == []
    runs.evaluate([5, 20], examples=8)
    (fault,) = runs.work.failures
    assert "copy, decoder, NanLong: the outputs are not finite numbers at test length 20" in fault
    runs.evaluate([5, 20], examples=8)  # from what is stored
    assert runs.work.failures == [fault] and caplog.text.count("not finite numbers at test length 20") == 1


def test_a_fault_of_an_own_encoding_while_it_trains_is_one_sentence(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(MINE.format(strength=0.1))
    monkeypatch.chdir(tmp_path)

    def fail(*inputs):
        raise TypeError("Function compiled with input pytree does not match")

    def compile_broken(self, config):
        program = compile_program(self, config)
        return guard_program(config, program._replace(compiled=fail))

    compile_program = Workspace.compile_program
    monkeypatch.setattr(Workspace, "compile_program", compile_broken)
    with pytest.raises(UserError, match="encoding 'Mine': TypeError: Function compiled with input pytree"):
        jaxpe.train("reverse", "decoder", "mine.py:Mine", results="r", **SMALL)


def test_a_folder_from_elsewhere_does_not_decide_what_is_imported(tmp_path, monkeypatch, caplog):
    """The record of a run names a file, which a stranger may have sent along with it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(MINE.format(strength=0.1))
    jaxpe.train("reverse", "decoder", "mine.py:Mine", results="r", **SMALL | {"seeds": 1})
    assert len(jaxpe.load("r")) == 1  # trained here
    monkeypatch.setenv("JAXPE_CACHE", str(tmp_path / "another machine"))
    ran = tmp_path / "ran"
    (tmp_path / "mine.py").write_text(f"open({str(ran)!r}, 'w').close()\n" + MINE.format(strength=0.1))
    with pytest.raises(
        UserError, match=r"mine\.py, which was never run on this machine: if you trust it, give its name"
    ):
        jaxpe.load("r")
    with pytest.raises(UserError, match="never run on this machine"):
        jaxpe.load("r", encoding="Mine")
    assert not ran.exists()
    (tmp_path / "mine.py").write_text(MINE.format(strength=0.1))
    assert len(jaxpe.load("r", encoding="mine.py:Mine")) == 1


def test_copies_and_unfinished_folders_are_no_runs(tmp_path):
    runs = jaxpe.train("reverse", "encoder", "none", results=tmp_path / "r", **SMALL | {"seeds": 1})
    for name in (".writing-1-2", f"{runs[0].id} (1)"):
        shutil.copytree(tmp_path / "r" / "runs" / runs[0].id, tmp_path / "r" / "runs" / name)
    assert [model.id for model in jaxpe.load(tmp_path / "r")] == [runs[0].id]
