"""Rotations of sinusoids are recognised."""

import numpy as np
import pytest
from probed_models import open_model

from jaxpe.analysis import rotation
from jaxpe.encodings.sinusoidal import reference_embed


def test_a_rotation_is_recognised_with_its_offset_and_noise_is_not():
    code = reference_embed(np.zeros((24, 16)), np.arange(24))
    frequency = 10_000.0 ** (-np.arange(0, 16, 2) / 16)
    rotated = np.empty_like(code)
    rotated[:, 0::2] = code[:, 0::2] * np.cos(3 * frequency) + code[:, 1::2] * np.sin(3 * frequency)
    rotated[:, 1::2] = code[:, 1::2] * np.cos(3 * frequency) - code[:, 0::2] * np.sin(3 * frequency)
    share, offset = rotation.fit_rotation(rotated @ code.T, 16)
    assert share > 0.999 and offset == 3 and rotation.fit_distance(rotated @ code.T) > 0.999
    noise = code @ np.random.default_rng(0).normal(size=(16, 16)) @ code.T
    assert rotation.fit_rotation(noise, 16)[0] < 0.6


def test_a_reflection_is_recognised_with_its_centre_and_is_no_rotation():
    """A head that reverses sequences of one length looks at k − t: it turns nothing."""
    place, frequency = np.arange(24), 10_000.0 ** (-np.arange(0, 16, 2) / 16)
    mirrored = np.cos((place + place[:, None] - 23) * frequency[:, None, None]).sum(0)
    share, centre = rotation.fit_reflection(mirrored, 16)
    assert share > 0.999 and centre == 23
    assert rotation.fit_rotation(mirrored, 16)[0] < 0.3
    turned = np.cos((place - place[:, None] - 3) * frequency[:, None, None]).sum(0)
    assert rotation.fit_rotation(turned, 16)[0] > 0.999 and rotation.fit_reflection(turned, 16)[0] < 0.3


@pytest.mark.parametrize("axis", [0, 1])
def test_a_ramp_over_keys_or_queries_is_no_rotation(axis):
    """It compares no positions. Without the means of queries alone, a ramp over the keys scored .998."""
    ramp = np.broadcast_to(np.expand_dims(np.arange(24.0), axis), (24, 24))
    noise = 1e-3 * np.random.default_rng(0).normal(size=(24, 24))
    for logits in (ramp, ramp + noise):
        assert rotation.fit_rotation(logits, 32)[0] < 0.1 and rotation.fit_reflection(logits, 32)[0] < 0.1
    assert rotation.fit_distance(ramp) == 0


def test_means_of_queries_and_keys_are_subtracted():
    logits = np.random.default_rng(1).normal(size=(2, 5, 5)) + np.arange(5) + 10 * np.arange(5)[:, None]
    centred = rotation.subtract_means(logits)
    assert np.abs(centred.mean(1)).max() < 1e-12 and np.abs(centred.mean(2)).max() < 1e-12


def test_both_shares_of_a_model_with_sinusoids_are_measured():
    model, probe_data = open_model("sinusoidal")
    rows = {row["metric"]: row for row, _ in rotation.measure_distances(model, probe_data.sample.position, "trained")}
    assert set(rows) == {"distance_share", "rotation_share", "reflection_share"}
    assert rows["reflection_share"]["max_offset"] == 2 * rows["rotation_share"]["max_offset"]
