"""`jaxpe completion`: a script by which a shell completes commands, options and the names that options take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import make_dataclass
from typing import Annotated, Any

import tyro

from jaxpe.cli.experiment_options import collect_options
from jaxpe.cli.list import list_experiment_names
from jaxpe.cli.options import (
    ArchitectureName,
    CheckedName,
    EncodingName,
    ExperimentName,
    PresetName,
    RunOptions,
    SamplerName,
    SinkName,
    TaskName,
)
from jaxpe.cli.parsing import MARKERS, make_name_registry
from jaxpe.encodings import ENCODINGS
from jaxpe.positions import SAMPLERS
from jaxpe.study import presets
from jaxpe.study.sinks import SINKS
from jaxpe.tasks import TASKS, list_task_names
from jaxpe.tasks.base import ARCHITECTURES


def print_script(shell: str, commands: Mapping[str, Any]) -> int:
    """Prints the script by which a shell completes these commands."""
    known: dict[type, list[str]] = {
        PresetName: list(presets.SIZES),
        EncodingName: ENCODINGS.list_names(),
        TaskName: list_task_names(),
        CheckedName: [*ENCODINGS.list_names(), *TASKS.list_names()],
        ArchitectureName: list(ARCHITECTURES),
        ExperimentName: list_experiment_names(),
        SamplerName: list(SAMPLERS),
        SinkName: SINKS.list_names(),
    }
    arguments = ["--tyro-write-completion", shell, "-"]
    result: int = tyro.extras.subcommand_cli_from_dict(
        {**commands, "run": make_run_command()},
        prog="jaxpe",
        args=arguments,
        config=MARKERS,
        registry=make_name_registry(known),
    )
    return result


def make_run_command() -> type:
    """`jaxpe run` with the options of all experiments: a completion script does not know which one will be typed."""
    fields = [
        ("experiment", tyro.conf.Positional[ExperimentName]),
        ("options", Annotated[RunOptions, tyro.conf.arg(name="")]),
        *collect_options().items(),
    ]
    return make_dataclass("Run", fields)
