"""The experiment that wrote a folder: looked up, remembered, and never loaded because the folder names it."""

import pytest
from own_experiments import write_experiment

from jaxpe.records.json_values import write_json
from jaxpe.study.experiment import load_experiment
from jaxpe.study.origins import remember_file
from jaxpe.study.recorded import describe_unknown, find_experiment


@pytest.fixture
def folder(tmp_path):
    """The folder of an experiment whose file lies next to it."""
    path = write_experiment(tmp_path / "mine.py")
    facts = {"experiment": "mine", "file": "mine.py", "code": "1"}
    write_json(tmp_path / "r" / "mine" / "provenance.json", facts)
    return path, tmp_path / "r" / "mine"


def test_a_file_is_loaded_where_it_is_remembered_or_given_and_not_where_it_is_named(folder, monkeypatch):
    path, results = folder
    monkeypatch.chdir(path.parent)
    assert find_experiment(results) is None
    given = load_experiment(str(path))
    assert find_experiment(results, [given]) is given
    remember_file(results, given.origin)
    monkeypatch.chdir("/")
    assert find_experiment(results).origin.path == path
    write_json(results / "provenance.json", {"experiment": "other", "file": str(path)})
    assert find_experiment(results) is None  # another folder has taken its place


def test_jaxpes_own_are_known_by_their_names(tmp_path):
    write_json(tmp_path / "scorecard-mine" / "provenance.json", {"experiment": "scorecard"})
    assert find_experiment(tmp_path / "scorecard-mine").name == "scorecard"


def test_what_is_not_known_says_how_to_name_it(folder):
    path, results = folder
    assert describe_unknown(results, "`jaxpe plot {file}`") == (
        "mine is an experiment of your own, and its file is not known here: `jaxpe plot mine.py`"
    )
    remember_file(results, load_experiment(str(path)).origin)
    path.unlink()
    assert f"{path} is gone" in describe_unknown(results, "{file}")
    write_json(results / "provenance.json", {"experiment": "mine", "file": "$(rm x).py"})
    assert describe_unknown(results, "{file}").endswith(": '$(rm x).py'")
    write_json(results / "provenance.json", {"experiment": "mine", "package": "outsider"})
    assert "of the package outsider, which is not installed" in describe_unknown(results, "{file}")
