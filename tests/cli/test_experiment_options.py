"""Options of one experiment: typed after its name, listed in its help, refused elsewhere with the name of their owner."""

from pathlib import Path

import pytest
from command_line import assert_one_sentence, call_jaxpe

from jaxpe.cli import experiment_options
from jaxpe.cli.options import RunOptions

OWN = """
\"\"\"Does my encoding help?\"\"\"
from dataclasses import dataclass
from pathlib import Path

PRESETS, CLAIMS = {}, ()
measure = figures = claims = None


@dataclass(frozen=True)
class Options:
    folder: Path | None = None
    \"\"\"Folder of my own.\"\"\"
    sizes: tuple[int, ...] = (1, 2)
    \"\"\"Sizes of my own.\"\"\"


OPTIONS = Options
"""


@pytest.fixture
def calls(monkeypatch):
    """What would be run: names, general options, own options."""
    calls = []
    monkeypatch.setattr(experiment_options, "run_experiments", lambda *arguments: calls.append(arguments) or 0)
    return calls


@pytest.mark.parametrize(
    ("line", "own"),
    [
        ("pretrained --model A,B --name X --preset smoke", {"model": ("A", "B"), "name": "X", "table": None}),
        ("pretrained --table mine.npy --preset smoke", {"table": Path("mine.npy"), "model": (), "name": None}),
        ("pretrained --preset smoke", {"table": None, "model": (), "name": None}),
        ("superposition --photographs DIR --preset smoke", {"photographs": Path("DIR")}),
    ],
)
def test_an_experiment_takes_its_own_options(capsys, calls, line, own):
    assert call_jaxpe(capsys, "run", *line.split()).code == 0
    [(names, options, own_options)] = calls
    assert names == (line.split()[0],) and options == RunOptions(preset="smoke") and vars(own_options) == own


def test_an_experiment_without_options_of_its_own_gets_none(capsys, calls):
    assert call_jaxpe(capsys, "run", "accuracy", "--seeds", "3").code == 0
    assert calls == [(("accuracy",), RunOptions(seeds="3"), None)]


def test_an_experiment_of_the_users_own_takes_its_options(tmp_path, capsys, calls):
    (tmp_path / "mine.py").write_text(OWN)
    assert call_jaxpe(capsys, "run", tmp_path / "mine.py", "--sizes", "3", "4", "--folder", "x").code == 0
    assert vars(calls[0][2]) == {"folder": Path("x"), "sizes": (3, 4)}
    page = call_jaxpe(capsys, "run", tmp_path / "mine.py", "--help").out
    assert "Does my encoding help?" in page and "Folder of my own." in page and "--results" in page


def test_the_help_of_an_experiment_lists_its_own_options(capsys):
    page = call_jaxpe(capsys, "run", "pretrained", "--help").out
    assert "--table" in page and "--model" in page and "pretrained options" in page and "--preset" in page
    assert "--table" not in call_jaxpe(capsys, "run", "--help").out
    assert "--table" not in call_jaxpe(capsys, "study", "--help").out


@pytest.mark.parametrize(
    ("line", "owner"),
    [
        ("run accuracy --table x.npy", "pretrained"),
        ("run pretrained --photographs DIR", "superposition"),
        ("run --model=A pretrained", "pretrained"),
        ("study --table x.npy", "pretrained"),
    ],
)
def test_an_option_of_another_experiment_is_refused_with_the_name_of_its_owner(capsys, line, owner):
    assert_one_sentence(call_jaxpe(capsys, *line.split()), f"it belongs to '{owner}'")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("sizes:", "seeds:"), "every experiment has an option --seeds"),
        (("tuple[int, ...] = (1, 2)", "dict = None"), "The option sizes has the type"),
        (("OPTIONS = Options", "OPTIONS = 3"), "OPTIONS must be a dataclass"),
    ],
)
def test_options_that_cannot_be_typed_are_one_sentence(tmp_path, capsys, change, says):
    (tmp_path / "mine.py").write_text(OWN.replace(*change))
    assert_one_sentence(call_jaxpe(capsys, "run", tmp_path / "mine.py"), says)
