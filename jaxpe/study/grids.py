"""Rows that several experiments share, so that they share the trained runs too."""

from __future__ import annotations

from jaxpe.data.language import OBJECTIVES
from jaxpe.study.presets import THREE, GridRow

QUICK_TEXT = (
    ("train_length", 32),
    ("max_length_ratio", 8.0),
    ("steps", 800),
    ("batch", 32),
    ("length_buckets", 1),
    ("examples", 128),
    ("seeds", 2),  # a look at real text: so short a training decides nothing
)
STANDARD_TEXT = (
    ("train_length", 64),
    ("max_length_ratio", 8.0),
    ("steps", 4000),
    ("batch", 32),
    ("width", 64),
    ("layers", 2),
    ("heads", 2),
)
STANDARD_PAIRS = (
    ("train_length", 32),
    ("max_length_ratio", 1.0),
    ("steps", 4000),
    ("batch", 32),
    ("width", 64),
    ("vocabulary", 1024),
)
OWN_LEARNING_RATES = (("learning_rates", (1e-3, 3e-3, 1e-2)),)  # of rows that carry the primary cell of C2
TEN = (("seeds", 10),)  # of rows that carry a claim
SIX = (("seeds", 6),)  # the fewest that can give a verdict on a difference
FIVE = (("seeds", 5),)  # of rows that carry no claim
QUICK_COUNT = (("steps", 1200),)
ALL = ("encoder", "decoder", "encoder_decoder")
SEVEN = ("none", "sinusoidal", "learned", "sinusoidal_paper", "learned_bert", "concatenated", "random_fixed")


LIGHT = (("steps", 1500), ("batch", 32), ("seeds", 5))  # of rows that describe: a quarter of the work


def elsewhere(task: str) -> GridRow:
    """A task in the architectures that carry no claim."""
    return GridRow(task=task, architectures=("decoder", "encoder_decoder"), overrides=LIGHT)


def text(
    task: str,
    sizes: tuple[tuple[str, object], ...],
    encodings: tuple[str, ...] = THREE,
    positions: tuple[str, ...] = ("arange",),
) -> GridRow:
    """A language task at its own sizes; of a size that is given twice, the later counts."""
    return GridRow(
        task=task, architectures=(OBJECTIVES[task],), encodings=encodings, positions=positions, overrides=sizes
    )
