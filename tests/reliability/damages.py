"""Damages of the files of a results folder, by kind of file. Each takes the path of the file."""

import os
from pathlib import Path

TABLE, CLAIMS, PROVENANCE = "table.csv", "claims.json", "provenance.json"


def replace(old, new):
    def damage(path):
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    return damage


def write(content):
    return lambda path: path.write_bytes(content if isinstance(content, bytes) else content.encode())


def change(function):
    return lambda path: path.write_bytes(function(path.read_bytes()))


def put_folder(path):
    path.unlink()
    path.mkdir()
    (path / "inside").write_text("")


def put_pipe(path):
    path.unlink()
    os.mkfifo(path)


def put_link(path):
    path.unlink()
    path.symlink_to(path.with_name("nowhere"))


def grow(path):
    with path.open("r+b") as file:
        file.truncate(70 * 2**20)


ANY_FILE = {
    "emptied": write(b""),
    "half": change(lambda content: content[: len(content) // 2]),
    "end cut": change(lambda content: content[:-3]),
    "another file": write("A letter.\n"),
    "not UTF-8": change(lambda content: content[:40] + b"\xff\xfe" + content[42:]),
    "NUL bytes": change(lambda content: content[:40] + b"\0\0" + content[42:]),
    "byte order mark": change(lambda content: b"\xef\xbb\xbf" + content),
    "UTF-16": change(lambda content: content.decode().encode("utf-16")),
    "a folder": put_folder,
    "a pipe": put_pipe,
    "a link to nowhere": put_link,
    "removed": Path.unlink,
    "huge": grow,
}
DEEP = "[" * 30_000
JSON_FILES = {
    "deep": write(DEEP),
    "deep within": write("[" * 60 + "]" * 60),
    "a list of numbers": write("[1, 2]"),
    "text": write('"x"'),
    "null": write("null"),
    "NaN": write('[{"id": NaN}]'),
    "half a character": write('["\\ud800"]'),
    "twice": change(lambda content: content + content),
}
OWN_DAMAGES = {
    TABLE: {
        "no rows": change(lambda content: content.split(b"\n")[0] + b"\n"),
        "a word in value": replace(",token_accuracy,0.", ",token_accuracy,o."),
        "another value": replace(",token_accuracy,0.", ",token_accuracy,1."),
        "a huge value": replace(",token_accuracy,0.", ",token_accuracy,1e308"),
        "infinity": replace(",token_accuracy,0.", ",token_accuracy,inf,0."),
        "semicolons": change(lambda content: content.replace(b",", b";")),
        "a column less": replace("architecture", "architectures"),
        "rows twice": change(lambda content: content + content.split(b"\n", 1)[1]),
        "a row less": change(lambda content: b"\n".join(content.split(b"\n")[:-2]) + b"\n"),
        "another experiment": change(
            lambda content: content.replace(b"mine,", b"harm,").replace(b"randomized,r", b"harm,r")
        ),
        "a long length": replace(",16,", ",16000000000000,"),
        "markup": replace("sinusoidal", "<script>alert(1)</script>"),
    },
    CLAIMS: {
        "an object": write("{}"),
        "a word in effect": replace('"effect": ', '"effect": "x", "_": '),
        "a word in n": replace('"n": ', '"n": "6", "_": '),
        "no verdict": replace('"verdict"', '"verdicts"'),
        "another verdict": replace("supported", "undecided"),
        "another effect": replace('"effect": 0.', '"effect": 0.9'),
        "half an interval": replace('"low": 0.', '"low": null, "_": 0.'),
        "an id twice": replace('"id": "', '"id": "A2", "_": "'),
        "a headline without a title": replace('"headline": ', '"headline": true, "_": '),
        "no claims": write("[]"),
        "markup": replace('"note": "', '"note": "<img src=x onerror=alert(1)>'),
    },
    PROVENANCE: {
        "a list": write("[]"),
        "an object": write("{}"),
        "versions are a list": replace('"versions": {', '"versions": ["0"], "_": {'),
        "no version of jaxpe": replace('"jaxpe": "', '"jaxpes": "'),
        "devices are a word": replace('"command": "', '"devices": "two", "command": "'),
        "a grid of words": replace('"command": "', '"preset": {"grid": ["x"]}, "command": "'),
        "another experiment": replace('"experiment": "', '"experiment": "harm", "_": "'),
        "an experiment outside": replace('"experiment": "', '"experiment": "../../x.py", "_": "'),
        "another folder": replace('"folder": "', '"folder": "other", "_": "'),
        "runs are null": replace('"command": "', '"runs": null, "command": "'),
        "fewer diverged": replace('"command": "', '"diverged": -1, "command": "'),
        "another digest": replace('"digest": "', '"digest": "0'),
        "no digest": replace('"digest": "', '"digests": "'),
        "another digest of the table": replace('"table.csv": "', '"table.csv": "0'),
        "a command with markup": replace('"command": "', '"command": "<script>alert(1)</script>'),
    },
}
