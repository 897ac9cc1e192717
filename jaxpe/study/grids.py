"""Grid rows that several experiments share, so that they also share the trained runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jaxpe.study.presets import THREE, GridRow, Overrides
from jaxpe.tasks import find_task

ALL = ("encoder", "decoder", "encoder_decoder")
COMMON = (*THREE, "rotary", "alibi", "t5")  # that most models in use have one of
SEVEN = ("none", "sinusoidal", "learned", "sinusoidal_paper", "learned_bert", "concatenated", "random_fixed")

TEN: Overrides = {"seeds": 10}  # for rows that decide a claim
SIX: Overrides = {"seeds": 6}  # the fewest seeds that can give a verdict on a difference
FIVE: Overrides = {"seeds": 5}  # for rows that decide no claim
LIGHT: Overrides = {"steps": 1500, "batch": 32, "seeds": 5}  # a quarter of the work, for rows that decide no claim
QUICK_INDEX: Overrides = {"steps": 700, "batch": 64}
QUICK_COUNT: Overrides = {"steps": 1000, "batch": 64}
OWN_LEARNING_RATES: Overrides = {"learning_rates": (1e-3, 3e-3, 1e-2)}  # for the primary cell of C2
QUICK_TEXT: Overrides = {  # shows that the language tasks work; too short a training to decide anything
    "train_length": 32,
    "steps": 800,
    "batch": 32,
    "seeds": 2,
}
STANDARD_TEXT: Overrides = {
    "train_length": 64,
    "max_length_ratio": 8.0,
    "steps": 4000,
    "batch": 32,
    "width": 64,
    "layers": 2,
    "heads": 2,
}
STANDARD_PAIRS: Overrides = {
    "train_length": 32,
    "max_length_ratio": 1.0,
    "steps": 4000,
    "batch": 32,
    "width": 64,
    "vocabulary": 1024,
}

# Sizes of a whole preset: experiments that share them share trained runs.
SMOKE_SIZES: dict[str, Any] = {
    "seeds": 1,
    "train_length": 5,
    "max_length_ratio": 4.0,
    "num_test_lengths": 4,
    "examples": 32,
    "width": 16,
    "layers": 1,
    "steps": 40,
    "batch": 16,
    "length_buckets": 1,
}
QUICK_SIZES: dict[str, Any] = {
    "train_length": 8,
    "max_length_ratio": 4.0,
    "num_test_lengths": 6,
    "examples": 128,
    "share_tests": True,
    "steps": 700,
    "batch": 32,
    "length_buckets": 1,
}
STANDARD_SIZES: dict[str, Any] = {
    "seeds": 10,
    "train_length": 12,
    "steps": 3000,
    "num_test_lengths": 14,
    "examples": 512,
}
FULL_SIZES: dict[str, Any] = {
    "seeds": 10,
    "train_length": 20,
    "steps": 10_000,
    "num_test_lengths": 20,
    "examples": 1024,
    "width": 64,
    "heads": 4,
}


def encoder_rows(tasks: Sequence[str], **columns: Any) -> list[GridRow]:
    """A row in the encoder for each task. `columns`: of the rows."""
    return [GridRow(task=task, architectures=("encoder",), **columns) for task in tasks]


def descriptive_row(task: str) -> GridRow:
    """A task in the decoder and the encoder-decoder, at few seeds and steps: these architectures decide no claim."""
    return GridRow(task=task, architectures=("decoder", "encoder_decoder"), overrides=LIGHT)


def text_row(
    *,
    task: str,
    overrides: Overrides,
    encodings: tuple[str, ...] = THREE,
    positions: tuple[str, ...] = ("arange",),
) -> GridRow:
    """A language task in the architecture that it is defined for."""
    return GridRow(
        task=task,
        architectures=find_task(task).architectures,
        encodings=encodings,
        positions=positions,
        overrides=overrides,
    )
