"""What `at` gives in later blocks and later in training: the properties that no encoding may break, measured there too.

Only encodings that override `at` have such moments. Those that act in the same way are measured once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Num

from jaxpe.conformance.findings import Finding, run_check
from jaxpe.conformance.layer import POSITIONS, apply_layer, make_inputs, make_mask
from jaxpe.conformance.subject import Subject, spread_positions
from jaxpe.encodings.base import Encoding, Wrapper
from jaxpe.errors import UserError

BLOCKS = (0, 1, 2, 3)
MIDDLE = 0.5  # of training, where a schedule may be that changes little by little


class Moment(NamedTuple):
    """A block, and a share of training."""

    block: int
    progress: float

    def get_progress(self) -> float | Float[Array, ""]:
        """What a model passes to `at`: an array in training, and 1.0 when it is trained."""
        return self.progress if self.progress == 1 else jnp.asarray(self.progress, jnp.float32)


FIRST = Moment(0, 0.0)


class Acting(Wrapper):
    """The hooks of an encoding inside a block, and the embeddings of the one that acts in the first block."""

    def __init__(self, first: Encoding, base: Encoding) -> None:
        super().__init__(base)
        self.first = first

    def embed(self, x: Float[Array, "T D"], positions: Num[Array, "T"]) -> Float[Array, "T D"]:
        return self.first.embed(x, positions)


class AtMoment(Wrapper):
    """An encoding which in every block acts as its base does at one moment."""

    def __init__(self, base: Encoding, moment: Moment) -> None:
        super().__init__(base)
        self.block, self.progress = moment.block, moment.get_progress()

    def at(self, block: int, progress: float | Float[Array, ""]) -> Encoding:
        return Acting(self.base.at(0, self.progress), self.base.at(self.block, self.progress))


def list_moments(subject: Subject) -> list[Moment]:
    """The moments at which an encoding may act in another way; none where `at` is not overridden."""
    if type(subject.initial).at is Encoding.at:
        return []
    shares = [np.float32(share) for share in subject.initial.changes_at]
    around = [float(value) for share in shares for value in (np.nextafter(share, np.float32(0)), share)]
    return [Moment(block, progress) for progress in sorted({0.0, MIDDLE, *around, 1.0}) for block in BLOCKS]


def move_subject(subject: Subject, moment: Moment) -> Subject:
    """The subject as it acts at a moment. Raises UserError where `at` gives no encoding."""
    acting = subject.initial.at(moment.block, moment.get_progress())
    if not isinstance(acting, Encoding):
        name = subject.kind.__name__
        raise UserError(
            f"{name}.at({moment.block}, {moment.progress:g}) returned {type(acting).__name__}: return an encoding."
        )
    return replace(subject, initial=acting, encoding=AtMoment(subject.encoding, moment), kind=type(acting))


@cache
def list_distinct_moments(subject: Subject) -> list[Moment]:
    """The first moment of each other way to act than that of the first block at the start of training."""
    inputs, mask = make_inputs(subject.width, subject.heads), make_mask(subject.attention)

    def compute(moment: Moment) -> list[Any]:
        encoding = AtMoment(subject.encoding, moment)
        traces = [apply_layer(encoding, inputs, jnp.asarray(at), mask) for at in (POSITIONS, spread_positions(subject))]
        return [np.asarray(values) for trace in traces for values in trace]

    def is_equal(a: list[Any], b: list[Any]) -> bool:
        return all(np.array_equal(*pair, equal_nan=True) for pair in zip(a, b, strict=True))

    moments = list_moments(subject)
    seen, distinct = [compute(FIRST)] if moments else [], []
    for moment in moments:
        values = compute(moment)
        if not any(is_equal(values, other) for other in seen):
            seen.append(values)
            distinct.append(moment)
    return distinct


def find_later_fault(
    subject: Subject, check: Callable[[Subject], Finding], list_them: Callable[[Subject], Iterable[Moment]]
) -> Finding | None:
    """The first fault of a property at the moments that `list_them` gives; None where it holds at all.

    Raises UserError where a hook cannot be called.
    """
    for moment in list_them(subject):
        later = move_subject(subject, moment)
        finding = run_check(lambda later=later: check(later), later.kind, required=True)  # type: ignore[misc]
        if finding.fault:
            where = f"with what at({moment.block}, {moment.progress:g}) gives, "
            return finding._replace(fault=where + finding.fault, methods=())
    return None
