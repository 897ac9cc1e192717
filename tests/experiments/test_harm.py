"""The verdicts of harm follow the rows of its table."""

import pandas as pd
import pytest
from harm_tables import TURNING, make_accuracy, make_sweep, make_table, shuffle_values

from jaxpe.analysis import effects
from jaxpe.study import experiment

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
    assert {claim.family for claim in MODULE.CLAIMS} == {"primary", "C5.seen", "C5.beyond", "C5.ratio", "C5.add", "C8"}
