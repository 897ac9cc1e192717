"""The commands. Each imports what it needs when it is called: JAX, matplotlib and datasets are slow to import."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from tyro.conf import arg

from jaxpe.cli import reading
from jaxpe.cli.options import (
    OPTIONS,
    QUICK,
    Assignments,
    CheckedName,
    Devices,
    EncodingName,
    ExperimentName,
    PresetName,
    RunOptions,
    Seeds,
    Switch,
    TaskName,
    describe_option,
)


def study(options: Annotated[RunOptions, OPTIONS]) -> int:
    """Run the experiments of the study and write the report."""
    from jaxpe.cli.run import run_experiments
    from jaxpe.study.experiment import STUDY

    return run_experiments(STUDY, options)


def run(experiment: ExperimentName, /, options: Annotated[RunOptions, OPTIONS]) -> int:
    """Run one experiment. `jaxpe run EXPERIMENT --help` also lists the options of that experiment.

    Args:
        experiment: A name from `jaxpe list experiments`, or path/to/mine.py.
    """
    from jaxpe.cli.run import run_experiments

    return run_experiments((experiment,), options)


def list_names(
    kind: Literal["encodings", "samplers", "tasks", "experiments", "presets", "fields", "runs"],
    experiment: Annotated[ExperimentName | None, describe_option("none", "[EXPERIMENT]")] = None,
    /,
    preset: PresetName = QUICK,
    results: Path = Path("results"),
    json: Switch = False,
) -> int:
    """List encodings, tasks, experiments, presets and their fields, stored runs, or samplers, which give each token a position.

    Args:
        kind: What to list.
        experiment: With `fields`: the experiment whose values are shown, with its own options.
        preset: With `fields`: the preset of the experiment.
        results: With `runs`: the results folder.
        json: Print the list, with more details, as JSON.
    """
    from jaxpe.cli.list import print_list

    return print_list(kind, experiment, preset, results, json)


def new(
    name: Annotated[str, arg(metavar="NAME")],
    /,
    folder: Path = Path(),
    hook: Annotated[Literal["bias", "rotate", "embed", "observe", "weights"] | None, describe_option("bias")] = None,
    task: Switch = False,
    experiment: Switch = False,
) -> int:
    """Write a template for an encoding, a task or an experiment of your own: NAME.py, which works as it is, and test_NAME.py.

    Args:
        name: Name of the file: letters, digits and _, as in my_encoding.
        folder: Folder for both files.
        hook: Where position enters an encoding: added to the attention logits, by rotating queries and keys, in the
            embeddings, from what a block's input says, or in how logits become weights.
        task: Write a task.
        experiment: Write an experiment.
    """
    from jaxpe.cli.new import choose_template, write_templates

    return write_templates(name, folder, choose_template(hook, task, experiment))


def check(
    name: CheckedName,
    /,
    kind: Annotated[Literal["encoding", "task"] | None, describe_option("by what the name stands for")] = None,
    width: Annotated[int | None, describe_option("32")] = None,
    heads: Annotated[int | None, describe_option("4")] = None,
    json: Switch = False,
) -> int:
    """Test an encoding or a task: shapes, padding, what its class declares, and much more.

    Args:
        name: A name from `jaxpe list encodings` or `jaxpe list tasks`, or path/to/file.py:Class.
        kind: What the name stands for, where an encoding and a task have the same.
        width: Width of the model in which an encoding is measured.
        heads: Number of attention heads in which an encoding is measured.
        json: Print the result as JSON.
    """
    from jaxpe.devices import prepare_jax

    prepare_jax(None)
    from jaxpe.cli.check import check_object

    return check_object(name, kind, width, heads, json)


def scorecard(
    encoding: EncodingName,
    /,
    against: Annotated[tuple[EncodingName, ...], describe_option("none sinusoidal rotary", "ENCODING ...")] = (),
    preset: PresetName = QUICK,
    results: Path = Path("results"),
    seeds: Seeds = None,
    set: Assignments = (),
    devices: Devices = None,
    quiet: Switch = False,
) -> int:
    """Compare an encoding with others: accuracy, longer inputs, real text, harm where order does not matter, cost.

    The short form of `jaxpe run scorecard --encodings ENCODING`.

    Args:
        encoding: A name from `jaxpe list encodings`, or path/to/file.py:Class.
        against: Encodings to compare it with. The baseline `none` (no positional encoding) is always added.
        preset: Size of the comparison: smoke, quick or standard.
        results: Results folder. The page and the table are written to RESULTS/scorecard-NAME.
        seeds: How many seeds, counted from the preset's first_seed (0 unless set); or a range, as 3-5.
        set: Other fields of the preset, for example width=64. `jaxpe list fields` lists all.
        devices: On a CPU, the number of devices that JAX divides the cores into.
        quiet: Show no progress.
    """
    from jaxpe.cli.experiment_options import find_options
    from jaxpe.cli.run import run_experiments
    from jaxpe.encodings import replace_alias
    from jaxpe.study.experiment import load_experiment

    options = RunOptions(
        preset=preset, results=results, encodings=(encoding,), seeds=seeds, set=set, devices=devices, quiet=quiet
    )
    against = tuple(EncodingName(replace_alias(name)) for name in against)
    kind = find_options(load_experiment("scorecard"))
    return run_experiments(("scorecard",), options, kind(against=against) if kind and against else None)


def export_task(
    tasks: Annotated[tuple[TaskName, ...], describe_option("all", "[TASK ...]")] = (),
    /,
    output: Path = Path("tasks"),
    lengths: Annotated[tuple[int, ...], arg(metavar="INT ...")] = (5, 10, 20, 50, 100),
    examples: int = 512,
    train_length: int = 10,
) -> int:
    """Write evaluation sets as Hugging Face datasets (Parquet), to evaluate models written in other frameworks.

    Args:
        tasks: Names from `jaxpe list tasks`, except those on real text, or path/to/file.py:Class.
        output: Folder for the datasets.
        lengths: Lengths of the inputs, in symbols.
        examples: Number of examples per length.
        train_length: Longest input in training, in symbols. Only the task `index` depends on it.
    """
    from jaxpe.cli.export import export_tasks

    return export_tasks(tasks, output, lengths, examples, train_length)


def fetch(names: Annotated[tuple[str, ...], describe_option(values="[NAME ...]")] = (), /) -> int:
    """Download data and models that do not ship with jaxpe into the cache (`jaxpe doctor` prints its folder).

    Args:
        names: What to download. Without a name, list what can be downloaded.
    """
    from jaxpe.cli.fetch import download_all

    return download_all(names)


def doctor(json: Switch = False) -> int:
    """Check this installation: versions, devices, cache, downloads and one test computation.

    Args:
        json: Print the result as JSON.
    """
    from jaxpe.cli.doctor import print_installation

    return print_installation(json)


def completion(shell: Literal["bash", "zsh", "fish"], /) -> int:
    """Print a shell script that completes commands, options and their values with Tab.

    Args:
        shell: Shell that runs the script.
    """
    from jaxpe.cli.completion import print_script

    return print_script(shell, COMMANDS)


COMMANDS: dict[str, Any] = {
    "study": study,
    "run": run,
    "plot": reading.plot,
    "report": reading.report,
    "compare": reading.compare,
    "table": reading.table,
    "verify": reading.verify,
    "status": reading.status,
    "list": list_names,
    "new": new,
    "check": check,
    "scorecard": scorecard,
    "evaluate": reading.evaluate,
    "export-task": export_task,
    "fetch": fetch,
    "doctor": doctor,
    "completion": completion,
}
