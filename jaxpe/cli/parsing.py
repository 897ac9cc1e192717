"""From words to a call: tyro parses the arguments and prints the help."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from typing import Any

import tyro
from tyro.constructors import ConstructorRegistry, PrimitiveConstructorSpec, PrimitiveTypeInfo

from jaxpe.cli.arguments import check_arguments, list_parameters
from jaxpe.cli.options import (
    ArchitectureName,
    CheckedName,
    EncodingName,
    ExperimentName,
    PresetName,
    SamplerName,
    SinkName,
    TaskName,
)

HELP = ("-h", "--help")
MARKERS = (  # no option takes the word None or has a --no-… twin; options of a group are typed without its name
    tyro.conf.DisallowNone,
    tyro.conf.FlagCreatePairsOff,
    tyro.conf.OmitArgPrefixes,
)
NAMES: dict[type, str] = {  # and how --help calls a value
    PresetName: "PRESET",
    EncodingName: "ENCODING",
    TaskName: "TASK",
    CheckedName: "NAME",
    ArchitectureName: "ARCHITECTURE",
    ExperimentName: "EXPERIMENT",
    SamplerName: "SAMPLER",
    SinkName: "SINK",
}


def parse(function: Callable[..., Any], program: str, description: str, arguments: Sequence[str]) -> Any:
    """Calls `function` with the arguments. Raises UserError, in one sentence, where they are wrong."""
    if set(HELP) & set(arguments):
        print_help(function, program, description)
    checked = check_arguments(list_parameters(function), program, arguments)
    return call_tyro(function, program, description, checked)


def print_help(function: Callable[..., Any], program: str, description: str) -> None:
    """Prints the help of a command, and exits."""
    if not os.environ.get("NO_COLOR"):
        call_tyro(function, program, description, ["--help"])
    page = io.StringIO()  # tyro prints colours to a terminal only
    try:
        with redirect_stdout(page):
            call_tyro(function, program, description, ["--help"])
    finally:
        print(page.getvalue(), end="")


def call_tyro(function: Callable[..., Any], program: str, description: str, arguments: Sequence[str]) -> Any:
    return tyro.cli(
        function, prog=program, description=description, args=arguments, config=MARKERS, registry=make_name_registry({})
    )


def make_name_registry(known: Mapping[type, Sequence[str]]) -> ConstructorRegistry:
    """How tyro reads names: as text, completed from the known ones where these are given."""
    registry = ConstructorRegistry()

    @registry.primitive_rule
    def read_name(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[str] | None:
        if info.type not in NAMES:
            return None
        return PrimitiveConstructorSpec(
            nargs=1,
            metavar=NAMES[info.type],
            instance_from_str=lambda words: words[0],
            is_instance=lambda value: isinstance(value, str),
            str_from_instance=lambda value: [value],
            choices=tuple(known[info.type]) if info.type in known else None,
        )

    return registry
