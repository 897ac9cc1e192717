"""Findings with their numbers, as Markdown paragraphs for RESULTS.md. What has no numbers in a results folder is left out."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd

from jaxpe.analysis.effects import Pairs, compare_with_none, judge_effect
from jaxpe.records.claims import format_entry_effect, format_estimate
from jaxpe.report.answers.superposition import describe_first_guess
from jaxpe.report.brief import ENCODER, compute_mean
from jaxpe.report.claims import Entry, Key
from jaxpe.report.markdown import make_table
from jaxpe.study.tables import select_rows

PARTS = {  # of the variance inside a model, as the table names them and in words
    "token": "token",
    "position": "position",
    "end": "distance to the end",
    "answer": "answer",
    "mixed": "mixture",
}
CONTROL = "control:"  # prefix of tables that nobody trained


def describe_claim(claims: Mapping[Key, Entry], experiment: str, name: str) -> str:
    """'+0.312 token accuracy (+0.290 to +0.334, n = 6), supported'; '' where the claim was not run."""
    entry = claims.get((experiment, name))
    if entry is None or entry["effect"] is None:
        return ""
    return f"{format_entry_effect(entry)}, {entry['verdict']}"


def describe_share(claims: Mapping[Key, Entry], experiment: str, name: str) -> str:
    """'0.17 (0.06 to 0.28, n = 21)', for a claim about a share; '' where it was not run."""
    entry = claims.get((experiment, name))
    if entry is None or entry["effect"] is None:
        return ""
    interval = "" if entry["low"] is None else f"{show(entry['low'])} to {show(entry['high'])}, "
    return f"{show(entry['effect'])} ({interval}n = {entry['n']})"


def list_effects(claims: Mapping[Key, Entry], experiment: str, names: Mapping[str, str]) -> str:
    """Effects as a list, each after its name in words; '' where none was run."""
    effects = [(words, describe_claim(claims, experiment, name)) for name, words in names.items()]
    return "\n".join(f"* {words}: {effect}" for words, effect in effects if effect)


def show(value: float | None) -> str:
    """A score with two decimals; a dash where there is none."""
    return "–" if value is None or math.isnan(value) else f"{value:.2f}"


# ── harm and help ───────────────────────────────────────────────────────────────────────────────────────────────────


def describe_concatenation(table: pd.DataFrame, claims: Mapping[Key, Entry]) -> str:
    """`count` at twice the training length, with the position concatenated instead of added."""
    part = select_rows(table, task="count", metric="token_accuracy")
    effect = describe_claim(claims, "harm", "C5.add-same-size-count-beyond")
    if part.empty or not effect:
        return ""
    part = select_rows(part, sweep="none", **ENCODER)
    part = part[part["width"] == part["width"].min()]
    length = 2 * part["train_length"].min()
    added, concatenated, blind = (
        compute_mean(part, encoding=encoding, test_length=length) for encoding in ("sinusoidal", "concatenated", "none")
    )
    pairs = compare_with_none(table, "count", 2, "concatenated")
    lost = f" Concatenating loses too: {describe_effect(pairs)} compared with none." if len(pairs.a) else ""
    return (
        f"At twice the training length, accuracy on `count` is {show(added)} with added sinusoids, {show(concatenated)} with "
        f"sinusoids concatenated, in a quarter of the width of a model of the same size, and {show(blind)} without. Added minus concatenated, "
        f"over paired seeds: {effect}.{lost}"
    )


def describe_effect(pairs: Pairs) -> str:
    """'-0.291 token accuracy (-0.660 to -0.042, n = 6), harmful'."""
    word, estimate = judge_effect(pairs.a, pairs.b, pairs.baseline)
    return f"{format_estimate(estimate, 'token accuracy')}, {word}"


def tabulate_ratios(table: pd.DataFrame) -> str:
    """Accuracy at the training length against the ratio of position to token, by task and width."""
    part = select_rows(table, sweep="ratio", metric="token_accuracy", encoding="sinusoidal")
    if part.empty:
        return ""
    part = part[part["test_length"] == part["train_length"]]
    part = part.assign(ratio=(part["position_factor"] / part["token_factor"]).round(3))
    means = part.groupby(["task", "width", "ratio"])["value"].mean().unstack("ratio")
    seeds = part.groupby(["task", "width", "ratio"])["seed"].nunique()
    columns = ["task", "width", *(f"{ratio:g}" for ratio in means.columns)]
    rows = [[task, f"{width:g}", *(f"{value:.2f}" for value in row)] for (task, width), row in means.iterrows()]
    title = (
        f"Token accuracy at the longest training length ({part['train_length'].iloc[0]:g}) by the ratio of position to "
        f"token (sinusoidal, encoder, {seeds.min()} to {seeds.max()} seeds):"
    )
    return f"{title}\n\n{make_table(columns, rows)}"


def describe_twins(claims: Mapping[Key, Entry]) -> str:
    """Inputs with the same symbols and different answers."""
    effect = describe_claim(claims, "harm", "C8.twins")
    return (
        "Take two inputs with the same symbols and different answers. The share of such pairs with both answers right, "
        f"with sinusoids minus without an encoding: {effect}."
        if effect
        else ""
    )


# ── extraction ──────────────────────────────────────────────────────────────────────────────────────────────────────


def tabulate_layers(table: pd.DataFrame) -> str:
    """What the vectors consist of where an encoder that reverses writes its answer, layer by layer."""
    part = select_rows(table, task="reverse", architecture="encoder", encoding="learned")
    if part.empty:
        return ""
    part = select_rows(part, network="trained", places="answers")
    shares = select_rows(part, metric="variance_share").groupby(["layer", "part"])["value"].mean().unstack("part")
    errors = select_rows(part, metric="probe_error", target="position").groupby("layer")["value"].mean()
    if shares.empty:
        return ""
    names = [name for name in PARTS if name in shares]
    rows = [
        [f"{layer:g}", *(f"{row[name]:.2f}" for name in names), show(errors.get(layer))]
        for layer, row in shares.iterrows()
    ]
    title = (
        "Share of the variance inside an encoder that reverses a sequence (learned positions), where it writes its "
        f"answer, and the error of a probe that reads position, as a share of guessing ({part['seed'].nunique()} seeds):"
    )
    return f"{title}\n\n{make_table(['after layer', *(PARTS[name] for name in names), 'probe error'], rows)}"


def describe_text_probe(table: pd.DataFrame) -> str:
    """How well position is read in a decoder on real text after its last layer."""
    part = select_rows(table, task="causal_lm", architecture="decoder", encoding="learned", metric="probe_error")
    if part.empty:
        return ""
    part = select_rows(part, target="position", network="trained", places="all")
    if part.empty:
        return ""
    layer = part["layer"].max()
    error = compute_mean(part, layer=layer)
    return (
        f"In a decoder on real text (learned positions), a probe reads position after layer {layer:g} with "
        f"{show(error)} of the error of guessing ({part['seed'].nunique()} seeds)."
    )


# ── superposition ───────────────────────────────────────────────────────────────────────────────────────────────────


def describe_sums(table: pd.DataFrame, claims: Mapping[Key, Entry]) -> str:
    """Token and position compared with two digits; photographs; a shuffled pile of verses."""
    sentences = []
    part = select_rows(table, metric="both_named")
    if not part.empty:
        part = select_rows(part, parts="token + position", encoding="sinusoidal")
        never, trained = (compute_mean(part, reader=reader) for reader in ("never shown sums", "trained on sums"))
        sentences.append(
            f"Of a token and its position, both are named in {show(never)} of the sums by a reader that was never shown "
            f"sums and in {show(trained)} by one trained on sums."
        )
    if share := describe_share(claims, "superposition", "C7.photographs"):
        sentences.append(
            "Of two evenly mixed photographs, a classifier trained on ImageNet has neither class among its first twelve "
            f"guesses in {share} of the pairs. {describe_first_guess(table)}"
        )
    for name, words in (("C7.pile", "sinusoidal positions"), ("C7.pile-minilm", "the published model MiniLM-L6")):
        if share := describe_share(claims, "superposition", name):
            sentences.append(
                f"From the shuffled sums of words and positions ({words}), every verse is put back in order without an "
                f"error in {share} of the runs."
            )
    return " ".join(sentences)


# ── structure and published models ──────────────────────────────────────────────────────────────────────────────────

LOCAL_OR_ABSOLUTE = {
    "C4.encoder-local": "encoder, neighbours shuffled minus blocks permuted",
    "C4.decoder-local": "decoder, neighbours shuffled minus blocks permuted",
    "C4.encoder-absolute": "encoder, all positions shifted by 1 and 8 (claimed: above 0.1)",
    "C4.decoder-absolute": "decoder, all positions shifted by 1 and 8 (claimed: above 0.1)",
    "C4.published-share": "causal minus masked LM, all positions shifted by 1 and 8",
    "C4.published-bits": "the same in bits per character",
    "C4.equal-share": "causal minus masked LM, both with a loss on 15 % of the tokens, all positions shifted by 1 and 8",
    "C4.equal-bits": "the same in bits per character",
    "C4.mask": "what causal attention adds to the loss by shifts",
    "C4.objective": "what predicting the next token, instead of masked ones, adds to it",
}


def describe_use(claims: Mapping[Key, Entry]) -> str:
    """What is lost when the positions of trained language models are changed in tests."""
    effects = list_effects(claims, "structure", LOCAL_OR_ABSOLUTE)
    return (
        "Trained models of real text were tested with their positions changed. The loss that a change adds is given as a "
        f"share of the loss that all position information is worth:\n\n{effects}"
        if effects
        else ""
    )


def tabulate_published(table: pd.DataFrame, claims: Mapping[Key, Entry]) -> str:
    """Position tables of published models: a shift as a linear map, and what is read from sums with words."""
    names = [
        name.removeprefix("C1.") for experiment, name in claims if experiment == "pretrained" and name[:3] == "C1."
    ]
    residuals = select_rows(table, metric="shift_residual_1")
    if not names or residuals.empty:
        return ""
    rows = []
    for name in names:
        part = select_rows(residuals, encoding=name)
        own = residuals[residuals["compared_with"] == name]
        controls = [compute_mean(own, encoding=f"{CONTROL}{kind}") for kind in ("gaussian", "smooth")]
        read = claims.get(("pretrained", f"C6.{name}"))
        share = "–" if read is None or read["effect"] is None else f"{show(read['effect'])}, {read['verdict']}"
        overlaps = [
            show(compute_mean(select_rows(table, metric=metric, encoding=name)))
            for metric in ("token_overlap", "token_overlap_random")
        ]
        rows.append([name, show(compute_mean(part)), *map(show, controls), share, " / ".join(overlaps)])
    title = (
        "Position tables of published models, compared with random tables of the same size. A reader that knows both tables reads "
        "sums back; contradicted means that two words share a row, or that it erred. Smooth random rows are near a linear shift "
        "too, so that a small residual shows smoothness, not that a shift was learned. The last column is the overlap of the "
        "directions of positions and of words, and that of random directions:"
    )
    columns = [
        "model",
        "variance that a linear shift by 1 leaves",
        "the same, random rows",
        "the same, smooth random rows",
        "sums read back",
        "overlap / random",
    ]
    return f"{title}\n\n{make_table(columns, rows)}"


def describe_word_order(claims: Mapping[Key, Entry]) -> str:
    """Shuffled words in a published model, with its position table and without."""
    blind, change = (claims.get(("pretrained", f"C9.minilm-{name}")) for name in ("blind", "order"))
    if blind is None or change is None or blind["effect"] is None:
        return ""
    return (
        "How much does the embedding of a verse change (1 − cosine) when its words are shuffled? In MiniLM-L6 without its "
        f"position table by at most {blind['effect']:.0e}; with the table by "
        f"{describe_share(claims, 'pretrained', 'C9.minilm-order')} on average."
    )
