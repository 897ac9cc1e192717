"""Frequencies in geometric steps, as sinusoids and rotations have them."""

from __future__ import annotations

import numpy as np

from jaxpe.errors import UserError


def compute_frequencies(width: int, base: float, step: int = 2, dtype: type[np.floating] = np.float32) -> np.ndarray:
    """base^(−c/width) for c = 0, step, 2·step … below the width, in radians per position, rounded to `dtype`.

    Raises UserError for a base that is not above 0.
    """
    if not base > 0:
        raise UserError(f"base must be above 0, got {base:g}.")
    return np.asarray(base ** (-np.arange(0, width, step) / width), dtype)
