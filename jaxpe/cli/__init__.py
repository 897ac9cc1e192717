"""The command line: `jaxpe study` runs everything, `jaxpe run NAME` one experiment, `jaxpe COMMAND --help` says more.

Exit codes: 0 done; 1 an internal error; 2 bad usage, bad input or a full disk; 3 finished with failed cells or properties;
130 stopped by Ctrl-C. JAX, matplotlib and datasets are imported by the commands that need them.
"""

from __future__ import annotations

import errno
import inspect
import io
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, fields
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro
from tyro.conf import Positional

from jaxpe.errors import UserError, unknown

on_parse_error: Any
try:
    from tyro._errors import on_parse_error
except ImportError:  # another tyro prints its own words, several lines long
    on_parse_error = nullcontext

Words = tuple[str, ...]  # several words, or one with commas
# Words that name something: `completion` tells a shell which there are (tyro has it told of options alone).
Preset = str
Encoding = str
Task = str
Architecture = str
MARKERS = (tyro.conf.DisallowNone, tyro.conf.FlagCreatePairsOff)  # no option takes the word None, or has a --no-… twin


@dataclass(frozen=True)
class Options:
    """What `study`, `run` and the scripts in experiments/ take."""

    preset: Preset = "quick"
    """Size of the run: smoke, quick, standard or full."""
    results: Path = Path("results")
    """Folder for cells, tables, claims and figures. The same command again goes on where it stopped."""
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
    """Say what would be run (cells, parameters, programs, estimated time), and run nothing."""
    quiet: bool = False
    """No progress."""
    json: bool = False
    """Print what was found (or, with --dry-run, what would be run) as JSON."""


def study(options: Annotated[Options, tyro.conf.arg(name="")]) -> int:
    """Run every experiment of the study and write the report."""
    from jaxpe.cli import run
    from jaxpe.study import experiment

    return run.run(experiment.STUDY, options)


def run_one(name: Positional[str], options: Annotated[Options, tyro.conf.arg(name="")]) -> int:
    """Run one experiment: a name of `jaxpe list experiments`, or path/to/mine.py."""
    from jaxpe.cli import run

    return run.run((name,), options)


def plot(
    names: Positional[Words] = (),
    /,
    results: Path = Path("results"),
    for_: Annotated[
        Literal["web", "paper", "talk"],
        tyro.conf.arg(
            name="for",
            help="paper: PDF and SVG, 3.3 or 6.9 inches wide, text of 8 points; talk: SVG and PNG, 16:9, large text. "
            "They are written to NAME/figures/paper and NAME/figures/talk.",
        ),
    ] = "web",
) -> int:
    """Draw claims, figures and the page again from stored tables; nothing is trained."""
    from jaxpe.cli import run

    return run.plot(words(names), results, for_)


def report(results: Path = Path("results"), language: Literal["en", "ja"] = "en") -> int:
    """Write the page again from stored tables, claims and figures; nothing is trained. It speaks both languages.

    `language` is the one that it opens in; a switch in the page changes it.
    """
    from jaxpe.cli import run

    return run.report(results, language)


def compare(runs: Positional[Words], /, output: Path = Path("compare"), json: bool = False) -> int:
    """Compare results folders, or runs in them (FOLDER/EXPERIMENT, FOLDER/EXPERIMENT:ENCODING); nothing is trained.

    What differs in their configurations, paired differences of every number that two of them share, and claims side by
    side: a page and a table in the folder `output`.
    """
    from jaxpe.cli import compare as command

    return command.compare(words(runs), output, json)


def list_things(
    kind: Positional[Literal["encodings", "samplers", "tasks", "experiments", "presets"]], /, json: bool = False
) -> int:
    """List what there is."""
    from jaxpe.cli import listing

    return listing.show(kind, json)


def check(encoding: Positional[str], /, width: int = 32, heads: int = 4, json: bool = False) -> int:
    """Measure what an encoding (a name of `jaxpe list encodings`, or path/to/file.py:Class) does: its property card."""
    from jaxpe.cli import run

    run.prepare(None)
    from jaxpe.cli import check as command

    return command.check(encoding, width, heads, json)


def new(name: Positional[str], /, folder: Path = Path(), hook: Literal["bias", "rotate", "embed"] = "bias") -> int:
    """Begin an encoding of your own: NAME.py, which works at once, and test_NAME.py beside it. `hook`: where position enters."""
    from jaxpe.cli import new as command

    return command.write(name, folder, hook)


def scorecard(
    encoding: Positional[str],
    /,
    against: tuple[Encoding, ...] = ("none", "sinusoidal", "rotary"),
    preset: Preset = "quick",
    results: Path = Path("results"),
    seeds: int | None = None,
    set: Words = (),
    devices: int | None = None,
    quiet: bool = False,
) -> int:
    """Compare an encoding (a name, or path/to/file.py:Class) with others: accuracy, lengths, text, harm, extraction, cost.

    One page and one row for a table, in RESULTS/scorecard/NAME. Presets: smoke, quick, standard. What the folder already
    holds is not trained again.
    """
    from jaxpe.cli import run

    run.prepare(devices)
    from jaxpe.cli import scorecard as command

    more = [*words(set), *([] if seeds is None else [f"seeds={seeds}"])]
    return command.score(encoding, words(against), preset, results, more, quiet)


def export_task(
    names: Positional[Words],
    /,
    output: Path = Path("tasks"),
    lengths: tuple[int, ...] = (5, 10, 20, 50, 100),
    examples: int = 512,
    train_length: int = 10,
) -> int:
    """Write evaluation sets as Hugging Face datasets (parquet), for other frameworks to be scored on."""
    from jaxpe.cli import listing

    return listing.export(words(names), output, lengths, examples, train_length)


def fetch(names: Positional[Words] = (), /) -> int:
    """Download data that does not ship with jaxpe, into the cache; without a name, say what there is."""
    from jaxpe.cli import listing

    return listing.fetch(words(names))


def doctor(json: bool = False) -> int:
    """Say what this installation has: versions, devices, cache, fetched data."""
    from jaxpe.cli import listing

    return listing.doctor(json)


def completion(shell: Positional[Literal["bash", "zsh", "fish"]], /) -> int:
    """Print a script by which a shell completes commands, options and the names that options take with Tab."""
    from jaxpe.cli import listing

    known = listing.names()
    arguments = ["--tyro-write-completion", shell, "-"]
    try:  # annotations are read when a parser is made: for this one, a name is one of those that are known
        globals().update({kind: Literal[tuple(names)] for kind, names in known.items()})
        return tyro.extras.subcommand_cli_from_dict(COMMANDS, prog="jaxpe", args=arguments, config=MARKERS)
    finally:
        globals().update(dict.fromkeys(known, str))


COMMANDS: Any = {
    "study": study,
    "run": run_one,
    "plot": plot,
    "report": report,
    "compare": compare,
    "list": list_things,
    "new": new,
    "check": check,
    "scorecard": scorecard,
    "export-task": export_task,
    "fetch": fetch,
    "doctor": doctor,
    "completion": completion,
}
EXAMPLES: dict[str, tuple[str, ...]] = {
    "study": (
        "jaxpe study --preset smoke --results first    # two minutes: shows that everything runs",
        "jaxpe study    # minutes on two cores; reversing 8 symbols: 1.00 right with sinusoids, .31 without",
    ),
    "run": (
        "jaxpe run accuracy --tasks reverse --encodings none sinusoidal --seeds 6 --results mine",
        "jaxpe run extrapolation --preset standard --dry-run",
    ),
    "plot": ("jaxpe plot", "jaxpe plot accuracy --for paper"),
    "report": ("jaxpe report", "jaxpe report --results results/standard --language ja"),
    "compare": (
        "jaxpe compare results results/standard",
        "jaxpe compare results/accuracy:sinusoidal results/accuracy:learned --output sinusoidal_learned",
    ),
    "list": ("jaxpe list encodings", "jaxpe list tasks --json"),
    "new": ("jaxpe new mine --hook rotate",),
    "check": ("jaxpe check rotary", "jaxpe check path/to/mine.py:Mine --json"),
    "scorecard": ("jaxpe scorecard path/to/mine.py:Mine --against none rotary alibi",),
    "export-task": ("jaxpe export-task reverse count --output tasks",),
    "fetch": ("jaxpe fetch", "jaxpe fetch translation"),
    "doctor": ("jaxpe doctor",),
    "completion": (
        "source <(jaxpe completion bash)    # in ~/.bashrc",
        "jaxpe completion zsh > ~/.zfunc/_jaxpe    # a folder of your fpath",
        "jaxpe completion fish > ~/.config/fish/completions/jaxpe.fish",
    ),
}


def words(given: Words) -> list[str]:
    """Words given one by one or with commas between them."""
    return [word for part in given for word in part.split(",") if word]


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
        about = with_examples(__doc__ or "", [EXAMPLES[command][0] for command in ("study", "run", "compare")])
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


def typed() -> str:
    """The command as it was typed."""
    program = Path(sys.argv[0])
    called = ["jaxpe"] if program.stem in ("jaxpe", "__main__") else ["python", f"experiments/{program.name}"]
    return shlex.join([*called, *sys.argv[1:]])


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
