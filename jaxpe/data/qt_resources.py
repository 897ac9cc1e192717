"""Reader of Qt resource files (.rcc), in which some programs keep their pictures.

A file has a header of offsets, then a tree of nodes (name, flags, and either children or data), the names in UTF-16, and the
data with its size before each. All numbers are big-endian.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from jaxpe.errors import UserError

ZLIB, FOLDER, ZSTD = 1, 2, 4  # flags of a node


def read_qt_resources(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Names and contents of the files in a resource file. Raises UserError if it is something else."""

    def read_number(at: int, size: int = 4) -> int:
        return int.from_bytes(content[at : at + size], "big")

    if content[:4] != b"qres":
        raise UserError("This is no Qt resource file: get it again.")
    tree, data, names = read_number(8), read_number(12), read_number(16)
    size = 14 if read_number(4) < 2 else 22  # of a node: later versions end with a modification time

    def walk(node: int) -> Iterator[tuple[str, bytes]]:
        at = tree + size * node
        flags = read_number(at + 4, 2)
        if flags & FOLDER:
            first = read_number(at + 10)
            for child in range(first, first + read_number(at + 6)):
                yield from walk(child)
        else:
            name = names + read_number(at)
            start = data + read_number(at + 10)
            body = content[start + 4 : start + 4 + read_number(start)]
            yield content[name + 6 : name + 6 + 2 * read_number(name, 2)].decode("utf-16-be"), decompress(body, flags)

    yield from walk(0)


def decompress(body: bytes, flags: int) -> bytes:
    """The content of a file. Compressed by zlib, it has its size in the first four bytes."""
    if flags & ZSTD:
        raise UserError("This Qt resource file is compressed with zstd, which is not supported: take another version.")
    return zlib.decompress(body[4:]) if flags & ZLIB else body
