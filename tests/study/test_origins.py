"""Where experiments come from: installed packages, and files that are told apart and remembered."""

import os
import sys
from pathlib import Path

import pytest
from own_experiments import write_experiment

from jaxpe.cli import list as listing
from jaxpe.errors import UserError
from jaxpe.plugins.registry import find_entry_points
from jaxpe.records.json_values import write_json
from jaxpe.study.experiment import load_experiment
from jaxpe.study.origins import Origin, check_folder, describe_edit, recall_file, remember_file

ORIGIN = Origin("1", Path("/a/mine.py"), "a/mine.py")


@pytest.fixture
def folder(tmp_path):
    """The folder of an experiment that a file wrote."""
    write_json(tmp_path / "mine" / "provenance.json", {"experiment": "mine"} | ORIGIN.facts)
    return tmp_path / "mine"


@pytest.mark.parametrize(
    ("origin", "fits"),
    [
        (ORIGIN, True),
        (ORIGIN._replace(code="2"), True),  # edited
        (ORIGIN._replace(path=Path("/b/mine.py"), file="b/mine.py"), True),  # moved
        (ORIGIN._replace(code="2", file="./a/../a/mine.py"), True),  # typed in another way
        (Origin("2", Path("/b/mine.py"), "b/mine.py"), False),
        (Origin("2", Path("/a/mine.py"), package="mine"), False),
    ],
)
def test_two_files_of_one_name_are_told_apart(folder, origin, fits):
    if fits:
        assert check_folder("mine", origin, folder.parent, "mine") == folder
        return
    with pytest.raises(UserError, match=r"another experiment of this name, from a/mine\.py: rename one of the two"):
        check_folder("mine", origin, folder.parent, "mine")


def test_a_file_that_is_remembered_is_known_however_it_is_typed(folder):
    edited = ORIGIN._replace(code="2", file="mine.py")
    with pytest.raises(UserError, match="another experiment"):
        check_folder("mine", edited, folder.parent, "mine")
    remember_file(folder, ORIGIN)
    check_folder("mine", edited, folder.parent, "mine")
    with pytest.raises(UserError, match="another experiment"):
        check_folder("mine", Origin("2", Path("/b/mine.py"), "a/mine.py"), folder.parent, "mine")


@pytest.mark.parametrize("name", ["../accuracy", "mine/../accuracy", "accuracy", "mine/", "", None])
def test_an_experiment_writes_into_no_other_folder(tmp_path, name):
    with pytest.raises(UserError, match="name_folder gave"):
        check_folder("mine", ORIGIN, tmp_path, name)
    assert check_folder("mine", ORIGIN, tmp_path, "mine-small") == tmp_path / "mine-small"


@pytest.mark.parametrize("origin", [None, ORIGIN])
def test_the_folder_of_another_experiment_is_refused(folder, origin):
    write_json(folder / "provenance.json", {"experiment": "other"})
    with pytest.raises(UserError, match="mine holds the results of other: rename"):
        check_folder("mine", origin, folder.parent, "mine")


def test_an_edit_is_said_and_results_of_an_earlier_version_have_none(folder):
    assert describe_edit("mine", ORIGIN, folder) == ""
    assert "mine.py was edited since it measured mine" in describe_edit("mine", ORIGIN._replace(code="2"), folder)
    write_json(folder / "provenance.json", {"experiment": "mine"})
    assert describe_edit("mine", ORIGIN, folder) == ""


def test_without_a_cache_nothing_is_remembered_and_nothing_fails(folder, monkeypatch):
    monkeypatch.setenv("JAXPE_CACHE", os.devnull)
    remember_file(folder, ORIGIN)
    assert recall_file(folder) is None


# ── packages ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Installs a package with an experiment, as a package manager would."""
    write_experiment(tmp_path / "stranger" / "constant.py")
    (tmp_path / "stranger" / "__init__.py").write_text("number = 3\n")
    monkeypatch.syspath_prepend(tmp_path)

    def install(**points):
        info = tmp_path / f"stranger{len(list(tmp_path.glob('*.dist-info')))}-1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {info.stem[:-2]}\nVersion: 1\n")
        lines = [f"{name} = {value}" for name, value in points.items()]
        (info / "entry_points.txt").write_text("\n".join(["[jaxpe.experiments]", *lines]))
        find_entry_points.cache_clear()

    yield install
    find_entry_points.cache_clear()
    for name in [name for name in sys.modules if name.partition(".")[0] == "stranger"]:
        del sys.modules[name]


def test_an_installed_experiment_is_loaded_and_listed(install):
    install(constant="stranger.constant")
    experiment = load_experiment("constant")
    assert experiment.question == "Is it so?" and experiment.origin.facts.keys() == {"code", "package"}
    assert experiment.origin.package == "stranger0" and experiment.code
    rows = {row["name"]: row for row in listing.list_experiments()}
    assert rows["constant"] == {
        "name": "constant",
        "summary": "Is it so?",
        "presets": ["quick"],
        "package": "stranger0",
    }
    assert rows["accuracy"]["package"] == "jaxpe" and "constant" in listing.list_experiment_names()
    with pytest.raises(UserError, match="Did you mean 'constant'"):
        load_experiment("constent")


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("missing", "stranger.missing", "could not be loaded: ModuleNotFoundError"),
        ("number", "stranger:number", "let it name a module"),
        ("empty", "stranger", "does not define PRESETS"),
        ("runs", "stranger.constant", "no name for an experiment"),
        ("accuracy", "stranger.constant", "or jaxpe has it too"),
    ],
)
def test_a_faulty_package_is_one_row_and_hides_no_other(install, name, value, says):
    install(**{name: value})
    rows = listing.list_experiments()
    assert any(row["name"] == name and says in row["summary"] and row["usable"] is False for row in rows)
    assert load_experiment("accuracy").origin is None


def test_a_name_of_two_packages_is_refused(install):
    install(twice="stranger.constant")
    install(twice="stranger.constant")
    with pytest.raises(
        UserError, match=r"'twice' is registered by two packages.*stranger\.constant and stranger\.const"
    ):
        load_experiment("twice")
