"""The embedded corpus, and files that are not a text."""

import pytest

from jaxpe.data.cache import storage_path
from jaxpe.data.corpus import digest_tokenizer, load_corpus, train_tokenizer
from jaxpe.errors import UserError


def test_every_tenth_block_of_the_embedded_corpus_is_held_out():
    corpus = load_corpus()
    assert len(corpus.train) + len(corpus.validation) == 31_103
    assert corpus.train[0].startswith("In the beginning") and len(corpus.validation) == 3_100


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.txt", b"", "is empty"),
        ("blank.txt", b"\n\n \n", "at least 20"),
        ("picture.txt", bytes(range(256)) * 50, "not text"),
        ("broken.json", b'{"text": ', "line 1: this is not JSON"),
        ("columns.jsonl", b'{"a": "x", "b": "y"}\n' * 30, "no column 'text'"),
        ("broken.parquet", b"PAR1 nothing", "cannot be read"),
    ],
)
def test_a_file_that_is_not_a_text_is_refused_and_nothing_is_written_next_to_it(tmp_path, name, content, message):
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(UserError, match=message):
        load_corpus(str(file))
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("not/there.txt", "no text file"),
        ("someone/some-dataset", "pass a local file"),
        ("wordnet", "jaxpe fetch wordnet"),
    ],
)
def test_a_text_that_is_not_there_is_refused(name, message, tmp_path, monkeypatch):
    monkeypatch.setenv("JAXPE_CACHE", str(tmp_path))
    with pytest.raises(UserError, match=message):
        load_corpus(name)


def test_a_vocabulary_smaller_than_the_bytes_is_refused():
    with pytest.raises(UserError, match="at least 257 tokens, got 256"):
        train_tokenizer(["text"], 256)


@pytest.mark.parametrize("content", [b"", b"PAR1 nothing", b"text"])
def test_a_downloaded_text_that_was_damaged_is_told_with_the_command(content, tmp_path, monkeypatch):
    monkeypatch.setenv("JAXPE_CACHE", str(tmp_path))
    path = storage_path("wordnet")
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(
        UserError, match=r"wordnet\.parquet was damaged: delete it, then run `jaxpe fetch wordnet` again"
    ):
        load_corpus("wordnet")


def test_tokenizers_that_differ_in_a_merge_have_other_digests():
    """Also where both have as many tokens; the same training gives the same digest."""
    first, second = ["the other of them"] * 30, ["one another stone"] * 30
    digests = {digest_tokenizer(train_tokenizer(texts, 260)) for texts in (first, first, second, [*first, "zz zz"])}
    assert len(digests) == 2
    sizes = {train_tokenizer(texts, 260).get_vocab_size() for texts in (first, second)}
    assert sizes == {260}
