"""Texts as tokens: characters, trivial predictors, pairs of sentences, and what is refused."""

import os
from collections import Counter

import numpy as np
import pandas as pd
import pytest

from jaxpe.data import corpus, text_sources
from jaxpe.data.cache import storage_path
from jaxpe.data.corpus import TOKENIZERS, load_corpus, train_tokenizer
from jaxpe.data.examples import SPECIALS
from jaxpe.data.text_sources import compute_majority_accuracy, compute_unigram_bits, open_text
from jaxpe.errors import UserError


@pytest.fixture(scope="module")
def accented(tmp_path_factory):
    """A text with characters of several bytes."""
    file = tmp_path_factory.mktemp("text") / "mine.txt"
    file.write_text("\n".join(f"déjà vu № {i} — ελληνικά" for i in range(2000)))
    return str(file)


@pytest.mark.parametrize("kind", TOKENIZERS)
def test_the_characters_of_all_tokens_add_up_to_the_text(accented, kind):
    text = open_text("causal_lm", corpus=accented, vocabulary=300, tokenizer=kind)
    for part, documents in (
        (text.train, load_corpus(accented).train),
        (text.validation, load_corpus(accented).validation),
    ):
        tokens = np.asarray(part["tokens"])
        expected = sum(len(" " + document) for document in documents)  # the tokenizer prepends a space
        assert part["characters"][tokens].sum() == expected


def test_bits_per_character_are_those_of_a_slow_count_for_bytes_and_characters(accented):
    """A byte of a character of several bytes is no character: bytes cost more bits a character than they do a token."""
    corpus, bits = load_corpus(accented), {}
    for kind, split in (("byte", lambda text: list(text.encode())), ("character", list)):
        train, validation = (
            [symbol for text in part for symbol in split(" " + text)] for part in (corpus.train, corpus.validation)
        )
        counts, symbols = Counter(train), 256 if kind == "byte" else 1 + len(set(train))
        chances = [(counts[symbol] + 1) / (len(train) + symbols) for symbol in validation]
        characters = sum(len(" " + text) for text in corpus.validation)
        source = open_text("causal_lm", corpus=accented, tokenizer=kind)
        bits[kind] = compute_unigram_bits(source.train, source.validation)
        assert bits[kind] == pytest.approx(-np.log2(chances).sum() / characters)
    assert bits["byte"] > bits["character"]


def test_documents_start_where_the_array_says(accented):
    text = open_text("causal_lm", corpus=accented, vocabulary=300)
    tokens, starts = text.train["tokens"], text.train["starts"]
    assert len(starts) == len(load_corpus(accented).train) and len(set(tokens[starts])) == 1


def test_trivial_predictors_equal_a_slow_count():
    """Four tokens of one character each; 6 is the most common in training."""
    characters = np.array([0] * SPECIALS + [1] * 4, np.float32)
    train = {"tokens": np.array([5, 6, 6, 7]), "characters": characters}
    validation = {"tokens": np.array([6, 6, 8, 5]), "characters": characters}
    frequency = {5: 2 / 8, 6: 3 / 8, 7: 2 / 8, 8: 1 / 8}  # one added to each count
    bits = -np.mean([np.log2(frequency[token]) for token in validation["tokens"]])
    assert compute_unigram_bits(train, validation) == pytest.approx(bits)
    assert compute_majority_accuracy(train, validation) == 0.5


def test_pairs_of_sentences_are_sorted_by_their_longer_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("JAXPE_CACHE", str(tmp_path))
    words = ["light", "a light", "one more light", "x" * 400]
    pairs = [
        {"source": word, "target": word, "split": split} for split in ("train", "validation") for word in words[::-1]
    ]
    path = storage_path("translation")
    path.parent.mkdir(parents=True)
    pd.DataFrame(pairs).to_parquet(path)
    data = open_text("translation", vocabulary=257).train
    np.testing.assert_array_equal(data["source_length"], [len(" " + word) for word in words[:3]])  # one token a byte
    assert data["source"].shape == (3, text_sources.MAX_SENTENCE)
    np.testing.assert_array_equal(data["fitting"][[5, 6, 8, 48]], [0, 1, 2, 3])


@pytest.mark.parametrize("content", [None, b"PAR1 nothing"])
def test_pairs_that_are_missing_or_damaged_are_refused(content, tmp_path, monkeypatch):
    monkeypatch.setenv("JAXPE_CACHE", str(tmp_path))
    if content:
        path = storage_path("translation")
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
    with pytest.raises(UserError, match="run `jaxpe fetch translation`"):
        open_text("translation")


def test_a_short_text_and_an_unknown_start_policy_are_refused(tmp_path):
    file = tmp_path / "short.txt"
    file.write_text("\n".join(["a line"] * 30))
    with pytest.raises(UserError, match=r"too short: one of its two parts has \d+ tokens, but at least 1000"):
        open_text("masked_lm", corpus=str(file), vocabulary=257)
    with pytest.raises(UserError, match="Unknown start policy 'line'"):
        open_text("masked_lm", starts="line")


def test_a_text_that_is_edited_in_a_living_process_is_read_anew(tmp_path):
    """The same length and the same time: only bytes count. Restored, it is what it was."""
    file, sources = tmp_path / "mine.txt", []
    for words in ("a stone and a stone", "another or a stoned", "a stone and a stone"):
        file.write_text("\n".join(f"{words} {i}" for i in range(2400)))
        os.utime(file, (10**9, 10**9))
        sources.append(open_text("causal_lm", corpus=str(file), vocabulary=300))
    first, second, third = sources
    assert first is third and first.digest != second.digest
    assert not np.array_equal(first.train["tokens"], second.train["tokens"])


def test_the_digest_covers_the_tokenizer(accented, monkeypatch):
    """Two tokenizers of as many tokens on the same text."""
    digests = {open_text("causal_lm", corpus=accented, vocabulary=size).digest for size in (300, 301)}
    monkeypatch.setattr(
        text_sources, "train_tokenizer", lambda documents, *rest: train_tokenizer(["abc abc"] * 9, *rest)
    )
    text_sources.encode_corpus.cache_clear()
    digests.add(open_text("causal_lm", corpus=accented, vocabulary=300).digest)
    text_sources.encode_corpus.cache_clear()
    assert len(digests) == 3
    assert {digest.partition("-")[0] for digest in digests} == {corpus.load_corpus(accented).digest}
