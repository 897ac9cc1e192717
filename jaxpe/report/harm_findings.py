"""Findings about harm with their numbers, as Markdown for RESULTS.md: speed of learning, untrained positions, far lengths."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

import pandas as pd

from jaxpe.analysis.effects import ORDER_FREE, compare_samplers, compare_speed, compare_with_none
from jaxpe.records.claims import format_estimate
from jaxpe.report.brief import ENCODER
from jaxpe.report.claims import Entry, Key
from jaxpe.report.findings import describe_concatenation, describe_effect, show, tabulate_ratios
from jaxpe.study.tables import align_seeds, average_by_seed, select_rows
from jaxpe.tasks.counting import Count

CAPPED = 0.9  # share of one answer from which a length says little

TIMED = ("sinusoidal", "learned", "concatenated")  # whose speed of learning is described


def describe_harm(table: pd.DataFrame, claims: Mapping[Key, Entry]) -> list[str]:
    """All paragraphs about harm."""
    return [
        describe_speed(table),
        describe_concatenation(table, claims),
        describe_cause(table),
        describe_far_lengths(table),
        tabulate_ratios(table),
    ]


def describe_speed(table: pd.DataFrame) -> str:
    """The steps to 95 % on tasks where order is of no use, with an encoding over without, as a list."""
    lines = []
    for task, name in product(ORDER_FREE, TIMED):
        if effect := compare_speed(table, task, name):
            interval = format_estimate(effect.estimate, "log₂ of steps")
            lines.append(f"* `{task}`, {name}: × {2**effect.estimate.value:.2f} ({interval}), {effect.word}")
    if not lines:
        return ""
    text = (
        "Steps until 95 % of the answers in training are right, with an encoding over without (encoder, paired seeds):"
    )
    return "\n".join([text, "", *lines])


def describe_cause(table: pd.DataFrame) -> str:
    """How much of what sinusoids lose on `count` beyond the training length comes back with other positions or without adding."""
    if "sweep" not in table or not (table["sweep"] == "none").any():
        return ""
    pairs, blind = compare_samplers(table, "count"), compare_with_none(table, "count", 2)
    if not len(pairs.a) or not len(blind.a):
        return ""
    cell = select_rows(table, task="count", metric="token_accuracy", sweep="none", architecture="encoder")
    cell = cell[(cell["test_length"] == pairs.length) & (cell["width"] == cell["width"].min())]
    own = {name: average_by_seed(cell, encoding=name, positions="arange") for name in ("none", "concatenated")}
    added, spaced = (
        average_by_seed(cell, encoding="sinusoidal", positions=name, test_positions=name)
        for name in ("arange", "randomized")
    )
    without, joined, added, spaced = align_seeds(own["none"], own["concatenated"], added, spaced)
    of_both = ""
    if len(spaced):
        lost, back, without_adding = (values.mean() for values in (without - added, spaced - added, joined - added))
        of_both = (
            f" In the {len(spaced)} seeds that have all, positions that training met bring back {show(back)} of the {show(lost)} "
            f"lost, and concatenation in place of addition {show(without_adding)}"
        )
        more = back + without_adding > lost
        of_both += ": together more than was lost, so that it cannot be divided between the two." if more else "."
    return (
        f"On `count` at length {pairs.length}, in the {len(pairs.a)} seeds that were trained both ways, sinusoids reach "
        f"{show(pairs.b.mean())}, and {show(pairs.a.mean())} with randomly spaced positions in training and tests "
        f"({describe_effect(pairs)}); without an encoding it is {show(blind.b.mean())} in {len(blind.b)} seeds.{of_both}"
    )


def describe_far_lengths(table: pd.DataFrame) -> str:
    """Without an encoding, accuracy on `count` far beyond the training length, and the length-only baseline there."""
    part = select_rows(table, task="count", metric="token_accuracy")
    part = part[part["encoding"] == "none"]
    if part.empty:
        return ""
    part = select_rows(part, sweep="none", **ENCODER)
    part = part[part["test_length"] > 2 * part["train_length"]]
    if part.empty:
        return ""
    means = part.groupby("test_length")[["value", "length_baseline"]].mean()
    n = part["train_length"].iloc[0]
    lengths = [
        f"{show(row['value'])} at {length / n:g} N (length-only baseline {show(row['length_baseline'])})"
        for length, row in means.iterrows()
    ]
    below = (
        "It does not count without end either" if (means["value"] < means["length_baseline"]).all() else "It counts on"
    )
    cap = f"Answers stop at {Count.cap}, which training hardly met and nearly all of the longest inputs have."
    is_capped = means["length_baseline"].iloc[-1] > CAPPED
    text = f"{below}: without an encoding, accuracy on `count` is {', '.join(lengths)}."
    return f"{text} {cap}" if is_capped else text
