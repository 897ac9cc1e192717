"""Encodings from other packages: they are registered by entry points, and may not take a name twice."""

import json
import os
import shutil
import subprocess
import sys

import pytest
from support import ROOT

from jaxpe import encodings
from jaxpe.cli import list as listing
from jaxpe.conformance import suite, task_suite
from jaxpe.errors import UserError
from jaxpe.plugins.registry import find_entry_points

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
        find_entry_points.cache_clear()

    yield install
    find_entry_points.cache_clear()


def test_registered_encodings_are_listed_and_a_broken_one_hides_none(package):
    package(plain="outsider:Plain", broken="outsider:Missing", odd="outsider:function")
    rows = {row["name"]: row for row in listing.list_encodings()}
    assert rows["plain"]["package"] == "outsider0" and rows["plain"]["summary"] == "Nothing at all."
    assert rows["rotary"]["package"] == "jaxpe"
    assert "could not be loaded: AttributeError" in rows["broken"]["summary"]
    assert "derive the class from jaxpe.encodings.Encoding" in rows["odd"]["summary"]
    assert encodings.identify_encoding("plain")["object"]["name"] == "Plain"
    with pytest.raises(UserError, match="Did you mean 'plain'"):
        encodings.resolve_encoding("plian")


def test_a_name_that_is_taken_is_refused_and_the_place_is_named(package):
    package(rotary="outsider:Plain", twice="outsider:Plain")
    with pytest.raises(UserError, match=r"'rotary' is taken by jaxpe already.*outsider.py, line 5"):
        encodings.resolve_encoding("rotary")
    assert encodings.resolve_encoding("alibi") is encodings.CATALOGUE["alibi"]
    package(twice="outsider:Plain")
    with pytest.raises(UserError, match=r"'twice' is registered by two packages.*outsider:Plain .* and outsider:Plain"):
        encodings.resolve_encoding("twice")


@pytest.mark.slow
def test_a_package_of_its_own_is_installed_checked_and_run(tmp_path):
    shutil.copytree(ROOT / "tests" / "example_package", tmp_path / "package")

    def run(*command):
        environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path / "site"), str(ROOT)])}
        result = subprocess.run(list(map(str, command)), cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    run(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", "site", tmp_path / "package")
    jaxpe = (sys.executable, "-m", "jaxpe")
    [row] = [row for row in json.loads(run(*jaxpe, "list", "encodings", "--json")) if row["name"] == "softcap"]
    assert row["package"] == "jaxpe-example" and row["invariance"] == "relative"
    assert f"{len(suite.PROPERTIES)} properties hold" in run(*jaxpe, "check", "softcap")
    [row] = [row for row in json.loads(run(*jaxpe, "list", "tasks", "--json")) if row["name"] == "swap"]
    assert row["package"] == "jaxpe-example" and row["order_needed"]
    assert f"{len(task_suite.PROPERTIES)} properties hold" in run(*jaxpe, "check", "swap")
    options = ("--preset", "smoke", "--tasks", "swap", "--architectures", "encoder", "--results", "results")
    run(*jaxpe, "run", "accuracy", *options, "--encodings", "none", "softcap")
    assert "swap,encoder,softcap" in (tmp_path / "results" / "accuracy" / "table.csv").read_text()
    [row] = [row for row in json.loads(run(*jaxpe, "list", "experiments", "--json")) if row["name"] == "caps"]
    assert row["package"] == "jaxpe-example" and row["summary"].startswith("Which cap")
    assert "larger undecided" in run(*jaxpe, "run", "caps", "--preset", "smoke", "--results", "results")
    figure = tmp_path / "results" / "caps" / "figures" / "caps.svg"
    figure.unlink()
    assert "draws it again" not in run(*jaxpe, "plot", "--results", "results") and figure.is_file()
