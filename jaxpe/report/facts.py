"""Numbers of the article beyond those of `brief`: each function gives the values of one sentence, or None where they are missing.

`holds` says whether the opening words of a sentence follow from its numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd

from jaxpe.analysis.effects import SOLVED, compare_samplers, compare_speed
from jaxpe.analysis.objectives import PAIRS, TEXT_PAIR, UNITS
from jaxpe.analysis.sums import WIDTH
from jaxpe.figures.randomized import average_lengths
from jaxpe.report.answers.superposition import select_width
from jaxpe.report.brief import CLEARLY, ENCODER, Values, compute_mean, format_percents, is_complete, read_stored
from jaxpe.report.claims import Entry, Key
from jaxpe.report.guide import CHANGES
from jaxpe.report.recommendations import LONGER, average_encodings, select_lengths
from jaxpe.report.templates import set_minus
from jaxpe.study.tables import select_rows

BLIND = "order_blind_baseline"


def compute_facts(results: Path, claims: Mapping[Key, Entry], guide: Mapping[str, Any]) -> dict[str, Values | None]:
    """The values of each sentence. `claims` are those of the folder, `guide` is the data of the article's figures."""
    return {
        "pairs": compute_pairs(guide.get("pairs")),
        "swap": compute_swap(read_stored(results / "superposition")),
        "pile": compute_pile(read_stored(results / "superposition"), claims),
        "histogram": compute_histogram(read_stored(results / "harm"), claims),
        "concatenated": compute_concatenated(read_stored(results / "harm"), claims),
        "spaced": compute_spaced(read_stored(results / "harm")),
        "sums": compute_sums(guide.get("sums")),
        "random": compute_random(read_stored(results / "randomized"), claims),
        "models": compute_models(guide.get("models"), claims),
        "text": compute_text(read_stored(results / "extrapolation"), claims),
        "absent": compute_absent(guide.get("models"), read_stored(results / "structure")),
    }


def compute_pairs(pairs: Mapping[str, Any] | None) -> Values | None:
    """Pairs of photographs in which a classifier has both classes, one, or neither among its first guesses."""
    if pairs is None:
        return None
    shares = pairs["shares"]
    sizes = {name: pairs[name] for name in ("pairs", "photographs", "top")} | {"classes": f"{pairs['classes']:,}"}
    return format_percents(shares) | sizes | {"holds": shares["one"] > 0.5}


def compute_swap(table: pd.DataFrame) -> Values | None:
    """How far an encoder's outputs move when two words change places, with an encoding and without.

    And how far those after changing the places' vectors are from them.
    """
    part, tags = (select_rows(table, metric=metric) for metric in ("words_against_original", "tags_against_words"))
    values = {
        "without": compute_mean(part, encoding="none"),
        "with": compute_mean(part, encoding="sinusoidal"),
        "tags": None if tags.empty else float(tags["value"].max()),
    }
    if not is_complete(values):
        return None
    holds = values["without"] < 1e-5 < CLEARLY < values["with"] and values["tags"] < 1e-5
    digits = {"with": 1, "without": 6, "tags": 6}
    return {name: f"{values[name]:.{count}f}" for name, count in digits.items()} | {"holds": bool(holds)}


def compute_pile(table: pd.DataFrame, claims: Mapping[Key, Entry]) -> Values | None:
    """Whether every verse was put back in order from the shuffled sums of its words and positions."""
    entry = claims.get(("superposition", "C7.pile"))
    part = select_rows(table, metric="verses_rebuilt", encoding="sinusoidal")
    if entry is None or entry["effect"] is None or part.empty:
        return None
    part = select_width(part)
    sizes = {"lines": f"{part['n_examples'].iloc[0]:g}", "width": f"{part['width'].iloc[0]:g}"}
    return format_percents({"share": entry["effect"]}) | sizes | {"n": entry["n"], "holds": entry["effect"] == 1}


def compute_histogram(table: pd.DataFrame, claims: Mapping[Key, Entry]) -> Values | None:
    """`histogram` with sinusoids and without, within the training lengths, and the steps to learn it."""
    entry = claims.get(("harm", "C5.histogram-seen-sinusoidal"))
    part = select_rows(table, task="histogram", metric="token_accuracy")
    speed = None if part.empty else compare_speed(table, "histogram")
    if entry is None or speed is None:
        return None
    part = select_rows(part, sweep="none", **ENCODER)
    part = part[part["test_length"] == part["train_length"]]
    values = {
        "with_seen": compute_mean(part, encoding="sinusoidal"),
        "without_seen": compute_mean(part, encoding="none"),
    }
    if not is_complete(values):
        return None
    holds = entry["verdict"] == "helpful" and speed.word == "helpful"
    values["speed"] = 2**speed.estimate.value
    return format_percents(values | {"solved": SOLVED}) | {"n": entry["n"], "holds": holds}


def compute_concatenated(table: pd.DataFrame, claims: Mapping[Key, Entry]) -> Values | None:
    """`count` at twice the training length: without an encoding, with sinusoids concatenated, and with sinusoids added."""
    entry = claims.get(("harm", "C5.add-same-size-count-beyond"))
    part = select_rows(table, task="count", sweep="none", **ENCODER)
    if entry is None or part.empty:
        return None
    part = part[(part["width"] == part["width"].min()) & (part["test_length"] == 2 * part["train_length"])]
    names = {"without": "none", "concatenated": "concatenated", "added": "sinusoidal"}
    values = {name: compute_mean(part, encoding=encoding) for name, encoding in names.items()}
    if not is_complete(values):
        return None
    holds = entry["verdict"] == "harmful" and values["concatenated"] < values["without"] - CLEARLY
    return format_percents(values) | {"n": entry["n"], "holds": holds}


def compute_spaced(table: pd.DataFrame) -> Values | None:
    """`count` at twice the training length with sinusoids at random positions, in training and tests."""
    if "sweep" not in table:
        return None
    pairs = compare_samplers(table, "count")
    if not len(pairs.a):
        return None
    holds = pairs.a.mean() - pairs.b.mean() > CLEARLY
    return format_percents({"spaced": pairs.a.mean()}) | {"n": len(pairs.a), "holds": holds}


def compute_sums(sums: Mapping[str, Any] | None) -> Values | None:
    """Both parts of a sum named before and after training on sums: two digits, one of ten known digits, a token's position."""
    if sums is None:
        return None
    rows = {name: shares for name, *shares in sums["rows"]}
    if not {"digit + digit", "digit + fixed digit", "token + position"} <= set(rows):
        return None
    (never, trained, _), (word_never, word_trained, _) = rows["digit + digit"], rows["token + position"]
    shares = {"never": never, "trained": trained, "word_never": word_never, "word_trained": word_trained}
    holds = min(trained - never, word_trained - word_never) > CLEARLY
    return format_percents(shares | {"fixed": rows["digit + fixed digit"][1]}) | {
        "n": sums["seeds"],
        "width": WIDTH,
        "holds": holds,
    }


def compute_random(table: pd.DataFrame, claims: Mapping[Key, Entry]) -> Values | None:
    """What positions drawn at random add beyond the training length, and what they cost within it."""
    gain, price = (claims.get(("randomized", name)) for name in ("C12", "C12.price"))
    if gain is None or price is None or table.empty:
        return None
    values = {"gain": gain["effect"], "low": gain["low"], "high": gain["high"]}
    changes = values | {"price": None if price["effect"] is None else -price["effect"]}
    if not is_complete(changes):
        return None
    points = {name: set_minus(f"{100 * value:+.1f}") for name, value in changes.items()}
    beyond = average_lengths(table)
    means = beyond.groupby("variant")["value"].mean()
    over = {name: beyond[column].nunique() for name, column in (("tasks", "task"), ("encodings", "encoding"))}
    blind = select_rows(average_lengths(table, column=BLIND), variant="randomized")[BLIND].mean()
    shares = format_percents({name: means[name] for name in ("plain", "randomized")} | {"blind": float(blind)})
    over |= {"length": f"{table['train_length'].max():g}"}
    gains = beyond.pivot_table(values="value", index="task", columns="variant")
    gains = (gains["randomized"] - gains["plain"]).sort_values()
    over |= {"task": gains.index[-1], "share": f"{100 * gains.iloc[-1] / gains.sum():.0f}"}
    return points | shares | over | {"n": gain["n"], "holds": gain["verdict"] == "supported" and price["effect"] > 0}


def compute_models(models: Mapping[str, Any] | None, claims: Mapping[Key, Entry]) -> Values | None:
    """Bits per character that both kinds of models of text lose, and the verdict on their difference."""
    claim = claims.get(("structure", "C4"))
    if models is None or claim is None or len(models["rows"]) < 2:
        return None
    bits = {
        f"{one['task']}_{name}": cost
        for one in models["rows"]
        for name, cost in zip(("shift", "shuffle"), one["costs"], strict=True)
    }
    holds = all(bits[f"{task}_shuffle"] > 2 * bits[f"{task}_shift"] for task in TEXT_PAIR)
    shown = {name: f"{value:.2f}" for name, value in bits.items()}
    facts = {"n": models["rows"][0]["seeds"], "verdict": claim["verdict"].replace(" ", "_"), "holds": holds}
    four = [claims.get(("structure", f"C4.{pair}-{unit}")) for pair, unit in product(PAIRS, UNITS)]
    above = sum(one is not None and one["verdict"] == "supported" for one in four)
    return shown | facts | {"needed": len(four), "above": above, "judged": claim["n"], "shift": CHANGES["shift"]}


def compute_absent(models: Mapping[str, Any] | None, structure: pd.DataFrame) -> Values | None:
    """Bits per character of GPT-like models without an encoding, and of those with learned positions when neighbours are shuffled.

    At the length at which costs are measured, half of the training length.
    """
    own = next((one for one in (models or {}).get("rows", []) if one["task"] == "causal_lm"), None)
    without = average_encodings(select_text(structure), 0.5).get("none")
    if own is None or without is None:
        return None
    none, n = without
    total = own["bits"] + own["costs"][1]
    holds = total > none > own["bits"]
    return {"none": f"{none:.2f}", "learned": f"{own['bits']:.2f}", "total": f"{total:.2f}", "n": n, "holds": holds}


def select_text(structure: pd.DataFrame) -> pd.DataFrame:
    """The bits per character of decoders that guess the next word of the first corpus, windows packed."""
    where = {"task": "causal_lm", "metric": "bits_per_character", "starts": "packed", "positions": "arange"}
    part = select_rows(structure, **where)
    return part if part.empty else part[part["corpus"] == part["corpus"].iloc[0]]


def compute_text(lengths: pd.DataFrame, claims: Mapping[Key, Entry]) -> Values | None:
    """How much the loss of decoders on text rises from the training length to eight times as long, by encoding."""
    part = select_lengths(lengths)
    short, long = (average_encodings(part, times) for times in (1, LONGER))
    relative = ("rotary", "alibi", "t5")
    names = ("none", "sinusoidal", *relative)
    parts = {name: claims.get(("extrapolation", f"C3.text-{name}")) for name in relative}
    entries = {name: entry for name, entry in parts.items() if entry is not None}
    if any(name not in short or name not in long for name in names) or len(entries) < len(parts):
        return None
    rises = {name: set_minus(f"{long[name][0] - short[name][0]:+.2f}") for name in names}
    n, holds = int(part["train_length"].min()), all(entry["verdict"] == "supported" for entry in entries.values())
    return rises | {"length": n, "longer": LONGER * n, "n": entries["alibi"]["n"], "holds": holds}
