"""The claims of the reproduction follow the numbers, and its full preset is the published protocol."""

import pandas as pd
import pytest

from jaxpe.study import experiment
from jaxpe.study.run_configs import expand_grid

MODULE = experiment.load_experiment("reproduction").module


def make_table(offset, none, size=(4, 1, 64), seeds=10):
    """Exact match of learned positions with an offset and of none, from N + 1 to 2 N; 1 up to N, and 0 beyond 2 N."""
    rows = []
    for name, positions, far in (("learned", "offset", offset), ("none", "arange", none)):
        for seed in range(seeds):
            for label, value in (("within", 1.0), ("to 2 N", far + 0.001 * seed), ("to 3 N", 0.0)):
                rows.append(
                    {"encoding": name, "positions": positions, "layers": size[0], "heads": size[1], "width": size[2],
                     "range": label, "seed": seed, "metric": "exact_match", "value": value, "train_length": 16}
                )  # fmt: skip
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("offset", "none", "verdict"), [(0.5, 0.1, "supported"), (0.1, 0.5, "contradicted"), (0.3, 0.3, "undecided")]
)
def test_copying_is_decided_at_equal_sizes(offset, none, verdict):
    results = {result.id: result for result in MODULE.claims(make_table(offset, none))}
    assert results["C10"].verdict == verdict and results["C10"].value == pytest.approx(offset - none)
    assert "published 0.488 and 0.071" in results["C10"].note
    assert set(results) == {"C10", "C10.4-1-64-3n"}


def test_encodings_are_paired_by_seed_and_not_by_order():
    table = make_table(0.5, 0.1)
    table["value"] += table["seed"] / 2 * (table["range"] == "to 2 N")
    learned = table["encoding"] == "learned"
    table = table[(learned & (table["seed"] != 0)) | (~learned & (table["seed"] != 9))]
    [result, *_] = MODULE.claims(table)
    assert result.n == 8 and result.value == pytest.approx(0.4)
    learned = table["encoding"] == "learned"
    assert MODULE.claims(table[(table["seed"] > 5) == learned]) == []


def test_the_statement_names_task_size_and_lengths():
    [result, far] = MODULE.claims(make_table(0.5, 0.1))
    assert "4 layers, 1 head, width 64; trained up to N = 16, tested on lengths N + 1 to 2 N" in result.statement
    assert "2 N + 1 to 3 N" in far.statement and "far beyond" not in result.claim.title.en


def test_other_sizes_are_parts_of_the_claim():
    results = MODULE.claims(make_table(0.5, 0.1, size=(2, 1, 64)))
    assert [result.id for result in results] == ["C10.2-1-64-2n", "C10.2-1-64-3n"]
    assert {result.claim.family for result in results} == {"C10"} and "published" not in results[0].note


def test_the_note_counts_seeds_that_failed_within_training_and_leaves_them_out():
    table = make_table(0.5, 0.1)
    failed = (table["encoding"] == "none") & (table["seed"] < 4)
    table.loc[failed & (table["range"] == "within"), "value"] = 0.9
    table.loc[failed & (table["range"] == "to 2 N"), "value"] = 0.0
    [result, *_] = MODULE.claims(table)
    assert (
        "10 of 10 (mean 1.000) and 6 of 10 (mean 0.960)" in result.note
        and "on those alone 0.504 and 0.106" in result.note
    )


def test_the_full_preset_is_the_published_protocol():
    preset = MODULE.PRESETS["full"]
    assert (preset.steps, preset.batch, preset.learning_rate, preset.warmup) == (30_000, 64, 1e-3, 0)
    assert (preset.decay, preset.stop_every, preset.train_length) == ("linear", 3000, 50)
    [config, *_] = expand_grid(preset, {})
    assert config.encoding == "learned" and config.table_length == 303
    assert dict(config.position_options) == {"limit": 303}


def test_test_lengths_cover_three_ranges():
    ranges = MODULE.select_lengths(16, 48)
    assert [(min(lengths), max(lengths)) for lengths in ranges.values()] == [(8, 16), (17, 32), (33, 48)]
    assert max(MODULE.select_lengths(16, 40)["to 3 N"]) == 40
