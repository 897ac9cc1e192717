"""What is measured of a task: examples of every length, drawn by one compiled program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, Key

from jaxpe.data.examples import BLANK, BOS, EOS, SEP, SPECIALS
from jaxpe.tasks import Sample, Task, build_task
from jaxpe.tasks.evaluation_sets import make_evaluation_key

TRAIN_LENGTH, LONGEST = 10, 20
BATCH = 500  # examples of a call
CHEAP = {"xla_backend_optimization_level": 0}  # compiling takes longer than running
Pair = tuple[tuple[int, ...], tuple[int, ...]]  # x and y


@dataclass(frozen=True, eq=False)
class TaskSubject:
    """A task by its name, as it is trained up to TRAIN_LENGTH."""

    name: str
    task: Task

    @cached_property
    def lengths(self) -> list[int]:
        """The lengths up to LONGEST."""
        return self.task.lengths(1, LONGEST)

    def draw(self, length: int, start: int = 0) -> Sample:
        """BATCH examples of the evaluation set, from number `start` on, in arrays that have room for LONGEST."""
        batch = draw_batch(self.task, make_evaluation_key(self.name, length), start, length)
        arrays: Sample = jax.tree.map(np.asarray, batch)
        return arrays

    @cached_property
    def pairs(self) -> dict[tuple[int, int], list[Pair]]:
        """What was drawn so far, by length and count."""
        return {}

    def draw_pairs(self, length: int, count: int) -> list[Pair]:
        """The first x and y of the evaluation set, cut to their sizes, drawn once."""
        if (length, count) not in self.pairs:
            self.pairs[length, count] = self.cut_pairs(length, count)
        return self.pairs[length, count]

    def cut_pairs(self, length: int, count: int) -> list[Pair]:
        """The same, drawn again."""
        batches = [self.draw(length, start) for start in range(0, count, BATCH)]
        x, y = (np.concatenate([getattr(batch, part) for batch in batches])[:count] for part in ("x", "y"))
        x, y = x[:, : self.task.x_size(length)], y[:, : self.task.y_size(length)]
        return list(zip(map(tuple, x.tolist()), map(tuple, y.tolist()), strict=True))

    def spread_lengths(self, count: int) -> list[int]:
        """At most `count` lengths: the shortest, the longest, and some between."""
        return [self.lengths[i] for i in sorted(set(np.linspace(0, len(self.lengths) - 1, count).astype(int).tolist()))]


def make_task_subject(name: str, **options: Any) -> TaskSubject:
    """The task behind a name. Raises UserError where it cannot be loaded or constructed."""
    return TaskSubject(name, build_task(name, **{"train_length": TRAIN_LENGTH} | options))


@partial(jax.jit, static_argnums=0, compiler_options=CHEAP)
def draw_batch(task: Task, key: Key[Array, ""], start: int | Int[Array, ""], length: int | Int[Array, ""]) -> Sample:
    """BATCH examples of a traced length, in arrays for the length LONGEST."""
    numbers = start + jnp.arange(BATCH)
    return jax.vmap(lambda i: task.sample(jax.random.fold_in(key, i), length, LONGEST))(numbers)


@partial(jax.jit, static_argnums=(0, 2, 3), compiler_options=CHEAP)
def draw_one(task: Task, key: Key[Array, ""], length: int, top: int) -> Sample:
    """One example of a fixed length, in arrays for the length `top`."""
    return task.sample(key, length, top)


def write_out(
    x: Sequence[int], y: Sequence[int], architecture: str, in_place: bool
) -> tuple[list[int], list[int], dict[int, int]]:
    """An example as an architecture sees it: tokens, source, and the target at each place with a loss.

    The targets are the answers in order, and perhaps the end.
    """
    x, y = ([SPECIALS + symbol for symbol in part] for part in (x, y))
    if architecture == "encoder":
        first = 0 if in_place else len(x)
        return x + [BLANK] * (0 if in_place else len(y)), [], dict(enumerate(y, first))
    if architecture == "decoder":
        return [BOS, *x, SEP, *y, EOS], [], dict(enumerate([*y, EOS], len(x) + 1))
    return [BOS, *y, EOS], x, dict(enumerate([*y, EOS]))
