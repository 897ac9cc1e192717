"""Pictures that tests make."""

import io
import struct
import zlib

import numpy as np
from PIL import Image


def jpeg(colour, size=(300, 400)):
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, "JPEG")
    return file.getvalue()


def make_png(pixels):
    """A PNG of 16 bits a channel, which Pillow cannot write in colour."""
    height, width, channels = pixels.shape
    lines = b"".join(b"\0" + line.astype(">u2").tobytes() for line in pixels)
    return assemble_png(width, height, 16, {3: 2, 4: 6}[channels], zlib.compress(lines))


def make_png_of_claimed_size(width, height):
    """A short file whose header claims any size."""
    return assemble_png(width, height, 8, 0, zlib.compress(np.zeros(1000, np.uint8).tobytes()))


def assemble_png(width, height, bits, colours, data):
    header = struct.pack(">IIBBBBB", width, height, bits, colours, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", data), (b"IEND", b"")]
    parts = [
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)
