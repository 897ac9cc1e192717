"""One training run as a pure function: a replica, a step, and a range of steps.

A replica is one model in training. Everything here is written for one; `jaxpe.training.population` maps it over many.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Bool, Float, Int

from jaxpe.data.examples import ExampleStream
from jaxpe.model import Dropout, ForwardOptions, Scales, Transformer
from jaxpe.streams import make_key
from jaxpe.training.batches import Batch, LengthBucket
from jaxpe.training.config import RunConfig
from jaxpe.training.loss import compute_gradient
from jaxpe.training.optimizer import (
    compute_learning_rate_factor,
    compute_progress,
    list_change_steps,
    make_optimizer,
)
from jaxpe.training.parameters import init_model

HISTORY = ("loss", "token_accuracy", "exact_match", "steps")
HISTORY_EVERY = 10  # steps in one row of the history


class Replica(NamedTuple):
    """One model in training."""

    model: Transformer
    optimizer_state: optax.OptState
    alive: Bool[Array, ""]  # False from the first loss or gradient that is not finite; the replica is then frozen
    seed: Int[Array, ""]
    learning_rate: Float[Array, ""]
    history: Float[Array, "rows 4"]  # sums of HISTORY over HISTORY_EVERY steps
    scales: Scales | None = None  # of token and position
    stopped: Bool[Array, ""] | None = None  # whether training has stopped early; None: it cannot


def init_replica(
    config: RunConfig,
    stream: ExampleStream,
    seed: int | Int[Array, ""],
    learning_rate: float | Float[Array, ""],
    scales: tuple[float, float] | None = None,
) -> Replica:
    """A replica before its first step."""
    model = init_model(config, stream, seed)
    rows = -(-config.training.steps // HISTORY_EVERY)
    return Replica(
        model,
        make_optimizer(config.training).init(model),
        alive=jnp.ones((), bool),
        seed=jnp.asarray(seed, jnp.int32),
        learning_rate=jnp.asarray(learning_rate, jnp.float32),
        history=jnp.zeros((rows, len(HISTORY))),
        scales=None if scales is None else jnp.asarray(scales, jnp.float32),
        stopped=jnp.zeros((), bool) if config.training.stop_every else None,
    )


def train_step(
    step: Int[Array, ""],
    replica: Replica,
    batches: Sequence[Batch],
    config: RunConfig,
    length_buckets: Sequence[LengthBucket],
) -> Replica:
    """The replica after one step on the batches of its length buckets. A frozen or stopped replica stays as it is."""
    change_steps = list_change_steps(config)
    dropout = None
    if config.training.dropout:
        dropout = Dropout(config.training.dropout, jax.random.fold_in(make_key("dropout", replica.seed), step))
    options = ForwardOptions(replica.scales, progress=compute_progress(step, config.training.steps), dropout=dropout)
    sums, summed = compute_gradient(replica.model, batches, config, length_buckets, options)
    loss, gradient = sums.loss / sums.answers, jax.tree.map(lambda total: total / sums.answers, summed)
    updates, state = make_optimizer(config.training).update(gradient, replica.optimizer_state, replica.model)
    rate = replica.learning_rate * compute_learning_rate_factor(step, config.training, change_steps)
    model = jax.tree.map(lambda p, u: p - rate * u, replica.model, updates)
    row = jnp.stack([loss, sums.correct / sums.answers, sums.exact / sums.examples, jnp.ones(())])
    history = replica.history.at[step // HISTORY_EVERY].add(row)
    alive = replica.alive & jnp.isfinite(loss) & jnp.isfinite(optax.tree.norm(gradient))
    advanced = replica._replace(model=model, optimizer_state=state, history=history)
    advances = alive if replica.stopped is None else alive & ~replica.stopped
    after: Replica = jax.tree.map(lambda new, old: jnp.where(advances, new, old), advanced, replica)
    if replica.stopped is None:
        return after._replace(alive=alive)
    row = history[step // HISTORY_EVERY]
    without_error = row[HISTORY.index("exact_match")] >= row[HISTORY.index("steps")]
    is_due = ((step + 1) % config.training.stop_every == 0) & (step >= max(change_steps, default=0))
    stops_here = alive & is_due & without_error
    return after._replace(alive=alive | replica.stopped, stopped=replica.stopped | stops_here)


def train_steps(
    replica: Replica,
    batches: Sequence[Batch],
    begin: Int[Array, ""],
    first: Int[Array, ""],
    stop: Int[Array, ""],
    config: RunConfig,
    length_buckets: Sequence[LengthBucket],
) -> Replica:
    """The replica after the steps first … stop − 1. `batches` holds the batches from step `begin` on.

    The step numbers are traced, so that one program serves every range.
    """

    def advance(step: Int[Array, ""], replica: Replica) -> Replica:
        of_step = jax.tree.map(lambda leaf: leaf[step - begin], batches)
        return train_step(step, replica, of_step, config, length_buckets)

    after: Replica = jax.lax.fori_loop(first, stop, advance, replica)
    return after


def average_history(replica: Replica) -> dict[str, list[float]]:
    """The means over every HISTORY_EVERY steps and the step at which each ends; up to where a replica was frozen."""
    rows = np.asarray(replica.history, np.float64)
    rows = rows[rows[:, -1] > 0]
    ends = np.cumsum(rows[:, -1]).astype(int)
    return {"step": ends.tolist()} | {name: (rows[:, i] / rows[:, -1]).tolist() for i, name in enumerate(HISTORY[:-1])}


def find_first_step(history: dict[str, list[float]], metric: str, threshold: float) -> int | None:
    """The first step in a history at which the running metric is at least the threshold; None if it never is."""
    for step, value in zip(history["step"], history[metric], strict=True):
        if value >= threshold:
            return int(step)
    return None
