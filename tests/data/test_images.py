"""Images: the embedded digits against their source, Qt resource files, photographs fetched and of a folder."""

import zipfile
import zlib

import numpy as np
import pytest
from pictures import jpeg

from jaxpe.data import cache, images
from jaxpe.data.qt_resources import read_qt_resources
from jaxpe.errors import UserError
from jaxpe.pretrained import fetch


def test_the_embedded_digits_are_scikit_learns():
    from sklearn.datasets import load_digits

    found, published = images.load_digits(), load_digits()
    np.testing.assert_array_equal(found.images, published.images)
    np.testing.assert_array_equal(found.labels, published.target)


def resource_file(files):
    """A tiny .rcc, version 3: one folder with files; names by their compressed contents."""
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


def test_files_of_a_qt_resource_file():
    files = {"panda.webp": (b"picture", 0), "texts.qml": (b"words " * 20, 1)}
    assert dict(read_qt_resources(resource_file(files))) == {name: content for name, (content, _) in files.items()}
    with pytest.raises(UserError, match="no Qt resource file"):
        dict(read_qt_resources(b"PK"))


def test_photographs_are_fetched_into_a_table_and_read_back(tmp_path, monkeypatch):
    wheel = tmp_path / "w.whl"
    with zipfile.ZipFile(wheel, "w") as made:
        made.writestr("foolbox/data/imagenet_00_243.jpg", jpeg("red"))
        made.writestr("foolbox/data/cifar10_00_3.jpg", jpeg("blue"))
    monkeypatch.setattr(fetch, "download", lambda item, folder: wheel)
    monkeypatch.setenv("JAXPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(cache.DOWNLOADS, "photographs", cache.DOWNLOADS["photographs"]._replace(sha256=None))
    (found,) = images.read_photograph_table(fetch.fetch("photographs"))
    assert (found.name, found.label, found.pixels.shape) == ("imagenet_00_243", 243, (224, 224, 3))
    np.testing.assert_allclose(found.pixels.mean((0, 1)), [254, 0, 0], atol=2)


def test_folders_of_photographs_that_cannot_be_used(tmp_path):
    with pytest.raises(UserError, match="holds no photograph: put files named NAME_CLASS"):
        images.read_photograph_folder(tmp_path)
    with pytest.raises(UserError, match="is not a folder"):
        images.read_photograph_folder(tmp_path / "missing")
    (tmp_path / "panda_388.jpg").write_bytes(jpeg("white")[:200])
    with pytest.raises(UserError, match=r"panda_388\.jpg is not a picture"):
        images.read_photograph_folder(tmp_path)
    (tmp_path / "panda_388.jpg").rename(tmp_path / "panda.jpg")
    with pytest.raises(UserError, match="does not say its class"):
        images.read_photograph_folder(tmp_path)
