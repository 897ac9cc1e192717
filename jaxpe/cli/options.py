"""The options of `study` and `run`, and the words that are given to them."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

Words = tuple[str, ...]  # several words, or one with commas
# Names: `completion` tells the shell which ones there are (tyro completes the values of options only).
Preset = str
Encoding = str
Task = str
Architecture = str


@dataclass(frozen=True)
class Options:
    """What `study`, `run` and the scripts in experiments/ take."""

    preset: Preset = "quick"
    """Size of the run: smoke, quick, standard or full."""
    results: Path = Path("results")
    """Folder for runs, tables, claims and figures. The same command again goes on where it stopped."""
    encodings: tuple[Encoding, ...] = ()
    """Encodings to compare: names of `jaxpe list encodings`, or path/to/file.py:Class."""
    tasks: tuple[Task, ...] = ()
    """Tasks to train on: names of `jaxpe list tasks`."""
    architectures: tuple[Architecture, ...] = ()
    """encoder, decoder, encoder_decoder."""
    seeds: int | None = None
    """How many seeds (0 … N-1)."""
    steps: int | None = None
    """Training steps."""
    corpus: str | None = None
    """Text of the language tasks: kjv, a text, parquet or JSON file, or a Hugging Face id."""
    photographs: Path | None = None
    """Folder with photographs NAME_CLASS.jpg of your own (CLASS: the ImageNet number), for superposition."""
    table: Path | None = None
    """Position table of your own (FILE.npy, positions × width), for pretrained."""
    model: Words = ()
    """Models whose tables are measured: a file of weights, a name of `jaxpe fetch`, a Hugging Face id; for pretrained."""
    name: str | None = None
    """What the one --table or --model is called; the file's stem unless given."""
    set: Words = ()
    """Any other field of the preset, as field=value."""
    devices: int | None = None
    """Virtual devices on a CPU; the cores unless given."""
    dry_run: bool = False
    """Say what would be run (runs, parameters, programs, estimated time), and run nothing."""
    quiet: bool = False
    """No progress."""
    json: bool = False
    """Print what was found (or, with --dry-run, what would be run) as JSON."""


def words(given: Words) -> list[str]:
    """Words given one by one or with commas between them."""
    return [word for part in given for word in part.split(",") if word]


def typed() -> str:
    """The command as it was typed."""
    program = Path(sys.argv[0])
    called = ["jaxpe"] if program.stem in ("jaxpe", "__main__") else ["python", f"experiments/{program.name}"]
    return shlex.join([*called, *sys.argv[1:]])
