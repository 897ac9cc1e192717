"""YaRN (Peng et al. 2023, arXiv:2309.00071, §3.2-3.4): rotary for inputs `factor` times longer than in training.

With wavelengths λ_c = 2π·base^(2c/K), N training positions, γ_c = clip((N/λ_c − 1)/31, 0, 1) and s = factor, the angle
of pair c is p·θ_c·((1 − γ_c)/s + γ_c): pairs that make at least 32 turns in training are unchanged, pairs that make at
most one are interpolated. q and k are multiplied by 0.1·ln s + 1. It is meant for testing a model that was trained with
plain rotary.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Array, Float, Key

from jaxpe.encodings.base import Context, Encoding, View, require_trained_positions
from jaxpe.encodings.frequencies import compute_frequencies
from jaxpe.encodings.rotary import compute_rotated_width, rotate_pairs
from jaxpe.errors import UserError


class RotaryYarn(Encoding):
    """Rotary with frequencies interpolated by the number of turns they make in training, and sharper logits."""

    invariance = "relative"
    directed = True
    keeps_norms = False

    def __init__(self, context: Context, *, key: Key[Array, ""], base: float = 10_000.0, factor: float = 4.0) -> None:
        self.width = compute_rotated_width(context.head_width, 1.0)
        if factor < 1:
            raise UserError(f"rotary_yarn needs a factor of at least 1, got {factor}.")
        self.base, self.factor = base, factor
        self.trained = require_trained_positions(context.trained_positions, "rotary_yarn")

    def rotate(
        self, q: Float[Array, "T H K"], k: Float[Array, "S H K"], view: View
    ) -> tuple[Float[Array, "T H K"], Float[Array, "S H K"]]:
        plain = compute_frequencies(self.width, self.base, dtype=np.float64)
        kept = np.clip((self.trained * plain / (2 * math.pi) - 1) / 31, 0, 1)
        frequency = np.asarray(plain * ((1 - kept) / self.factor + kept), np.float32)
        amplitude = 0.1 * math.log(self.factor) + 1
        return (
            rotate_pairs(q, view.q_positions, frequency, amplitude),
            rotate_pairs(k, view.k_positions, frequency, amplitude),
        )


def reference_rotate(
    q: np.ndarray,
    k: np.ndarray,
    q_positions: np.ndarray,
    k_positions: np.ndarray,
    *,
    trained_positions: int,
    base: float = 10_000.0,
    factor: float = 4.0,
) -> tuple[np.ndarray, np.ndarray]:
    """`rotate` as a slow loop in float64, written from the formula."""

    def rotate(x: np.ndarray, positions: np.ndarray) -> np.ndarray:
        out = np.zeros(x.shape, np.float64)
        for t, p in enumerate(positions):
            for h in range(x.shape[1]):
                for c in range(x.shape[2] // 2):
                    wavelength = 2 * math.pi * base ** (2 * c / x.shape[2])
                    gamma = min(1.0, max(0.0, (trained_positions / wavelength - 1) / 31))
                    angle = float(p) * 2 * math.pi / wavelength * ((1 - gamma) / factor + gamma)
                    a, b = float(x[t, h, 2 * c]), float(x[t, h, 2 * c + 1])
                    out[t, h, 2 * c] = a * math.cos(angle) - b * math.sin(angle)
                    out[t, h, 2 * c + 1] = a * math.sin(angle) + b * math.cos(angle)
        return out * (0.1 * math.log(factor) + 1)

    return rotate(q, q_positions), rotate(k, k_positions)
