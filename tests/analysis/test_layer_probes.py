"""Probes of planted states find what was planted, at the places where it was, and nothing in controls."""

import numpy as np
import pytest
from probed_models import open_model

from jaxpe.analysis import hidden, layer_probes


def plant_distance_and_answer(sample, share):
    """States that hold the distance to the end with `share` of their variance, and the answer with the rest."""
    generator, signals = np.random.default_rng(3), []
    for label in (sample.end, sample.answer):
        rows = np.linalg.qr(generator.normal(size=(40, 40)))[0][label]
        signals.append((rows - rows[sample.loss_mask].mean(0)) / rows[sample.loss_mask].std(0).mean())
    return np.sqrt(share) * signals[0] + np.sqrt(1 - share) * signals[1]


def test_answers_are_the_places_with_a_loss():
    _, probe_data = open_model("learned")
    sample = probe_data.sample
    places = layer_probes.split_places(sample)
    assert sample.loss_mask.sum() == places["input"].sum() and not (places["input"] & places["answers"]).any()
    for number in np.unique(sample.sequence):  # reverse: read backwards, the answers are the input
        rows = sample.sequence == number
        answers, tokens = sample.answer[rows & places["answers"]], sample.token[rows & places["input"]]
        assert answers[::-1].tolist() == tokens.tolist()
    assert not layer_probes.split_places(hidden.label_sequences(sample.inputs))  # without examples all places are one
    _, copied = open_model("learned", "copy", "decoder")
    assert set(layer_probes.split_places(copied.sample)) == {"input", "answers"}


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_shares_of_the_variance_at_the_answers_are_the_planted_ones(share):
    sample = open_model("learned", count=512)[1].sample
    among = layer_probes.split_places(sample)["answers"]
    x = plant_distance_and_answer(sample, share)
    results = layer_probes.probe_places(x, sample, "answers", among, None)
    shares = {columns["part"]: value for columns, value in results if columns["metric"] == "variance_share"}
    errors = {columns["target"]: value for columns, value in results if columns["metric"] == "probe_error"}
    assert list(shares) == ["position", "end", "answer", "mixed"]
    # Part of the distance to the end follows from the position, since no sequence is longer than the longest.
    assert shares["position"] + shares["end"] == pytest.approx(share, abs=0.1)
    assert shares["answer"] == pytest.approx(1 - share, abs=0.1) and abs(shares["mixed"]) < 0.1
    assert (errors["answer"] < 0.05) == (share < 1)


def test_where_input_and_answers_are_apart_the_variance_is_split_for_each_alone():
    model, probe_data = open_model("learned")
    sample = probe_data.sample
    states = np.asarray(hidden.record_hidden_states(model, sample.inputs))
    rows = [columns for columns, _ in layer_probes.probe_everywhere(states, sample, "trained", 0)]
    assert {row["places"] for row in rows if row["metric"] == "variance_share"} == {"input", "answers"}
    assert {row["target"] for row in rows if row["places"] == "answers" and "target" in row} == {"position", "answer"}
    plain = [columns for columns, _ in layer_probes.probe_layers(states, sample, "trained", 0)]
    assert any(row["metric"] == "variance_share" for row in plain) and not any("places" in row for row in plain)


def test_controls_find_nothing():
    sample = open_model("learned")[1].sample
    states = np.zeros((1, *sample.real.shape, 16))
    states[0][sample.real] = np.random.default_rng(0).normal(size=(len(sample.position), 16))
    states[0][sample.real, 3] += 5 * sample.position

    def select_targets(results):
        return {c["target"]: v for c, v in results if c["metric"] != "recovery" and c["places"] == "all"}

    read = select_targets(layer_probes.probe_everywhere(states, sample, "trained", 0))
    assert read["position"] < 0.15 and read["new_blocks"] < 0.15 and read["near pairs"] > 0.9
    shuffled = layer_probes.probe_everywhere(states, sample, "shuffled", 0)
    for results in (shuffled, layer_probes.probe_noise(16, sample, 0)):
        control = select_targets(results)
        assert {"position", "new_random", "new_blocks", "near pairs"} <= set(control)
        assert control["position"] > 0.8 and control["new_random"] > 0.8 and control["new_blocks"] > 0.8
        assert control["near pairs"] < 0.85
