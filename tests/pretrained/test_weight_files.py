"""ONNX and safetensors files, and files that cannot be used: each is one sentence."""

import struct
import sys

import numpy as np
import onnx
import pytest
from safetensors.numpy import save
from weight_tables import POSITIONS, TOKENS

from jaxpe.errors import UserError
from jaxpe.pretrained import models


def test_initializers_of_an_onnx_graph_also_in_a_file_of_their_own(tmp_path):
    tables = {"model.0.embeddings.position_embeddings.weight": POSITIONS, "model.0.word_embeddings.weight": TOKENS}
    tensors = [onnx.numpy_helper.from_array(array, name) for name, array in tables.items()]
    output = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [12, 4])
    node = onnx.helper.make_node("Identity", [next(iter(tables))], ["y"])
    graph = onnx.helper.make_model(onnx.helper.make_graph([node], "g", [], [output], tensors))
    (tmp_path / "m.onnx").write_bytes(graph.SerializeToString())
    model = models.open_model(tmp_path / "m.onnx")
    np.testing.assert_array_equal(model.positions, POSITIONS)
    np.testing.assert_array_equal(model.tokens, TOKENS)
    onnx.save(graph, tmp_path / "apart.onnx", save_as_external_data=True, location="apart.data", size_threshold=0)
    np.testing.assert_array_equal(models.open_model(tmp_path / "apart.onnx").positions, POSITIONS)
    (tmp_path / "apart.data").write_bytes(b"short")
    with pytest.raises(UserError, match="is not a complete ONNX file"):
        models.open_model(tmp_path / "apart.onnx")
    (tmp_path / "m.onnx").write_bytes(graph.SerializeToString()[:-30])
    with pytest.raises(UserError, match="is not a complete ONNX file"):
        models.open_model(tmp_path / "m.onnx")


@pytest.mark.parametrize(("name", "library"), [("m.onnx", "onnx"), ("m.gguf", "gguf")])
def test_a_missing_library_is_named_with_the_command_that_installs_it(tmp_path, monkeypatch, name, library):
    (tmp_path / name).write_bytes(b"GGUF")
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(UserError, match=rf"needs the library {library}: pip install 'jaxpe\[pretrained\]'"):
        models.open_model(tmp_path / name)


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
        ("m.safetensors", save({"bias": np.zeros(3, np.float32)}), "has no two-dimensional array"),
    ],
    ids=range(13),
)
def test_a_file_that_cannot_be_used_is_one_sentence(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=message):
        models.open_model(tmp_path / name)
