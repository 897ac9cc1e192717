"""The verdicts of extraction follow the rows of its table."""

import pandas as pd
import pytest
from extraction_changes import set_probe, set_share
from probed_models import make_extraction_rows, measure_extraction_table

from jaxpe.analysis import readers
from jaxpe.study import experiment

pytestmark = pytest.mark.xdist_group("extraction")  # whose table is measured once
MODULE = experiment.load_experiment("extraction").module


@pytest.fixture
def table():
    return measure_extraction_table()


def judge(table):
    """The verdict of every claim, by its id."""
    return {result.id: result.verdict for result in MODULE.claims(table)}


def test_verdicts_follow_the_rows(table):
    readable = set_probe(table, 0.1, 0.5)
    verdicts = judge(readable)
    assert verdicts["C6"] == verdicts["C6.probe-layer1"] == "supported"
    shuffled = readable[readable["network"] == "shuffled"].assign(network="trained")
    others = readable[readable["network"] != "trained"]
    assert judge(pd.concat([others, shuffled]))["C6.probe-layer1"] == "contradicted"
    unreadable = readable.copy()
    unreadable.loc[readable["reader"].isin(["both tables", "neither"]), "value"] = 0.1
    verdicts = judge(unreadable)
    assert verdicts["C6"] == verdicts["C6.neither"] == "contradicted"
    assert set(judge(readable[readable["seed"] < 2]).values()) == {"undecided"}


def test_exactness_is_decided_by_the_share_of_seeds_also_where_seeds_disagree():
    def judge_values(*values):
        return MODULE.judge_exact(MODULE.KNOWS_BOTH, pd.Series(values), encoding="")

    most = judge_values(*[1.0] * 9, 0.9998)
    assert (most.verdict, most.value) == ("supported", 0.9) and most.estimate.low == pytest.approx(0.555, abs=1e-3)
    assert "Mean share read correctly 1.0000, minimum 0.9998" in most.note
    assert judge_values(*[1.0] * 5, *[0.99] * 5).verdict == "undecided"
    assert judge_values(*[0.99] * 10).verdict == "contradicted"


def test_shares_at_the_answers_are_compared_with_the_untrained_network(table):
    looked_up = set_share(set_share(table, "position", 0.01, 0.8), "answer", 0.97, 0.01)
    verdicts = judge(looked_up)
    assert verdicts["C6.position-share-layer1"] == "contradicted"
    assert verdicts["C6.answer-share-layer1"] == "supported"
    # Rows about the input decide nothing.
    assert judge(looked_up[looked_up["places"] != "input"])["C6.position-share-layer1"] == "contradicted"


def test_without_the_primary_cell_nothing_is_decided(table):
    assert judge(table[table["task"] != "reverse"]) == {"C6": "undecided"}
    assert judge(table.assign(value=table["value"].where(table["metric"] != "code_rms", 0.0))) == {"C6": "undecided"}


def test_another_encoding_takes_the_place_of_learned_and_is_named(table):
    cell = table["task"] == "reverse"
    other = table.assign(encoding=table["encoding"].where(~cell, "sinusoidal"))
    verdicts = judge(other)
    assert verdicts["C6"] == "supported" and "C6.position-only-sinusoidal" not in verdicts
    assert "encoder, sinusoidal)" in MODULE.claims(other)[0].statement
    both = MODULE.claims(pd.concat([other[cell], table]))
    assert "sinusoidal" not in both[0].statement and "C6.position-only-sinusoidal" in {result.id for result in both}


def test_readers_of_a_sum_without_positions_contradict_every_claim():
    rows = [
        ({"metric": "recovery", "reader": reader, "signal": "float32", "width": 16}, 0.1)
        for reader in readers.READERS[:3]
    ]
    rows = make_extraction_rows(rows, "none")
    assert {result.verdict for result in MODULE.judge_readers(rows, rows, "none")} == {"contradicted"}


def test_seeds_whose_split_is_not_exact_are_counted_in_the_note(table):
    missed = table.copy()
    missed.loc[missed["metric"] == "split_error", "value"] = 0.1
    note = next(result.note for result in MODULE.claims(missed) if result.id == "C6.position-logits")
    assert note.startswith("6 seeds left out")


@pytest.mark.parametrize(("offset", "words"), [(-23, "6 at the border"), (3, "±23: 3, 3, 3, 3, 3, 3.")])
def test_best_offsets_at_the_border_are_counted(offset, words):
    columns = {"metric": "rotation_share", "network": "trained", "offset": offset, "max_offset": 23}
    assert words in MODULE.describe_offsets(make_extraction_rows([(columns, 0.5)]))


def make_rotations(**shares):
    """Shares of rotation and reflection of eight seeds, trained and untrained."""
    rows = [
        ({"metric": f"{kind}_share", "network": network, "offset": 3, "max_offset": 23}, value)
        for name, value in shares.items()
        for kind, network in [name.split("_")]
    ]
    table = make_extraction_rows(rows, "sinusoidal", seeds=8)
    return table.assign(value=table["value"] + table["seed"] / 1000 * (table["network"] == "trained"))


@pytest.mark.parametrize(
    ("shares", "verdict"),
    [
        ({"rotation_trained": 0.8, "rotation_untrained": 0.3, "reflection_trained": 0.2}, "supported"),
        ({"rotation_trained": 0.8, "rotation_untrained": 0.3, "reflection_trained": 0.9}, "contradicted"),
        ({"rotation_trained": 0.2, "rotation_untrained": 0.3, "reflection_trained": 0.1}, "contradicted"),
        ({"rotation_trained": 0.8, "rotation_untrained": 0.3}, "undecided"),  # as measured before 2026-11-27
    ],
)
def test_a_rotation_must_explain_more_than_before_training_and_than_a_reflection(shares, verdict):
    result = MODULE.judge_rotation(make_rotations(**shares))
    assert result.verdict == verdict and result.id == "C6.rotation"
    assert ("Rotation minus reflection" in result.note) == ("reflection_trained" in shares)
