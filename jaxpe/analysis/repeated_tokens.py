"""Sequences `<bos> w w` whose second half repeats the first: on them an induction head shows. B sequences, W = |w| tokens."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Int
from numpy import ndarray

from jaxpe.data.examples import BOS, PAD, SPECIALS, Example
from jaxpe.model import Inputs

ON_REPEATED = {"induction": 1, "duplicate": 0}  # kind of head -> key minus the earlier occurrence


class Halves(NamedTuple):
    """The w of every sequence, and another w for the control."""

    words: Int[ndarray, "B W"]
    others: Int[ndarray, "B W"]


def draw_random_halves(inputs: Inputs, half: int) -> Halves:
    """`half` random tokens per w, uniform over the content tokens of the sequences; the same on every call.

    All tokens of a w differ where there are enough. Tokens that never occur are left out, since they were never trained.
    """
    tokens, generator = np.asarray(inputs.tokens), np.random.default_rng(0)
    content = np.unique(tokens[tokens >= SPECIALS])
    draws = [generator.choice(content, half, replace=len(content) < half) for _ in range(2 * len(tokens))]
    return Halves(*np.split(np.stack(draws), 2))


def take_text_halves(inputs: Inputs, half: int) -> Halves:
    """The beginnings of the sequences themselves; the control is the beginning of another sequence."""
    words = np.asarray(inputs.tokens)[:, 1 : half + 1]
    return Halves(words, np.roll(words, 1, axis=0))


def repeat_tokens(inputs: Inputs, halves: Halves, again: bool = True) -> Inputs:
    """`<bos> w w` in arrays of the shape of `inputs`. Without `again` the first w is the other one: a control."""
    half, tokens = halves.words.shape[1], np.full(inputs.tokens.shape, PAD, np.int32)
    tokens[:, 0], tokens[:, half + 1 : 2 * half + 1] = BOS, halves.words
    tokens[:, 1 : half + 1] = halves.words if again else halves.others
    places = np.broadcast_to(np.arange(tokens.shape[1], dtype=np.int32), tokens.shape)
    length = np.full(len(tokens), 2 * half + 1, np.int32)
    return inputs._replace(tokens=jnp.asarray(tokens), positions=jnp.asarray(places), length=jnp.asarray(length))


def make_repeated_batch(inputs: Inputs, halves: Halves, again: bool = True) -> tuple[Example, Inputs]:
    """`<bos> w w` as examples with a loss on the second w, except on its first token, which nothing predicts."""
    sequences, half = repeat_tokens(inputs, halves, again), halves.words.shape[1]
    place = jnp.arange(sequences.tokens.shape[1])
    loss_mask = jnp.broadcast_to((place > half) & (place < 2 * half), sequences.tokens.shape)
    targets = jnp.where(loss_mask, jnp.roll(sequences.tokens, -1, axis=1), PAD)
    source = (sequences.source, sequences.source_length)
    return Example(sequences.tokens, sequences.length, targets, loss_mask, loss_mask, *source), sequences


def list_second_half(half: int) -> Int[ndarray, "{half}"]:  # noqa: F821
    """The places of the second w in `<bos> w w`."""
    return np.arange(half + 1, 2 * half + 1)
