"""The command line: `jaxpe study`, `run`, `plot`, `list`, `check`, `export-task`, `fetch`, `doctor`.

Exit codes: 0 done; 1 an internal error; 2 bad usage, bad input or a full disk; 3 finished with failed cells or properties;
130 stopped by Ctrl-C. JAX, matplotlib and datasets are imported by the commands that need them.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro
from tyro.conf import Positional

from jaxpe.errors import UserError

Words = tuple[str, ...]  # several words, or one with commas


@dataclass(frozen=True)
class Options:
    """What `study`, `run` and the scripts in experiments/ take."""

    preset: str = "quick"
    """Size of the run: smoke, quick, standard or full."""
    results: Path = Path("results")
    """Folder for cells, tables, claims and figures. The same command again goes on where it stopped."""
    encodings: Words = ()
    """Encodings to compare: names of `jaxpe list encodings`, or path/to/file.py:Class."""
    tasks: Words = ()
    """Tasks to train on: names of `jaxpe list tasks`."""
    architectures: Words = ()
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
    """Say what would be run (cells, parameters, programs, estimated time), and run nothing."""
    quiet: bool = False
    """No progress."""


def study(options: Annotated[Options, tyro.conf.arg(name="")]) -> int:
    """Run every experiment of the study and write the report."""
    from jaxpe import experiment, run

    return run.run(experiment.STUDY, options)


def run_one(name: Positional[str], options: Annotated[Options, tyro.conf.arg(name="")]) -> int:
    """Run one experiment: a name of `jaxpe list experiments`, or path/to/mine.py."""
    from jaxpe import run

    return run.run((name,), options)


def plot(names: Positional[Words] = (), /, results: Path = Path("results")) -> int:
    """Draw claims, figures and the page again from stored tables; nothing is trained."""
    from jaxpe import run

    return run.plot(words(names), results)


def list_things(
    kind: Positional[Literal["encodings", "samplers", "tasks", "experiments", "presets"]], /, json: bool = False
) -> int:
    """List what there is."""
    from jaxpe import listing

    return listing.show(kind, json)


def check(encoding: Positional[str], /, width: int = 32, heads: int = 4, json: bool = False) -> int:
    """Measure what an encoding (a name of `jaxpe list encodings`, or path/to/file.py:Class) does: its property card."""
    from jaxpe import run

    run.prepare(None)
    from jaxpe import check as command

    return command.check(encoding, width, heads, json)


def export_task(
    names: Positional[Words],
    /,
    output: Path = Path("tasks"),
    lengths: tuple[int, ...] = (5, 10, 20, 50, 100),
    examples: int = 512,
    train_length: int = 10,
) -> int:
    """Write evaluation sets as Hugging Face datasets (parquet), for other frameworks to be scored on."""
    from jaxpe import listing

    return listing.export(words(names), output, lengths, examples, train_length)


def fetch(names: Positional[Words] = (), /) -> int:
    """Download data that does not ship with jaxpe, into the cache; without a name, say what there is."""
    from jaxpe import listing

    return listing.fetch(words(names))


def doctor() -> int:
    """Say what this installation has: versions, devices, cache, fetched data."""
    from jaxpe import listing

    return listing.doctor()


COMMANDS: Any = {
    "study": study,
    "run": run_one,
    "plot": plot,
    "list": list_things,
    "check": check,
    "export-task": export_task,
    "fetch": fetch,
    "doctor": doctor,
}


def words(given: Words) -> list[str]:
    """Words given one by one or with commas between them."""
    return [word for part in given for word in part.split(",") if word]


def main(arguments: list[str] | None = None) -> None:
    """The entry point of `jaxpe`."""
    guarded(lambda: tyro.extras.subcommand_cli_from_dict(COMMANDS, prog="jaxpe", description=__doc__, args=arguments))


def script(file: str) -> None:
    """The entry point of a file in experiments/: the same options, the same code as `jaxpe run`."""
    name = Path(file).stem if Path(file).parent.name == "experiments" else file
    guarded(lambda: run_one(name, tyro.cli(Options, description=f"The experiment {name}: see `jaxpe run --help`.")))


def guarded(function: Any) -> None:
    """Runs a command and exits with its code; what a user can mend is one sentence."""
    try:
        code = function()
    except UserError as error:
        print(f"jaxpe: {error}", file=sys.stderr)
        code = 2
    except KeyboardInterrupt:
        print("jaxpe: stopped. The same command goes on from here.", file=sys.stderr)
        code = 130
    except BrokenPipeError:
        code = 0
    sys.exit(code)
