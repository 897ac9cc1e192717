"""`jaxpe list`."""

import json
from importlib.metadata import EntryPoint

import pytest
from command_line import assert_one_sentence, call_jaxpe

import jaxpe
from jaxpe.plugins import registry

SIZES = {"steps": 2, "layers": 1, "width": 8, "batch": 8, "train_length": 3, "length_buckets": 1}


def test_encodings_are_listed_with_what_they_declare(capsys):
    rows = json.loads(call_jaxpe(capsys, "list", "encodings", "--json").out)
    assert [row["name"] for row in rows][:3] == ["none", "sinusoidal", "learned"]
    rotary = next(row for row in rows if row["name"] == "rotary_scaled")
    assert rotary["invariance"] == "relative" and rotary["preset_options"] == {"base": 100.0}


@pytest.mark.parametrize("kind", ["encodings", "samplers", "tasks", "experiments", "presets"])
def test_every_kind_has_a_line_for_each_name(capsys, kind):
    code, printed, _ = call_jaxpe(capsys, "list", kind)
    lines = printed.splitlines()
    assert code == 0 and len(lines) >= 4 and all(len(line.split()) > 1 for line in lines)


def test_stored_runs_are_listed_with_their_configs(capsys, tmp_path):
    for name in ("nope", "rope"):
        jaxpe.train("copy", "encoder", name, seeds=1, results=tmp_path / "r", **SIZES)
    outcome = call_jaxpe(capsys, "list", "runs", "--results", tmp_path / "r")
    lines = [line.split("  ", 1) for line in outcome.out.splitlines()]
    assert [line[1] for line in lines] == ["copy, encoder, none, seed 0", "copy, encoder, rotary, seed 0"]
    stored = {path.name[:12] for path in (tmp_path / "r" / "runs").iterdir()}
    assert {line[0] for line in lines} == stored
    rows = json.loads(call_jaxpe(capsys, "list", "runs", "--json", "--results", tmp_path / "r").out)
    assert {row["encoding"] for row in rows} == {"none", "rotary"} and {row["width"] for row in rows} == {8}
    assert_one_sentence(call_jaxpe(capsys, "list", "runs", "--results", tmp_path / "no"), "There is no folder")


def test_tasks_of_installed_packages_are_listed_and_a_broken_one_hides_none(capsys, monkeypatch):
    points = {name: [EntryPoint(name, value, "jaxpe.tasks")] for name, value in (
        ("plain", "jaxpe.tasks.copying:Reverse"), ("broken", "no_such_module:Task"),
    )}  # fmt: skip
    monkeypatch.setattr(registry, "find_entry_points", lambda group: points if group == "jaxpe.tasks" else {})
    rows = {row["name"]: row for row in json.loads(call_jaxpe(capsys, "list", "tasks", "--json").out)}
    assert rows["plain"]["order_needed"] is True and rows["majority_26"]["summary"].endswith("(alphabet=26)")
    assert rows["broken"]["usable"] is False and "could not be loaded: ModuleNotFoundError" in rows["broken"]["summary"]
    assert rows["parity"]["aliases"] == ["parity_check"] and list(rows)[-1] == "translation"
