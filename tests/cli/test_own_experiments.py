"""Experiments of the user's own from the command line: run, drawn again from anywhere, told apart, refused in a sentence."""

import json
import shutil

import pytest
from command_line import assert_one_sentence, call_jaxpe
from own_experiments import RETURN, write_experiment

from jaxpe.records.provenance import read_provenance
from jaxpe.study.origins import locate_memory


@pytest.fixture
def results(tmp_path, capsys, monkeypatch):
    """A results folder in which `exp/mine.py` was run."""
    write_experiment(tmp_path / "exp" / "mine.py")
    monkeypatch.chdir(tmp_path)
    assert call_jaxpe(capsys, "run", "exp/mine.py", "--results", "r", "--quiet").code == 0
    return tmp_path / "r"


def test_it_is_drawn_again_from_another_folder_and_an_edit_is_said(results, capsys, monkeypatch):
    provenance = read_provenance(results / "mine")
    assert provenance["file"] == "exp/mine.py" and len(provenance["code"]) == 64
    path = results.parent / "exp" / "mine.py"
    (results.parent / "elsewhere").mkdir()
    monkeypatch.chdir(results.parent / "elsewhere")
    (results / "mine" / "claims.json").unlink()
    assert call_jaxpe(capsys, "plot", "--results", "../r").err == ""
    assert json.loads((results / "mine" / "claims.json").read_text())[0]["statement"] == "It is so."
    write_experiment(path, ("It is so.", "It is not so."))
    for words in ((), ("mine",), ("../exp/mine.py",)):
        outcome = call_jaxpe(capsys, "plot", *words, "--results", "../r")
        assert outcome.code == 0 and "mine.py was edited since it measured mine" in outcome.err
    assert "It is not so." in (results / "compare.html").read_text()
    outcome = call_jaxpe(capsys, "verify", "../r")
    assert outcome.code == 0 and "mine.py was edited" in outcome.err
    write_experiment(path, ("ONE.make_result", "TWO.make_result"))
    assert_one_sentence(
        call_jaxpe(capsys, "plot", "--results", "../r"), "NameError: name 'TWO' is not defined (mine.py"
    )


@pytest.mark.parametrize("lost", ["file", "memory"])
def test_without_its_file_the_pages_keep_what_is_stored(results, capsys, lost):
    if lost == "file":
        shutil.rmtree(results.parent / "exp")
    else:
        locate_memory(results / "mine").unlink()
    before = {path: path.read_bytes() for path in (results / "mine").rglob("*.*")}
    outcome = call_jaxpe(capsys, "plot", "--results", "r")
    assert outcome.code == 0 and "`jaxpe plot exp/mine.py --results r` draws it again." in outcome.out
    assert {path: path.read_bytes() for path in (results / "mine").rglob("*.*")} == before
    for name in ("index.html", "compare.html"):
        page = (results / name).read_text()
        assert "Is it so?" in page and "It is so." in page
    assert "mine/figures/a.svg" in (results / "compare.html").read_text()
    assert "add --experiments exp/mine.py" in call_jaxpe(capsys, "verify", "r").err


def test_another_file_of_the_same_name_does_not_take_its_place(results, capsys):
    other = write_experiment(results.parent / "other" / "mine.py", ("1.0", "2.0"))
    before = (results / "mine" / "table.csv").read_bytes()
    for more in ((), ("--dry-run",)):
        outcome = call_jaxpe(capsys, "run", other, "--results", "r", *more)
        assert_one_sentence(outcome, "holds the results of another experiment of this name, from exp/mine.py")
    assert (results / "mine" / "table.csv").read_bytes() == before
    assert call_jaxpe(capsys, "verify", "r", "--experiments", other).code == 0  # what is only read takes no place
    write_experiment(results.parent / "exp" / "mine.py", ("1.0", "3.0"))  # the same file, edited
    assert call_jaxpe(capsys, "run", results.parent / "exp" / "mine.py", "--results", "r", "--quiet").code == 0


@pytest.mark.parametrize("name", ["accuracy", "runs"])
def test_a_name_that_is_taken_is_told_apart(tmp_path, capsys, name):
    path = write_experiment(tmp_path / f"{name}.py")
    assert call_jaxpe(capsys, "run", path, "--results", tmp_path / "r", "--quiet").code == 0
    assert (tmp_path / "r" / f"own_{name}" / "table.csv").is_file() and not (tmp_path / "r" / name).exists()
    outcome = call_jaxpe(capsys, "plot", "--results", tmp_path / "r")
    assert outcome.code == 0 and "draws it again" not in outcome.out
    if name == "accuracy":
        assert_one_sentence(call_jaxpe(capsys, "plot", name, "--results", tmp_path / "r"), "no table of accuracy in")


def test_two_results_folders_are_compared(results, capsys):
    path = write_experiment(results.parent / "exp" / "mine.py", ("1.0", "2.0"))
    assert call_jaxpe(capsys, "run", path, "--results", "r2", "--quiet").code == 0
    compared = json.loads(call_jaxpe(capsys, "compare", "r", "r2", "--json").out)
    [row], [claim] = compared["differences"], compared["claims"]
    assert row["experiment"] == claim["experiment"] == "mine" and row["difference"] == 1.0 and claim["id"] == "one"
    assert {"code", "file"} <= {one["field"] for one in compared["configuration"]}


OPTIONS = """
from dataclasses import dataclass
@dataclass
class OPTIONS:
    times: int = 2
    '''How often.'''
    def __post_init__(self):
        if self.times > 9:
            raise ValueError("too often")


def claims(table)"""


def test_options_of_a_file_of_any_name_are_listed_and_checked(tmp_path, capsys):
    path = write_experiment(tmp_path / "my-own class.py", ("\ndef claims(table)", OPTIONS))
    assert "How often." in call_jaxpe(capsys, "run", path, "--help").out
    for value, says in (("x", "--times takes a whole number"), ("10", "my-own class.py: ValueError: too often")):
        assert_one_sentence(call_jaxpe(capsys, "run", path, "--times", value, "--results", tmp_path / "r"), says)
    assert call_jaxpe(capsys, "run", path, "--times", "3", "--results", tmp_path / "r", "--quiet").code == 0
    assert read_provenance(tmp_path / "r" / path.stem)["preset"]["options"] == {"times": 3}


HOSTILE = {  # the change, what is said, and whether a table was written before
    "no metric": (('"metric": "m", ', ""), "measure: row 1: it has no 'metric'", False),
    "a word": (("1.0", '"high"'), "'value': a number is due, not 'high'", False),
    "nothing": ((RETURN, "    pass"), "measure must return a list of rows, not None", False),
    "measure fails midway": (
        (RETURN, RETURN.replace("return [", "yield ").replace("]", "; 1 / 0")),
        "mine.py: ZeroDivisionError",
        False,
    ),
    "a figure of a long name": (('{"a"', '{"a" * 300'), "is too long for the name of a file", True),
    "no models": (
        ("CLAIMS =", "select_models = lambda runs: None\nCLAIMS ="),
        "select_models must return a list",
        True,
    ),
    "measure exits": ((RETURN, "    raise SystemExit(4)"), "mine.py: SystemExit: 4 (mine.py, line", False),
    "claims raise": (("    return [ONE", "    1 / 0\n    return [ONE"), "mine.py: ZeroDivisionError", True),
    "no claims": (('    return [ONE.make_result("undecided", None)]', "    pass"), "claims must return a list", True),
    "undeclared": (("[ONE.make_result", '[Claim("two", "", "").make_result'), "the claim 'two' is not declared", True),
    "one id twice": (("None)]", "None)] * 2"), "two results have the id 'one'", True),
    "declared twice": (("(ONE,)", "(ONE, ONE)"), "two of its CLAIMS have the id 'one'", False),
    "no estimate": (("None)]", "0.5)]"), "takes an Estimate, or None", True),
    "no unit": (('"points"', "3"), "cannot have this claims.json: entry 1, 'unit'", True),
    "a list of figures": (('{"a": Figure()}', "[Figure()]"), "figures must return a dictionary", True),
    "no figure": (("Figure()}", "3}"), "figures must return a dictionary of matplotlib figures", True),
    "a figure elsewhere": (('{"a"', '{"../a"'), "'../a' cannot be the name of a file", True),
    "a figure that cannot be drawn": (("Figure()}", "Figure(figsize=(0, 0))}"), "mine.py: ", True),
    "no quick": (('"quick"', '"small"'), "Unknown preset 'quick'. Known: small. Give one that mine has", False),
    "a syntax error": (("def measure", "def def measure"), "mine.py could not be imported: SyntaxError", False),
    "an exit": (("ONE = ", "import sys; sys.exit(0)\nONE = "), "could not be imported: SystemExit: 0", False),
    "a summary": (("CLAIMS =", "summary = lambda table: 3\nCLAIMS ="), "summary must return a title", True),
    "answers": (("CLAIMS =", "answers = lambda table, results: 3\nCLAIMS ="), "cannot have this answers.json", True),
    "a table": (("CLAIMS =", "files = lambda *_: {'table.csv': ''}\nCLAIMS ="), "files gave 'table.csv'", True),
    "a file of no text": (("CLAIMS =", "files = lambda *_: {'a.txt': 3}\nCLAIMS ="), "must be text", True),
    "no preset": (("CLAIMS =", "adapt = lambda preset: None\nCLAIMS ="), "adapt must return a Preset", False),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_experiment_is_one_sentence(tmp_path, capsys, case):
    change, says, has_table = HOSTILE[case]
    path = write_experiment(tmp_path / "mine.py", change)
    assert_one_sentence(call_jaxpe(capsys, "run", path, "--results", tmp_path / "r", "--quiet"), says)
    left = {one.name for one in (tmp_path / "r").rglob("mine/**/*") if one.is_file()} - {"provenance.json"}
    if case != "a figure that cannot be drawn":  # the others were written
        assert left == ({"table.csv"} if has_table else set())


def test_a_folder_is_no_experiment(tmp_path, capsys):
    (tmp_path / "mine.py").mkdir()
    assert_one_sentence(call_jaxpe(capsys, "run", tmp_path / "mine.py"), "is a folder: give the path of an experiment")
