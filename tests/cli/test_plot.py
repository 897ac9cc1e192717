"""`jaxpe plot` and `jaxpe report`: from stored tables alone."""

import shutil

import pytest
from command_line import assert_one_sentence, call_jaxpe
from results_folders import SPREAD, make_rows, write_results
from support import ROOT

from jaxpe.records.provenance import UNSEALED as SEAL
from jaxpe.records.provenance import read_provenance, write_provenance


@pytest.fixture
def stored(tmp_path):
    """A results folder with the table of one experiment."""
    results = tmp_path / "results"
    shutil.copytree(ROOT / "results" / "throughput", results / "throughput")
    shutil.copy(ROOT / "results" / "jaxpe.json", results)
    provenance = read_provenance(results / "throughput")
    write_provenance(results / "throughput", {name: provenance[name] for name in provenance if name not in SEAL})
    return results


def test_figures_for_print_are_written_next_to_those_of_the_web(stored, capsys):
    """Figures of an earlier table are removed, those of the web page stay as they are."""
    figures = stored / "throughput" / "figures"
    assert call_jaxpe(capsys, "plot", "--results", stored).code == 0
    (figures / "paper").mkdir()
    (figures / "paper" / "of_an_earlier_table.pdf").write_bytes(b"")
    before = {path: path.read_bytes() for path in figures.glob("*.*")}
    code, printed, _ = call_jaxpe(capsys, "plot", "--for", "paper", "--results", stored)
    names = {path.name for path in (figures / "paper").iterdir()}
    assert code == 0 and "figures/paper" in printed
    assert names == {f"{path.stem}.{kind}" for path in before for kind in ("pdf", "svg", "txt")} and before
    assert {path: path.read_bytes() for path in figures.glob("*.*")} == before


@pytest.mark.parametrize("command", ["plot", "report"])
def test_a_folder_without_tables_is_one_sentence(capsys, tmp_path, command):
    (tmp_path / "new").mkdir()
    says = "There is no table"
    assert_one_sentence(call_jaxpe(capsys, command, "--results", tmp_path / "new"), says)


def test_the_report_opens_in_the_language_that_was_asked_for(stored, capsys):
    for language in ("ja", "en"):
        code, printed, _ = call_jaxpe(capsys, "report", "--language", language, "--results", stored)
        assert code == 0 and "index.html" in printed
        assert f'<html lang="{language}"' in (stored / "index.html").read_text()


def test_what_was_edited_is_said_and_stays_said(stored, capsys):
    """Drawing again computes everything from the edited table; it does not make the table whole."""
    assert call_jaxpe(capsys, "plot", "--results", stored).err == ""
    table = stored / "throughput" / "table.csv"
    table.write_text(table.read_text().replace("product_gflops,", "product_gflops,9", 1))
    for command in ("plot", "plot", "report"):
        outcome = call_jaxpe(capsys, command, "--results", stored)
        assert outcome.code == 0 and outcome.err == "throughput/table.csv was edited since it was written.\n"


def test_a_fault_of_an_edited_table_is_a_sentence(stored, capsys):
    table = stored / "throughput" / "table.csv"
    table.write_text(table.read_text().replace("replicas", "replica"))
    outcome = call_jaxpe(capsys, "plot", "--results", stored)
    assert_one_sentence(outcome, "throughput cannot be drawn again")
    assert "throughput/table.csv was edited since it was written." in outcome.err


CODE = "import pathlib\npathlib.Path('ran').write_text('')\n"


@pytest.mark.parametrize("name", ["x.py", "x", "../x.py", "throughput.py"])
def test_nothing_that_a_folder_names_is_run(stored, capsys, monkeypatch, name):
    """Neither by the name of a folder, nor by provenance, nor by a table, wherever the file lies."""
    monkeypatch.chdir(stored.parent)
    for folder in (stored / "throughput", stored.parent):
        (folder / "x.py").write_text(CODE)
        (folder / "throughput.py").write_text(CODE)
    rows = make_rows(SPREAD, f"{stored.parent}/x.py:Mine", experiment=name)
    write_results(
        stored, rows, provenance={"experiment": name, "preset": {"encodings": ["x.py:Mine"]}}, experiment="x.py"
    )
    write_results(stored, rows, provenance={"experiment": name, "file": "x.py", "code": "1"}, experiment="x")
    for command in ("plot", "report"):
        outcome = call_jaxpe(capsys, command, "--results", stored)
        assert outcome.code == 0 and not outcome.err
    outcome = call_jaxpe(capsys, "plot", "x", "--results", stored)
    assert_one_sentence(outcome, "Unknown experiment 'x'")
    assert not list(stored.parent.rglob("ran"))


def test_a_path_is_loaded_where_it_is_typed(stored, capsys, monkeypatch):
    monkeypatch.chdir(stored)
    (stored / "x.py").write_text(CODE)
    assert_one_sentence(call_jaxpe(capsys, "plot", "x.py", "--results", stored), "x.py is not an experiment")
    assert (stored / "ran").is_file()


def test_a_scorecard_is_found_by_its_folder_and_by_its_experiment(stored, capsys):
    rows = make_rows(SPREAD, experiment="scorecard")
    write_results(stored, rows, provenance={"experiment": "scorecard"}, experiment="scorecard-mine")
    for name in ("scorecard-mine", "scorecard"):
        assert "scorecard cannot be drawn again from" in call_jaxpe(capsys, "plot", name, "--results", stored).err


def test_a_copy_is_named_once_on_stderr(stored, capsys):
    assert call_jaxpe(capsys, "plot", "--results", stored).code == 0
    shutil.copytree(stored / "throughput", stored / "throughput (copy)")
    for command in ("plot", "report"):
        outcome = call_jaxpe(capsys, command, "--results", stored)
        assert outcome.code == 0 and outcome.err.count("throughput (copy)") == 1 and "(copy)" not in outcome.out
    assert_one_sentence(call_jaxpe(capsys, "plot", "throughput (copy)", "--results", stored), "Unknown experiment")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--font", "DejaVu Serif"), "--font and --width are for paper: add --for paper"),
        (("--for", "talk", "--width", "column"), "--font and --width are for paper"),
        (("--for", "paper", "--width", "wide"), "--width takes column, text, or 2 to 20 inches"),
        (("--for", "paper", "--font", "No Such Font"), "Unknown font family"),
    ],
)
def test_fonts_and_widths_that_do_not_fit_are_one_sentence(tmp_path, capsys, words, says):
    assert_one_sentence(call_jaxpe(capsys, "plot", "--results", tmp_path, *words), says)
