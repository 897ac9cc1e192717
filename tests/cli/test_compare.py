"""`jaxpe compare`: differences over shared seeds, what tells rows apart, what differs, and names that hold HTML."""

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from support import ROOT

from jaxpe import cli
from jaxpe.cli import compare
from jaxpe.errors import UserError
from jaxpe.records import statistics
from jaxpe.records.csv_tables import write_table
from jaxpe.records.files import write_text
from jaxpe.records.json_values import write_json
from jaxpe.records.results import MARKER, SCHEMA

SPREAD = np.array([0.0, 0.01, -0.01, 0.02, -0.02, 0.015, -0.005, 0.005])


def values(given, encoding="learned", metric="token_accuracy", experiment="accuracy", first_seed=0, **more):
    """Rows of a table: a value for each seed."""
    shared = {
        "experiment": experiment, "task": "reverse", "architecture": "encoder", "encoding": encoding,
        "positions": "arange", "test_positions": "arange", "train_length": 8, "test_length": 16, "metric": metric,
        "learning_rate": 0.003,
    }  # fmt: skip
    return [shared | more | {"seed": first_seed + i, "value": value} for i, value in enumerate(given)]


def claim(verdict, effect, statement="Order helps."):
    return {
        "id": "C3", "statement": statement, "verdict": verdict, "effect": effect, "low": effect - 0.1,
        "high": effect + 0.1, "n": 6, "unit": "accuracy", "note": "", "p": None, "family": "",
    }  # fmt: skip


FACTS = {
    "command": "jaxpe study", "date": "2026-01-01", "seconds": 5.0, "devices": 2, "versions": {"jax": "0.10.2", "flax": "0.12.8"},
    "preset": {
        "grid": [
            {"task": "reverse", "architectures": ["encoder"], "encodings": ["none", "learned"], "positions": ["arange"], "sizes": [["seeds", 6]], "scales": [None]},
            {"task": "count", "architectures": ["encoder"], "encodings": ["none"], "positions": ["arange"], "sizes": [], "scales": [None]},
        ],
        "steps": 800, "width": 32, "learning_rates": [], "name": "",
    },
}  # fmt: skip


@pytest.fixture
def written(tmp_path):
    """Writes an experiment of a results folder, and returns the folder's path as a word."""

    def write(folder, rows, claims=(), facts=FACTS, experiment="accuracy"):
        where = tmp_path / folder
        write_json(where / MARKER, {"schema": SCHEMA})
        write_table(where / experiment / "table.csv", rows)
        write_json(where / experiment / "claims.json", list(claims))
        write_json(where / experiment / "provenance.json", facts)
        return str(where)

    return write


def compared(*folders):
    return compare.differences(compare.opened(folders))


# ── differences ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_difference_is_the_mean_over_the_seeds_that_both_have(written):
    """By a loop over seeds; the interval holds it and excludes 0."""
    a = written("a", values(0.4 + SPREAD))  # seeds 0 … 7
    b = written("b", values(0.7 - SPREAD, first_seed=2))  # seeds 2 … 9
    [row] = compared(a, b)
    shared = range(2, 8)
    expected = [round(0.7 - SPREAD[seed - 2], 6) - round(0.4 + SPREAD[seed], 6) for seed in shared]
    assert row["difference"] == pytest.approx(sum(expected) / 6) and row["n"] == 6
    assert 0 < row["low"] < row["difference"] < row["high"] and row["verdict"] == "higher"
    assert row["p"] == 2 / 2**6  # of 64 sign flips only the plain one and its opposite are as far from 0
    [back] = compared(b, a)
    assert back["difference"] == pytest.approx(-row["difference"]) and back["verdict"] == "lower"


def test_fewer_than_six_shared_seeds_have_no_interval_and_decide_nothing(written):
    [row] = compared(written("a", values(SPREAD[:5])), written("b", values(0.9 + SPREAD[:5])))
    assert row["n"] == 5 and row["low"] is None and row["verdict"] == "undecided"


def test_columns_that_tell_rows_apart_are_kept_apart_and_others_may_differ(written):
    """Two readers in each table are two differences; another learning rate in all of b does not hide them."""
    first = values(0.2 + SPREAD, reader="knows neither") + values(0.6 + SPREAD, reader="knows both")
    second = values(0.3 + SPREAD, reader="knows neither", learning_rate=0.01)
    second += values(0.9 + SPREAD, reader="knows both", learning_rate=0.01)
    found = compared(written("a", first), written("b", second))
    assert {row["reader"]: round(row["difference"], 6) for row in found} == {"knows neither": 0.1, "knows both": 0.3}
    assert all("learning_rate" not in row for row in found)


def test_lengths_are_the_same_whether_a_table_holds_gaps_or_not(written):
    """A column of whole numbers is read as floats where an entry is missing."""
    a = written("a", values(SPREAD))
    b = written("b", values(SPREAD) + values([1.0], metric="parameters", test_length=None))
    assert [row["test_length"] for row in compared(a, b)] == ["16"]


def test_a_diverged_training_is_counted_and_never_left_out(written):
    lost = [0.9, 0.9, None, 0.9, 0.9, 0.9, 0.9]
    [row] = compared(written("a", values([0.1] * 7)), written("b", values(lost)))
    assert row["verdict"] == statistics.NOT_COMPARABLE and row["without_value"] == 1 and row["difference"] is None


def test_what_cannot_be_seen_is_called_so(written):
    [same] = compared(written("a", values(SPREAD)), written("b", values(SPREAD)))
    [ceiling] = compared(written("c", values([1.0] * 6)), written("d", values([0.999] * 6)))
    assert same["verdict"] == compare.SAME and ceiling["verdict"] == compare.CEILING


def test_decided_differences_come_first_and_large_ones_before_small_ones(written):
    """Large: as a share of the metric's largest value, since ranks and accuracies have no common unit."""
    noise = np.array([0.5, -0.4, 0.3, -0.5, 0.4, -0.2, 0.1, -0.3])
    encodings = {"small": SPREAD / 10 + 0.05, "large": SPREAD + 0.4, "noisy": noise}
    a = [row for name in encodings for row in values([0.5] * 8, name)] + values([100] * 8, "rank", "rank")
    b = [row for name, change in encodings.items() for row in values(0.5 + change, name)]
    found = compared(written("a", a), written("b", b + values(100 - 20 - SPREAD, "rank", "rank")))
    assert [row["encoding"] for row in found] == ["large", "rank", "small", "noisy"]
    assert all(row["adjusted_p"] >= row["p"] for row in found)


def test_every_pair_of_three_folders_is_compared(written):
    folders = [written(name, values(mean + SPREAD)) for name, mean in (("a", 0.1), ("b", 0.2), ("c", 0.4))]
    found = {(row["a"], row["b"]): row["difference"] for row in compared(*folders)}
    assert list(found) == [(folders[0], folders[1]), (folders[0], folders[2]), (folders[1], folders[2])]
    assert list(found.values()) == pytest.approx([0.1, 0.3, 0.2])


def test_one_run_of_a_folder_and_two_encodings_of_a_run(written):
    rows = values(0.2 + SPREAD, "none") + values(0.9 + SPREAD, "sinusoidal")
    a, b = written("a", rows), written("b", values(0.4 + SPREAD, "none"))
    written("b", values(0.4 + SPREAD, "none", experiment="harm"), experiment="harm")
    assert [row["experiment"] for row in compared(f"{a}/accuracy", b)] == ["accuracy"]
    [row] = compared(f"{a}/accuracy:none", f"{a}/accuracy:sinusoidal")
    assert row["difference"] == pytest.approx(0.7) and row["encoding"] == compare.ONE_ENCODING


# ── configuration and claims ────────────────────────────────────────────────────────────────────────────────────────


def test_only_what_differs_in_the_configuration_is_told(written):
    """Of a grid only the rows that one side lacks; times and dates are no configuration."""
    [row, _], preset = FACTS["preset"]["grid"], FACTS["preset"]
    other = FACTS | {
        "date": "2026-02-02", "seconds": 9.0, "devices": 8, "versions": {"jax": "0.12.0", "flax": "0.12.8"},
        "preset": {key: value for key, value in preset.items() if key != "name"} | {"steps": 3000, "grid": [row]},
    }  # fmt: skip
    a, b = written("a", values(SPREAD)), written("b", values(SPREAD), facts=other)
    found = {one["field"]: one["values"] for one in compare.configuration(compare.opened([a, b]))}
    assert found == {
        "devices": ["2", "8"],
        "versions.jax": ["0.10.2", "0.12.0"],
        "preset.steps": ["800", "3000"],
        "preset.grid": ["count · encoder · none", "–"],
    }
    assert compare.configuration(compare.opened([a, written("c", values(SPREAD))])) == []


def test_claims_stand_side_by_side_those_that_turned_first(written):
    a = written("a", values(SPREAD), [claim("supported", 0.2) | {"id": "C1"}, claim("supported", 0.5)])
    b = written("b", values(SPREAD), [claim("supported", 0.1) | {"id": "C1"}, claim("undecided", 0.0)])
    found = compare.claims(compare.opened([a, b]))
    assert [(one["id"], one["differs"]) for one in found] == [("C3", True), ("C1", False)]
    assert [side["verdict"] for side in found[0]["sides"]] == ["supported", "undecided"]


# ── what is written and printed ─────────────────────────────────────────────────────────────────────────────────────


class Tags(HTMLParser):
    """The tags of a page and what they refer to."""

    def __init__(self, page):
        super().__init__()
        self.names, self.links = [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.names.append(tag)
        self.links += [value for name, value in attributes if name in ("src", "href", "onerror")]


def test_the_page_shows_names_as_text_and_needs_no_other_file(written, tmp_path, capsys):
    evil = "<img src=x onerror=alert(1)>"
    rows = values(0.2 + SPREAD, evil, metric=evil)
    a = written(evil, rows, [claim("supported", 0.5, evil)], FACTS | {"command": evil})
    b = written("b", values(0.5 + SPREAD, evil, metric=evil), [claim("undecided", 0.1, evil)])
    assert compare.compare([a, b], tmp_path / "out", False) == 0
    page = (tmp_path / "out" / "index.html").read_text()
    found = Tags(page)
    assert not {"img", "script", "link", "iframe"} & set(found.names) and found.links == ["table.csv"]
    assert page.count("&lt;img src=x onerror=alert(1)&gt;") > 4 and "http" not in page and "url(" not in page
    told = capsys.readouterr().out
    assert "1 shared numbers: 1 higher" in told and "+0.3" in told and "Verdicts differ for C3" in told


def test_the_table_holds_every_difference_and_json_is_all_that_is_printed(written, tmp_path, capsys):
    rows = [row for i in range(300) for row in values([0.1, 0.2], f"encoding{i}")]
    a, b = written("a", rows), written("b", [row | {"value": row["value"] + 0.25} for row in rows])
    assert compare.compare([a, b], tmp_path / "out", True) == 0
    printed = json.loads(capsys.readouterr().out)
    table = pd.read_csv(tmp_path / "out" / "table.csv")
    assert len(printed["differences"]) == len(table) == 300 and printed["sides"] == [a, b]
    np.testing.assert_allclose(table["difference"], 0.25, rtol=1e-5)
    assert "100 more are in the table" in (tmp_path / "out" / "index.html").read_text()


def test_the_command_compares_without_jax(written, tmp_path):
    a, b = written("a", values(SPREAD)), written("b", values(0.5 + SPREAD))
    code = (
        f"import sys\nfrom jaxpe import cli\ntry:\n cli.main(['compare', {a!r}, {b!r}, '--output', {str(tmp_path / 'o')!r}])\n"
        "except SystemExit as end:\n assert end.code == 0 and not {'jax', 'matplotlib', 'datasets'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "o" / "index.html").is_file()


# ── mistakes ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["{a}"], "two results folders or more"),
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
def test_mistakes_are_one_sentence_and_exit_code_2(written, tmp_path, capsys, words, says):
    names = {
        "a": written("a", values(SPREAD)),
        "same": written("same", values(SPREAD)),
        "harm": written("harm", values(SPREAD, experiment="harm"), experiment="harm"),
        "late": written("late", values(SPREAD, first_seed=100)),
        "bad": str(tmp_path / "bad"),
    }
    write_text(tmp_path / "bad" / "table.csv", "x,y\n1,2\n")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(SystemExit) as end:
        cli.main(["compare", *[word.format(**names) for word in words]])
    told = capsys.readouterr().err
    assert end.value.code == 2 and says in told and len(told.strip().splitlines()) == 1
    assert sorted(tmp_path.rglob("*")) == before


def test_an_altered_file_is_named(written):
    a, b = written("a", values(SPREAD)), written("b", values(SPREAD))
    (Path(b) / "accuracy" / "claims.json").write_text("{")
    with pytest.raises(UserError, match=r"claims\.json was altered"):
        compare.opened([a, b])


def test_a_mistyped_results_folder_is_guessed(written):
    right = written("standard", values(SPREAD))
    with pytest.raises(UserError, match=f"Did you mean '{re.escape(right)}'"):
        compare.opened([right.replace("standard", "standrad"), right])


@pytest.mark.parametrize("claims", ['[{"id": "C1"}]', '["C1"]', "{}"])
def test_claims_that_lack_what_a_claim_has_are_named(written, claims):
    a, b = written("a", values(SPREAD)), written("b", values(SPREAD))
    (Path(b) / "accuracy" / "claims.json").write_text(claims)
    with pytest.raises(UserError, match=r"claims\.json was altered"):
        compare.opened([a, b])
