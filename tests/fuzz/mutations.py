"""Files that are changed a little, by a seeded generator; where a format has checksums, also under them."""

import io
import struct
import zipfile
import zlib

import torch_writer

EXTREMES = [
    0,
    1,
    7,
    127,
    128,
    255,
    2**15 - 1,
    2**16 - 1,
    2**31 - 1,
    2**31,
    2**32 - 1,
    2**53,
    2**63 - 1,
    2**63,
    2**64 - 1,
]
WORDS = [
    b"NaN",
    b"null",
    b"[",
    b"{",
    b'"',
    b"\\ud800",
    b"1e999",
    b"-1",
    b"\xff\xfe",
    b"\0",
    b"\n",
    b"9" * 5000,
    b"<f8",
    b"|O",
]


def flip_bits(content, generator):
    for _ in range(generator.integers(1, 9)):
        content[generator.integers(len(content))] ^= 1 << int(generator.integers(8))


def cut_end(content, generator):
    del content[generator.integers(len(content)) :]


def add_end(content, generator):
    content.extend(generator.bytes(int(generator.integers(1, 200))))


def write_number(content, generator):
    """An extreme number where a length or a count may be."""
    kind = "<>"[generator.integers(2)] + "BHIQ"[generator.integers(4)]
    raw = struct.pack(kind, EXTREMES[generator.integers(len(EXTREMES))] % 2 ** (8 * struct.calcsize(kind)))
    start = int(generator.integers(max(1, len(content) - len(raw))))
    content[start : start + len(raw)] = raw


def write_noise(content, generator):
    start = int(generator.integers(len(content)))
    stop = min(len(content), start + int(generator.integers(1, 40)))
    content[start:stop] = generator.bytes(stop - start)


def move_part(content, generator):
    """A part over another, inserted elsewhere, or removed."""
    first, second = sorted(int(n) for n in generator.integers(0, len(content), 2))
    part, place = bytes(content[first:second])[:300], int(generator.integers(len(content)))
    action = generator.integers(3)
    if action == 2:
        del content[first : first + len(part)]
    else:
        content[place : place + (len(part) if action else 0)] = part


def write_word(content, generator):
    place = int(generator.integers(len(content)))
    content[place : place + int(generator.integers(4))] = WORDS[generator.integers(len(WORDS))]


def keep_head(content, generator):
    """Nothing but noise behind the first bytes, by which a format is known."""
    kept = int(generator.integers(1, 24))
    content[kept:] = generator.bytes(int(generator.integers(1, 400)))


CHANGES = (flip_bits, cut_end, add_end, write_number, write_number, write_noise, move_part, write_word, keep_head)


def change_bytes(content, generator):
    """One to three changes."""
    changed = bytearray(content)
    for _ in range(generator.integers(1, 4)):
        if changed:
            CHANGES[generator.integers(len(CHANGES))](changed, generator)
    return bytes(changed)


def change_archive(content, generator):
    """A member of a zip archive, with a checksum that holds."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}
    name = list(members)[generator.integers(len(members))] if generator.integers(3) == 0 else "data.pkl"
    return torch_writer.zip_members(members | {name: change_bytes(members[name], generator)})


def change_png(content, generator):
    """A chunk of a PNG, with a checksum that holds."""
    chunks, at = [], 8
    while at < len(content):
        (length,) = struct.unpack(">I", content[at : at + 4])
        chunks.append((content[at + 4 : at + 8], content[at + 8 : at + 8 + length]))
        at += 12 + length
    number = int(generator.integers(len(chunks)))
    kind, body = chunks[number]
    if kind == b"IDAT" and generator.integers(2):
        body = zlib.compress(change_bytes(zlib.decompress(body), generator))
    else:
        body = change_bytes(body or b"x", generator)
    chunks[number] = kind, body
    parts = [struct.pack(">I", len(b)) + k + b + struct.pack(">I", zlib.crc32(k + b)) for k, b in chunks]
    return content[:8] + b"".join(parts)


UNDER_CHECKSUMS = {"torch zip": change_archive, "png": change_png}


def mutate(reader, content, generator):
    """A changed file for a reader."""
    if reader in UNDER_CHECKSUMS and generator.integers(4):
        return UNDER_CHECKSUMS[reader](content, generator)
    return change_bytes(content, generator)
