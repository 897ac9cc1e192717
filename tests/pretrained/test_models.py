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


@pytest.mark.parametrize("rows", [512, 514, 77, 13, 1024])
@pytest.mark.parametrize("padding", [0, 1])
@pytest.mark.parametrize(
    "name", ["roberta.embeddings.position_embeddings.weight", "decoder.embed_positions.weight", "wpe.weight", "mine"]
)
def test_the_row_of_the_padding_and_those_before_it_are_cut_wherever_they_are_zeros(tmp_path, rows, padding, name):
    table = RANDOM.normal(size=(rows, 4)).astype(np.float32)
    table[padding] = 0
    save_file({name: table}, tmp_path / "m.safetensors")
    model = models.open_model(tmp_path / "m.safetensors", name if name == "mine" else None)
    expected = 2 if rows == 514 and name not in ("wpe.weight", "mine") else padding + 1
    assert model.skipped == expected
    np.testing.assert_array_equal(model.positions, table[expected:])


@pytest.mark.parametrize("zeros", [[2], [511], [1, 2, 3], range(512), [5, 6]])
def test_other_rows_of_zeros_stay(tmp_path, zeros):
    """A table of zeros, or one that begins with several, has no row of the padding."""
    table = RANDOM.normal(size=(512, 4)).astype(np.float32)
    table[list(zeros)] = 0
    save_file({"bert.position_embeddings.weight": table}, tmp_path / "m.safetensors")
    model = models.open_model(tmp_path / "m.safetensors")
    assert model.skipped == 0 and len(model.positions) == 512


def test_the_encoder_has_an_offset_of_its_own(tmp_path):
    table = RANDOM.normal(size=(40, 4)).astype(np.float32)
    padded = table.copy()
    padded[1] = 0
    both = {"decoder.embed_positions.weight": padded, "encoder.embed_positions.weight": table}
    save_file(both, tmp_path / "m.safetensors")
    model = models.open_model(tmp_path / "m.safetensors")
    assert len(model.positions) == 38 and len(model.encoder_positions) == 40


SHAPES = [(1, 12, 4), (12, 1, 4), (1, 1, 12, 4), (1, 12, 1, 4), (12, 4, 1)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ["pos_emb", "pos_encoder.pe", "vit.pos_embedding", "something"])
def test_dimensions_of_length_one_do_not_matter_and_are_listed(tmp_path, shape, name):
    path = tmp_path / "m.safetensors"
    weights = {name: POSITIONS.reshape(shape), "head.weight": TOKENS, "conv": np.ones((2, 3, 4), np.float32)}
    save_file(weights, path)
    np.testing.assert_array_equal(models.open_model(path, name).positions, POSITIONS)
    if name in ("pos_emb", "vit.pos_embedding"):
        np.testing.assert_array_equal(models.open_model(path).positions, POSITIONS)
        return
    with pytest.raises(UserError) as error:
        models.open_model(path)
    assert f"{name} {'×'.join(map(str, shape))}" in str(error.value) and "conv" not in str(error.value)


def test_the_tables_of_mingpt_are_known(tmp_path):
    weights = {"pos_emb": POSITIONS[None], "tok_emb.weight": TOKENS}
    save_file(weights, tmp_path / "a.safetensors")
    save_file({"pos_emb.weight": POSITIONS, "tok_emb.weight": TOKENS}, tmp_path / "b.safetensors")
    for name in "ab":
        model = models.open_model(tmp_path / f"{name}.safetensors")
        np.testing.assert_array_equal(model.positions, POSITIONS)
        np.testing.assert_array_equal(model.tokens, TOKENS)


def test_a_table_of_tokens_that_is_damaged_is_one_sentence(tmp_path):
    save_file({"wpe.weight": POSITIONS, "wte.weight": np.where(TOKENS > 1, np.nan, TOKENS)}, tmp_path / "m.safetensors")
    with pytest.raises(UserError, match=r"wte\.weight of .* numbers that are not finite"):
        models.open_model(tmp_path / "m.safetensors")


def test_paths_are_paths(tmp_path, monkeypatch):
    """A tilde is the home folder; brackets and spaces are letters; what is too long or no file is told."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "my [v1] *").mkdir()
    save_file({"wpe.weight": POSITIONS}, tmp_path / "my [v1] *" / "model.safetensors")
    for name in ("~/my [v1] *", "~/my [v1] */model.safetensors"):
        np.testing.assert_array_equal(models.open_model(name).positions, POSITIONS)
    for name, says in {
        "x" * 400 + ".bin": "cannot be read",
        "/dev/null": "There is no file",
        "a.PT": "no file",
    }.items():
        with pytest.raises(UserError, match=says):
            models.open_model(name)


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
    with pytest.raises(UserError, match=r"Arrays of two dimensions: my_positions 12×4, a\.w 20×4\. .*table=NAME"):
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
