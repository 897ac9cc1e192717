"""What a tokenizer is trained on: the training part of a text, of both languages in translation, and nothing else."""

import numpy as np
import pandas as pd
import pytest

from jaxpe.data.cache import storage_path
from jaxpe.data.corpus import TOKENIZERS, UNKNOWN, count_characters, load_corpus, train_tokenizer
from jaxpe.data.examples import SPECIALS
from jaxpe.data.text_sources import open_text
from jaxpe.errors import UserError

HELD_OUT = "zyxwvut"  # a word of the validation part only


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    """Four hundred lines, of which every tenth block of forty is held out."""
    path = tmp_path_factory.mktemp("tokenizers") / "mine.txt"
    held_out = [i // 40 % 10 == 9 for i in range(400)]
    path.write_text("\n".join(f"{f'{HELD_OUT} ' * 8 if out else 'abacus lemma '}{i}" for i, out in enumerate(held_out)))
    return str(path)


def test_a_word_of_the_held_out_part_alone_is_no_token(text):
    """It is common there: with that part, the tokenizer would have longer tokens for it than bytes."""
    corpus = load_corpus(text)
    assert not any(HELD_OUT in document for document in corpus.train)
    assert sum(document.count(HELD_OUT) for document in corpus.validation) == 320
    whole = train_tokenizer([*corpus.train, *corpus.validation], 290)
    assert len(whole.encode(HELD_OUT).ids) < len(HELD_OUT)
    source = open_text("causal_lm", corpus=text, vocabulary=290)
    assert len(source.validation["tokens"]) >= 320 * len(HELD_OUT)


def test_both_parts_of_a_text_have_the_same_tokenizer_and_other_documents(text):
    source, corpus = open_text("causal_lm", corpus=text, vocabulary=290), load_corpus(text)
    np.testing.assert_array_equal(source.train["characters"], source.validation["characters"])
    for part, documents in ((source.train, corpus.train), (source.validation, corpus.validation)):
        tokens = np.asarray(part["tokens"])
        assert tokens.min() >= SPECIALS and len(part["starts"]) == len(documents)
        assert part["characters"][tokens].sum() == sum(len(" " + document) for document in documents)


def test_translation_is_tokenized_by_its_training_pairs_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("JAXPE_CACHE", str(tmp_path))
    pairs = [{"source": "light light", "target": "lumiere lumiere", "split": "train"}] * 30
    pairs += [{"source": HELD_OUT, "target": HELD_OUT, "split": "validation"}] * 30
    path = storage_path("translation")
    path.parent.mkdir(parents=True)
    pd.DataFrame(pairs).to_parquet(path)
    source = open_text("translation", vocabulary=300)
    assert set(source.train["target_length"].tolist()) == {2}  # both words of the training pairs are tokens
    assert set(source.validation["target_length"].tolist()) == {len(" " + HELD_OUT)}  # a byte each


STRANGE = ["déjà vu", " begins with a space", "two\nlines\r\n", "ὀ 日本🙂 e\u0301", "\t", "naïve \x00 zero"]


@pytest.mark.parametrize("kind", TOKENIZERS)
def test_every_text_comes_back_from_its_tokens(kind):
    """With one space before it, unless it begins with one; and every character is counted once."""
    tokenizer = train_tokenizer(STRANGE, 300, kind)
    counts = count_characters(tokenizer)
    for text in STRANGE:
        ids, expected = tokenizer.encode(text).ids, text if text.startswith(" ") else f" {text}"
        assert tokenizer.decode(ids) == expected
        assert sum(counts[i] for i in ids) == len(expected)


def test_bytes_are_the_256_whatever_the_text():
    tokenizers = [train_tokenizer(texts, size, "byte") for texts, size in (([], 0), (STRANGE, 1000))]
    assert {one.get_vocab_size() for one in tokenizers} == {256}
    for one in tokenizers:
        assert one.encode("é日").ids == list(" é日".encode())


def test_characters_are_those_of_the_training_part_and_others_are_unknown(tmp_path):
    path = tmp_path / "mine.txt"
    held_out = [i // 50 % 10 == 9 for i in range(2000)]
    path.write_text("\n".join("zebra ab" if out else "abc ab ab" for out in held_out))
    source = open_text("causal_lm", corpus=str(path), tokenizer="character")
    tokenizer = train_tokenizer(load_corpus(str(path)).train, 0, "character")
    assert sorted(tokenizer.get_vocab(), key=tokenizer.get_vocab().get) == [UNKNOWN, " ", "a", "b", "c"]
    assert source.stream.tokens == 5 and source.stream.vocabulary == SPECIALS + 5
    assert count_characters(tokenizer) == [1] * 5
    unknown = (np.asarray(source.validation["tokens"]) == SPECIALS).sum()
    assert unknown == sum(held_out) * len("zer") and not (np.asarray(source.train["tokens"]) == SPECIALS).any()


def test_a_text_that_holds_the_name_of_the_unknown_is_no_unknown():
    ids = train_tokenizer(["<unk> a"], 0, "character").encode("<unk>").ids
    assert len(ids) == len(" <unk>") and 0 not in ids


def test_an_unknown_tokenizer_is_refused():
    with pytest.raises(UserError, match=r"Unknown tokenizer 'charcter'\. Did you mean 'character'"):
        train_tokenizer(["a"], 300, "charcter")
