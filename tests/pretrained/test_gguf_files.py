"""GGUF files with rotations, with tables also quantized, and damaged ones."""

import struct

import gguf
import numpy as np
import pytest
from weight_tables import RANDOM

from jaxpe.errors import UserError
from jaxpe.pretrained import gguf_files, models

TYPES = gguf.GGMLQuantizationType


def write_file(path, model, keys, tensors):
    writer = gguf.GGUFWriter(path, model)
    writer.add_array("tokenizer.ggml.tokens", ["a", "b"])
    writer.add_array("tokenizer.ggml.scores", [0.5, 1.0])
    for add, value in keys.items():
        getattr(writer, add)(value)
    for name, (array, kind) in tensors.items():
        writer.add_tensor(name, array, raw_dtype=kind)
    writer.write_header_to_file(), writer.write_kv_data_to_file(), writer.write_tensors_to_file(), writer.close()
    return path


def test_the_rotary_configuration_is_read_from_the_keys(tmp_path):
    keys = {
        "add_rope_freq_base": 5e5, "add_rope_dimension_count": 64, "add_context_length": 8192,
        "add_rope_scaling_type": gguf.RopeScalingType.YARN, "add_rope_scaling_factor": 4.0,
        "add_rope_scaling_orig_ctx_len": 2048, "add_name": "Tiny", "add_causal_attention": True,
    }  # fmt: skip
    factors = np.linspace(1, 8, 32, dtype=np.float32)
    model = models.open_model(write_file(tmp_path / "m.gguf", "llama", keys, {"rope_freqs.weight": (factors, None)}))
    assert model.positions is None and (model.title, model.kind) == ("Tiny", "decoder")
    assert model.rotary[:5] == (5e5, 64, "yarn", 4.0, 2048)
    np.testing.assert_array_equal(model.rotary.factors, factors)
    with pytest.raises(UserError, match=r"no position table, it rotates .*base 500000, 64 dimensions"):
        models.require_positions(model)
    plain = {"add_rope_freq_base": 1e4, "add_head_count": 4, "add_embedding_length": 128, "add_context_length": 512}
    model = models.open_model(write_file(tmp_path / "p.gguf", "llama", plain, {}))
    assert model.rotary == (1e4, 32, "none", 1.0, 512, None)
    per_layer = plain | {"add_head_count": [4, 2]}
    assert models.open_model(write_file(tmp_path / "h.gguf", "llama", per_layer, {})).rotary.dimensions == 32
    longer = write_file(tmp_path / "l.gguf", "llama", plain | {"add_rope_scaling_factor": 2.0}, {})
    assert models.open_model(longer).rotary[2:4] == ("linear", 2.0)


@pytest.mark.parametrize("kind", [TYPES.Q8_0, TYPES.BF16, TYPES.F64])
def test_a_table_is_read_also_if_it_is_quantized(tmp_path, kind):
    wide = RANDOM.normal(size=(20, 64)).astype(np.float32)
    tokens = wide.astype(np.float64) if kind == TYPES.F64 else gguf.quants.quantize(wide, kind)
    tensors = {"position_embd.weight": (wide[:12].astype(np.float16), None), "token_embd.weight": (tokens, kind)}
    model = models.open_model(write_file(tmp_path / "m.gguf", "bert", {"add_context_length": 12}, tensors))
    assert (model.kind, model.rotary) == ("encoder", None)
    np.testing.assert_array_equal(models.require_positions(model), wide[:12].astype(np.float16))
    np.testing.assert_allclose(model.tokens, wide, atol=0.03)


def test_a_type_that_gguf_cannot_dequantize_is_one_sentence(tmp_path):
    tensors = {"position_embd.weight": (np.zeros((12, 40), np.uint8), TYPES.Q8_1)}
    path = write_file(tmp_path / "m.gguf", "bert", {}, tensors)
    with pytest.raises(UserError, match=r"position_embd\.weight of .* is quantized as Q8_1, .* another quantization"):
        models.open_model(path)


def test_lists_texts_and_alignment_are_read_and_the_tokenizer_is_skipped(tmp_path):
    keys = {
        "add_head_count": [4, 2], "add_description": "déjà vu", "add_custom_alignment": 64, "add_causal_attention": True,
        "add_layer_norm_eps": 0.5, "add_languages": ["en", "de"], "add_context_length": 12,
    }  # fmt: skip
    table = RANDOM.normal(size=(12, 5)).astype(np.float32)
    tensors = {"odd": (np.ones(3, np.float32), None), "position_embd.weight": (table, None)}
    path = write_file(tmp_path / "m.gguf", "bert", keys, tensors)
    arrays, notes = gguf_files.read_gguf(path)
    assert notes["bert.attention.head_count"] == [4, 2] and notes["general.description"] == "déjà vu"
    assert notes["general.alignment"] == 64 and notes["bert.attention.causal"] is True
    assert notes["bert.attention.layer_norm_epsilon"] == 0.5 and notes["general.languages"] == ["en", "de"]
    assert not any(name.startswith("tokenizer.") for name in notes)
    np.testing.assert_array_equal(arrays["position_embd.weight"].read(), table)
    reader = gguf.GGUFReader(path)  # the library's own
    assert {tensor.name: tuple(reversed(tensor.shape.tolist())) for tensor in reader.tensors} == {
        name: array.shape for name, array in arrays.items()
    }


@pytest.mark.parametrize("dtype", ["f4", "f2", "f8", "i1", "i2", "i4", "i8"])
def test_every_plain_type_is_read(tmp_path, dtype):
    table = np.arange(-30, 30).reshape(12, 5).astype(dtype)
    path = write_file(tmp_path / "m.gguf", "bert", {}, {"position_embd.weight": (table, None)})
    np.testing.assert_array_equal(models.open_model(path).positions, table)


def encode_file(*keys, arrays=b"", counts=None):
    return b"GGUF" + struct.pack("<IQQ", 3, *(counts or (bool(arrays), len(keys)))) + b"".join(keys) + arrays


def encode_text(text):
    return struct.pack("<Q", len(text)) + text


KEY, TABLE = encode_text(b"k"), encode_text(b"position_embd.weight")
DAMAGED = {
    "too many keys": encode_file(counts=(0, 2**63)),
    "too many arrays": encode_file(counts=(2**63, 0)),
    "a long name": encode_file(struct.pack("<Q", 2**62) + b"name"),
    "many numbers": encode_file(KEY + struct.pack("<IIQ", 9, 4, 2**60)),
    "many strings": encode_file(KEY + struct.pack("<IIQ", 9, 8, 2**60)),
    "many arrays of numbers": encode_file(KEY + struct.pack("<IIQ", 9, 9, 2**60) + struct.pack("<IQ", 4, 2**60)),
    "a key of an unknown type": encode_file(KEY + struct.pack("<I", 99)),
    "alignment 0": encode_file(encode_text(b"general.alignment") + struct.pack("<II", 4, 0)),
    "a large array": encode_file(arrays=TABLE + struct.pack("<IQQIQ", 2, 2**40, 2**40, 0, 0)),
    "many dimensions": encode_file(arrays=TABLE + struct.pack("<IQQIQ", 2**31, 4, 4, 0, 0)),
    "an array that is cut": encode_file(arrays=TABLE + struct.pack("<IQQIQ", 2, 4, 4, 0, 0) + bytes(60)),
    "an array of an unknown type": encode_file(arrays=TABLE + struct.pack("<IQQIQ", 2, 4, 4, 77, 0)),
    "a cut array that is quantized": encode_file(arrays=TABLE + struct.pack("<IQQIQ", 2, 32, 4, 8, 0) + bytes(60)),
    "half a block": encode_file(arrays=TABLE + struct.pack("<IQQIQ", 2, 33, 4, 8, 0) + bytes(600)),
    "an alignment that is a text": encode_file(encode_text(b"general.alignment") + struct.pack("<IQ", 8, 1) + b"x"),
    "a far offset": encode_file(arrays=TABLE + struct.pack("<IQQIQ", 2, 4, 4, 0, 2**63) + bytes(600)),
    "lists in lists": encode_file(KEY + struct.pack("<I", 9) + struct.pack("<IQ", 9, 1) * 100_000),
    "version 1": b"GGUF" + struct.pack("<IQQ", 1, 0, 0),
    "nothing": b"GGUF",
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_is_one_sentence(tmp_path, content):
    (tmp_path / "m.gguf").write_bytes(content)
    with pytest.raises(UserError, match="is not a complete GGUF file"):
        models.open_model(tmp_path / "m.gguf")
