"""Provenance: enough to repeat a result, and nothing that names a person, a host or a folder."""

import getpass
import json
import platform
from pathlib import Path

from jaxpe.records import provenance


def test_provenance_says_how_a_result_was_made_and_names_no_place():
    facts = provenance.collect_provenance("jaxpe run accuracy", devices=2, seconds=1.26)
    assert facts["command"] == "jaxpe run accuracy" and facts["devices"] == 2 and facts["seconds"] == 1.3
    assert set(facts["versions"]) == {"python", "jaxpe", "jax", "flax", "optax", "numpy"}
    text = json.dumps(facts)
    assert str(Path.home()) not in text and str(Path.cwd()) not in text
    for name in (platform.node(), getpass.getuser()):
        assert f'"{name}"' not in text


def test_an_installed_wheel_has_no_commit(tmp_path, monkeypatch):
    monkeypatch.setattr(provenance, "__file__", str(tmp_path / "jaxpe" / "records" / "provenance.py"))
    assert provenance.read_commit() is None
