"""The commands. Each imports what it needs when it is called: JAX, matplotlib and datasets are slow to import."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import tyro
from tyro.conf import Positional

from jaxpe.cli.options import Encoding, Options, Preset, Words, words

MARKERS = (tyro.conf.DisallowNone, tyro.conf.FlagCreatePairsOff)  # no option takes the word None, or has a --no-… twin


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
    from jaxpe.devices import prepare

    prepare(None)
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
    from jaxpe.devices import prepare

    prepare(devices)
    from jaxpe.cli import scorecard as command
    from jaxpe.cli.overrides import parse_overrides

    values = parse_overrides(words(set)) | ({} if seeds is None else {"seeds": seeds})
    return command.score(encoding, words(against), preset, results, values, quiet)


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
