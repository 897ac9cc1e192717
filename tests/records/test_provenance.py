"""Provenance: enough to repeat a result, and nothing that names a person, a host or a folder."""

import getpass
import json
import platform
import subprocess
from pathlib import Path

import pytest

from jaxpe.errors import UserError
from jaxpe.records import provenance
from jaxpe.records.csv_tables import write_table
from jaxpe.records.json_values import write_json
from jaxpe.records.provenance import (
    EDITED,
    REMOVED,
    UNKNOWN,
    find_edits,
    read_provenance,
    record_derived,
    write_provenance,
)


def test_provenance_says_how_a_result_was_made_and_names_no_place():
    facts = provenance.collect_provenance("jaxpe run accuracy", devices=2, seconds=1.26)
    assert facts["command"] == "jaxpe run accuracy" and facts["devices"] == 2 and facts["seconds"] == 1.3
    assert set(facts["versions"]) == {"python", "jaxpe", "jax", "jaxlib", "flax", "optax", "numpy"}
    text = json.dumps(facts)
    assert str(Path.home()) not in text and str(Path.cwd()) not in text
    for name in (platform.node(), getpass.getuser()):
        assert f'"{name}"' not in text


def test_an_installed_wheel_has_no_commit(tmp_path, monkeypatch):
    monkeypatch.setattr(provenance, "__file__", str(tmp_path / "jaxpe" / "records" / "provenance.py"))
    assert provenance.read_commit() is None


# ── digests ─────────────────────────────────────────────────────────────────────────────────────────────────────────

FACTS = {"command": "jaxpe run mine", "seconds": 1.5, "runs": 3, "diverged": 1}


@pytest.fixture
def folder(tmp_path):
    """An experiment's folder as a run and a drawing leave it."""
    folder = tmp_path / "mine"
    write_table(folder / "table.csv", [{"experiment": "mine", "value": 0.5}])
    write_json(folder / "claims.json", [])
    write_provenance(folder, FACTS)
    record_derived(folder, ["claims.json"])
    return folder


def list_kinds(folder):
    return {edit.path: edit.kind for edit in find_edits(folder)}


def test_what_was_written_is_not_edited(folder):
    assert find_edits(folder) == []
    assert read_provenance(folder)["folder"] == "mine" and read_provenance(folder)["runs"] == 3


def test_every_edit_is_noticed_and_named(folder):
    for name in ("table.csv", "claims.json"):
        before = (folder / name).read_bytes()
        (folder / name).write_bytes(before + b"\n")
        assert list_kinds(folder) == {f"mine/{name}": EDITED}
        (folder / name).write_bytes(before)
    (folder / "answers.json").write_text("[]")
    assert list_kinds(folder) == {"mine/answers.json": EDITED}
    (folder / "answers.json").unlink()
    (folder / "claims.json").unlink()
    assert list_kinds(folder) == {"mine/claims.json": REMOVED}


def test_models_are_measured_and_edits_of_them_are_noticed(folder):
    (folder / "models.json").write_text("{}")
    assert list_kinds(folder) == {"mine/models.json": EDITED}
    write_provenance(folder, FACTS)
    record_derived(folder, ["claims.json"])
    assert find_edits(folder) == [] and set(read_provenance(folder)["measured"]) == {"table.csv", "models.json"}
    (folder / "models.json").unlink()
    assert list_kinds(folder) == {"mine/models.json": REMOVED}


@pytest.mark.parametrize("key", ["command", "seconds", "runs", "diverged", "folder", "measured", "digest", "new"])
def test_no_fact_of_a_run_can_be_edited_unnoticed(folder, key):
    provenance = json.loads((folder / "provenance.json").read_text())
    provenance[key] = {"runs": 4, "seconds": 1.25, "diverged": 0, "measured": {}}.get(key, "x")
    write_json(folder / "provenance.json", provenance)
    assert list_kinds(folder)["mine/provenance.json"] == EDITED


def test_a_folder_without_digests_says_so(folder):
    write_json(folder / "provenance.json", FACTS)
    [edit] = find_edits(folder)
    assert edit.kind == UNKNOWN and "cannot be noticed" in edit.sentence
    (folder / "provenance.json").unlink()
    assert [edit.kind for edit in find_edits(folder)] == [UNKNOWN]


def test_drawing_again_does_not_make_an_edited_table_or_an_edited_fact_whole(folder):
    write_table(folder / "table.csv", [{"experiment": "mine", "value": 0.9}])
    provenance = json.loads((folder / "provenance.json").read_text())
    write_json(folder / "provenance.json", provenance | {"diverged": 0})
    write_json(folder / "claims.json", [1])
    record_derived(folder, ["claims.json"])
    assert list_kinds(folder) == {"mine/table.csv": EDITED, "mine/provenance.json": EDITED}


def test_malformed_provenance_is_refused_by_its_key(folder):
    write_json(folder / "provenance.json", FACTS | {"versions": ["0"]})
    with pytest.raises(UserError, match=r"provenance\.json was altered: 'versions': an object is due, not a list"):
        find_edits(folder)


def test_the_commit_is_that_of_jaxpe_also_in_a_hook_of_another_repository(tmp_path, monkeypatch):
    own = provenance.read_commit()
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / ".git"))
    assert provenance.read_commit() == own is not None
