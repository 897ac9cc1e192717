"""Position samplers: which position each token gets. They work with every encoding.

`sampler(key, tokens, length)` returns one position for each token; `length` (which may be traced) is the number of real
tokens, and the positions of padding are never used. The position of token t depends on key, length and tokens[: t + 1] only,
so that decoding can go token by token. `sampler.bound(n)` is 1 + the largest position of n tokens.

Training uses those in TRAINING_SAMPLERS. The others change positions in tests.
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

    def __call__(self, key: Key[Array, ""], tokens: Int[Array, "T"], length: int | Int[Array, ""]) -> Num[Array, "T"]:
        return jnp.arange(tokens.shape[0])

    def bound(self, max_tokens: int) -> int:
        return max_tokens


@dataclass(frozen=True)
class Offset:
    """s, s + 1, s + 2, … with a random start s for each example, uniform over 0 … limit − length (Huang et al. 2025).

    Training visits every position below `limit`, even if all inputs are short.
    """

    limit: int

    def __call__(self, key: Key[Array, ""], tokens: Int[Array, "T"], length: int | Int[Array, ""]) -> Num[Array, "T"]:
        start = jax.random.randint(key, (), 0, jnp.maximum(self.limit - length, 0) + 1)
        return jnp.minimum(start + jnp.arange(tokens.shape[0]), self.limit - 1)

    def bound(self, max_tokens: int) -> int:
        return check_limit("offset", self.limit, max_tokens)


@dataclass(frozen=True)
class Randomized:
    """A sorted sample of `length` positions from 0 … limit − 1, drawn without replacement for each example.

    Source: Ruoss et al. 2023, arXiv:2305.16843, §3.
    """

    limit: int

    def __call__(self, key: Key[Array, ""], tokens: Int[Array, "T"], length: int | Int[Array, ""]) -> Num[Array, "T"]:
        # The first `length` of a random order of all positions are the sample. Sorting puts the others behind them.
        rank = jnp.argsort(jax.random.uniform(key, (self.limit,)))[: tokens.shape[0]]
        sample = jnp.where(jnp.arange(rank.shape[0]) < length, rank, self.limit - 1)
        return jnp.pad(jnp.sort(sample), (0, tokens.shape[0] - rank.shape[0]), mode="edge")

    def bound(self, max_tokens: int) -> int:
        return check_limit("randomized", self.limit, max_tokens)


@dataclass(frozen=True)
class Spread:
    """Evenly spaced over 0 … limit − 1. For tests of models trained with `randomized`: about the mean of its samples."""

    limit: int

    def __call__(self, key: Key[Array, ""], tokens: Int[Array, "T"], length: int | Int[Array, ""]) -> Num[Array, "T"]:
        return jnp.minimum(jnp.arange(tokens.shape[0]) * self.limit // jnp.maximum(length, 1), self.limit - 1)

    def bound(self, max_tokens: int) -> int:
        return check_limit("spread", self.limit, max_tokens)


@dataclass(frozen=True)
class Shifted:
    """p + by, all positions shifted. For tests: does a model know the order of tokens, or only the positions it was trained on?"""

    by: int | Int[Array, ""] = 1

    def __call__(self, key: Key[Array, ""], tokens: Int[Array, "T"], length: int | Int[Array, ""]) -> Num[Array, "T"]:
        return jnp.arange(tokens.shape[0]) + self.by

    def bound(self, max_tokens: int) -> int:
        return max_tokens + int(self.by)


@dataclass(frozen=True)
class Interpolated:
    """p / factor, positions closer together. For tests: it fits longer inputs into the trained positions (Chen et al. 2023, arXiv:2306.15595, §2.3)."""

    factor: float = 4.0

    def __call__(self, key: Key[Array, ""], tokens: Int[Array, "T"], length: int | Int[Array, ""]) -> Num[Array, "T"]:
        return jnp.arange(tokens.shape[0]) / self.factor

    def bound(self, max_tokens: int) -> int:
        return math.ceil((max_tokens - 1) / self.factor) + 1


@dataclass(frozen=True)
class Abacus:
    """1, 2, 3, … inside each run of digits, 0 elsewhere (McLeish et al. 2024, arXiv:2405.17399, §3.1).

    Digits of equal significance get equal positions if all numbers are written lowest digit first. The same random number is
    added to the positions of all digits of an example, up to `limit`, so that short numbers train the positions of long ones.
    Digits are the tokens first_digit … first_digit + digits − 1, by default those of the task `addition`.
    """

    limit: int
    first_digit: int = SPECIALS
    digits: int = 10

    def __call__(self, key: Key[Array, ""], tokens: Int[Array, "T"], length: int | Int[Array, ""]) -> Num[Array, "T"]:
        place, digit = number_digits(tokens, self.first_digit, self.digits)
        return jnp.where(digit, jnp.minimum(place + draw_start(key, self.limit, length), self.limit - 1), 0)

    def bound(self, max_tokens: int) -> int:
        return check_limit("abacus", self.limit, max_tokens)


@dataclass(frozen=True)
class Coupled:
    """Digits of equal significance share a position, also in the answer (Cho et al. 2024, arXiv:2405.20671).

    As `abacus` for digits. A token between numbers gets the position after the digit before it, where a carry would go (the
    paper chooses the positions of such tokens for each task). Tokens before the first number get 0.
    """

    limit: int
    first_digit: int = SPECIALS
    digits: int = 10

    def __call__(self, key: Key[Array, ""], tokens: Int[Array, "T"], length: int | Int[Array, ""]) -> Num[Array, "T"]:
        place, digit = number_digits(tokens, self.first_digit, self.digits)
        count = jnp.arange(tokens.shape[0])
        last = jax.lax.cummax(jnp.where(digit, count, -1))
        between = jnp.where(last < 0, 0, place[jnp.maximum(last, 0)] + 1)
        numbered = jnp.where(digit, place, between)
        started = jnp.minimum(numbered + draw_start(key, self.limit, length), self.limit - 1)
        return jnp.where(last < 0, 0, started)

    def bound(self, max_tokens: int) -> int:
        return check_limit("coupled", self.limit, max_tokens)


def number_digits(tokens: Int[Array, "T"], first: int, digits: int) -> tuple[Int[Array, "T"], Bool[Array, "T"]]:
    """The index of each digit in its run of digits, counted from 1, and which tokens are digits."""
    digit = (tokens >= first) & (tokens < first + digits)
    count = jnp.arange(tokens.shape[0])
    return count - jax.lax.cummax(jnp.where(digit, -1, count)), digit


def draw_start(key: Key[Array, ""], limit: int, length: int | Int[Array, ""]) -> Int[Array, ""]:
    """Uniform over 0 … limit − length − 1."""
    return jax.random.randint(key, (), 0, jnp.maximum(limit - length, 1))


@dataclass(frozen=True)
class Shuffled:
    """A random order inside windows of `window` neighbours. For tests: it destroys local order."""

    window: int

    def __call__(self, key: Key[Array, ""], tokens: Int[Array, "T"], length: int | Int[Array, ""]) -> Num[Array, "T"]:
        place = jnp.arange(tokens.shape[0])
        return rank_tokens(place // self.window + draw_uniform(key, place), place, length)

    def bound(self, max_tokens: int) -> int:
        return max_tokens


@dataclass(frozen=True)
class Permuted:
    """Windows of `window` neighbours in random order, each kept whole. For tests: it keeps only local order.

    An incomplete last window stays where it is.
    """

    window: int

    def __call__(self, key: Key[Array, ""], tokens: Int[Array, "T"], length: int | Int[Array, ""]) -> Num[Array, "T"]:
        place = jnp.arange(tokens.shape[0])
        score = draw_uniform(key, place)[place // self.window]
        is_complete = place < length - length % self.window
        return rank_tokens(jnp.where(is_complete, score, 1.0), place, length)

    def bound(self, max_tokens: int) -> int:
        return max_tokens


@dataclass(frozen=True)
class Constant:
    """The same position for all tokens. For tests: it removes all information about position."""

    at: int = 0

    def __call__(self, key: Key[Array, ""], tokens: Int[Array, "T"], length: int | Int[Array, ""]) -> Num[Array, "T"]:
        return jnp.full(tokens.shape[0], self.at)

    def bound(self, max_tokens: int) -> int:
        return self.at + 1


def draw_uniform(key: Key[Array, ""], indices: Int[Array, "T"]) -> Float[Array, "T"]:
    """A number from [0, 1) for each index, which does not depend on how many indices there are."""
    return jax.vmap(lambda index: jax.random.uniform(jax.random.fold_in(key, index)))(indices)


def rank_tokens(score: Float[Array, "T"], place: Int[Array, "T"], length: int | Int[Array, ""]) -> Int[Array, "T"]:
    """The rank of each real token by its score, ties in their order. Padding keeps its index."""
    order = jnp.argsort(jnp.where(place < length, score, jnp.inf), stable=True)
    return jnp.zeros_like(place).at[order].set(place)


def check_limit(name: str, limit: int, max_tokens: int) -> int:
    """The limit. Raises UserError if there can be more tokens."""
    if limit < max_tokens:
        raise UserError(
            f"{name} positions have a limit of {limit}, but the longest input has {max_tokens} tokens: "
            f"raise the limit to at least {max_tokens}."
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


TRAINING_SAMPLERS = ("arange", "offset", "randomized", "abacus", "coupled")


def build_sampler(name: str, **options: Any) -> Sampler:
    """A sampler by name. Raises UserError for an unknown name or option."""
    if name not in SAMPLERS:
        raise UnknownName("position sampler", name, SAMPLERS)
    allowed = list_sampler_options(name)
    if surplus := sorted(set(options) - set(allowed)):
        raise UnknownName(f"option of {name}", surplus[0], allowed)
    return SAMPLERS[name](**options)


def list_sampler_options(name: str) -> list[str]:
    """The names of a sampler's options."""
    return [field.name for field in fields(SAMPLERS[name])]
