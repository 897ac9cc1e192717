"""ONNX files against the library's own reading, and damaged ones."""

import numpy as np
import onnx
import pytest
from weight_tables import POSITIONS, RANDOM, TOKENS

from jaxpe.errors import UserError
from jaxpe.pretrained import models, onnx_files


def encode_graph(*tensors):
    return onnx.helper.make_model(onnx.helper.make_graph([], "g", [], [], tensors)).SerializeToString()


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


@pytest.mark.parametrize("location", ["../secret", "/etc/passwd", "a/../../secret", "link", "/dev/zero", ""])
def test_an_onnx_file_reads_nothing_outside_its_folder(tmp_path, location):
    (tmp_path / "secret").write_bytes(POSITIONS.tobytes())
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "link").symlink_to(tmp_path / "secret")
    tensor = onnx.TensorProto(name="wpe.weight", dims=[12, 4], data_type=1, data_location=1)
    tensor.external_data.add(key="location", value=location)
    graph = onnx.helper.make_model(onnx.helper.make_graph([], "g", [], [], [tensor]))
    (tmp_path / "in" / "m.onnx").write_bytes(graph.SerializeToString())
    with pytest.raises(UserError, match="is not a complete ONNX file"):
        models.open_model(tmp_path / "in" / "m.onnx")


TYPES = (
    "FLOAT", "FLOAT16", "DOUBLE", "BFLOAT16", "INT8", "UINT8", "INT16", "UINT16", "INT32", "UINT32", "INT64", "UINT64", "BOOL",
    "INT4", "UINT4", "FLOAT8E4M3FN", "FLOAT8E5M2",
)  # fmt: skip


@pytest.mark.parametrize("raw", [False, True])
@pytest.mark.parametrize("kind", TYPES)
def test_every_type_is_read_as_the_library_reads_it(tmp_path, kind, raw):
    number = getattr(onnx.TensorProto, kind)
    values = np.abs(RANDOM.integers(0, 7, 12)).astype(onnx.helper.tensor_dtype_to_np_dtype(number))
    if raw:
        tensor = onnx.numpy_helper.from_array(values.reshape(3, 4), "w")
    else:
        tensor = onnx.helper.make_tensor("w", number, [3, 4], values)
    (tmp_path / "m.onnx").write_bytes(encode_graph(tensor))
    arrays, _ = onnx_files.read_onnx(tmp_path / "m.onnx")
    assert arrays["w"].shape == (3, 4)
    np.testing.assert_array_equal(arrays["w"].read().astype(float), values.reshape(3, 4).astype(float))


def test_shapes_may_be_packed_and_a_graph_in_parts(tmp_path):
    tensor = onnx.numpy_helper.from_array(POSITIONS, "wpe.weight").SerializeToString()
    unpacked = bytes([8, 12, 8, 4])
    assert tensor.startswith(unpacked)
    packed = bytes([10, 2, 12, 4]) + tensor[4:]
    graphs = [bytes([42, *encode_length(one), *one]) for one in (b"B\x01b\x10\x01", packed)]
    content = b"".join(bytes([58, *encode_length(graph), *graph]) for graph in graphs)
    (tmp_path / "m.onnx").write_bytes(content)
    arrays, _ = onnx_files.read_onnx(tmp_path / "m.onnx")
    assert {name: array.shape for name, array in arrays.items()} == {"b": (), "wpe.weight": (12, 4)}
    np.testing.assert_array_equal(models.open_model(tmp_path / "m.onnx").positions, POSITIONS)


def encode_length(content):
    return [len(content) & 127 | 128, len(content) >> 7]


COMPLETE = encode_graph(onnx.numpy_helper.from_array(POSITIONS, "wpe.weight"))
DAMAGED = {
    "nothing": b"",
    "text": b"# a model",
    "a group": b"\x3b",
    "a number without end": b"\x38" + b"\xff" * 20,
    "a length beyond": b"\x3a\xff\xff\xff\xff\x7f",
    "an inner length beyond": b"\x3a\x02\x2a\x7f",
    "a name that is no text": COMPLETE.replace(b"wpe.weight", b"\xff" * 10),
    "too few numbers": encode_graph(onnx.TensorProto(name="wpe.weight", dims=[12, 4], data_type=1, raw_data=bytes(9))),
    "an unknown type": encode_graph(
        onnx.TensorProto(name="wpe.weight", dims=[12, 4], data_type=99, raw_data=bytes(192))
    ),
    "many numbers": encode_graph(onnx.TensorProto(name="wpe.weight", dims=[2**40, 2**20], data_type=1)),
    "many small numbers": encode_graph(onnx.TensorProto(name="wpe.weight", dims=[2**40, 2**20], data_type=22)),
    "negative": encode_graph(onnx.TensorProto(name="wpe.weight", dims=[-12, -4], data_type=1, raw_data=bytes(192))),
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_is_one_sentence(tmp_path, content):
    (tmp_path / "m.onnx").write_bytes(content)
    with pytest.raises(UserError, match=r"is not a complete ONNX file .*download it again"):
        models.open_model(tmp_path / "m.onnx")
