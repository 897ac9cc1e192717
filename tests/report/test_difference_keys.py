"""Numbers under their labels: keys of differences, and the sentences of RESULTS.md."""

import numpy as np
import pandas as pd
import pytest
from results_folders import SPREAD, make_rows

from jaxpe.records.statistics import adjust_p_values
from jaxpe.report import differences, findings
from jaxpe.report.sides import read_sides


def test_p_values_are_adjusted_over_all_rows_of_a_pair_of_folders(write_folder):
    """By Holm's method: of three differences with 2/256, 2/256 and a larger p."""
    noise = np.array([0.5, -0.4, 0.3, -0.5, 0.4, -0.2, 0.1, -0.3])
    changes = {"up": SPREAD + 0.4, "down": SPREAD - 0.4, "noisy": noise}
    a = [row for name in changes for row in make_rows([0.5] * 8, name)]
    b = [row for name, change in changes.items() for row in make_rows(0.5 + change, name)]
    rows = differences.compare_tables(read_sides([write_folder("a", a), write_folder("b", b)]))
    by_name = {row["encoding"]: row for row in rows}
    p = [by_name[name]["p"] for name in changes]
    assert p[:2] == [2 / 256, 2 / 256] and p[2] > 0.05
    assert [by_name[name]["adjusted_p"] for name in changes] == pytest.approx(adjust_p_values(p))
    assert by_name["up"]["adjusted_p"] == pytest.approx(6 / 256)


def test_a_column_that_only_one_table_needs_is_a_key_too(write_folder):
    """Two readers in the first table, one in the second: each is compared with itself or with nothing."""
    first = make_rows(0.2 + SPREAD, reader="knows neither") + make_rows(0.6 + SPREAD, reader="knows both")
    second = make_rows(0.9 + SPREAD, reader="knows both")
    folders = [write_folder("a", first), write_folder("b", second)]
    [row] = differences.compare_tables(read_sides(folders))
    assert row["reader"] == "knows both" and row["difference"] == pytest.approx(0.3)


def test_a_claim_is_written_with_its_own_numbers():
    entry = {"effect": 0.312, "low": 0.29, "high": 0.334, "n": 6, "unit": "token accuracy", "verdict": "supported"}
    other = entry | {"effect": -0.5, "low": -0.6, "high": -0.4}
    claims = {("harm", "C5"): entry, ("harm", "C8"): other}
    sentence = "+0.312 token accuracy (+0.290 to +0.334, n = 6), supported"
    assert findings.describe_claim(claims, "harm", "C5") == sentence
    assert findings.describe_share(claims, "harm", "C5") == "0.31 (0.29 to 0.33, n = 6)"
    assert findings.describe_claim(claims, "accuracy", "C5") == ""
    lines = findings.list_effects(claims, "harm", {"C8": "eighth", "C5": "fifth", "C9": "none"}).splitlines()
    assert lines[1] == f"* fifth: {sentence}" and lines[0].startswith("* eighth: -0.500") and len(lines) == 2


def test_the_table_of_ratios_has_the_mean_of_its_task_width_and_ratio():
    generator = np.random.default_rng(0)
    rows = [
        {"sweep": "ratio", "metric": "token_accuracy", "encoding": encoding, "task": task, "width": float(width),
         "token_factor": 1.0, "position_factor": factor, "train_length": 8.0, "test_length": length, "seed": seed,
         "value": generator.random()}
        for encoding in ("sinusoidal", "random_fixed") for task in ("count", "index") for width in (16, 32)
        for factor in (0.1, 3.0) for length in (8.0, 16.0) for seed in range(4)
    ]  # fmt: skip
    table = pd.DataFrame(rows)
    lines = [line.strip("| ").split("|") for line in findings.tabulate_ratios(table).splitlines() if line[:1] == "|"]
    head, *body = [[part.strip() for part in line] for line in lines if "-" not in line[0]]
    plain = table[(table["encoding"] == "sinusoidal") & (table["test_length"] == 8)]
    assert head == ["task", "width", "0.1", "3"] and len(body) == 4
    for task, width, *values in body:
        part = plain[(plain["task"] == task) & (plain["width"] == float(width))]
        means = part.groupby("position_factor")["value"].mean()
        assert values == [f"{mean:.2f}" for mean in means], (task, width)
