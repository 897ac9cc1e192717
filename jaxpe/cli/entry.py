"""From arguments to an exit code.

Exit codes: 0 done; 1 an internal error; 2 bad usage, bad input or a full disk; 3 finished with failed runs or properties;
130 stopped by Ctrl-C.
"""

from __future__ import annotations

import errno
import inspect
import io
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import fields
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import tyro

from jaxpe.cli.commands import COMMANDS, EXAMPLES, MARKERS, run_one
from jaxpe.cli.options import Options, typed
from jaxpe.errors import UserError, unknown

ABOUT = """`jaxpe study` runs everything, `jaxpe run NAME` one experiment, `jaxpe COMMAND --help` says more.

Exit codes: 0 done; 1 an internal error; 2 bad usage, bad input or a full disk; 3 finished with failed runs or properties;
130 stopped by Ctrl-C."""
on_parse_error: Any
try:
    from tyro._errors import on_parse_error
except ImportError:  # another tyro prints its own words, several lines long
    on_parse_error = nullcontext


def main(arguments: list[str] | None = None) -> None:
    """The entry point of `jaxpe`."""
    guarded(lambda: chosen(sys.argv[1:] if arguments is None else arguments))


def script(file: str) -> None:
    """The entry point of a file in experiments/: the same options, the same code as `jaxpe run`."""
    name = Path(file).stem if Path(file).parent.name == "experiments" else file
    about = f"The experiment {name}: see `jaxpe run --help`."
    guarded(lambda: run_one(name, parsed(Options, Path(file).name, about, sys.argv[1:])))


def chosen(arguments: list[str]) -> int:
    """Runs the command that the arguments name, or says what there is."""
    name, *rest = arguments or [""]
    if name in ("-h", "--help"):
        about = with_examples(ABOUT, [EXAMPLES[command][0] for command in ("study", "run", "compare")])
        return tyro.extras.subcommand_cli_from_dict(COMMANDS, prog="jaxpe", description=about, args=["--help"])
    if name == "--version":
        print(f"jaxpe {version('jaxpe')}")
        return 0
    if not name:
        raise UserError(f"Which command? {', '.join(COMMANDS)}; `jaxpe --help` says what they do.")
    if name not in COMMANDS:
        raise unknown("command", name, COMMANDS, "`jaxpe --help` says what there is.")
    about = with_examples(inspect.getdoc(COMMANDS[name]) or "", EXAMPLES.get(name, ()))
    return parsed(COMMANDS[name], f"jaxpe {name}", about, rest)


def with_examples(text: str, examples: Sequence[str]) -> str:
    return "\n  ".join([f"{text.rstrip()}\n\nExamples:", *examples]) if examples else text


def parsed(function: Any, program: str, description: str, arguments: list[str]) -> Any:
    """`function` called with what the arguments say. Raises UserError, in one sentence, where they are wrong."""
    names = [word.partition("=")[0] for word in arguments if word.startswith("--")]
    if twice := [name for name in dict.fromkeys(names) if names.count(name) > 1]:
        raise UserError(f"{twice[0]} is given more than once: give all of its values behind one.")
    if os.environ.get("NO_COLOR"):
        tyro._experimental_options["ansi_codes"] = False
    with on_parse_error(partial(refuse, function)):
        return tyro.cli(function, prog=program, description=description, args=arguments, config=MARKERS)


def refuse(function: Any, event: Any) -> None:
    """Raises a UserError for what tyro could not parse; what is none of these, tyro tells itself."""
    more = f"See `{event.prog} --help`."
    match type(event).__name__:
        case "UnrecognizedArgs":
            word = next((token for token in event.tokens if token.startswith("-")), "")
            if not word:
                raise UserError(f"`{event.prog}` does not take {event.tokens[0]!r}. {more}")
            raise unknown("option", word.partition("=")[0], options_of(function), more)
        case "InvalidChoice":
            raise unknown(event.argument.display_name(), event.value, event.choices, more)
        case "MissingArgs":
            lacking = ", ".join(one.arg.display_name() for one in event.missing_arguments)
            raise UserError(f"`{event.prog}` needs more: {lacking}. {more}")
        case "BadValue":
            raise UserError(f"{event.argument.display_name()} needs a value. {more}")
        case "InstantiationFailure":
            _, _, given = event.message.rpartition(": ")
            takes = (
                ""
                if event.argument is None
                else f"{event.argument.display_name()} takes {event.argument.lowered.metavar}, got "
            )
            raise UserError(f"{takes}{given}. {more}")


def options_of(function: Any) -> list[str]:
    """The options of a command, as they are typed."""
    parameters = inspect.signature(function).parameters
    names = [name for name, one in parameters.items() if one.kind is not one.POSITIONAL_ONLY]
    names += [field.name for field in fields(Options)] if "options" in names else []
    return [f"--{name.strip('_').replace('_', '-')}" for name in names if name != "options"]


def guarded(function: Callable[[], int]) -> None:
    """Runs a command and exits with its code; what a user can mend is one sentence."""
    for stream in (sys.stdout, sys.stderr):  # a terminal that lacks a sign shows ? for it
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        code = function()
        sys.stdout.flush()
    except UserError as error:
        print(f"jaxpe: {error}", file=sys.stderr)
        code = 2
    except KeyboardInterrupt:
        print(f"jaxpe: stopped; what was finished is kept. This goes on from here: {typed()}", file=sys.stderr)
        code = 130
    except BrokenPipeError:
        code = 0
    except OSError as error:  # of the output itself: the store tells of a results folder
        if error.errno != errno.ENOSPC:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # where Python leaves what it still holds
        print("jaxpe: there is no space where the output goes: free some, or print elsewhere.", file=sys.stderr)
        code = 2
    sys.exit(code)
