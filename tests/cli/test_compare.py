"""`jaxpe compare`: the page, the table, the summary, and what cannot be compared."""

import json
import subprocess
import sys
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from command_line import assert_one_sentence, call_jaxpe
from results_folders import PROVENANCE, SPREAD, make_claim, make_rows, write_results
from support import ROOT

from jaxpe.cli import compare
from jaxpe.records.files import write_text


@pytest.fixture
def write_folder(tmp_path):
    """Writes an experiment of a results folder, and returns the folder's path as a word."""
    return lambda folder, *arguments, **more: write_results(tmp_path / folder, *arguments, **more)


class Tags(HTMLParser):
    """The tags of a page and what they refer to."""

    def __init__(self, page):
        super().__init__()
        self.names, self.links = [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.names.append(tag)
        self.links += [value for name, value in attributes if name in ("src", "href", "onerror")]


def test_the_page_shows_names_as_text_and_needs_no_other_file(write_folder, tmp_path, capsys):
    evil = "<img src=x onerror=alert(1)>"
    rows = make_rows(0.2 + SPREAD, evil, metric=evil)
    a = write_folder(evil, rows, [make_claim("supported", 0.5, evil)], PROVENANCE | {"command": evil})
    b = write_folder("b", make_rows(0.5 + SPREAD, evil, metric=evil), [make_claim("undecided", 0.1, evil)])
    assert compare.compare_folders([a, b], tmp_path / "out", False) == 0
    page = (tmp_path / "out" / "index.html").read_text()
    result = Tags(page)
    assert not {"img", "script", "link", "iframe"} & set(result.names) and result.links == ["table.csv"]
    assert page.count("&lt;img src=x onerror=alert(1)&gt;") > 4 and "http" not in page and "url(" not in page
    printed = capsys.readouterr().out
    assert "1 shared numbers: 1 higher" in printed and "+0.3" in printed and "Verdicts differ for C3" in printed


def test_the_table_holds_every_difference_and_json_is_all_that_is_printed(write_folder, tmp_path, capsys):
    rows = [row for i in range(300) for row in make_rows([0.1, 0.2], f"encoding{i}")]
    a, b = write_folder("a", rows), write_folder("b", [row | {"value": row["value"] + 0.25} for row in rows])
    assert compare.compare_folders([a, b], tmp_path / "out", True) == 0
    printed = json.loads(capsys.readouterr().out)
    table = pd.read_csv(tmp_path / "out" / "table.csv")
    assert len(printed["differences"]) == len(table) == 300 and printed["sides"] == [a, b]
    np.testing.assert_allclose(table["difference"], 0.25, rtol=1e-5)
    assert "100 more rows are in the table" in (tmp_path / "out" / "index.html").read_text()


def test_the_command_compares_without_jax(write_folder, tmp_path):
    a, b = write_folder("a", make_rows(SPREAD)), write_folder("b", make_rows(0.5 + SPREAD))
    code = (
        f"import sys\nfrom jaxpe import cli\ntry:\n cli.main(['compare', {a!r}, {b!r}, '--output', {str(tmp_path / 'o')!r}])\n"
        "except SystemExit as end:\n assert end.code == 0 and not {'jax', 'matplotlib', 'datasets'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "o" / "index.html").is_file()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["{a}"], "at least two results folders"),
        (["{a}", "{a}/"], "are the same"),
        (["{a}/accuracy", "{a}/../a/accuracy"], "are the same"),
        (["{a}", "nothing"], "There is no table in nothing"),
        (["{a}", "{a}/acuracy"], "Did you mean"),
        (["{a}/accuracy:leraned", "{a}/accuracy"], "Did you mean 'learned'"),
        (["{a}", "{harm}"], "share no rows"),
        (["{a}", "{late}"], "share no rows"),
        (["{a}", "{bad}"], "no column"),
        (["{a}", "{same}", "--output", "{a}"], "choose an --output outside"),
        (["{a}", "{same}", "--output", "{a}/compare"], "choose an --output outside"),
    ],
)
def test_mistakes_are_one_sentence(write_folder, tmp_path, capsys, words, says):
    names = {
        "a": write_folder("a", make_rows(SPREAD)),
        "same": write_folder("same", make_rows(SPREAD)),
        "harm": write_folder("harm", make_rows(SPREAD, experiment="harm"), experiment="harm"),
        "late": write_folder("late", make_rows(SPREAD, first_seed=100)),
        "bad": str(tmp_path / "bad"),
    }
    write_text(tmp_path / "bad" / "table.csv", "x,y\n1,2\n")
    before = sorted(tmp_path.rglob("*"))
    assert_one_sentence(call_jaxpe(capsys, "compare", *[word.format(**names) for word in words]), says)
    assert sorted(tmp_path.rglob("*")) == before
