"""Pictures: the embedded handwritten digits, and photographs for an ImageNet classifier, fetched or from a folder."""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int, UInt8
from numpy import ndarray

from jaxpe.errors import UserError

DIGITS = Path(__file__).parent / "digits.parquet"
RESIZED, CROPPED = 256, 224  # pixels: the shorter side, and the square in the middle that is kept
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
PANDA, BANANA = 388, 954  # ImageNet's numbers of the two classes that the question began with


class Digits(NamedTuple):
    """Handwritten digits, 8×8 pixels of 0 … 16."""

    images: UInt8[ndarray, "N 8 8"]
    labels: Int[ndarray, N]


class Photograph(NamedTuple):
    name: str
    label: int  # ImageNet class, 0 … 999
    pixels: Float[ndarray, "224 224 3"]  # RGB, 0 … 255


def digits() -> Digits:
    """All 1,797, in the order of the published file: neighbours are by the same hands."""
    import pandas

    table = pandas.read_parquet(DIGITS)
    images = np.frombuffer(b"".join(table["image"]), np.uint8).reshape(-1, 8, 8)
    return Digits(images, table["label"].to_numpy(np.int64))


def decode(content: bytes, name: str) -> Float[ndarray, "224 224 3"]:
    """A picture's file as pixels: the shorter side resized to 256, the middle cropped to 224. Raises UserError."""
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


def label_of(name: str) -> int:
    """The class number at the end of a file's name: 388 of 'panda_388.jpg'. Raises UserError where there is none."""
    found = re.search(r"_(\d{1,3})$", Path(name).stem)
    if not found:
        raise UserError(f"{name} does not say its class: name it NAME_CLASS.jpg with ImageNet's number, 0 to 999.")
    return int(found[1])


def from_folder(folder: Path) -> list[Photograph]:
    """The photographs NAME_CLASS.jpg of a folder, by name. Raises UserError where there is none, or one is broken."""
    files = sorted(p for p in folder.glob("*") if p.suffix.lower() in SUFFIXES) if folder.is_dir() else []
    if not files:
        what = "holds no photograph" if folder.is_dir() else "is not a folder"
        raise UserError(f"{folder} {what}: put files named NAME_CLASS.jpg (class 0 to 999) there, as panda_388.jpg.")
    return [Photograph(p.stem, label_of(p.name), decode(p.read_bytes(), p.name)) for p in files]


def from_table(path: Path) -> list[Photograph]:
    """The photographs that were fetched into a table of names, labels and files."""
    import pandas

    table = pandas.read_parquet(path)
    rows: Iterable[Any] = table.itertuples()
    return [Photograph(row.name, int(row.label), decode(row.image, row.name)) for row in rows]


# ── Qt resource files ───────────────────────────────────────────────────────────────────────────────────────────────


def qt_resources(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Names and contents of the files in a Qt resource file (.rcc).

    A header of offsets, then a tree of nodes (name, flags, and either children or data), the names in UTF-16, and the data,
    each with its size before it. Big-endian throughout.
    """

    def number(at: int, size: int = 4) -> int:
        return int.from_bytes(content[at : at + size], "big")

    if content[:4] != b"qres":
        raise UserError("This is no Qt resource file: get it again.")
    tree, data, names = number(8), number(12), number(16)
    size = 14 if number(4) < 2 else 22  # of a node: later versions end with a time of change

    def walk(node: int) -> Iterator[tuple[str, bytes]]:
        at = tree + size * node
        flags = number(at + 4, 2)
        if flags & 2:  # a folder
            first = number(at + 10)
            for child in range(first, first + number(at + 6)):
                yield from walk(child)
        else:
            name = names + number(at)
            start = data + number(at + 10)
            body = content[start + 4 : start + 4 + number(start)]
            yield content[name + 6 : name + 6 + 2 * number(name, 2)].decode("utf-16-be"), unpacked(body, flags)

    yield from walk(0)


def unpacked(body: bytes, flags: int) -> bytes:
    """A file's content: as it is, or (flag 1) by zlib after four bytes of size."""
    if flags & 4:
        raise UserError(
            "This Qt resource file is compressed by zstd, which is not read here: take another version of it."
        )
    return zlib.decompress(body[4:]) if flags & 1 else body
