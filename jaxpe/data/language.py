"""Language tasks: masked and next-token prediction on windows of text, and translation.

A window is `<bos>` and `length` tokens of the concatenated documents. Every objective draws the same windows for a key, and
those that predict a part of the tokens predict the same ones. `masked_lm` and `causal_lm` differ in three ways: the
attention mask, the objective, and how many tokens are predicted. Two objectives lie between them, with one change each:

    objective             attention       predicts         of the tokens
    masked_lm             bidirectional   masked tokens    15 %
    causal_masked_lm      causal          masked tokens    15 %
    sampled_causal_lm     causal          next tokens      15 %
    causal_lm             causal          next tokens      all
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int, Key

from jaxpe.data.examples import BLANK, BOS, EOS, PAD, SPECIALS, Data, Example

OBJECTIVES = {  # and their architectures
    "masked_lm": "encoder",
    "causal_masked_lm": "decoder",
    "sampled_causal_lm": "decoder",
    "causal_lm": "decoder",
    "translation": "encoder_decoder",
}
STARTS = ("packed", "document")
SELECTED = 0.15  # share of the tokens that are predicted if not all are (Devlin et al. 2019, arXiv:1810.04805, §3.1)


@dataclass(frozen=True)
class TextStream:
    """Windows of text. They start anywhere (`starts` is "packed") or at the first token of a document ("document")."""

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

    def example(self, key: Key[Array, ""], length: int | Int[Array, ""], longest: int, data: Data) -> Example:
        window_key, answer_key = jax.random.fold_in(key, 0), jax.random.fold_in(key, 1)
        window = self.draw_window(window_key, length, longest, data)
        size = jnp.asarray(length, jnp.int32) + 1
        if self.objective.endswith("masked_lm"):
            return self.mask_tokens(answer_key, window, size)
        selected = select_tokens(answer_key, window, size) if self.objective == "sampled_causal_lm" else None
        return predict_next(window, size, selected)

    def draw_window(
        self, key: Key[Array, ""], length: int | Int[Array, ""], longest: int, data: Data
    ) -> Int[Array, "T"]:
        """`<bos>` and `length` tokens of the text."""
        text = data["tokens"]
        if self.starts == "packed":
            first = jax.random.randint(key, (), 0, text.shape[0] - length)
        else:
            first = data["starts"][jax.random.randint(key, (), 0, data["starts"].shape[0])]
        place = jnp.arange(longest + 1)
        tokens = jnp.take(text, first + place - 1, mode="wrap")
        return jnp.where(place == 0, BOS, jnp.where(place <= length, tokens, PAD)).astype(jnp.int32)

    def mask_tokens(self, key: Key[Array, ""], window: Int[Array, "T"], length: Int[Array, ""]) -> Example:
        """Asks for the selected tokens: 80 % become the mask, 10 % a random token, 10 % stay."""
        kind = jax.random.uniform(jax.random.fold_in(key, 1), window.shape)
        random = SPECIALS + jax.random.randint(jax.random.fold_in(key, 2), window.shape, 0, self.tokens)
        selected = select_tokens(key, window, length)
        shown = jnp.where(kind < 0.8, BLANK, jnp.where(kind < 0.9, random, window))
        targets = jnp.where(selected, window, PAD)
        tokens = jnp.where(selected, shown, window).astype(jnp.int32)
        return Example(tokens, length, targets, selected, selected, jnp.zeros((0,), jnp.int32), jnp.int32(0))


def predict_next(window: Int[Array, "T"], length: Int[Array, ""], selected: Bool[Array, "T"] | None = None) -> Example:
    """Asks for every next token or, if some are selected, for those, each at the token before it."""
    loss_mask = jnp.arange(window.shape[0]) < length - 1
    if selected is not None:
        loss_mask = loss_mask & jnp.roll(selected, -1)
    targets = jnp.where(loss_mask, jnp.roll(window, -1), PAD)
    return Example(window, length, targets, loss_mask, loss_mask, jnp.zeros((0,), jnp.int32), jnp.int32(0))


def select_tokens(key: Key[Array, ""], window: Int[Array, "T"], length: Int[Array, ""]) -> Bool[Array, "T"]:
    """A random 15 % of the real tokens, at least one, never `<bos>`; the same for every objective."""
    place = jnp.arange(window.shape[0])
    is_text = (place > 0) & (place < length)
    chance = jnp.where(is_text, jax.random.uniform(jax.random.fold_in(key, 0), place.shape), 1.0)
    return is_text & ((chance < SELECTED) | (place == jnp.argmin(chance)))


@dataclass(frozen=True)
class TranslationStream:
    """Pairs of sentences. A length is the most tokens that either sentence may have."""

    tokens: int  # of the tokenizer, which both languages share

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

    def example(self, key: Key[Array, ""], length: int | Int[Array, ""], longest: int, data: Data) -> Example:
        # Pairs are sorted by their longer sentence: the first fitting[n] pairs have at most n tokens.
        fitting = jnp.maximum(jnp.take(data["fitting"], jnp.asarray(length), mode="clip"), 1)
        row = jax.random.randint(key, (), 0, fitting)
        source, target = data["source"][row], data["target"][row]
        n, m = data["source_length"][row], data["target_length"][row]
        place = jnp.arange(longest + 2)
        inner = jnp.take(target, place - 1, mode="clip")
        tokens = jnp.where(place == 0, BOS, jnp.where(place <= m, inner, jnp.where(place == m + 1, EOS, PAD)))
        loss_mask = place <= m
        targets = jnp.where(loss_mask, jnp.where(place == m, EOS, jnp.take(target, place, mode="clip")), PAD)
        source = jnp.where(jnp.arange(longest) < n, jnp.take(source, jnp.arange(longest), mode="clip"), PAD)
        return Example(tokens, m + 2, targets, loss_mask, place < m, source, n)
