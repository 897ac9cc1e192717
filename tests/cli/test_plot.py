"""`jaxpe plot` and `jaxpe report`: from stored tables alone."""

import shutil

import pytest
from command_line import assert_one_sentence, call_jaxpe
from support import ROOT


@pytest.fixture
def stored(tmp_path):
    """A results folder with the table of one experiment."""
    shutil.copytree(ROOT / "results" / "throughput", tmp_path / "throughput")
    shutil.copy(ROOT / "results" / "jaxpe.json", tmp_path)
    return tmp_path


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
    assert names == {f"{path.stem}.{kind}" for path in before for kind in ("pdf", "svg")} and before
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
