"""The scorecard's sentences and page: counts of verdicts, names shown as text, dashes for what has no value."""

import io
import re

import numpy as np
import pandas as pd
from scorecard_rows import compare, make_table

from jaxpe.analysis.comparisons import PLAIN, compute_costs
from jaxpe.figures.scorecard import draw_differences
from jaxpe.report.answers.scorecard import format_headline, format_lines, make_files


def test_the_verdict_is_a_sentence_and_a_line_a_question():
    differences = compare(make_table(), ("none", "rotary"))
    costs = compute_costs(pd.DataFrame(make_table()), "mine", ("none", "rotary"))
    sentence = format_headline("mine", ("none", "rotary"), differences)
    verdicts = [one["verdict"] for one in differences if one["condition"] == PLAIN and one["measure"] != "extraction"]
    better, worse, undecided = (verdicts.count(word) for word in ("better", "worse", "undecided"))
    assert sentence.startswith(
        f"mine compared with none, rotary: better in {better}, worse in {worse}, undecided in {undecided} of {len(verdicts)} "
    )
    assert sentence.endswith("(paired seeds: 6; fewer than 10 are exploratory).") and len(sentence) < 150
    lines = dict(format_lines(differences, costs))
    assert list(lines) == ["accuracy", "extrapolation", "harm", "language", "extraction", "cost"]
    assert lines["accuracy"].startswith("reverse at 8 (N), token accuracy: 0.800; better than none (0.500, by +0.300, ")
    assert (
        lines["extrapolation"].startswith("reverse at 16 (2 N)")
        and "undecided against rotary" in lines["extrapolation"]
    )
    assert "worse than none (2.000, by +0.100" in lines["language"]
    assert lines["cost"] == "+64 parameters, 1.000 × the FLOPs and 1.50 × the step time of none"


PROVENANCE = {
    "command": "jaxpe scorecard", "date": "2026-01-01", "devices": 2, "device": "cpu", "versions": {"jaxpe": "0"},
    "diverged": 0,
}  # fmt: skip


def add_property(rows, measured="kept", fault=None):
    row = {"encoding": rows[0]["encoding"], "metric": "property", "property": "norms", "measured": measured}
    return [*rows, row | {"fault": fault, "value": float(not fault)}]


def test_an_encoding_named_in_html_is_shown_as_text():
    name = "../<b>&x</b>"
    table = pd.DataFrame(add_property(make_table(name), "<i>", "<script>1</script>"))
    files = make_files(table, PROVENANCE)
    text = files["scorecard.html"]
    for raw in ("<b>", "<i>", "<script"):
        assert raw not in text
    assert "<title>Scorecard of ../&lt;b&gt;&amp;x&lt;/b&gt;</title>" in text and "&lt;script&gt;1" in text
    headline = text.index("&lt;b&gt;&amp;x&lt;/b&gt; compared with none")
    assert text.index("<h1>") < headline < text.index("<li>") < text.index("<table>")
    assert text.count("<svg") == 2 and "1100 steps instead of 1000" in text
    row = pd.read_csv(io.StringIO(files["row.csv"]))
    assert list(row["encoding"]) == [name] and row["parameters"][0] == 1064
    assert row["properties that do not hold"][0] == 1


def test_what_has_no_value_is_a_dash_on_the_page():
    """Every text loss of the new encoding is NaN, and this backend counts no operations."""
    rows = [
        row | {"value": np.nan}
        if (row["encoding"], row["task"]) == ("mine", "causal_lm") or row["metric"] == "forward_flops"
        else row
        for row in make_table()
    ]
    differences = compare(rows, ("none", "rotary"))
    table = pd.DataFrame(add_property(rows))
    text = make_files(table, PROVENANCE | {"diverged": 1})["scorecard.html"]
    assert text.count("not comparable</td>") == 2 * 3 and "6 without a finite value" in text
    assert not re.search(r"\bnan\b", text)
    assert "1 trainings diverged" in text and "– × the FLOPs" in text
    assert draw_differences(differences, ("none", "rotary")).axes
