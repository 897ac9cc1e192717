"""The answers and the summary of the experiment `extraction`: who reads position from token + position, and what is left inside."""

from __future__ import annotations

import numpy as np
import pandas as pd

from jaxpe.analysis import readers
from jaxpe.records.claims import Answer, ClaimResult, format_effect
from jaxpe.study import tables
from jaxpe.study.tables import format_number

PRIMARY = {"task": "reverse", "architecture": "encoder", "positions": "arange"}  # the cell of the claims
OPENINGS = {"supported": "Yes", "contradicted": "No", "undecided": "Undecided"}
READERS = {
    "position table": "a reader that knows only the position table gets",
    "neither": "a linear reader that was trained without knowing either table gets",
}


def find_primary_encoding(table: pd.DataFrame) -> str | None:
    """`learned`, or where it was not run the first encoding of the cell whose rows differ between positions."""
    rms = tables.select_rows(table, **PRIMARY, metric="code_rms")
    adding = list(dict.fromkeys(rms["encoding"][rms["value"] > 0]))
    return "learned" if "learned" in adding else next(iter(adding), None)


def answer(table: pd.DataFrame, results: dict[str, ClaimResult]) -> list[Answer]:
    """Who reads position from the raw sum; and what is left of it after the last layer of a trained model."""
    both, encoding = results.get("C6"), find_primary_encoding(table)
    if both is None or both.estimate is None or encoding is None:
        short = "Undecided: this run has no encoder that reverses a sequence and adds a position code to its tokens."
        return [Answer("extract", "", "readers", short)]
    estimate = both.estimate
    share = f"{estimate.value:.0%} of the trained models"
    if estimate.low is not None and estimate.high is not None:
        share += f" ({estimate.low:.0%} to {estimate.high:.0%}, n = {estimate.n})"
    short = (
        f"{OPENINGS[both.verdict]}: a reader that knows both tables recovers every token and position from their sum without "
        f"an error in {share}, {encoding}."
    )
    runs = tables.select_rows(table, **PRIMARY)
    text = f"{describe_readers(runs, encoding)} {describe_widths(table)}".strip()
    rows = tables.select_rows(runs, encoding=encoding)
    return [Answer("extract", text, "readers", short), *answer_inside(rows, results)]


def answer_inside(rows: pd.DataFrame, results: dict[str, ClaimResult]) -> list[Answer]:
    """What is left of position at the answers, after the last layer of a trained model."""
    layer = int(rows["layer"].max())
    position, symbol = (results.get(f"C6.{part}-share-layer{layer}") for part in ("position", "answer"))
    if position is None or symbol is None:
        return []
    words = {"supported": "more", "contradicted": "less", "undecided": "not clearly more or less"}
    short = (
        f"After the last layer, position explains {words[position.verdict]} of the state at the answers than in the "
        f"untrained network, {format_effect(position)}; the answer explains {words[symbol.verdict]}, {format_effect(symbol)}."
    )
    figure = f"mixing_{PRIMARY['task']}_{PRIMARY['architecture']}"
    return [Answer("extract", describe_depth(rows), figure, short)]


def describe_readers(runs: pd.DataFrame, encoding: str) -> str:
    """What readers with less knowledge get from the tables of trained models. `runs`: rows of the primary cell."""
    sentences = []
    for reader, words in READERS.items():
        shares = {
            name: average_value(runs, encoding=name, metric="recovery", signal="float32", reader=reader)
            for name in dict.fromkeys((encoding, "sinusoidal"))
        }
        numbers = ", ".join(f"{share:.3f} ({name})" for name, share in shares.items() if not np.isnan(share))
        sentences.append(f"{words} {numbers}")
    rows = tables.select_rows(runs, encoding=encoding)
    size = f"width {rows['width'].max():g}, {average_value(rows, metric='position_rows'):.0f} positions"
    return f"It depends on the reader. Of the positions of trained models ({size}), {'; '.join(sentences)}."


def describe_widths(table: pd.DataFrame) -> str:
    """What width and noise change, on untrained tables; '' where there are none."""
    recovery = tables.select_rows(table, task=readers.RAW_SUM, metric="recovery")
    kinds = [kind for kind in ("sinusoids", "random rows") if (recovery["encoding"] == kind).any()]
    by_width, by_noise = [], []
    for kind in kinds:
        rows = tables.select_rows(recovery, encoding=kind)
        plain = tables.select_rows(rows, signal="float32", reader="position table")
        means = plain.groupby("width")["value"].mean()
        first, last = (
            f"{share:.2f} at width {width:g}" for width, share in (*means.head(1).items(), *means.tail(1).items())
        )
        by_width.append(f"{first} and {last} for {kind}")
        noisy = tables.select_rows(rows, signal="noise 1", width=readers.NOISE_WIDTH)
        by_noise += [f"{noisy['value'].mean():.2f} for {kind}"] if len(noisy) else []
    sentences = []
    if by_width:
        text = f"It depends on the width: of {readers.POSITIONS} positions in untrained tables, a reader that knows only the"
        sentences.append(f"{text} position table gets {', '.join(by_width)}.")
    if by_noise:
        text = f"It depends on noise: when noise is as large as the position (width {readers.NOISE_WIDTH}), a reader that knows"
        sentences.append(f"{text} both tables gets {', '.join(by_noise)}.")
    return " ".join(sentences)


def describe_depth(rows: pd.DataFrame) -> str:
    """The shares of the variance after every layer, and what a probe still reads. `rows`: one encoding, primary cell."""
    layers = range(int(rows["layer"].max()) + 1)
    trained = tables.select_rows(rows, network="trained")

    def list_layers(**columns: str) -> str:
        return ", ".join(f"{average_value(trained, **columns, layer=layer):.2f}" for layer in layers)

    share = {"metric": "variance_share"}
    position, end, answer = (
        list_layers(**share, places="answers", part=part) for part in ("position", "end", "answer")
    )
    error = list_layers(metric="probe_error", places="answers", target="position")
    return (
        f"It depends on the depth. After layers 0 to {layers[-1]} of a trained model (reverse), position alone explains "
        f"{position} of the variance at the answers, the distance to the end {end} on top of it, and the answer {answer}. A "
        f"small share of the variance can still be read: a linear probe of position has an error of {error} of chance there. "
        "It also depends on the place: at the input, whose last state feeds nothing, position alone explains "
        f"{list_layers(**share, places='input', part='position')}."
    )


def average_value(table: pd.DataFrame, **columns: object) -> float:
    """The mean of the selected rows; NaN where there are none."""
    return float(tables.select_rows(table, **columns)["value"].mean())


def summarize(table: pd.DataFrame) -> tuple[str, list[dict[str, str]]]:
    """Where position can be read, by whom, and what its use is worth: means over seeds."""
    rows, runs = [], table[table["task"] != readers.RAW_SUM]
    for names, part in runs.groupby(["task", "architecture", "encoding", "positions"], sort=False):
        row = dict(zip(("task", "architecture", "encoding", "positions in training"), names, strict=True))
        row["seeds"] = str(part["seed"].nunique())
        for reader in readers.READERS[:3]:
            share = average_value(part, metric="recovery", reader=reader, signal="float32")
            row[f"raw sum, knows {reader}"] = format_number(share)
        for layer in range(int(part["layer"].max()) + 1):
            probe = {"metric": "probe_error", "network": "trained", "layer": layer, "places": "all"}
            seen, new = (average_value(part, **probe, target=target) for target in ("position", "new_random"))
            row[f"position, layer {layer} (new positions)"] = f"{format_number(seen)} ({format_number(new)})"
        accuracy, without = (
            average_value(part, metric="token_accuracy", part=removed) for removed in ("nothing", "all with position")
        )
        row["accuracy (no position in first logits)"] = f"{format_number(accuracy)} ({format_number(without)})"
        rows.append(row)
    title = (
        "Who reads position: share read correctly from the raw sum; probe error as a share of chance after each layer"
    )
    return title, rows
