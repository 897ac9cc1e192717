"""The options of `jaxpe study`, `jaxpe run` and the scripts in experiments/, and of `jaxpe table`."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from tyro.conf import arg


class PresetName(str):
    """A name from `jaxpe list presets`. Shell completion knows the values of this class and of the next seven."""


class EncodingName(str):
    """A name from `jaxpe list encodings`, or path/to/file.py:Class."""


class TaskName(str):
    """A name from `jaxpe list tasks`, or path/to/file.py:Class."""


class CheckedName(str):
    """A name from `jaxpe list encodings` or `jaxpe list tasks`, or path/to/file.py:Class."""


class ArchitectureName(str):
    """encoder, decoder or encoder_decoder."""


class SamplerName(str):
    """A name from `jaxpe list samplers`."""


class ExperimentName(str):
    """A name from `jaxpe list experiments`, or path/to/mine.py."""


class SinkName(str):
    """tensorboard, trackio, wandb, or path/to/file.py:Class."""


def describe_option(default: str = "", values: str = "") -> Any:
    """What --help says about an option: its default, and the values that it takes."""
    hint = f"(default: {default})" if default else ""
    return arg(help_behavior_hint=hint, metavar=values or None)


QUICK = PresetName("quick")
OPTIONS = arg(name="")  # options of a dataclass are those of the command
AS_IN_PRESET = "as in the preset"
Switch = Annotated[bool, describe_option()]  # an option without a value
Devices = Annotated[int | None, describe_option("one per core, at most 8")]
Seeds = Annotated[str | None, describe_option(AS_IN_PRESET, "N or FIRST-LAST")]
Assignments = Annotated[tuple[str, ...], describe_option(values="FIELD=VALUE ...")]


@dataclass(frozen=True)
class RunOptions:
    """Options that every experiment takes."""

    preset: PresetName = QUICK
    """Size of the experiments: `jaxpe list presets` describes smoke, quick, standard and full."""
    results: Path = Path("results")
    """Folder for runs, tables, claims, figures and the report, RESULTS/index.html. The same command again resumes it; started several times at once, also on machines that share the folder, it shares the work."""
    encodings: Annotated[tuple[EncodingName, ...], describe_option(AS_IN_PRESET, "ENCODING ...")] = ()
    """Encodings to compare: names from `jaxpe list encodings`, or path/to/file.py:Class. Options follow a name after colons: rotary:base=100, drop:base=alibi:after=0.5."""
    tasks: Annotated[tuple[TaskName, ...], describe_option(AS_IN_PRESET, "TASK ...")] = ()
    """Tasks to train on: names from `jaxpe list tasks`, or path/to/file.py:Class."""
    architectures: Annotated[tuple[ArchitectureName, ...], describe_option(AS_IN_PRESET, "ARCHITECTURE ...")] = ()
    """Architectures to train: encoder, decoder, encoder_decoder."""
    positions: Annotated[tuple[SamplerName, ...], describe_option(AS_IN_PRESET, "SAMPLER ...")] = ()
    """Position samplers of training: arange, offset, randomized, abacus, coupled; `jaxpe list samplers` explains them."""
    seeds: Seeds = None
    """How many seeds, counted from the preset's first_seed (0 unless set); or a range, as 3-5."""
    steps: Annotated[int | None, describe_option(AS_IN_PRESET)] = None
    """Number of training steps."""
    corpus: Annotated[str | None, describe_option(AS_IN_PRESET, "CORPUS")] = None
    """Text of the language tasks: kjv (King James Bible, included), a corpus from `jaxpe fetch`, a .txt, .md, .csv, .tsv, .parquet, .json or .jsonl file, a folder written by save_to_disk of Hugging Face datasets, or the id of a Hugging Face dataset. Of several splits, train is read."""
    text_column: Annotated[str | None, describe_option("text, or the only column of strings", "NAME")] = None
    """Column of the documents in a corpus that is a table."""
    tokenizer: Annotated[Literal["bpe", "byte", "character"] | None, describe_option(AS_IN_PRESET)] = None
    """Tokenizer of the text: byte-level BPE with as many tokens as the preset's vocabulary, the 256 bytes, or the characters of the training part."""
    set: Assignments = ()
    """Other fields of the preset, for example width=64 layers=3. Several numbers are joined by /, as in learning_rates=0.001/0.003. `jaxpe list fields` lists all."""
    devices: Devices = None
    """On a CPU, the number of devices that JAX divides the cores into; runs are spread over them."""
    engine: Literal["local", "ray"] = "local"
    """Where runs are trained: local, in this process and in others that were started with the same command and results folder; or ray, by the machines of a Ray cluster, of which only this one writes results."""
    ray_address: Annotated[str, describe_option("auto", "ADDRESS")] = "auto"
    """Address of the Ray cluster: auto for the one that this machine belongs to, local for a new one of this machine alone, or HOST:PORT."""
    dry_run: Switch = False
    """Train nothing. Print how many runs would be trained, with a rough estimate of time, cost and disk space."""
    machines: int = 1
    """Number of machines that share the work in the plan of --dry-run, each like this one or, with --gpu, with one GPU."""
    gpu: Annotated[str | None, describe_option("none, CPUs", "GPU")] = None
    """The GPU of each machine in the plan of --dry-run, one of those in jaxpe/study/rates.json."""
    log_to: Annotated[tuple[SinkName, ...], describe_option(values="SINK ...")] = ()
    """Where loss, accuracy, learning rate and speed go while models train, besides RESULTS/metrics/*.jsonl: tensorboard, trackio, wandb, or path/to/file.py:Class. Options follow a name after colons: wandb:project=mine:mode=offline."""
    quiet: Switch = False
    """Show no progress."""
    json: Switch = False
    """Print the results as JSON or, with --dry-run, the plan."""


@dataclass(frozen=True)
class TableOptions:
    """What a table for a paper shows, and how it is written."""

    format: Literal["latex", "markdown", "csv"] = "latex"
    """Format: LaTeX for the package booktabs, Markdown, or CSV with a line for each entry."""
    metric: Annotated[str, describe_option("token_accuracy or, without it, bits_per_character", "METRIC")] = ""
    """Metric: results/DATA.md defines all of them."""
    tasks: Annotated[tuple[TaskName, ...], describe_option("all", "TASK ...")] = ()
    """Tasks to show."""
    encodings: Annotated[tuple[EncodingName, ...], describe_option("all", "ENCODING ...")] = ()
    """Encodings to show, as the table of results names them."""
    architectures: Annotated[tuple[ArchitectureName, ...], describe_option("all", "ARCHITECTURE ...")] = ()
    """Architectures to show."""
    lengths: Annotated[tuple[int, ...], describe_option("the longest training length, or all", "INT ...")] = ()
    """Test lengths to show, in symbols of a task or tokens of text."""
    columns: Literal["tasks", "lengths"] = "tasks"
    """What the columns are: tasks, or the test lengths of one task."""
    where: Annotated[Assignments, describe_option(values="COLUMN=VALUE ...")] = ()
    """Values of other columns, for example variant=shifted. Rows of unchanged models and tests are shown unless these are named."""
    output: Annotated[Path | None, describe_option("printed", "FILE")] = None
    """File to write the table to."""


def format_command() -> str:
    """The command as it was typed."""
    program = Path(sys.argv[0])
    command = ["jaxpe"] if program.stem in ("jaxpe", "__main__") else ["python", f"experiments/{program.name}"]
    return shlex.join([*command, *sys.argv[1:]])
