"""Rotations of sinusoids are recognised."""

import numpy as np

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
