"""Texts as arrays of tokens, which the streams of `jaxpe.data.language` draw from, and the scores of trivial predictors."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from jaxpe.data.cache import explain_damage, fetched_path
from jaxpe.data.corpus import BPE, Corpus, count_characters, digest_tokenizer, load_corpus, train_tokenizer
from jaxpe.data.examples import PAD, SPECIALS, Data
from jaxpe.data.language import STARTS, TextStream, TranslationStream
from jaxpe.data.text_files import read_file
from jaxpe.errors import UnknownName, UserError

if TYPE_CHECKING:
    import pandas
    from tokenizers import Tokenizer

FEWEST_TOKENS = 1000  # in each part of a text
MAX_SENTENCE = 48  # tokens of a sentence in translation


class TextSource(NamedTuple):
    """A stream of examples, the arrays it draws from in training and in tests, and a digest of text and tokenizer."""

    stream: TextStream | TranslationStream
    train: Data
    validation: Data
    digest: str


def open_text(
    objective: str,
    *,
    corpus: str = "kjv",
    text_column: str = "",
    tokenizer: str = BPE,
    vocabulary: int = 512,
    starts: str = "packed",
) -> TextSource:
    """Reads a corpus, trains a tokenizer on its training part, and encodes both parts, unless it did so with this content.

    Raises UserError for a corpus that cannot be read or is too short, or an unknown value of `starts` or `tokenizer`.
    """
    if starts not in STARTS:
        raise UnknownName("start policy", starts, STARTS)
    if objective == "translation":
        return encode_translation(read_file(fetched_path("translation"), "translation"), vocabulary, tokenizer)
    return encode_corpus(load_corpus(corpus, text_column), objective, vocabulary, starts, tokenizer)


@lru_cache(maxsize=16)
def encode_corpus(text: Corpus, objective: str, vocabulary: int, starts: str, kind: str = BPE) -> TextSource:
    """The source of an objective on a corpus. Raises UserError if the corpus is too short."""
    tokenizer = train_tokenizer(text.train, vocabulary, kind)
    train, validation = (encode_documents(part, tokenizer, text.name) for part in (text.train, text.validation))
    stream = TextStream(objective, tokenizer.get_vocab_size(), starts)
    return TextSource(stream, train, validation, f"{text.digest}-{digest_tokenizer(tokenizer)}")


def encode_documents(documents: Sequence[str], tokenizer: Tokenizer, name: str) -> Data:
    """The tokens of all documents, where each document starts, and how many characters each token stands for."""
    ids = [np.array(encoding.ids, np.int32) + SPECIALS for encoding in tokenizer.encode_batch(list(documents))]
    starts = np.cumsum([0, *[len(part) for part in ids]])[:-1].astype(np.int32)
    tokens = np.concatenate(ids)
    if len(tokens) < FEWEST_TOKENS:
        raise UserError(
            f"{name} is too short: one of its two parts has {len(tokens)} tokens, but at least {FEWEST_TOKENS} are needed."
        )
    return {"tokens": tokens, "starts": starts, "characters": make_character_counts(tokenizer)}


def make_character_counts(tokenizer: Tokenizer) -> Float[ndarray, "V"]:
    """How many characters each token id stands for; 0 for the special ones."""
    return np.array([0] * SPECIALS + count_characters(tokenizer), np.float32)


@lru_cache(maxsize=4)
def encode_translation(content: bytes, vocabulary: int, kind: str = BPE) -> TextSource:
    """The downloaded pairs of sentences, with one tokenizer for both languages. Raises UserError if they are damaged."""
    import pandas

    try:
        pairs = pandas.read_parquet(io.BytesIO(content), columns=["source", "target", "split"])
    except Exception as error:
        raise explain_damage("translation") from error
    of_training = pairs[pairs["split"] == "train"]
    tokenizer = train_tokenizer([*of_training["source"], *of_training["target"]], vocabulary, kind)
    train, validation = (encode_pairs(pairs[pairs["split"] == part], tokenizer) for part in ("train", "validation"))
    text = Corpus("translation", tuple(pairs["source"]), tuple(pairs["target"]))
    digest = f"{text.digest}-{digest_tokenizer(tokenizer)}"
    return TextSource(TranslationStream(tokenizer.get_vocab_size()), train, validation, digest)


def encode_pairs(pairs: pandas.DataFrame, tokenizer: Tokenizer) -> Data:
    """The pairs of at most MAX_SENTENCE tokens a sentence, sorted by their longer sentence and padded."""
    sides = [[e.ids for e in tokenizer.encode_batch(pairs[side].tolist())] for side in ("source", "target")]
    longest = np.array([max(len(a), len(b)) for a, b in zip(*sides, strict=True)])
    order = [i for i in np.argsort(longest, kind="stable") if longest[i] <= MAX_SENTENCE]
    fitting = np.searchsorted(longest[order], np.arange(MAX_SENTENCE + 1), side="right").astype(np.int32)
    data: Data = {"fitting": fitting}
    for name, ids in zip(("source", "target"), sides, strict=True):
        rows = [[token + SPECIALS for token in ids[i]] + [PAD] * (MAX_SENTENCE - len(ids[i])) for i in order]
        data[name] = np.array(rows, np.int32)
        data[f"{name}_length"] = np.array([len(ids[i]) for i in order], np.int32)
    return data | {"characters": make_character_counts(tokenizer)}


def count_tokens(data: Data) -> Int[ndarray, "V"]:
    """How often each token occurs in a text, or in the target sentences of translation."""
    tokens = np.asarray(data["tokens"] if "tokens" in data else data["target"]).ravel()
    return np.bincount(tokens[tokens >= SPECIALS], minlength=len(data["characters"]))


def compute_unigram_bits(train: Data, validation: Data) -> float:
    """Bits per character of the best predictor without context: the token frequencies of training, with one added each."""
    seen, answers = count_tokens(train) + 1.0, count_tokens(validation)
    nats = -(answers * np.log(seen / seen[SPECIALS:].sum()))[SPECIALS:].sum()
    return float(nats / (answers * validation["characters"]).sum() / math.log(2))


def compute_majority_accuracy(train: Data, validation: Data) -> float:
    """Token accuracy of a predictor that always answers the most common token of training."""
    answers = count_tokens(validation)
    return float(answers[count_tokens(train).argmax()] / answers.sum())
