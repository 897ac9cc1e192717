"""The embedded digits against their source, and folders of photographs."""

import io
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pictures import jpeg, make_png, make_png_of_claimed_size
from PIL import Image

from jaxpe.data import images
from jaxpe.errors import UserError


def test_the_embedded_digits_are_those_of_scikit_learn():
    from sklearn.datasets import load_digits

    embedded, published = images.load_digits(), load_digits()
    np.testing.assert_array_equal(embedded.images, published.images)
    np.testing.assert_array_equal(embedded.labels, published.target)


def test_the_middle_of_a_photograph_is_kept():
    """A wide picture, red at both ends: after resizing and cropping only its white middle is left."""
    picture = Image.new("RGB", (800, 256), "red")
    picture.paste("white", (200, 0, 600, 256))
    file = io.BytesIO()
    picture.save(file, "PNG")
    assert images.decode_photograph(file.getvalue(), "a.png").min() == 255


def test_photographs_are_read_from_a_table(tmp_path):
    table = pd.DataFrame({"name": ["red"], "label": [243], "image": [jpeg("red")]})
    table.to_parquet(tmp_path / "photographs.parquet")
    [photograph] = images.read_photograph_table(tmp_path / "photographs.parquet")
    assert (photograph.name, photograph.label, photograph.pixels.shape) == ("red", 243, (224, 224, 3))
    np.testing.assert_allclose(photograph.pixels.mean((0, 1)), [254, 0, 0], atol=2)


def test_folders_of_photographs_that_cannot_be_used_are_refused(tmp_path):
    with pytest.raises(UserError, match="holds no photograph: put files named NAME_CLASS"):
        images.read_photograph_folder(tmp_path)
    with pytest.raises(UserError, match="is not a folder"):
        images.read_photograph_folder(tmp_path / "missing")
    (tmp_path / "panda_388.jpg").write_bytes(jpeg("white")[:200])
    with pytest.raises(UserError, match=r"panda_388\.jpg is not a picture"):
        images.read_photograph_folder(tmp_path)
    (tmp_path / "panda_388.jpg").write_bytes(b"")
    with pytest.raises(UserError, match=r"panda_388\.jpg is not a picture"):
        images.read_photograph_folder(tmp_path)
    (tmp_path / "panda_388.jpg").rename(tmp_path / "panda.jpg")
    with pytest.raises(UserError, match="does not say its class"):
        images.read_photograph_folder(tmp_path)


# ── pictures of every kind ──────────────────────────────────────────────────────────────────────────────────────────


def encode(picture, kind="PNG", **more):
    file = io.BytesIO()
    picture.save(file, kind, **more)
    return file.getvalue()


def average(content):
    """The mean colour of the middle of a picture."""
    return images.decode_photograph(content, "a.png").mean((0, 1))


MODES = {"PNG": ["1", "L", "LA", "P", "RGB", "RGBA"], "JPEG": ["L", "RGB", "CMYK"], "WEBP": ["RGB", "RGBA"]}


@pytest.mark.parametrize(("kind", "mode"), [(kind, mode) for kind, modes in MODES.items() for mode in modes])
def test_a_white_picture_is_white_in_every_mode(kind, mode):
    picture = Image.new("RGB", (300, 280), "white").convert(mode)
    np.testing.assert_allclose(average(encode(picture, kind)), 255, atol=1)


def test_16_bits_are_scaled_and_not_cut():
    for value in (0, 257 * 40, 65535):
        picture = Image.fromarray(np.full((280, 300), value, np.uint16))
        np.testing.assert_allclose(average(encode(picture)), value / 257, atol=0.5)
    deep = make_png(np.full((280, 300, 3), (65535, 257 * 128, 0), np.uint16))
    np.testing.assert_allclose(average(deep), (255, 128, 0), atol=0.5)


def test_cmyk_and_palettes_keep_their_colours():
    red = Image.new("RGB", (300, 280), (254, 0, 0))
    np.testing.assert_allclose(average(encode(red.convert("CMYK"), "JPEG")), (254, 0, 0), atol=3)
    np.testing.assert_allclose(average(encode(red.quantize(4))), (254, 0, 0), atol=1)


def test_what_is_transparent_is_white_and_not_what_lies_under_it():
    hidden = Image.new("RGBA", (300, 280), (254, 0, 0, 0))
    half = Image.new("RGBA", (300, 280), (0, 0, 0, 128))
    palette = Image.new("P", (300, 280), 0)
    for content in (encode(hidden), encode(hidden, "WEBP", exact=True), encode(palette, transparency=0)):
        np.testing.assert_array_equal(average(content), 255)
    np.testing.assert_allclose(average(encode(half)), 127, atol=1)


@pytest.mark.parametrize(("orientation", "corner"), [(1, (0, 0)), (3, (-1, -1)), (6, (0, -1)), (8, (-1, 0))])
def test_a_picture_is_turned_as_its_camera_says(orientation, corner):
    """A white quarter in the upper left of what the sensor saw."""
    picture = Image.new("L", (256, 256))
    picture.paste(255, (0, 0, 128, 128))
    exif = Image.Exif()
    exif[0x0112] = orientation
    pixels = images.decode_photograph(encode(picture, "JPEG", exif=exif), "a.jpg")[:, :, 0]
    corners = {(i, j): pixels[i, j] for i in (0, -1) for j in (0, -1)}
    assert max(corners, key=corners.get) == corner and sum(value > 128 for value in corners.values()) == 1


def test_metadata_that_is_damaged_does_not_matter_and_prints_nothing(recwarn):
    exif = Image.Exif()
    exif[0x0112] = 6
    content = encode(Image.new("L", (256, 300), 200), "JPEG", exif=exif)
    at = content.index(b"Exif") + 10
    for garbage in (b"\xff" * 12, bytes(12), b"II*\0\xff\xff\xff\xff"):
        broken = content[:at] + garbage + content[at + len(garbage) :]
        np.testing.assert_allclose(average(broken), 200, atol=1)
    assert not recwarn.list


@pytest.mark.parametrize("size", [(1, 1), (3, 299), (256, 100), (224, 224)])
def test_small_and_long_pictures_are_enlarged(size):
    np.testing.assert_allclose(average(encode(Image.new("RGB", size, "white"))), 255)


@pytest.mark.parametrize(
    ("size", "says"),
    [
        ((9_000, 8_000), "has 9000×8000 pixels, but at most 50 million"),
        ((60_000, 60_000), "has far too many pixels, but at most 50 million"),
        ((2**31 - 1, 2**31 - 1), "has far too many pixels"),
        ((100_000, 10), "has 100000×10 pixels, .* at most 100 times as long"),
        ((1, 30_000), "has 1×30000 pixels, .* at most 100 times as long"),
        ((0, 30), "is not a picture"),
    ],
)
def test_a_picture_that_claims_to_be_huge_is_refused_by_its_size(size, says, recwarn):
    with pytest.raises(UserError, match=f"bomb.png {says}"):
        images.decode_photograph(make_png_of_claimed_size(*size), "bomb.png")
    assert not recwarn.list


def test_only_formats_of_photographs_are_read_whatever_the_suffix_says():
    picture = Image.new("RGB", (300, 280), "white")
    for kind in ("PPM", "TIFF", "GIF", "BMP"):
        with pytest.raises(UserError, match="is not a picture"):
            images.decode_photograph(encode(picture, kind), "a.png")
    with pytest.raises(UserError, match="is not a picture"):
        images.decode_photograph(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 300 300\n", "a.jpg")


def test_a_folder_is_read_whatever_else_lies_in_it(tmp_path, monkeypatch):
    """Brackets in its name, hidden files, folders and pipes with a picture's name; ~ is the home folder."""
    folder = tmp_path / "[2024] *"
    (folder / "folder_3.jpg").mkdir(parents=True)
    os.mkfifo(folder / "pipe_3.jpg")
    (folder / "._red_243.jpg").write_bytes(b"of another system")
    (folder / "red_243.JPG").write_bytes(jpeg("red"))
    monkeypatch.setenv("HOME", str(tmp_path))
    for path in (folder, Path("~") / folder.name):
        assert [photograph.name for photograph in images.read_photograph_folder(path)] == ["red_243"]


def test_a_downloaded_table_that_was_damaged_is_told(tmp_path):
    path = tmp_path / "photographs.parquet"
    pd.DataFrame({"name": ["red"], "label": [243]}).to_parquet(path)
    for content in (path.read_bytes(), b"", b"PAR1 nothing"):
        path.write_bytes(content)
        with pytest.raises(UserError, match="was damaged: delete it, then run `jaxpe fetch photographs` again"):
            images.read_photograph_table(path)
