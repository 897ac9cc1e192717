"""PyTorch files in both layouts: every kind of storage, nested checkpoints, views, and hostile files."""

import zipfile
from collections import OrderedDict

import ml_dtypes
import numpy as np
import pytest
import torch_writer
from torch_writer import Tensor, encode_archive, encode_older
from weight_tables import POSITIONS, TOKENS

from jaxpe.errors import UserError
from jaxpe.pretrained import models
from jaxpe.pretrained.torch_files import read_torch
from jaxpe.pretrained.weight_files import open_weights, read_array

ENCODERS = pytest.mark.parametrize("encode", [encode_archive, encode_older])


def save(path, content):
    path.write_bytes(content)
    return path


def read_all(path):
    return {name: array.read() for name, array in read_torch(path)[0].items()}


@ENCODERS
@pytest.mark.parametrize("dtype", [*torch_writer.KIND_OF, "bfloat16"])
def test_every_kind_of_storage_is_read(tmp_path, encode, dtype):
    kind = ml_dtypes.bfloat16 if dtype == "bfloat16" else np.dtype(dtype)
    array = (np.arange(-6, 6).reshape(3, 4) / 2).astype(kind)
    [(name, found)] = read_all(save(tmp_path / "m.bin", encode({"w": Tensor(array)}))).items()
    assert name == "w" and found.dtype == array.dtype
    np.testing.assert_array_equal(found, array)


@ENCODERS
@pytest.mark.parametrize("function", [*torch_writer.FUNCTIONS, "_rebuild_from_type_v2"])
def test_every_function_that_rebuilds_a_tensor_is_known(tmp_path, encode, function):
    if function == "_rebuild_tensor_v3":
        typed = torch_writer.Type("uint16")
        raw = Tensor(np.arange(12, dtype="u1"), function, shape=(2, 3), strides=(3, 1), dtype=typed, kind="Untyped")
        expected = np.arange(12, dtype="u1").view("<u2").reshape(2, 3)
    else:
        raw, expected = Tensor(POSITIONS, function), POSITIONS
    found = read_all(save(tmp_path / "m.bin", encode({"w": raw})))
    np.testing.assert_array_equal(found["w"], expected)


@ENCODERS
def test_views_are_cut_from_their_storage(tmp_path, encode):
    values = np.arange(10, dtype=np.float32)
    tensors = {
        "turned": Tensor(values, offset=1, shape=(2, 3), strides=(1, 2)),
        "last": Tensor(values, offset=9, shape=(), strides=()),
        "repeated": Tensor(values, offset=2, shape=(3, 2), strides=(0, 1)),
        "empty": Tensor(values, shape=(0, 7), strides=(7, 1)),
        "size": Tensor(values, shape=torch_writer.Size((5, 2)), strides=(2, 1)),
    }
    found = read_all(save(tmp_path / "m.bin", encode(tensors)))
    np.testing.assert_array_equal(found["turned"], [[1, 3, 5], [2, 4, 6]])
    assert found["last"] == 9 and found["empty"].shape == (0, 7)
    np.testing.assert_array_equal(found["repeated"], [[2, 3]] * 3)
    np.testing.assert_array_equal(found["size"], values.reshape(5, 2))


@ENCODERS
@pytest.mark.parametrize("prefix", ["", "_orig_mod.", "module.", "module._orig_mod.", "model.module."])
@pytest.mark.parametrize("nesting", [(), ("model",), ("state_dict",), ("module",), ("a", "b", "c")])
def test_the_table_of_a_nested_checkpoint_is_found(tmp_path, encode, prefix, nesting):
    """As training loops and torch.compile write them: with an optimizer, arguments, and a tensor that is a number."""
    weights = OrderedDict(
        {f"{prefix}transformer.wpe.weight": Tensor(POSITIONS), f"{prefix}transformer.wte.weight": Tensor(TOKENS)}
    )
    weights["transformer.h.0.attn.bias"] = Tensor(np.tril(np.ones((1, 1, 8, 8), bool)))
    weights._metadata = OrderedDict({"": {"version": 1}})
    for key in reversed(nesting):
        weights = {key: weights, "epoch": 3, "best_loss": Tensor(np.float32(1.5)), "args": {"n_layer": 2, "name": None}}
    path = save(tmp_path / "ckpt.pt", encode(weights))
    for name in (None, "wpe.weight", "transformer.wpe.weight", ".".join([*nesting, f"{prefix}transformer.wpe.weight"])):
        model = models.open_model(path, name)
        np.testing.assert_array_equal(model.positions, POSITIONS)
    np.testing.assert_array_equal(models.open_model(path).tokens, TOKENS)


@ENCODERS
def test_a_file_of_one_tensor_or_a_list_of_them_can_be_read(tmp_path, encode):
    for thing, name in (
        (Tensor(POSITIONS), "tensor"),
        ([Tensor(POSITIONS)], "0"),
        ({"a": (Tensor(POSITIONS),)}, "a.0"),
    ):
        path = save(tmp_path / "m.pt", encode(thing))
        with pytest.raises(UserError, match=f"{name} 12×4.*--model FILE::NAME"):
            models.open_model(path)
        np.testing.assert_array_equal(models.open_model(path, name).positions, POSITIONS)


@ENCODERS
def test_two_tables_are_named_and_one_can_be_chosen(tmp_path, encode):
    path = save(
        tmp_path / "m.pt",
        encode({"model": {"wpe.weight": Tensor(POSITIONS)}, "ema": {"wpe.weight": Tensor(-POSITIONS)}}),
    )
    with pytest.raises(UserError, match=r"several position tables \(model\.wpe\.weight, ema\.wpe\.weight\)"):
        models.open_model(path)
    np.testing.assert_array_equal(models.open_model(path, "ema.wpe.weight").positions, -POSITIONS)


# ── hostile and damaged files ───────────────────────────────────────────────────────────────────────────────────────

WRONG_VIEWS = {
    "beyond": ({"offset": 8, "shape": (3,), "strides": (1,)}, "reaches beyond its storage"),
    "far strides": ({"shape": (2, 2), "strides": (2**62, 1)}, "reaches beyond its storage"),
    "repeated": ({"shape": (10**6, 10**6), "strides": (0, 0)}, "repeats its storage"),
    "large": ({"shape": (10**12, 1), "strides": (1, 1)}, "reaches beyond its storage"),
    "a count beyond": ({"count": 10**12}, "complete PyTorch file|beyond"),
    "too short": ({"raw": bytes(8)}, "complete PyTorch file"),
}


@ENCODERS
@pytest.mark.parametrize(("changes", "says"), WRONG_VIEWS.values(), ids=WRONG_VIEWS)
def test_a_tensor_that_lies_is_one_sentence_and_the_others_are_read(tmp_path, encode, changes, says):
    content = encode({"good": Tensor(POSITIONS), "wpe.weight": Tensor(np.arange(10, dtype="f4"), **changes)})
    path = save(tmp_path / "m.pt", content)
    with pytest.raises(UserError, match=says):
        file = open_weights(path)
        np.testing.assert_array_equal(read_array(file, "good"), POSITIONS)
        read_array(file, "wpe.weight")


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compressed_members_are_refused(tmp_path, compression):
    huge = {"wpe.weight": Tensor(np.zeros((512, 2048), np.float32))}
    path = save(tmp_path / "m.pt", encode_archive(huge, compression))
    with pytest.raises(UserError, match=r"m\.pt is compressed, which torch.save never does"):
        models.open_model(path)
    members = {"data.pkl": torch_writer.pickle_tensors(huge)[0]}
    content = torch_writer.zip_members(members)
    with zipfile.ZipFile(save(path, content), "a", compression) as archive:
        archive.writestr("tiny/data/0", bytes(4 * 512 * 2048))
    with pytest.raises(UserError, match=r"m\.pt is compressed"):
        models.open_model(path)


def test_archives_of_something_else_are_one_sentence(tmp_path):
    path = save(tmp_path / "m.pt", torch_writer.zip_members({"word/document.xml": b"<x/>"}))
    with pytest.raises(UserError, match=r"is a zip archive without the member data\.pkl"):
        models.open_model(path)
    for content, says in (
        (torch_writer.zip_members({"data.pkl": b"cos\nsystem\n."}), r"m\.pt asks for os\.system"),
        (torch_writer.zip_members({"data.pkl": b"c__torch__.net\nNet\n."}), r"asks for __torch__\.net\.Net"),
        (encode_archive({"w": Tensor(POSITIONS)}, order=b"big"), "big-endian"),
        (encode_older({"w": Tensor(POSITIONS)}, machine={"little_endian": False}), "big-endian"),
        (
            torch_writer.zip_members({"data.pkl": torch_writer.pickle_tensors({"wpe.weight": Tensor(POSITIONS)})[0]}),
            "complete",
        ),
    ):
        with pytest.raises(UserError, match=says):
            models.open_model(save(path, content))
    content = encode_archive({"wpe.weight": Tensor(POSITIONS)}, order=b"little")
    np.testing.assert_array_equal(models.open_model(save(path, content)).positions, POSITIONS)


@ENCODERS
def test_a_file_that_was_cut_or_changed_is_one_sentence(tmp_path, encode):
    content = encode({"wpe.weight": Tensor(POSITIONS)})
    for broken in (content[:-50], content[:20], content[: len(content) // 2]):
        with pytest.raises(UserError, match=r"is not a complete PyTorch file .*download it again"):
            models.open_model(save(tmp_path / "m.pt", broken))
    raw = POSITIONS.tobytes()
    if encode is encode_archive:  # which has checksums
        with pytest.raises(UserError, match="complete PyTorch file"):
            models.open_model(save(tmp_path / "m.pt", content.replace(raw, raw[:7] + b"\x99" + raw[8:])))
