"""Examples in the help of every command."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any

EXAMPLES: dict[str, tuple[str, ...]] = {
    "study": (
        "jaxpe study --preset smoke --results first    # minutes: shows that everything runs",
        "jaxpe study    # minutes on two cores",
    ),
    "run": (
        "jaxpe run accuracy --tasks reverse --encodings none sinusoidal --seeds 6 --results mine",
        "jaxpe run extrapolation --preset standard --dry-run",
    ),
    "plot": ("jaxpe plot", "jaxpe plot accuracy --for paper --width column"),
    "report": ("jaxpe report", "jaxpe report --results results/standard --language ja --output public"),
    "compare": (
        "jaxpe compare results results/standard",
        "jaxpe compare results/accuracy:sinusoidal results/accuracy:learned --output sinusoidal_learned",
    ),
    "table": (
        "jaxpe table results/standard accuracy --tasks index count --output table.tex",
        "jaxpe table results/standard extrapolation --tasks reverse --architectures encoder --columns lengths --format markdown",
    ),
    "verify": ("jaxpe verify results", "jaxpe verify mine --experiments path/to/mine.py"),
    "status": ("jaxpe status results", "jaxpe status /shared/mine --json"),
    "list": ("jaxpe list encodings", "jaxpe list tasks --json", "jaxpe list fields accuracy --preset standard"),
    "new": (
        "jaxpe new mine --hook rotate",
        "jaxpe new duplicate --task",
        "jaxpe new distance_test --experiment",
    ),
    "check": ("jaxpe check rotary", "jaxpe check path/to/mine.py:Mine --json", "jaxpe check reverse"),
    "scorecard": ("jaxpe scorecard path/to/mine.py:Mine --against none rotary alibi",),
    "evaluate": ("jaxpe evaluate mine --lengths 20 40 80 --encodings rotary alibi",),
    "export-task": ("jaxpe export-task reverse count --output tasks",),
    "fetch": ("jaxpe fetch", "jaxpe fetch translation"),
    "doctor": ("jaxpe doctor",),
    "completion": (
        "source <(jaxpe completion bash)    # in ~/.bashrc",
        "jaxpe completion zsh > ~/.zfunc/_jaxpe    # a folder in your fpath",
        "jaxpe completion fish > ~/.config/fish/completions/jaxpe.fish",
    ),
}


def describe_command(name: str, function: Callable[..., Any]) -> str:
    """What --help says of a command: its docstring without the arguments, and examples."""
    return add_examples((inspect.getdoc(function) or "").partition("\n\nArgs:")[0], EXAMPLES[name])


def add_examples(text: str, examples: Iterable[str]) -> str:
    """The text and, if there are any, a list of examples."""
    lines = list(examples)
    return "\n  ".join([f"{text}\n\nExamples:", *lines]) if lines else text
