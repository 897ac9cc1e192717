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


def test_a_header_with_too_many_values_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(gguf_files, "MAX_VALUES", 3)
    path = write_file(tmp_path / "m.gguf", "bert", {"add_context_length": 12}, {})
    with pytest.raises(UserError, match=r"has more than 3 values, .* use a safetensors file"):
        models.open_model(path)


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
    "version 1": b"GGUF" + struct.pack("<IQQ", 1, 0, 0),
    "nothing": b"GGUF",
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_is_one_sentence(tmp_path, content):
    (tmp_path / "m.gguf").write_bytes(content)
    with pytest.raises(UserError, match="is not a complete GGUF file"):
        models.open_model(tmp_path / "m.gguf")
