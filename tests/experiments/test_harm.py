"""The verdicts of harm follow the rows of its table."""

import numpy as np
import pandas as pd
import pytest
from harm_tables import TURNING, make_accuracy, make_sweep, make_table, shuffle_values

from jaxpe.analysis import effects
from jaxpe.study import experiment
from jaxpe.study.run_configs import expand_grid

MODULE = experiment.load_experiment("harm").module


def judge(table):
    """The verdict of every claim, by its id."""
    return {result.id: result.verdict for result in MODULE.claims(table)}


def test_verdicts_follow_the_rows():
    verdicts = judge(make_accuracy({"count": (0.0, -0.3), "index": (0.3, 0.2)}))
    assert verdicts["C5"] == "contradicted" and verdicts["C5.count-seen-sinusoidal"] == "harmless"
    assert verdicts["C5.index-seen-sinusoidal"] == "helpful" and verdicts["C5.count-beyond-sinusoidal"] == "harmful"
    assert judge(make_accuracy({"count": (0.0, 0.0)}))["C5"] == "supported"
    shuffled = shuffle_values(make_accuracy({"count": (0.0, -0.3), "index": (0.3, 0.2)}), seed=3)
    assert set(judge(shuffled).values()) == {"undecided"}


def test_without_an_encoding_to_compare_there_is_no_verdict():
    table = make_accuracy({"count": (0.0, -0.3)})
    assert judge(table[table["encoding"] == "none"]) == {}


def make_twins(share, encoding="sinusoidal"):
    columns = {"task": "index", "metric": "twins_both_right", "test_length": 8}
    return make_table((columns | {"encoding": encoding}, share), (columns | {"encoding": "none"}, 0.3))


def test_the_verdict_on_twins_follows_the_rows():
    assert judge(make_twins(0.9))["C8.twins"] == "supported"
    assert judge(make_twins(0.1))["C8.twins"] == "contradicted"
    assert judge(shuffle_values(make_twins(0.9)))["C8.twins"] == "undecided"
    assert judge(make_twins(0.9, "learned"))["C8.twins"] == "supported"


@pytest.mark.parametrize("task", effects.MATCHED_PAIR)
def test_the_verdicts_on_adding_follow_the_rows(task):
    def make_widths(gain):
        columns = [
            {"task": task, "metric": "token_accuracy", "test_length": n, "encoding": name, "width": width}
            for n in (8, 16)
            for name in ("sinusoidal", "concatenated")
            for width in (32, 40)
        ]
        return make_table(*[(c, 0.6 + (gain if c["encoding"] == "sinusoidal" else 0)) for c in columns])

    ids = {f"C5.add-{name}-{task}-{where}" for name in effects.WIDTHS for where in effects.LENGTHS}
    for gain, word in ((0.2, "helpful"), (-0.2, "harmful"), (0.0, "harmless")):
        verdicts = judge(make_widths(gain))
        assert set(verdicts) == ids and set(verdicts.values()) == {word}
    assert set(judge(shuffle_values(make_widths(0.2))).values()) == {"undecided"}
    assert {result.claim.family for result in MODULE.claims(make_widths(0.2))} == {"C5.add"}


def test_the_turning_point_is_a_claim_that_follows_the_rows():
    plain = make_accuracy({"count": (0.0, 0.0), "index": (0.2, 0.1)})
    verdicts = judge(pd.concat([plain, make_sweep(*TURNING)]))
    assert verdicts["C5.ratio-count"] == "harmful" and verdicts["C5.ratio-index"] == "helpful"
    flat = dict.fromkeys(TURNING[0], 0.5)
    assert judge(pd.concat([plain, make_sweep(flat, flat)]))["C5.ratio-count"] == "harmless"
    assert judge(pd.concat([plain, shuffle_values(make_sweep(*TURNING))]))["C5.ratio-index"] == "undecided"
    assert "C5.ratio-count" not in judge(pd.concat([plain, make_sweep(*TURNING, "none")]))


def test_every_kind_of_part_is_a_family_of_its_own():
    families = {"primary", "C5.seen", "C5.beyond", "C5.ratio", "C5.add", "C5.speed", "C8"}
    assert {claim.family for claim in MODULE.CLAIMS} == families


def test_of_two_values_below_the_baseline_neither_is_helped_or_harmed():
    """Histogram at twice the length: .130 with sinusoids and .070 without, where the length alone gives .239."""
    table = make_accuracy({"count": (0.0, -0.5), "histogram": (0.0, 0.06)}).assign(length_baseline=0.6)
    table.loc[table["task"] == "histogram", "value"] -= 0.6
    results = {result.id: result for result in MODULE.claims(table)}
    part = results["C5.histogram-beyond-sinusoidal"]
    assert part.verdict == "undecided" and part.value == pytest.approx(0.06, abs=0.01)
    assert "are below the length-only baseline of 0.600" in part.note
    assert results["C5"].verdict == "contradicted"  # one of the two is above it
    assert judge(table.assign(length_baseline=0.8))["C5"] == "undecided"


def test_learning_is_slowed_where_it_takes_more_steps():
    def make_steps(sinusoidal, none):
        columns = {"task": "count", "metric": "steps_to_95", "steps": 3000, "test_length": np.nan}
        rows = [(columns | {"encoding": name}, value) for name, value in (("sinusoidal", sinusoidal), ("none", none))]
        return make_table(*rows)

    assert judge(make_steps(800, 400))["C5.speed-count-sinusoidal"] == "harmful"
    assert judge(make_steps(400, 800))["C5.speed-count-sinusoidal"] == "helpful"
    assert judge(make_steps(405, 400))["C5.speed-count-sinusoidal"] == "harmless"
    assert judge(make_steps(np.nan, 400))["C5.speed-count-sinusoidal"] == "harmful"  # never is at the last step
    assert judge(make_steps(400, np.nan)) == {}  # what cannot be learned has no speed
    order = make_steps(800, 400).assign(task="index")
    assert judge(order) == {}


def test_added_and_concatenated_sinusoids_have_ten_seeds_at_every_width():
    counts = {}
    for config, request in expand_grid(MODULE.PRESETS["standard"], {}).items():
        is_plain = config.scales is None and config.positions == "arange"
        if is_plain and config.task in effects.MATCHED_PAIR and config.encoding in ("sinusoidal", "concatenated"):
            counts[config.task, config.encoding, config.width] = request.seeds
    assert set(counts.values()) == {10} and len(counts) == 8
    assert set(expand_grid(MODULE.PRESETS["add"], {})) <= set(expand_grid(MODULE.PRESETS["standard"], {}))
