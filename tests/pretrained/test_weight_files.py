"""Formats by their first bytes, safetensors files, and files that cannot be used: each is one sentence."""

import struct
import sys

import ml_dtypes
import numpy as np
import onnx
import pytest
from safetensors.numpy import save
from weight_tables import POSITIONS, TOKENS

from jaxpe.errors import UserError
from jaxpe.pretrained import models
from jaxpe.pretrained.weight_files import open_weights, read_array


@pytest.mark.parametrize(("name", "library"), [("m.onnx", "onnx"), ("m.gguf", "gguf")])
def test_a_missing_library_is_named_with_the_command_that_installs_it(tmp_path, monkeypatch, name, library):
    quantized = struct.pack("<Q", 20) + b"position_embd.weight" + struct.pack("<IQQIQ", 2, 32, 4, 8, 0)
    (tmp_path / name).write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 1, 0) + quantized + bytes(500))
    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.setitem(sys.modules, f"{library}.constants", None)
    with pytest.raises(UserError, match=rf"needs the library {library}: pip install 'jaxpe\[pretrained\]'"):
        models.open_model(tmp_path / name)


def test_the_length_of_a_header_may_begin_like_a_pickle(tmp_path):
    """640 is 0x0280: the first two bytes of a safetensors file are then those of a pickle."""
    for version in range(2, 6):
        table = save({"wpe.weight": POSITIONS})
        header = table[8 : 8 + int.from_bytes(table[:8], "little")].ljust(256 * version + 128)
        content = len(header).to_bytes(8, "little") + header + POSITIONS.tobytes()
        assert content[:2] == bytes([0x80, version])
        (tmp_path / "m.safetensors").write_bytes(content)
        np.testing.assert_array_equal(models.open_model(tmp_path / "m.safetensors").positions, POSITIONS)


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint8, np.int16, np.uint16, np.int64, np.float64, "bfloat16"])
def test_arrays_of_every_type_lie_next_to_the_table(tmp_path, dtype):
    kind = ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype
    other = np.arange(-6, 6).reshape(3, 4).astype(kind)
    (tmp_path / "m.safetensors").write_bytes(save({"wpe.weight": POSITIONS, "other": other}))
    file = open_weights(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(read_array(file, "other"), other.astype(np.float32))
    np.testing.assert_array_equal(read_array(file, "wpe.weight"), POSITIONS)


def test_numbers_that_are_too_large_or_not_real_are_one_sentence(tmp_path, recwarn):
    onnx_file = onnx.helper.make_model(onnx.helper.make_graph([], "g", [], [], [
        onnx.numpy_helper.from_array(np.ones((12, 4), np.complex64), "wpe.weight"),
        onnx.helper.make_tensor("words", onnx.TensorProto.STRING, [2, 2], [b"a", b"b", b"c", b"d"]),
    ]))  # fmt: skip
    (tmp_path / "m.onnx").write_bytes(onnx_file.SerializeToString())
    for name in ("wpe.weight", "words"):
        with pytest.raises(UserError, match=f"{name} of .* holds no real numbers"):
            models.open_model(tmp_path / "m.onnx", name)
    (tmp_path / "m.safetensors").write_bytes(save({"wpe.weight": np.full((12, 4), 1e300)}))
    with pytest.raises(UserError, match="numbers that are not finite"):
        models.open_model(tmp_path / "m.safetensors")
    assert not recwarn.list


COMPLETE = save({"wpe.weight": POSITIONS})


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("m.safetensors", COMPLETE[:-8], "is not a complete safetensors file"),
        ("m.safetensors", COMPLETE[:30], "is not a complete safetensors file"),
        ("m.safetensors", struct.pack("<Q", 2**60) + b"{}", "is not a complete safetensors file"),
        (
            "m.safetensors",
            b"version https://git-lfs",
            "not a file of weights in a known format: give safetensors, ONNX",
        ),
        ("m.bin", b"", "not a file of weights in a known format"),
        ("m.gguf", b"FUGG" + bytes(99), "not a file of weights in a known format"),
        ("m.safetensors", save({"wpe.weight": np.full((3, 4), np.nan, np.float32)}), "numbers that are not finite"),
        ("m.safetensors", save({"x.pos_embed": np.zeros((2, 3, 4), np.float32)}), r"the shape \(2, 3, 4\)"),
        ("m.safetensors", save({"wpe.weight": np.zeros((0, 4), np.float32)}), r"the shape \(0, 4\)"),
        ("m.safetensors", save({"a.wpe.weight": POSITIONS, "b.wpe.weight": POSITIONS}), "several position tables"),
        ("m.safetensors", save({"model.layers.0.self_attn.q_proj.weight": TOKENS}), "rotates queries and keys"),
        ("m.safetensors", save({"layer.0.relative_attention_bias.weight": TOKENS}), "a bias by distance"),
        ("m.safetensors", save({"bias": np.zeros(3, np.float32)}), "has no array of two dimensions"),
    ],
    ids=range(13),
)
def test_a_file_that_cannot_be_used_is_one_sentence(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=message):
        models.open_model(tmp_path / name)
