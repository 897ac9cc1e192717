"""Findings of RESULTS.md: computed from tables and claims."""

import pytest
from page_folders import make_entry
from support import ROOT

from jaxpe.records.csv_tables import read_table
from jaxpe.report import findings, length_findings


@pytest.fixture(scope="module")
def read_standard():
    tables = {}

    def read(name):
        if name not in tables:
            tables[name] = read_table(ROOT / "results" / "standard" / name / "table.csv")
        return tables[name]

    return read


def read_rows(text):
    return [[entry.strip() for entry in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]


def test_an_effect_has_its_interval_n_and_verdict():
    claims = {("harm", "C5"): make_entry("C5"), ("harm", "C6"): make_entry("C6", effect=None)}
    assert findings.describe_claim(claims, "harm", "C5") == "+0.500 token accuracy (+0.400 to +0.600, n = 6), supported"
    assert findings.describe_share(claims, "harm", "C5") == "0.50 (0.40 to 0.60, n = 6)"
    assert {findings.describe_claim(claims, *key) for key in (("harm", "C6"), ("mine", "C5"))} == {""}


def test_ratios_are_means_over_seeds_at_the_training_length(read_standard):
    table = read_standard("harm")
    header, _, *rows = read_rows(findings.tabulate_ratios(table))
    part = table[(table["sweep"] == "ratio") & (table["metric"] == "token_accuracy") & (table["task"] == "count")]
    part = part[
        (part["test_length"] == part["train_length"]) & (part["width"] == 32) & (part["encoding"] == "sinusoidal")
    ]
    equal = part[part["position_factor"] == part["token_factor"]]["value"].mean()
    [row] = [row for row in rows if row[:2] == ["count", "32"]]
    assert row[header.index("1")] == f"{equal:.2f}"


def test_lengths_are_means_over_seeds(read_standard):
    table = read_standard("extrapolation")
    rows = read_rows(length_findings.tabulate_lengths(table))
    part = table[
        (table["task"] == "reverse") & (table["architecture"] == "encoder") & (table["encoding"] == "sinusoidal")
    ]
    part = part[(part["variant"] == "plain") & (part["metric"] == "token_accuracy") & (part["test_length"] == 24)]
    part = part[(part["positions"] == "arange") & (part["test_positions"] == "arange")]
    [row] = [row for row in rows if row[:3] == ["reverse", "encoder", "sinusoidal"]]
    assert row[5] == f"{part['value'].mean():.2f}" and row[7] == str(part["seed"].nunique())


def test_published_tables_are_compared_with_random_rows(read_standard):
    claims = {
        ("pretrained", "C1.minilm"): make_entry("C1.minilm"),
        ("pretrained", "C6.minilm"): make_entry("C6", effect=1.0),
    }
    [_, _, row] = read_rows(findings.tabulate_published(read_standard("pretrained"), claims))
    assert row == ["minilm", "0.03", "1.00", "1.00"]


def test_the_best_encodings_beyond_the_training_length_come_first(read_standard):
    text = length_findings.describe_catalogue(read_standard("catalogue"))
    best = [
        float(number)
        for number in text.partition("highest for ")[2].partition(". For")[0].split()
        if number[0] == "0"
        for number in [number.strip(",")]
    ]
    assert best == sorted(best, reverse=True) and len(best) == 5
