"""Options that one experiment takes besides the general ones: the fields of the dataclass `OPTIONS` in its file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import MISSING, fields, is_dataclass, make_dataclass
from typing import Annotated, Any

from tyro.conf import arg

from jaxpe.cli.arguments import UnknownOption, list_parameters
from jaxpe.cli.examples import EXAMPLES, add_examples
from jaxpe.cli.options import RunOptions
from jaxpe.cli.parsing import parse
from jaxpe.cli.run import run_experiments
from jaxpe.errors import UserError
from jaxpe.plugins.calls import call_user_code
from jaxpe.study.experiment import EXPERIMENTS, Experiment, call_experiment, load_experiment


def run_with_options(name: str, program: str, arguments: Sequence[str]) -> int:
    """Runs an experiment with the options that the arguments name, its own among them."""
    experiment = load_experiment(name)
    kind = find_options(experiment)
    about = add_examples(experiment.question, [line for line in EXAMPLES["run"] if f" {name} " in line])
    if kind is None:
        options, own = parse_options(experiment, RunOptions, program, about, arguments), None
    else:
        groups = [("general", Annotated[RunOptions, arg(name="")]), ("own", Annotated[kind, arg(name=experiment.name)])]
        both = parse_options(experiment, make_dataclass("AllOptions", groups), program, about, arguments)
        options, own = both.general, both.own
    return run_experiments((name,), options, own)


def parse_options(experiment: Experiment, kind: type, program: str, about: str, arguments: Sequence[str]) -> Any:
    """The options as typed. Raises UserError that names the experiment whose option this is, where another has it."""
    try:
        return parse(kind, program, about, arguments)
    except UnknownOption as error:
        raise explain_unknown_option(error) from None


def find_options(experiment: Experiment) -> type | None:
    """The dataclass of an experiment's own options. Raises UserError where it is none, or repeats a general option."""
    kind = getattr(experiment.module, "OPTIONS", None)
    if kind is None:
        return None
    if not (isinstance(kind, type) and is_dataclass(kind)):
        raise UserError(f"{experiment.name}: OPTIONS must be a dataclass.")
    if required := [one.name for one in fields(kind) if one.default is one.default_factory is MISSING]:
        raise UserError(f"{experiment.name}: the option {required[0]} has no default: give its field in OPTIONS one.")
    what = f"{experiment.name}: OPTIONS cannot be read"
    general = {parameter.name for parameter in list_parameters(RunOptions)}
    for parameter in call_user_code(lambda: list_parameters(kind), what):
        if parameter.name in general:
            raise UserError(f"{experiment.name}: every experiment has an option {parameter.name}: rename the field.")
    return explain_refusals(kind, experiment) if hasattr(kind, "__post_init__") else kind


def explain_refusals(kind: type, experiment: Experiment) -> type:
    """The dataclass, with any exception of its `__post_init__` as a UserError, which tyro leaves as it is."""

    def check(options: Any) -> None:
        call_experiment(experiment, lambda: kind.__post_init__(options))  # type: ignore[attr-defined]

    return type(
        kind.__name__, (kind,), {"__post_init__": check, "__doc__": kind.__doc__, "__module__": kind.__module__}
    )


def collect_options() -> dict[str, type]:
    """The options of all experiments that have some. A faulty experiment does not hide the others."""
    kinds = {}
    for name in EXPERIMENTS:
        try:
            kind = find_options(load_experiment(name))
        except UserError:
            continue
        if kind:
            kinds[name] = kind
    return kinds


def explain_unknown_option(error: UnknownOption) -> UserError:
    """The error or, where another experiment has the option, one that names this experiment."""
    for name, kind in collect_options().items():
        if error.name.replace("_", "-") in {parameter.name for parameter in list_parameters(kind)}:
            return UserError(
                f"Unknown option {error.name!r}: it belongs to {name!r}. Use `jaxpe run {name} {error.name} …`."
            )
    return error
