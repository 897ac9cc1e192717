"""Encodings from outside: begun with `jaxpe new`, registered by packages, and names that are taken."""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest
from support import ROOT

from jaxpe import encodings
from jaxpe.cli import listing, new
from jaxpe.conformance import suite
from jaxpe.errors import UserError


@pytest.mark.parametrize("hook", ["bias", "rotate", "embed"])
def test_a_new_encoding_works_at_once(tmp_path, hook):
    new.write("log_distance", tmp_path / "mine", hook)
    found, refused = suite.settings_of(f"{tmp_path / 'mine' / 'log_distance.py'}:LogDistance")
    rows = list(suite.examine(found, ["acts on", "reference", "gradients", "invariance", "left from right"]))
    assert [row.fault for row in rows if row.fault] == [] and refused == {}
    assert rows[0].measured == hook and rows[1].measured.startswith(f"{hook} equal")


@pytest.mark.slow
def test_the_test_beside_a_new_encoding_passes_and_can_fail(tmp_path):
    new.write("mine", tmp_path, "bias")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_mine.py"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0 and f"{len(suite.PROPERTIES)} passed" in done.stdout, done.stdout
    file = tmp_path / "mine.py"
    file.write_text(re.sub(r"(invariance = )\"\w+\"", r'\1"content"', file.read_text()))
    done = subprocess.run([*command, "-k", "invariance"], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 1 and "declared 'content'" in done.stdout


def test_new_overwrites_nothing_and_refuses_names_that_cannot_be(tmp_path):
    (tmp_path / "test_mine.py").write_text("kept")
    for name, says in (("mine", "exists already"), ("my-encoding", "cannot be the name"), ("alibi", "has an encoding")):
        with pytest.raises(UserError, match=says):
            new.write(name, tmp_path, "bias")
    assert [path.name for path in tmp_path.iterdir()] == ["test_mine.py"]
    assert (tmp_path / "test_mine.py").read_text() == "kept"


MODULE = """
from jaxpe.encodings import Encoding


class Plain(Encoding):
    'Nothing at all.'


def function():
    pass
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Installs a module and its entry points, as a package manager would."""
    (tmp_path / "outsider.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)

    def install(**points):
        folder = tmp_path / f"outsider{len(list(tmp_path.glob('*.dist-info')))}-1.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {folder.stem[:-2]}\nVersion: 1\n")
        lines = [f"{name} = {value}" for name, value in points.items()]
        (folder / "entry_points.txt").write_text("\n".join(["[jaxpe.encodings]", *lines]))
        encodings.registered.cache_clear()

    yield install
    encodings.registered.cache_clear()


def test_registered_encodings_are_listed_and_a_broken_one_hides_none(package):
    package(plain="outsider:Plain", broken="outsider:Missing", odd="outsider:function")
    rows = {row["name"]: row for row in listing.encodings_table()}
    assert rows["plain"]["package"] == "outsider0" and rows["plain"]["summary"] == "Nothing at all."
    assert rows["rotary"]["package"] == "jaxpe"
    assert "could not be loaded: AttributeError" in rows["broken"]["summary"]
    assert "derive the class from jaxpe.encodings.Encoding" in rows["odd"]["summary"]
    assert encodings.source_digest("plain") is not None
    with pytest.raises(UserError, match="Did you mean 'plain'"):
        encodings.resolve("plian")


def test_a_name_that_is_taken_is_refused_and_the_place_is_named(package):
    package(rotary="outsider:Plain", twice="outsider:Plain")
    with pytest.raises(UserError, match=r"'rotary' is taken by a name of the catalogue.*outsider.py, line 5"):
        encodings.resolve("rotary")
    assert encodings.resolve("alibi") is encodings.CATALOGUE["alibi"]
    package(twice="outsider:Plain")
    with pytest.raises(UserError, match=r"'twice' is taken by two packages.*outsider:Plain .* and outsider:Plain"):
        encodings.resolve("twice")


@pytest.mark.slow
def test_a_package_of_its_own_is_installed_checked_and_run(tmp_path):
    shutil.copytree(ROOT / "tests" / "example_package", tmp_path / "package")

    def run(*command):
        environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path / "site"), str(ROOT)])}
        done = subprocess.run(list(map(str, command)), cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", "site", tmp_path / "package")
    jaxpe = (sys.executable, "-m", "jaxpe")
    [row] = [row for row in json.loads(run(*jaxpe, "list", "encodings", "--json")) if row["name"] == "softcap"]
    assert row["package"] == "jaxpe-example" and row["invariance"] == "relative"
    assert f"{len(suite.PROPERTIES)} properties hold" in run(*jaxpe, "check", "softcap")
    options = ("--preset", "smoke", "--tasks", "reverse", "--architectures", "encoder", "--results", "results")
    run(*jaxpe, "run", "accuracy", *options, "--encodings", "none", "softcap")
    assert "softcap" in (tmp_path / "results" / "accuracy" / "table.csv").read_text()
