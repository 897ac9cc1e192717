"""The plain sentences: numbers of the tables, opening words only where they follow, nothing without results."""

import numpy as np
import pandas as pd
import pytest
from page_folders import make_scores
from support import ROOT

from jaxpe.records.csv_tables import read_table, write_table
from jaxpe.report import article, brief, guide
from jaxpe.report.claims import read_all_claims
from jaxpe.report.messages import Messages
from jaxpe.report.sections import list_folders


def test_sentences_say_what_the_tables_say(tmp_path):
    table = [
        row | {"variant": "plain", "test_length": length, "value": value}
        for row in make_scores(encodings=("sinusoidal",), seeds=2)[::3]
        for length, value in ((8, 0.99), (9, 0.25))
    ]
    write_table(tmp_path / "extrapolation" / "table.csv", table)
    sentences = brief.compute_sentences(tmp_path, {}, {})
    assert sentences.pop("ends") == {
        "at": "99", "past": "25", "spared": "77", "blind": "30", "length": 8, "next": 9, "n": 2, "holds": True,
    }  # fmt: skip
    assert set(sentences.values()) == {None}
    opening = Messages().get_message("found.ends.holds", "en")
    for value, holds in ((None, True), (0.25, False)):
        values = brief.compute_ends(pd.DataFrame(table) if value is None else pd.DataFrame(table).assign(value=value))
        sentence = article.fill_sentences({"ends": values}, Messages())["ends"]
        assert f"{values['at']}% of the symbols right at length 8" in sentence and (opening in sentence) == holds


def test_the_sentences_of_the_committed_results_are_those_of_their_tables():
    """Computed by hand, of the quick preset."""
    folder = ROOT / "results"
    sentences = brief.compute_sentences(folder, read_all_claims(list_folders(folder)), guide.read_parts(folder))
    assert set(sentences) == set(brief.MEASURED_BY) and None not in sentences.values()
    table = read_table(folder / "harm" / "table.csv")
    plain = table[(table["metric"] == "token_accuracy") & (table["task"] == "count") & (table["positions"] == "arange")]
    harm = sentences["harm"]
    steps = table[(table["metric"] == "steps_to_95") & (table["task"] == "count") & (table["sweep"] == "none")]
    steps = steps.pivot(index="seed", columns="encoding", values="value").fillna(1200)
    ratio = 2 ** np.log2(steps["sinusoidal"] / steps["none"]).mean()
    assert harm["speed"] == f"{ratio:.1f}" and ratio != 1
    for name, encoding in (("with", "sinusoidal"), ("without", "none")):
        for where, length in (("seen", 8), ("beyond", 16)):
            rows = plain[
                (plain["encoding"] == encoding) & (plain["test_length"] == length) & (plain["sweep"] == "none")
            ]
            digits = 1 if where == "seen" else 0
            assert harm[f"{name}_{where}"] == f"{100 * rows['value'].mean():.{digits}f}" and len(rows) == harm["n"]
    swept = table[(table["metric"] == "token_accuracy") & (table["sweep"] == "ratio") & (table["test_length"] == 8)]
    much = swept[np.isclose(swept["position_factor"] / swept["token_factor"], 10, rtol=1e-3)]
    for task in ("count", "index"):
        assert sentences["size"][task] == f"{100 * much[much['task'] == task]['value'].mean():.0f}"


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_sentences_say_no_more_than_their_cells(language):
    """One task is not most tasks, and that a shift is a rotation is no reason why a model can do something."""
    messages = Messages()
    texts = {key: str(messages.catalogue[key][language]) for key in ("found.ends.holds", "article.adding.note")}
    assert not {"most tasks", "多くの課題"} & {
        part for part in ("most tasks", "多くの課題") if part in texts["found.ends.holds"]
    }
    assert not any(part in texts["article.adding.note"] for part in ("why a model", "三語前", "three words back"))
