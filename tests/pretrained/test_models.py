"""Tables of published models under the names of their families, by file, folder, name, or hub id."""

import numpy as np
import pytest
from safetensors.numpy import save_file
from tiny_bert import TOKENIZER
from weight_tables import POSITIONS, RANDOM, TOKENS

from jaxpe.errors import UserError
from jaxpe.pretrained import models


@pytest.mark.parametrize(
    ("positions", "tokens", "kind"),
    [
        ("bert.embeddings.position_embeddings.weight", "bert.embeddings.word_embeddings.weight", "encoder"),
        ("distilbert.embeddings.position_embeddings.weight", "distilbert.embeddings.word_embeddings.weight", "encoder"),
        ("wpe.weight", "wte.weight", "decoder"),
        ("transformer.wpe.weight", "transformer.wte.weight", "decoder"),
        ("model.decoder.embed_positions.weight", "model.decoder.embed_tokens.weight", "decoder"),
        ("positions", "tokens", "encoder"),
    ],
)
def test_tables_are_recognized_by_their_published_names(tmp_path, positions, tokens, kind):
    noise = {"embeddings.position_ids": np.arange(12)[None], "h.0.bias": np.zeros(4, np.float32)}
    save_file({positions: POSITIONS, tokens: TOKENS, **noise}, tmp_path / "model.safetensors", {"format": "pt"})
    for path in (tmp_path, tmp_path / "model.safetensors"):
        model = models.open_model(path)
        np.testing.assert_array_equal(model.positions, POSITIONS)
        np.testing.assert_array_equal(model.tokens, TOKENS)
        assert (model.kind, model.skipped, model.rotary, model.tokenizer) == (kind, 0, None, None)


def test_rows_that_stand_for_no_position_are_cut(tmp_path):
    table, path = RANDOM.normal(size=(34, 4)).astype(np.float32), tmp_path / "m.safetensors"
    names = {"roberta.embeddings.position_embeddings.weight": 2, "decoder.embed_positions.weight": 2, "wpe.weight": 0}
    for name, skipped in names.items():
        save_file({name: table}, path)
        model = models.open_model(path)
        assert model.skipped == skipped and model.tokens is None
        np.testing.assert_array_equal(model.positions, table[skipped:])
    bart = {"decoder.embed_positions.weight": table, "encoder.embed_positions.weight": table[::-1].copy()}
    save_file(bart, path)
    np.testing.assert_array_equal(models.open_model(path).encoder_positions, table[::-1][2:])


def test_a_vision_transformer_has_a_leading_dimension_and_the_tokenizer_may_be_a_file_of_its_own(tmp_path):
    save_file({"vit.embeddings.position_embeddings": POSITIONS[None]}, tmp_path / "model.safetensors")
    (tmp_path / "tokenizer.json").write_text(TOKENIZER)
    model = models.open_model(tmp_path)
    np.testing.assert_array_equal(model.positions, POSITIONS)
    assert model.tokenizer == TOKENIZER and model.licence == "not stated"


def test_half_brain_and_double_floats_become_float32(tmp_path):
    import ml_dtypes

    for dtype in (np.float16, ml_dtypes.bfloat16, np.float64):
        save_file({"wpe.weight": POSITIONS.astype(dtype)}, tmp_path / "m.safetensors")
        positions = models.open_model(tmp_path / "m.safetensors").positions
        assert positions.dtype == np.float32
        np.testing.assert_array_equal(positions, POSITIONS.astype(dtype).astype(np.float32))


def test_for_an_unknown_family_the_error_lists_candidates_and_one_can_be_named(tmp_path):
    path = tmp_path / "m.safetensors"
    save_file({"a.w": TOKENS, "my_positions": POSITIONS, "b": np.zeros(3, np.float32)}, path)
    with pytest.raises(UserError, match=r"Two-dimensional arrays: my_positions 12×4, a\.w 20×4\. .*table=NAME"):
        models.open_model(path)
    np.testing.assert_array_equal(models.open_model(path, table="my_positions").positions, POSITIONS)
    with pytest.raises(UserError, match="no such array"):
        models.open_model(path, table="positions")


def test_names_of_nothing_are_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("JAXPE_CACHE", str(tmp_path / "cache"))
    with pytest.raises(UserError, match="run `jaxpe fetch minilm` once"):
        models.open_model("minilm")
    with pytest.raises(UserError, match="There is no file"):
        models.open_model(tmp_path / "missing.onnx")
    with pytest.raises(UserError, match=r"has none of model\.safetensors"):
        models.open_model(tmp_path)
    for name in ("nobody/nothing", "no id at all!"):
        with pytest.raises(UserError, match=r"minilm.* could not be loaded from the Hugging Face hub"):
            models.open_model(name)


def test_a_hub_id_gives_its_weights_and_tokenizer(tmp_path, monkeypatch):
    import huggingface_hub

    save_file({"wpe.weight": POSITIONS}, tmp_path / "model.safetensors")
    (tmp_path / "tokenizer.json").write_text(TOKENIZER)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", lambda name, file: str(tmp_path / file))
    model = models.open_model("somebody/something")
    np.testing.assert_array_equal(model.positions, POSITIONS)
    assert (model.name, model.tokenizer) == ("somebody/something", TOKENIZER)
