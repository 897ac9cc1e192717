"""Findings about longer inputs with their numbers, as Markdown for RESULTS.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from jaxpe.analysis.effects import ALL_OR_NOTHING, SOLVED, is_plain_test
from jaxpe.analysis.ranking import select_common
from jaxpe.data.language import OBJECTIVES
from jaxpe.figures.randomized import average_lengths
from jaxpe.records.statistics import FEWEST_PAIRS
from jaxpe.report.brief import compute_mean
from jaxpe.report.claims import Entry, Key
from jaxpe.report.findings import describe_claim, list_effects, show
from jaxpe.report.markdown import make_table
from jaxpe.study.tables import select_rows

WELL_KNOWN = ("rotary", "sinusoidal", "learned", "none")  # compared with the encodings that copy best


def tabulate_lengths(table: pd.DataFrame) -> str:
    """Token accuracy at N, N + 1 and 2 N, by task, architecture and encoding."""
    part = select_rows(table, metric="token_accuracy")
    if part.empty:
        return ""
    part = select_plain_tests(part[~part["task"].isin(OBJECTIVES)])
    trained = np.where(part["positions"] == "arange", "", " + " + part["positions"])
    part = part.assign(encoding=part["encoding"] + trained)
    rows = []
    for (task, architecture, encoding), group in part.groupby(["task", "architecture", "encoding"], sort=False):
        n = int(group["train_length"].iloc[0])
        scores = [compute_mean(group, test_length=length) for length in (n, n + 1, 2 * n)]
        blind = select_rows(group, test_length=2 * n)["order_blind_baseline"].mean()
        seeds = group["seed"].nunique()
        rows.append([task, architecture.replace("_", "-"), encoding, *map(show, scores), show(blind), seeds])
    columns = ["task", "architecture", "encoding", "at N", "at N + 1", "at 2 N", "order-blind baseline at 2 N", "seeds"]
    n = int(part["train_length"].iloc[0])
    title = (
        f"Token accuracy of models trained on lengths up to N = {n}. With `offset` positions begin at random in training and at 0 "
        "in tests; with `randomized` they are spaced at random in both:"
    )
    within = describe_decoder_within(part)
    return f"{title}\n\n{make_table(columns, rows)}" + (f"\n\n{within}" if within else "")


def select_plain_tests(table: pd.DataFrame) -> pd.DataFrame:
    """The plain tests of a table: at the positions of training, after random starts from position 0."""
    plain = select_rows(table, variant="plain")
    return plain[is_plain_test(plain)]


def describe_decoder_within(part: pd.DataFrame) -> str:
    """What encodings do to `count` in the decoder at the training length, where order is of no use; '' without `none`."""
    part = select_rows(part, task="count", architecture="decoder", positions="arange")
    part = part[part["test_length"] == part["train_length"]]
    means = part.groupby("encoding", sort=False)["value"].mean()
    if "none" not in means or len(means) < 2:
        return ""
    scores = ", ".join(f"{name} {show(value)}" for name, value in means.items())
    return f"In a decoder, `count` at N has {scores} ({describe_seeds(part)})."


def describe_training(preset: Mapping[str, Any]) -> str:
    """'Training: encoder 3,000 steps of 64 examples; decoder 1,500 of 32.', of the synthetic tasks of a preset."""
    amounts: dict[str, list[str]] = {}
    for row in preset["grid"]:
        if row["task"] not in OBJECTIVES:
            sizes = preset | row["overrides"]
            for architecture in row["architectures"]:
                amounts.setdefault(f"{sizes['steps']:,} steps of {sizes['batch']} examples", []).append(architecture)
    parts = [f"{', '.join(dict.fromkeys(names)).replace('_', '-')} {amount}" for amount, names in amounts.items()]
    return f"Training: {'; '.join(parts)}."


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


def describe_catalogue(table: pd.DataFrame) -> str:
    """The encodings that copy best beyond the training length in the decoder, and some well-known ones."""
    part = select_rows(table, task="copy", metric="token_accuracy")
    if part.empty:
        return ""
    part = select_common(select_rows(part, architecture="decoder", positions="arange"))
    part = part[part["tested_with"].isna()] if "tested_with" in part else part
    n = int(part["train_length"].min())
    longer = part[(part["test_length"] > n) & (part["test_length"] <= 2 * n)]
    lengths = ", ".join(f"{length:g}" for length in sorted(longer["test_length"].unique()))
    means = longer.groupby("encoding")["value"].mean().sort_values(ascending=False)
    best = [f"`{name}` {value:.2f}" for name, value in means.head(5).items()]
    known = [f"`{name}` {means[name]:.2f}" for name in WELL_KNOWN if name in means]
    text = (
        f"{len(means)} encodings were trained to copy in the decoder, on lengths up to {n}. Token accuracy, the mean over the "
        f"lengths {lengths} (up to 2 N), is highest for {', '.join(best)}. For comparison: {', '.join(known)} ({describe_seeds(longer)})."
    )
    solved = [describe_solved(table, task) for task in ALL_OR_NOTHING]
    return "\n\n".join([text, *filter(None, solved)])


def describe_seeds(rows: pd.DataFrame) -> str:
    """'5 seeds: no difference is decided', or '10 seeds'."""
    seeds = rows["seed"].nunique()
    return f"{seeds} seeds" + (": no difference is decided" if seeds < FEWEST_PAIRS else "")


def describe_solved(table: pd.DataFrame, task: str) -> str:
    """Which encodings learn a task that a seed either learns or does not, and in how many seeds; '' where it was not run."""
    part = select_rows(table, task=task, metric="token_accuracy", positions="arange")
    part = part[part["test_length"] == part["train_length"]]
    part = part[part["tested_with"].isna()] if "tested_with" in part else part
    if part.empty:
        return ""
    solved = part.assign(solved=part["value"] >= SOLVED).groupby("encoding", sort=False)["solved"].agg(["sum", "size"])
    learned = [f"`{name}` in {row['sum']} of {row['size']} seeds" for name, row in solved.iterrows() if row["sum"]]
    who = (
        f"{', '.join(learned)}; the other {len(solved) - len(learned)} encodings in none" if learned else "no encoding"
    )
    return f"A seed either learns `{task}` or does not (token accuracy at N of at least {SOLVED:g}): {who}."


RANDOM_POSITIONS = {
    "C12": "accuracy beyond the training lengths, mean over all encodings",
    "C12.sinusoidal": "sinusoidal",
    "C12.learned": "learned",
    "C12.rotary": "rotary",
    "C12.alibi": "ALiBi",
    "C12.price": "cost within the training lengths",
}


def describe_random_positions(table: pd.DataFrame, claims: Mapping[Key, Entry]) -> str:
    """What positions drawn at random gain beyond the training lengths and cost within them, also by task."""
    effects = list_effects(claims, "randomized", RANDOM_POSITIONS)
    if not effects:
        return ""
    means = average_lengths(table).groupby(["task", "variant"], sort=False)["value"].mean().unstack("variant")
    gains = (means["randomized"] - means["plain"]).sort_values(ascending=False)
    blind, length_only = (
        show(select_rows(average_lengths(table, column=name), variant="randomized")[name].mean())
        for name in ("order_blind_baseline", "length_baseline")
    )
    return (
        f"Positions drawn at random in training and test, in an encoder:\n\n{effects}\n\n"
        f"The gain by task: {', '.join(f'`{task}` {gain:+.3f}' for task, gain in gains.items())}. Over the same tests, accuracy with "
        f"random positions is {show(means['randomized'].mean())}; rules that ignore order reach {blind} on average, those that know "
        f"only the length {length_only}."
    )


def describe_reproduction(claims: Mapping[Key, Entry]) -> str:
    """Learned positions with a random start minus no encoding, exact match of copies beyond the training length."""
    names = {name: entry for (experiment, name), entry in claims.items() if experiment == "reproduction"}
    lines = [
        f"* {entry['statement']} {describe_claim(claims, 'reproduction', name)}. {entry['note']}".rstrip()
        for name, entry in names.items()
        if entry["effect"] is not None
    ]
    return "\n".join(lines)
