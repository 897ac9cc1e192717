"""Findings about longer inputs with their numbers, as Markdown for RESULTS.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from jaxpe.data.language import OBJECTIVES
from jaxpe.report.brief import compute_mean
from jaxpe.report.claims import Entry, Key
from jaxpe.report.findings import describe_claim, list_effects, show
from jaxpe.report.markdown import make_table
from jaxpe.study.tables import select_rows


def tabulate_lengths(table: pd.DataFrame) -> str:
    """Token accuracy at N, N + 1 and 2 N, by task, architecture and encoding."""
    part = select_rows(table, metric="token_accuracy")
    if part.empty:
        return ""
    part = select_rows(part, variant="plain", positions="arange", test_positions="arange")
    part = part[~part["task"].isin(OBJECTIVES)]
    rows = []
    for (task, architecture, encoding), group in part.groupby(["task", "architecture", "encoding"], sort=False):
        n = int(group["train_length"].iloc[0])
        scores = [compute_mean(group, test_length=length) for length in (n, n + 1, 2 * n)]
        blind = select_rows(group, test_length=2 * n)["order_blind_baseline"].mean()
        seeds = group["seed"].nunique()
        rows.append([task, architecture.replace("_", "-"), encoding, *map(show, scores), show(blind), seeds])
    columns = ["task", "architecture", "encoding", "at N", "at N + 1", "at 2 N", "order-blind baseline at 2 N", "seeds"]
    n = int(part["train_length"].iloc[0])
    return f"Token accuracy of models trained on lengths up to N = {n}:\n\n{make_table(columns, rows)}"


def describe_text_lengths(table: pd.DataFrame) -> str:
    """Bits per character of a decoder on text, at the training length and at the longest."""
    part = select_rows(table, metric="bits_per_character")
    if part.empty:
        return ""
    part = select_rows(part, variant="plain", positions="arange", architecture="decoder")
    first, last = int(part["train_length"].min()), int(part["test_length"].max())
    scores = [
        f"{encoding} {show(compute_mean(group, test_length=first))} and {show(compute_mean(group, test_length=last))}"
        for encoding, group in part.groupby("encoding", sort=False)
    ]
    return (
        f"On real text, trained on {first} tokens, a decoder needs these bits per character at {first} and at {last} "
        f"tokens: {'; '.join(scores)} ({part['seed'].nunique()} seeds)."
    )


def describe_catalogue(table: pd.DataFrame, names: Sequence[str] = ("rotary", "sinusoidal", "learned", "none")) -> str:
    """The encodings that copy best beyond the training length in the decoder, and some well-known ones."""
    part = select_rows(table, task="copy", metric="token_accuracy")
    if part.empty:
        return ""
    part = select_rows(part, architecture="decoder", positions="arange")
    part = part[part["tested_with"].isna()] if "tested_with" in part else part
    n = int(part["train_length"].min())
    longer = part[(part["test_length"] > n) & (part["test_length"] <= 2 * n)]
    means = longer.groupby("encoding")["value"].mean().sort_values(ascending=False)
    best = [f"`{name}` {value:.2f}" for name, value in means.head(5).items()]
    known = [f"`{name}` {means[name]:.2f}" for name in names if name in means]
    return (
        f"{len(means)} encodings copy in the decoder, trained on lengths up to {n}. Token accuracy from N + 1 to 2 N is "
        f"highest for {', '.join(best)}. For comparison: {', '.join(known)} ({longer['seed'].nunique()} seeds)."
    )


RANDOM_POSITIONS = {
    "C12": "accuracy beyond the training lengths, mean over all encodings",
    "C12.sinusoidal": "sinusoidal",
    "C12.learned": "learned",
    "C12.rotary": "rotary",
    "C12.alibi": "ALiBi",
    "C12.price": "cost within the training lengths",
}


def describe_random_positions(claims: Mapping[Key, Entry]) -> str:
    """What positions drawn at random gain beyond the training lengths and cost within them."""
    effects = list_effects(claims, "randomized", RANDOM_POSITIONS)
    return f"Positions drawn at random in training and test, in an encoder:\n\n{effects}" if effects else ""


def describe_reproduction(claims: Mapping[Key, Entry]) -> str:
    """Learned positions with a random start minus no encoding, exact match of copies beyond the training length."""
    names = {name: entry for (experiment, name), entry in claims.items() if experiment == "reproduction"}
    lines = [
        f"* {entry['statement']} {describe_claim(claims, 'reproduction', name)}. {entry['note']}".rstrip()
        for name, entry in names.items()
        if entry["effect"] is not None
    ]
    return "\n".join(lines)
