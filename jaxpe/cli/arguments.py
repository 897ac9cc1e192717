"""What a command takes, and the check of what was typed: every mistake is one sentence that says what to do."""

from __future__ import annotations

import inspect
import types
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import is_dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

from jaxpe.data.cache import expand_home
from jaxpe.errors import UnknownName, UserError

NUMBERS: dict[type, str] = {int: "a whole number", float: "a number"}


class UnknownOption(UnknownName):
    """An option that a command does not have."""


class Parameter(NamedTuple):
    """An option of a command, typed as --name, or a positional argument."""

    name: str
    type: type
    choices: tuple[str, ...]
    many: bool
    required: bool

    @property
    def takes_value(self) -> bool:
        return self.type is not bool


# ── what a command takes ────────────────────────────────────────────────────────────────────────────────────────────


def list_parameters(function: Callable[..., Any]) -> list[Parameter]:
    """The parameters of a function or dataclass; those of a dataclass that it takes are its own."""
    hints = get_type_hints(function, include_extras=True)
    parameters = []
    for parameter in inspect.signature(function).parameters.values():
        hint = strip_annotation(hints[parameter.name])
        if is_dataclass(hint):
            parameters += list_parameters(hint)  # type: ignore[arg-type]
        else:
            parameters.append(describe_parameter(parameter, hint))
    return parameters


def describe_parameter(parameter: inspect.Parameter, hint: Any) -> Parameter:
    """The parameter as it is typed. Raises UserError for a type that the command line cannot read."""
    many = get_origin(hint) is tuple
    kind = strip_annotation(get_args(hint)[0]) if many else hint
    choices = get_args(kind) if get_origin(kind) is Literal else ()
    if not choices and not (isinstance(kind, type) and issubclass(kind, (bool, int, float, str, Path))):
        raise UserError(f"The option {parameter.name} has the type {kind}: use bool, int, float, str, Path or Literal.")
    name = parameter.name.strip("_")
    if parameter.kind is not parameter.POSITIONAL_ONLY:
        name = f"--{'no-' if parameter.default is True else ''}{name.replace('_', '-')}"
    return Parameter(name, str if choices else kind, choices, many, parameter.default is parameter.empty)


def strip_annotation(hint: Any) -> Any:
    """Annotated[X, …] and X | None as X."""
    if get_origin(hint) is Annotated:
        return strip_annotation(get_args(hint)[0])
    if get_origin(hint) in (Union, types.UnionType):
        [hint] = [part for part in get_args(hint) if part is not type(None)]
        return strip_annotation(hint)
    return hint


# ── what was typed ──────────────────────────────────────────────────────────────────────────────────────────────────


def check_arguments(parameters: Sequence[Parameter], program: str, arguments: Sequence[str]) -> list[str]:
    """The arguments, positional ones first, lists split at commas. Raises UserError for the first that is wrong."""
    see = f"See `{program} --help`."
    options = {parameter.name: parameter for parameter in parameters if parameter.name.startswith("--")}
    words, free, checked = deque(arguments), list[str](), dict[str, list[str]]()
    while words:
        word = words.popleft()
        if not is_option(word):
            free.append(word)
            continue
        typed, equals, value = word.partition("=")
        name = typed.replace("_", "-")
        if name not in options:
            raise UnknownOption("option", typed, options, see)
        if name in checked:
            raise UserError(f"{typed} is given more than once: list all of its values after one {typed}.")
        values = [value] if equals else take_values(options[name], words)
        checked[name] = check_values(options[name], values, see)
    positional = check_positional([one for one in parameters if one.name not in options], free, program, see)
    return positional + [word for name, values in checked.items() for word in join_option(options[name], values)]


def join_option(option: Parameter, values: list[str]) -> list[str]:
    """The words of an option; one value is joined to it, since it may begin with '-'."""
    return [option.name, *values] if option.many or not values else [f"{option.name}={values[0]}"]


def is_option(word: str) -> bool:
    """Whether a word is an option: not '-' alone, and not a negative number."""
    return len(word) > 1 and word.startswith("-") and not word[1:].replace(".", "", 1).isdigit()


def take_values(option: Parameter, words: deque[str]) -> list[str]:
    """Takes the values of an option from the words that follow it."""
    values = list[str]()
    while option.takes_value and words and not is_option(words[0]) and (option.many or not values):
        values.append(words.popleft())
    return values


def check_positional(parameters: list[Parameter], words: list[str], program: str, see: str) -> list[str]:
    """The words of the positional arguments. Raises UserError where one is missing, or is too many."""
    checked, missing = list[str](), list[str]()
    for parameter in parameters:
        count = len(words) if parameter.many else 1
        values, words = words[:count], words[count:]
        if values:
            checked += check_values(parameter, values, see)
        elif parameter.required:
            missing.append(parameter.name.upper())
    if missing:
        raise UserError(f"`{program}` is missing {' and '.join(missing)}. {see}")
    if words:
        raise UserError(f"`{program}` does not take {words[0]!r}. {see}")
    return checked


def check_values(parameter: Parameter, values: list[str], see: str) -> list[str]:
    """The values of a parameter, a list split at commas. Raises UserError for one that it cannot have."""
    if values and not parameter.takes_value:
        raise UserError(f"{parameter.name} takes no value. {see}")
    if parameter.takes_value and not values:
        raise UserError(f"{parameter.name} needs a value. {see}")
    if parameter.many and not issubclass(parameter.type, Path):
        values = [part for value in values for part in value.split(",") if part]
        if not values:
            raise UserError(f"{parameter.name} needs a value, not an empty one. {see}")
    if issubclass(parameter.type, Path):
        values = [str(expand_home(value)) if value.startswith("~") else value for value in values]
    for value in values:
        if parameter.choices and value not in parameter.choices:
            raise UnknownName(parameter.name, value, parameter.choices, see)
        if parameter.type in NUMBERS:
            try:
                parameter.type(value)
            except ValueError:
                raise UserError(f"{parameter.name} takes {NUMBERS[parameter.type]}, got {value!r}. {see}") from None
    return values
