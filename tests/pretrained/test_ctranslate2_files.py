"""CTranslate2 files with halves, integers and aliases, and damaged ones."""

import struct

import numpy as np
import pytest
from weight_tables import POSITIONS, TOKENS

from jaxpe.errors import UserError
from jaxpe.pretrained import models


def encode_text(text):
    return struct.pack("<H", len(text) + 1) + text.encode() + b"\0"


def encode_file(arrays, aliases=(), version=6, count=None):
    """A file written after the description of the format."""
    types = {"f4": 0, "i1": 1, "i2": 2, "i4": 3, "f2": 4, "u2": 5}
    content = struct.pack("<I", version) + encode_text("WhisperSpec") + struct.pack("<II", 3, count or len(arrays))
    for name, array in arrays.items():
        content += encode_text(name) + struct.pack(f"<B{array.ndim}I", array.ndim, *array.shape)
        content += struct.pack("<BI", types[array.dtype.str[1:]], array.nbytes) + array.tobytes()
    return content + struct.pack("<I", len(aliases)) + b"".join(encode_text(name) for pair in aliases for name in pair)


def test_halves_integers_and_aliases_are_read(tmp_path):
    path = tmp_path / "model.bin"
    scale = (127 / np.abs(TOKENS).max(1)).astype(np.float32)
    arrays = {
        "decoder/scale": np.float32(2),
        "decoder/position_encodings/encodings": POSITIONS.astype("f2"),
        "encoder/position_encodings/encodings": (POSITIONS.view("u4") >> 16).astype("u2"),  # bfloat16
        "decoder/projection/weight": np.round(TOKENS * scale[:, None]).astype("i1"),
        "decoder/projection/weight_scale": scale,
    }
    path.write_bytes(encode_file(arrays, [("decoder/embeddings/weight", "decoder/projection/weight")]))
    model = models.open_model(path)
    np.testing.assert_array_equal(model.positions, POSITIONS.astype("f2"))
    np.testing.assert_allclose(model.encoder_positions, POSITIONS, rtol=2**-7)
    np.testing.assert_allclose(model.tokens, TOKENS, atol=0.02)
    assert model.kind == "decoder"


TABLE = {"decoder/position_encodings/encodings": POSITIONS}
SIZE = struct.pack("<BI", 0, POSITIONS.nbytes)
DAMAGED = {
    "count": encode_file(TABLE, count=2**32 - 1),
    "version": encode_file(TABLE, version=99),
    "dimensions": encode_file(TABLE).replace(struct.pack("<2I", 12, 4), struct.pack("<2I", 2**31, 2**31)),
    "bytes": encode_file(TABLE).replace(SIZE, struct.pack("<BI", 0, 2**32 - 4)),
    "dtype": encode_file(TABLE).replace(SIZE, struct.pack("<BI", 77, 192)),
    "alias": encode_file(TABLE, [("a", "missing")]),
    "cut": encode_file(TABLE)[:-40],
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_is_one_sentence(tmp_path, content):
    (tmp_path / "model.bin").write_bytes(content)
    with pytest.raises(UserError, match=r"is not a complete CTranslate2 file .*download it again"):
        models.open_model(tmp_path)
