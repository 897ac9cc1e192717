"""Files in a Qt resource file."""

import zlib

import pytest

from jaxpe.data.qt_resources import read_qt_resources
from jaxpe.errors import UserError


def make_resource_file(files):
    """A tiny .rcc, version 3: one folder of files, (content, flags) by name."""
    names, data, nodes = b"", b"", []
    for name, (content, flags) in files.items():
        body = len(content).to_bytes(4, "big") + zlib.compress(content) if flags else content
        nodes.append(len(names).to_bytes(4, "big") + flags.to_bytes(2, "big") + bytes(4) + len(data).to_bytes(4, "big"))
        names += len(name).to_bytes(2, "big") + bytes(4) + name.encode("utf-16-be")
        data += len(body).to_bytes(4, "big") + body
    root = bytes(4) + (2).to_bytes(2, "big") + len(files).to_bytes(4, "big") + (1).to_bytes(4, "big")
    tree = b"".join(node + bytes(8) for node in [root, *nodes])
    offsets = (3, 24 + len(data) + len(names), 24, 24 + len(data), 0)
    return b"qres" + b"".join(n.to_bytes(4, "big") for n in offsets) + data + names + tree


def test_plain_and_compressed_files_are_read():
    files = {"panda.webp": (b"picture", 0), "texts.qml": (b"words " * 20, 1)}
    contents = {name: content for name, (content, _) in files.items()}
    assert dict(read_qt_resources(make_resource_file(files))) == contents


def test_other_files_and_zstd_are_refused():
    with pytest.raises(UserError, match="no Qt resource file"):
        dict(read_qt_resources(b"PK"))
    with pytest.raises(UserError, match="zstd"):
        dict(read_qt_resources(make_resource_file({"a": (b"words", 4)})))
