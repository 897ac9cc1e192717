"""A baseline of masked LM that knows which words a window shows, but not their order."""

from __future__ import annotations

from functools import partial

import jax
import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from jaxpe.data.examples import SPECIALS
from jaxpe.tasks.evaluation_sets import make_evaluation_key
from jaxpe.training import evaluate
from jaxpe.training.config import RunConfig
from jaxpe.training.sources import Source

GRID = np.linspace(0.0, 0.95, 20)  # of the weight of a window's own words


def measure_bag_of_words(config: RunConfig, source: Source, examples: int) -> float:
    """Bits per character of λ · share in the window + (1 − λ) · frequency in the training text, at the training length.

    λ is the best of a grid on the same windows, which gives the baseline a small advantage.
    """
    length = config.train_length
    draw = partial(evaluate.draw_test_batch, stream=source.stream, sampler=None, longest=length, examples=examples)
    example, _ = jax.tree.map(np.asarray, draw(make_evaluation_key(config.task, length), length, 0, source.validation))
    counts = np.bincount(np.asarray(source.train["tokens"]), minlength=source.stream.vocabulary) + 1.0
    counts[:SPECIALS] = 0
    characters = np.asarray(source.train["characters"])
    return compute_bag_bits(example.tokens, example.targets, example.metric_mask, counts / counts.sum(), characters)


def compute_bag_bits(
    tokens: Int[ndarray, "N T"],
    targets: Int[ndarray, "N T"],
    metric_mask: Bool[ndarray, "N T"],
    frequency: Float[ndarray, "V"],
    characters: Float[ndarray, "V"],
) -> float:
    """The baseline's bits per character over the places of the mask; at all other places the window shows its word."""
    shown = np.stack([np.bincount(row[row >= SPECIALS], minlength=len(frequency)) for row in tokens])
    rows, places = np.nonzero(metric_mask)
    answer = targets[rows, places]
    local = shown[rows, answer] / np.maximum(shown.sum(1)[rows], 1)
    nats = [-np.log(weight * local + (1 - weight) * frequency[answer]).sum() for weight in GRID]
    return float(min(nats) / characters[answer].sum() / np.log(2))
