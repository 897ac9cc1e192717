"""Position samplers: which position each token is said to have. They work with every encoding.

sampler(key, tokens, length) -> positions, one per token slot. `length` (may be traced) is the number of real tokens;
what padded slots get is never seen. position[t] depends on key, length and tokens[: t + 1] only, so that decoding can go
step by step (those of `abacus` and `coupled` follow the tokens as they come); `shuffled` and `permuted`, which are for tests alone, depend on nothing but key and length. `bound(n)` is 1 + the
largest position given to n tokens.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Key, Num

from jaxpe.data.examples import SPECIALS
from jaxpe.errors import UnknownName, UserError


@dataclass(frozen=True)
class Arange:
    """0, 1, 2, …"""

    def __call__(self, key: Key[Array, ""], tokens: Int[Array, T], length: int | Int[Array, ""]) -> Num[Array, T]:
        return jnp.arange(tokens.shape[0])

    def bound(self, max_total_length: int) -> int:
        return max_total_length


@dataclass(frozen=True)
class Offset:
    """s, s + 1, s + 2, …: one random start per example, uniform over 0 … limit − length (as in Huang et al. 2025).

    In training, every row below `limit` is visited, also where only short inputs are seen.
    """

    limit: int

    def __call__(self, key: Key[Array, ""], tokens: Int[Array, T], length: int | Int[Array, ""]) -> Num[Array, T]:
        start = jax.random.randint(key, (), 0, jnp.maximum(self.limit - length, 0) + 1)
        return jnp.minimum(start + jnp.arange(tokens.shape[0]), self.limit - 1)

    def bound(self, max_total_length: int) -> int:
        return checked_limit("offset", self.limit, max_total_length)


@dataclass(frozen=True)
class Randomized:
    """A sorted sample of `length` positions from 0 … limit − 1 without replacement (Ruoss et al. 2023, 2305.16843).

    One draw per example, shared by all layers.
    """

    limit: int

    def __call__(self, key: Key[Array, ""], tokens: Int[Array, T], length: int | Int[Array, ""]) -> Num[Array, T]:
        # A random order of all positions; the first `length` of it are the sample, sorted with the rest behind.
        rank = jnp.argsort(jax.random.uniform(key, (self.limit,)))[: tokens.shape[0]]
        chosen = jnp.where(jnp.arange(rank.shape[0]) < length, rank, self.limit - 1)
        return jnp.pad(jnp.sort(chosen), (0, tokens.shape[0] - rank.shape[0]), mode="edge")

    def bound(self, max_total_length: int) -> int:
        return checked_limit("randomized", self.limit, max_total_length)


@dataclass(frozen=True)
class Spread:
    """Evenly spaced over 0 … limit − 1, at test time: what `randomized` draws, without the draw."""

    limit: int

    def __call__(self, key: Key[Array, ""], tokens: Int[Array, T], length: int | Int[Array, ""]) -> Num[Array, T]:
        return jnp.minimum(jnp.arange(tokens.shape[0]) * self.limit // jnp.maximum(length, 1), self.limit - 1)

    def bound(self, max_total_length: int) -> int:
        return checked_limit("spread", self.limit, max_total_length)


@dataclass(frozen=True)
class Shifted:
    """p + by: at test time only, it separates 'knows the order' from 'memorised the rows'."""

    by: int | Int[Array, ""] = 1

    def __call__(self, key: Key[Array, ""], tokens: Int[Array, T], length: int | Int[Array, ""]) -> Num[Array, T]:
        return jnp.arange(tokens.shape[0]) + self.by

    def bound(self, max_total_length: int) -> int:
        return max_total_length + int(self.by)


@dataclass(frozen=True)
class Interpolated:
    """p / factor (Chen et al. 2023, 2306.15595): squeezes longer inputs into the positions seen in training."""

    factor: float = 4.0

    def __call__(self, key: Key[Array, ""], tokens: Int[Array, T], length: int | Int[Array, ""]) -> Num[Array, T]:
        return jnp.arange(tokens.shape[0]) / self.factor

    def bound(self, max_total_length: int) -> int:
        return math.ceil((max_total_length - 1) / self.factor) + 1


@dataclass(frozen=True)
class Abacus:
    """1, 2, 3, … inside each run of digits, 0 elsewhere (McLeish et al. 2024, 2405.17399, §3.1).

    The places of all numbers that are written lowest digit first so get equal positions. In every example the same random
    number is added to the places of digits, up to `limit`, so that long numbers meet rows that short ones have trained. Digits
    are the tokens first_digit … first_digit + digits − 1: those of the task `addition` unless given.
    """

    limit: int
    first_digit: int = SPECIALS
    digits: int = 10

    def __call__(self, key: Key[Array, ""], tokens: Int[Array, T], length: int | Int[Array, ""]) -> Num[Array, T]:
        place, digit = places_in_numbers(tokens, self.first_digit, self.digits)
        return jnp.where(digit, jnp.minimum(place + random_start(key, self.limit, length), self.limit - 1), 0)

    def bound(self, max_total_length: int) -> int:
        return checked_limit("abacus", self.limit, max_total_length)


@dataclass(frozen=True)
class Coupled:
    """Position coupling (Cho et al. 2024, 2405.20671): digits of equal significance share a position, also in the answer.

    As `abacus` for digits; a token between numbers gets the place after the last digit before it, where a carry would go
    (how the paper numbers such tokens depends on the task), and tokens before the first number get 0.
    """

    limit: int
    first_digit: int = SPECIALS
    digits: int = 10

    def __call__(self, key: Key[Array, ""], tokens: Int[Array, T], length: int | Int[Array, ""]) -> Num[Array, T]:
        place, digit = places_in_numbers(tokens, self.first_digit, self.digits)
        count = jnp.arange(tokens.shape[0])
        last = jax.lax.cummax(jnp.where(digit, count, -1))
        between = jnp.where(last < 0, 0, place[jnp.maximum(last, 0)] + 1)
        numbered = jnp.where(digit, place, between)
        started = jnp.minimum(numbered + random_start(key, self.limit, length), self.limit - 1)
        return jnp.where(last < 0, 0, started)

    def bound(self, max_total_length: int) -> int:
        return checked_limit("coupled", self.limit, max_total_length)


def places_in_numbers(tokens: Int[Array, T], first: int, digits: int) -> tuple[Int[Array, T], Bool[Array, T]]:
    """The place of each digit in its run of digits, counted from 1, and which tokens are digits."""
    digit = (tokens >= first) & (tokens < first + digits)
    count = jnp.arange(tokens.shape[0])
    return count - jax.lax.cummax(jnp.where(digit, -1, count)), digit


def random_start(key: Key[Array, ""], limit: int, length: int | Int[Array, ""]) -> Int[Array, ""]:
    """Uniform over 0 … limit − length − 1, the same for a whole example."""
    return jax.random.randint(key, (), 0, jnp.maximum(limit - length, 1))


@dataclass(frozen=True)
class Shuffled:
    """Positions in random order inside windows of `window` neighbours: at test time only, it destroys local order."""

    window: int

    def __call__(self, key: Key[Array, ""], tokens: Int[Array, T], length: int | Int[Array, ""]) -> Num[Array, T]:
        place = jnp.arange(tokens.shape[0])
        return ordered_by(place // self.window + draw_each(key, place), place, length)

    def bound(self, max_total_length: int) -> int:
        return max_total_length


@dataclass(frozen=True)
class Permuted:
    """Windows of `window` neighbours in random order, each kept whole: at test time only, it keeps local order alone.

    The tokens of a last window that is not full stay where they are.
    """

    window: int

    def __call__(self, key: Key[Array, ""], tokens: Int[Array, T], length: int | Int[Array, ""]) -> Num[Array, T]:
        place = jnp.arange(tokens.shape[0])
        of_window = draw_each(key, place)[place // self.window]
        full = place < length - length % self.window
        return ordered_by(jnp.where(full, of_window, 1.0), place, length)

    def bound(self, max_total_length: int) -> int:
        return max_total_length


@dataclass(frozen=True)
class Constant:
    """One position for all tokens: at test time only, it takes all that position tells."""

    at: int = 0

    def __call__(self, key: Key[Array, ""], tokens: Int[Array, T], length: int | Int[Array, ""]) -> Num[Array, T]:
        return jnp.full(tokens.shape[0], self.at)

    def bound(self, max_total_length: int) -> int:
        return self.at + 1


def draw_each(key: Key[Array, ""], numbers: Int[Array, T]) -> Float[Array, T]:
    """A uniform draw for each number, the same however many there are."""
    return jax.vmap(lambda number: jax.random.uniform(jax.random.fold_in(key, number)))(numbers)


def ordered_by(score: Float[Array, T], place: Int[Array, T], length: int | Int[Array, ""]) -> Int[Array, T]:
    """The rank of each real token by its score (ties in their own order); padding keeps its place."""
    order = jnp.argsort(jnp.where(place < length, score, jnp.inf), stable=True)
    return jnp.zeros_like(place).at[order].set(place)


def checked_limit(name: str, limit: int, max_total_length: int) -> int:
    """`limit`, refused where it cannot hold the tokens."""
    if limit < max_total_length:
        raise UserError(
            f"{name} positions have a limit of {limit}, but the longest input holds {max_total_length} tokens: "
            f"raise the limit to at least {max_total_length}."
        )
    return limit


Sampler = (
    Arange | Offset | Randomized | Spread | Shifted | Interpolated | Abacus | Coupled | Shuffled | Permuted | Constant
)
SAMPLERS: dict[str, type[Sampler]] = {
    "arange": Arange,
    "offset": Offset,
    "randomized": Randomized,
    "spread": Spread,
    "shifted": Shifted,
    "interpolated": Interpolated,
    "abacus": Abacus,
    "coupled": Coupled,
    "shuffled": Shuffled,
    "permuted": Permuted,
    "constant": Constant,
}


def build(name: str, **options: Any) -> Sampler:
    """A sampler by name. Raises UserError for an unknown name or option."""
    if name not in SAMPLERS:
        raise UnknownName("position sampler", name, SAMPLERS)
    allowed = options_of(name)
    if surplus := sorted(set(options) - set(allowed)):
        raise UnknownName(f"option of {name}", surplus[0], allowed)
    return SAMPLERS[name](**options)


def options_of(name: str) -> list[str]:
    """Names of the options that a sampler takes."""
    return [field.name for field in fields(SAMPLERS[name])]
