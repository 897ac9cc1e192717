"""Examples of real text: masked and next-token prediction on the same windows, and translation.

A window is `<bos>` and `length` tokens, cut from the packed documents; every objective draws the same windows for a key, and
those that ask for a part of the tokens ask for the same ones. `masked_lm` and `causal_lm` differ in three things at once: the
attention mask, the objective, and how many tokens are asked for. Two objectives stand between them, one step each:

    masked_lm                 both ways       masked tokens     15 % of them
    causal_masked_lm          left to right   masked tokens     15 %
    sampled_causal_lm         left to right   next tokens       15 %
    causal_lm                 left to right   next tokens       all
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int, Key

from jaxpe.data import corpus as corpora
from jaxpe.data.cache import fetched_path
from jaxpe.data.examples import BLANK, BOS, EOS, PAD, SPECIALS, Data, Example
from jaxpe.errors import UnknownName, UserError

OBJECTIVES = {
    "masked_lm": "encoder",
    "causal_masked_lm": "decoder",
    "sampled_causal_lm": "decoder",
    "causal_lm": "decoder",
    "translation": "encoder_decoder",
}
STARTS = ("packed", "document")
MASKED = 0.15  # of the tokens (Devlin et al. 2019, §3.1): 80 % become the mask, 10 % a random token, 10 % stay


@dataclass(frozen=True)
class TextStream:
    """Windows of packed text. `starts`: "packed" anywhere, "document" at the head of a document."""

    objective: str
    tokens: int  # of the tokenizer
    starts: str = "packed"

    @property
    def architecture(self) -> str:
        return OBJECTIVES[self.objective]

    @property
    def vocabulary(self) -> int:
        return SPECIALS + self.tokens

    def lengths(self, low: int, high: int) -> list[int]:
        return list(range(max(low, 2), high + 1))

    def sizes(self, length: int) -> tuple[int, int]:
        return length + 1, 0

    def example(self, key: Key[Array, ""], length: int | Int[Array, ""], top: int, data: Data) -> Example:
        """The window of a key, and what is asked of it. It depends on key and length; `top` adds padding only."""
        window = self.window(jax.random.fold_in(key, 0), length, top, data)
        size, key = jnp.asarray(length, jnp.int32) + 1, jax.random.fold_in(key, 1)
        if self.objective.endswith("masked_lm"):
            return self.mask(key, window, size)
        return self.predict(window, size, self.chosen(key, window, size) if "sampled" in self.objective else None)

    def window(self, key: Key[Array, ""], length: int | Int[Array, ""], top: int, data: Data) -> Int[Array, T]:
        stream = data["tokens"]
        if self.starts == "packed":
            first = jax.random.randint(key, (), 0, stream.shape[0] - length)
        else:
            first = data["starts"][jax.random.randint(key, (), 0, data["starts"].shape[0])]
        place = jnp.arange(top + 1)
        tokens = jnp.take(stream, first + place - 1, mode="wrap")
        return jnp.where(place == 0, BOS, jnp.where(place <= length, tokens, PAD)).astype(jnp.int32)

    def predict(self, window: Int[Array, T], length: Int[Array, ""], chosen: Bool[Array, T] | None = None) -> Example:
        """Every next token is asked for; or those that are chosen, at the place before them."""
        loss_mask = jnp.arange(window.shape[0]) < length - 1
        if chosen is not None:
            loss_mask = loss_mask & jnp.roll(chosen, -1)
        targets = jnp.where(loss_mask, jnp.roll(window, -1), PAD)
        return Example(window, length, targets, loss_mask, loss_mask, jnp.zeros((0,), jnp.int32), jnp.int32(0))

    def chosen(self, key: Key[Array, ""], window: Int[Array, T], length: Int[Array, ""]) -> Bool[Array, T]:
        """A random part of the tokens, at least one; the same for every objective that asks for a part."""
        place = jnp.arange(window.shape[0])
        real = (place > 0) & (place < length)
        chance = jnp.where(real, jax.random.uniform(jax.random.fold_in(key, 0), place.shape), 1.0)
        return real & ((chance < MASKED) | (place == jnp.argmin(chance)))

    def mask(self, key: Key[Array, ""], window: Int[Array, T], length: Int[Array, ""]) -> Example:
        kind = jax.random.uniform(jax.random.fold_in(key, 1), window.shape)
        random = SPECIALS + jax.random.randint(jax.random.fold_in(key, 2), window.shape, 0, self.tokens)
        chosen = self.chosen(key, window, length)
        shown = jnp.where(kind < 0.8, BLANK, jnp.where(kind < 0.9, random, window))
        targets = jnp.where(chosen, window, PAD)
        tokens = jnp.where(chosen, shown, window).astype(jnp.int32)
        return Example(tokens, length, targets, chosen, chosen, jnp.zeros((0,), jnp.int32), jnp.int32(0))


@dataclass(frozen=True)
class TranslationStream:
    """Pairs of sentences. `length` is the most tokens of either side: an example is drawn among the pairs that fit."""

    tokens: int

    @property
    def architecture(self) -> str:
        return "encoder_decoder"

    @property
    def vocabulary(self) -> int:
        return SPECIALS + self.tokens

    def lengths(self, low: int, high: int) -> list[int]:
        return list(range(max(low, 8), high + 1))

    def sizes(self, length: int) -> tuple[int, int]:
        return length + 2, length

    def example(self, key: Key[Array, ""], length: int | Int[Array, ""], top: int, data: Data) -> Example:
        """Pairs lie in the order of their longer side; `fitting[n]` of them fit into n tokens."""
        fitting = jnp.maximum(jnp.take(data["fitting"], jnp.asarray(length), mode="clip"), 1)
        row = jax.random.randint(key, (), 0, fitting)
        source, target = data["source"][row], data["target"][row]
        n, m = data["source_length"][row], data["target_length"][row]
        place = jnp.arange(top + 2)
        inner = jnp.take(target, place - 1, mode="clip")
        tokens = jnp.where(place == 0, BOS, jnp.where(place <= m, inner, jnp.where(place == m + 1, EOS, PAD)))
        loss_mask = place <= m
        targets = jnp.where(loss_mask, jnp.where(place == m, EOS, jnp.take(target, place, mode="clip")), PAD)
        source = jnp.where(jnp.arange(top) < n, jnp.take(source, jnp.arange(top), mode="clip"), PAD)
        return Example(tokens, m + 2, targets, loss_mask, place < m, source, n)


class Opened(NamedTuple):
    """A stream of real text with the arrays it draws from, and the digest of text and tokenizer."""

    stream: TextStream | TranslationStream
    train: Data
    validation: Data
    digest: str


@cache
def open_text(objective: str, *, corpus: str = "kjv", vocabulary: int = 512, starts: str = "packed") -> Opened:
    """Reads a corpus, trains its tokenizer, and packs both splits. Raises UserError where that cannot be."""
    if starts not in STARTS:
        raise UnknownName("start policy", starts, STARTS)
    if objective == "translation":
        return open_translation(vocabulary)
    found = corpora.load(corpus)
    tokenizer = corpora.tokenizer(found.train, vocabulary)
    size = tokenizer.get_vocab_size()
    characters = np.array([0] * SPECIALS + corpora.characters_of(tokenizer), np.float32)
    splits = []
    for documents in (found.train, found.validation):
        ids = [np.array(encoding.ids, np.int32) + SPECIALS for encoding in tokenizer.encode_batch(list(documents))]
        starts_at = np.cumsum([0, *[len(part) for part in ids]])[:-1].astype(np.int32)
        packed = {"tokens": np.concatenate(ids), "starts": starts_at, "characters": characters}
        if len(packed["tokens"]) < 1000:
            raise UserError(
                f"{corpus} is too short: {len(packed['tokens'])} tokens in one of its two parts, 1000 are needed."
            )
        splits.append(packed)
    return Opened(TextStream(objective, size, starts), splits[0], splits[1], f"{found.digest}-{vocabulary}")


def open_translation(vocabulary: int, limit: int = 48) -> Opened:
    """The fetched pairs, with one tokenizer for both languages."""
    import pandas

    path = fetched_path("translation")
    try:
        pairs = pandas.read_parquet(path)
    except (OSError, ValueError):  # what arrow raises
        raise UserError(f"{path} was damaged: delete it, then run `jaxpe fetch translation` again.") from None
    train = pairs[pairs["split"] == "train"]
    tokenizer = corpora.tokenizer([*train["source"], *train["target"]], vocabulary)
    characters = np.array([0] * SPECIALS + corpora.characters_of(tokenizer), np.float32)
    splits = []
    for part in ("train", "validation"):
        rows = pairs[pairs["split"] == part]
        sides = [[e.ids for e in tokenizer.encode_batch(rows[side].tolist())] for side in ("source", "target")]
        longest = np.array([max(len(a), len(b)) for a, b in zip(*sides, strict=True)])
        order = [i for i in np.argsort(longest, kind="stable") if longest[i] <= limit]
        data = {"fitting": np.searchsorted(longest[order], np.arange(limit + 1), side="right").astype(np.int32)}
        for name, ids in zip(("source", "target"), sides, strict=True):
            data[name] = np.array(
                [[t + SPECIALS for t in ids[i]] + [PAD] * (limit - len(ids[i])) for i in order], np.int32
            )
            data[f"{name}_length"] = np.array([len(ids[i]) for i in order], np.int32)
        splits.append(data | {"characters": characters})
    digest = corpora.Corpus("translation", tuple(pairs["source"]), tuple(pairs["target"])).digest
    return Opened(TranslationStream(tokenizer.get_vocab_size()), splits[0], splits[1], f"{digest}-{vocabulary}")


def frequencies(data: Data) -> np.ndarray:
    """How often each token is an answer."""
    size = len(data["characters"])
    tokens = np.asarray(data["tokens"] if "tokens" in data else data["target"]).ravel()
    return np.bincount(tokens[tokens >= SPECIALS], minlength=size)


def unigram_bits(train: Data, validation: Data) -> float:
    """Bits per character of the best rule without context: the token frequencies of training (plus one)."""
    seen, asked = frequencies(train) + 1.0, frequencies(validation)
    nats = -(asked * np.log(seen / seen[SPECIALS:].sum()))[SPECIALS:].sum()
    return float(nats / (asked * validation["characters"]).sum() / math.log(2))


def commonest_share(train: Data, validation: Data) -> float:
    """Accuracy of always answering the commonest token of training."""
    asked = frequencies(validation)
    return float(asked[frequencies(train).argmax()] / asked.sum())
