"""Images: the embedded handwritten digits, and photographs for an ImageNet classifier, downloaded or from a folder."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, UInt8
from numpy import ndarray

from jaxpe.errors import UserError

DIGITS = Path(__file__).parent / "digits.parquet"
RESIZED, CROPPED = 256, 224  # pixels: the shorter side, then the square in the middle that is kept
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
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


def decode_photograph(content: bytes, name: str) -> Float[ndarray, "224 224 3"]:
    """The pixels of an image file, with the shorter side resized to 256 and the middle cropped to 224.

    Raises UserError if the file is not an image.
    """
    from PIL import Image

    try:
        picture = Image.open(io.BytesIO(content)).convert("RGB")
    except Exception as error:
        raise UserError(f"{name} is not a picture that can be read: replace or remove it.") from error
    scale = RESIZED / min(picture.size)
    width, height = (max(RESIZED, round(side * scale)) for side in picture.size)
    picture = picture.resize((width, height), Image.Resampling.BICUBIC)
    left, top = (width - CROPPED) // 2, (height - CROPPED) // 2
    return np.asarray(picture.crop((left, top, left + CROPPED, top + CROPPED)), np.float32)


def parse_label(name: str) -> int:
    """The class at the end of a file name: 388 of 'panda_388.jpg'. Raises UserError if there is none."""
    match = re.search(r"_(\d{1,3})$", Path(name).stem)
    if not match:
        raise UserError(f"{name} does not say its class: name it NAME_CLASS.jpg with the ImageNet class, 0 to 999.")
    return int(match[1])


def read_photograph_folder(folder: Path) -> list[Photograph]:
    """The photographs NAME_CLASS.jpg of a folder, sorted by name. Raises UserError if there is none or one is broken."""
    files = sorted(p for p in folder.glob("*") if p.suffix.lower() in SUFFIXES) if folder.is_dir() else []
    if not files:
        problem = "holds no photograph" if folder.is_dir() else "is not a folder"
        raise UserError(f"{folder} {problem}: put files named NAME_CLASS.jpg (class 0 to 999) there, as panda_388.jpg.")
    return [Photograph(p.stem, parse_label(p.name), decode_photograph(p.read_bytes(), p.name)) for p in files]


def read_photograph_table(path: Path) -> list[Photograph]:
    """The photographs of a downloaded table, which has the columns name, label and image (the file)."""
    import pandas

    table = pandas.read_parquet(path)
    rows = zip(table["name"], table["label"], table["image"], strict=True)
    return [Photograph(name, int(label), decode_photograph(image, name)) for name, label, image in rows]
