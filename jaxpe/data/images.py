"""Images: the embedded handwritten digits, and photographs for an ImageNet classifier, downloaded or from a folder."""

from __future__ import annotations

import io
import math
import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Float, Int, UInt8
from numpy import ndarray

from jaxpe.data.cache import expand_home, explain_damage
from jaxpe.errors import UserError

if TYPE_CHECKING:
    from PIL.Image import Image

DIGITS = Path(__file__).parent / "digits.parquet"
RESIZED, CROPPED = 256, 224  # pixels: the shorter side, then the square in the middle that is kept
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
FORMATS = ("JPEG", "PNG", "WEBP")  # whatever the suffix says
MAX_PIXELS, MAX_RATIO = 50_000_000, 100  # of a picture, and of its sides
PANDA, BANANA = 388, 954  # ImageNet classes


class Digits(NamedTuple):
    """Handwritten digits: 8×8 pixels from 0 to 16, and the digit that each shows."""

    images: UInt8[ndarray, "N 8 8"]
    labels: Int[ndarray, "N"]


class Photograph(NamedTuple):
    """A photograph with its ImageNet class (0 … 999). Pixels are RGB from 0 to 255."""

    name: str
    label: int
    pixels: Float[ndarray, "224 224 3"]


def load_digits() -> Digits:
    """All 1,797 digits in the order of the published file, in which neighbours are by the same writers."""
    import pandas

    table = pandas.read_parquet(DIGITS)
    images = np.frombuffer(b"".join(table["image"]), np.uint8).reshape(-1, 8, 8)
    return Digits(images, table["label"].to_numpy(np.int64))


def decode_photograph(source: bytes | Path, name: str) -> Float[ndarray, "224 224 3"]:
    """The pixels of an image file, with the shorter side resized to 256 and the middle cropped to 224.

    Turned as its EXIF data say, on white where it is transparent. Raises UserError if it is no picture, too large or too
    long.
    """
    from PIL import Image

    picture = open_picture(source, name)
    scale = RESIZED / min(picture.size)
    width, height = (max(RESIZED, round(side * scale)) for side in picture.size)
    picture = picture.resize((width, height), Image.Resampling.BICUBIC)
    left, top = (width - CROPPED) // 2, (height - CROPPED) // 2
    return np.asarray(picture.crop((left, top, left + CROPPED, top + CROPPED)), np.float32)


def open_picture(source: bytes | Path, name: str) -> Image:
    """A picture in RGB. Raises UserError; the size is checked before pixels are decoded."""
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of large pictures and odd metadata
            picture = Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=FORMATS)
            if math.prod(picture.size) <= MAX_PIXELS and max(picture.size) <= MAX_RATIO * min(picture.size):
                return convert_to_rgb(ImageOps.exif_transpose(picture))
        size = f"{picture.size[0]}×{picture.size[1]}"
    except Image.DecompressionBombError:
        size = "far too many"
    except Exception as error:
        raise UserError(f"{name} is not a picture that can be read: replace or remove it.") from error
    raise UserError(
        f"{name} has {size} pixels, but at most {MAX_PIXELS / 1e6:g} million are read, and sides at most {MAX_RATIO} times "
        "as long as the other: make it smaller, or remove it."
    )


def convert_to_rgb(picture: Image) -> Image:
    """Eight bits for each of red, green and blue, from any mode."""
    from PIL import Image

    if picture.mode.startswith("I"):  # 16 bits
        return Image.fromarray((np.asarray(picture) / 257).round().astype(np.uint8)).convert("RGB")
    if "A" in picture.getbands() or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    return picture.convert("RGB")


def parse_label(name: str) -> int:
    """The class at the end of a file name: 388 of 'panda_388.jpg'. Raises UserError if there is none."""
    match = re.search(r"_(\d{1,3})$", Path(name).stem)
    if not match:
        raise UserError(f"{name} does not say its class: name it NAME_CLASS.jpg with the ImageNet class, 0 to 999.")
    return int(match[1])


def read_photograph_folder(folder: Path) -> list[Photograph]:
    """The photographs NAME_CLASS.jpg of a folder, sorted by name. Raises UserError if there is none or one is broken."""
    folder = expand_home(folder)
    try:
        files = sorted(p for p in folder.glob("[!.]*") if p.suffix.lower() in SUFFIXES and p.is_file())
    except OSError as error:
        raise UserError(f"{folder} cannot be read ({error.strerror}): check its permissions.") from error
    if not files:
        problem = "holds no photograph" if folder.is_dir() else "is not a folder"
        raise UserError(f"{folder} {problem}: put files named NAME_CLASS.jpg (class 0 to 999) there, as panda_388.jpg.")
    return [Photograph(p.stem, parse_label(p.name), decode_photograph(p, p.name)) for p in files]


def read_photograph_table(path: Path) -> list[Photograph]:
    """The photographs of a downloaded table, which has the columns name, label and image (the file).

    Raises UserError if it was damaged.
    """
    import pandas

    try:
        table = pandas.read_parquet(path, columns=["name", "label", "image"])
    except Exception as error:
        raise explain_damage(path.stem) from error
    rows = zip(table["name"], table["label"], table["image"], strict=True)
    return [Photograph(name, int(label), decode_photograph(image, name)) for name, label, image in rows]
