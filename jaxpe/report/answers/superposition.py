"""The answer of the experiment `superposition`: what is left of two signals that were added."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from jaxpe.analysis.sums import TOKENS
from jaxpe.analysis.superposition import PRETRAINED, SINGLE, SUMS
from jaxpe.data import images
from jaxpe.figures.superposition import describe_alone
from jaxpe.records.claims import Answer, ClaimResult, format_effect
from jaxpe.study import tables

TOP = 12
OPENING = {"contradicted": "Not by the sum alone", "supported": "Yes"}  # by the verdict of C7


def answer(table: pd.DataFrame, results: dict[str, ClaimResult]) -> Answer:
    """One sentence with its conditions, and a paragraph with a sentence for each part."""
    primary = results["C7"]
    piles = [result for name, result in results.items() if name.startswith("C7.pile")]
    parts = [describe_digits(table, primary), describe_positions(table, results)]
    parts += [describe_photographs(table, results["C7.photographs"]), describe_watermark(table)]
    parts += [describe_founding(result) for name, result in results.items() if name.startswith("C7.founding")]
    parts += [describe_pile(table, result) for result in piles]
    single, summed = (mean_share(table, parts="digit + digit", reader=reader) for reader in (SINGLE, SUMS))
    conditions = ["on that training"]
    conditions += [f"on the noise in the sum ({limit})" for limit in [describe_noise_limit(table, piles)] if limit]
    conditions += [f"on the weight of what is added ({best})" for best in [describe_best_weights(table)] if best]
    short = (
        f"{OPENING.get(primary.verdict, 'Undecided')}: a reader never shown sums names both of two added digits in "
        f"{single:.2f} of the sums, one trained on sums in {summed:.2f} (difference: {format_effect(primary)}); "
        f"it depends {', '.join(conditions)}."
    )
    return Answer("panda", " ".join(part for part in parts if part), "bridge", short)


def mean_share(table: pd.DataFrame, **columns: str) -> float:
    """The mean share of sums with both parts named."""
    return float(tables.select_rows(table, metric="both_named", **columns)["value"].mean())


def describe_digits(table: pd.DataFrame, primary: ClaimResult) -> str:
    single, summed = (mean_share(table, parts="digit + digit", reader=reader) for reader in (SINGLE, SUMS))
    lost, gained = 100 * (1 - single), 100 * (summed - single)
    return (
        f"Two digits: a reader that never saw sums names both in {single:.2f} of the sums; training on sums recovers "
        f"{gained:z.0f} of the {lost:.0f} points lost ({primary.verdict}: {format_effect(primary)})."
    )


def describe_positions(table: pd.DataFrame, results: dict[str, ClaimResult]) -> str:
    """Token and position, for every encoding that was added."""
    sentences = []
    encodings = dict.fromkeys(tables.select_rows(table, metric="both_named", parts=TOKENS)["encoding"])
    for i, encoding in enumerate(encodings):
        result = results[f"C7.position-{encoding.lower()}" if i else "C7.position"]
        single, summed = (mean_share(table, parts=TOKENS, encoding=encoding, reader=name) for name in (SINGLE, SUMS))
        sentences.append(
            f"A token and its position ({encoding}): {single:.2f} never shown sums, {summed:.2f} trained on sums "
            f"({result.verdict}: {format_effect(result)})."
        )
    return " ".join(sentences)


def describe_photographs(table: pd.DataFrame, result: ClaimResult) -> str:
    """In how many pairs a classifier sees neither of two photographs, and in how many one of them first."""
    share = result.estimate
    if share is None:
        return ""
    interval = "" if share.low is None or share.high is None else f"{share.low:.2f} to {share.high:.2f}, "
    return (
        f"Two photographs: a real classifier has neither in its top {TOP} in {share.value:.2f} of the pairs ({interval}"
        f"n = {share.n} photographs); that this is what usually happens: {result.verdict}. {describe_first_guess(table)}"
    )


def describe_first_guess(table: pd.DataFrame) -> str:
    """How often one of two evenly mixed photographs is the first guess, and whether a panda and a banana were among them."""
    pairs = tables.select_rows(table, metric="better_rank", weighting="mean")
    labels = {images.PANDA, images.BANANA}
    together = (pairs["label_first"].isin(labels) & pairs["label_second"].isin(labels)).any()
    case = (
        ""
        if together
        else f" No pair is of a panda and a banana (ImageNet classes {images.PANDA} and {images.BANANA})."
    )
    return f"One of the two is the first guess in {(pairs['value'] == 1).mean():.2f} of the {len(pairs)} pairs.{case}"


def describe_founding(result: ClaimResult) -> str:
    """What became of the panda and the banana, with the ranks of both classes."""
    return f"{result.statement.rstrip('.')}: {result.verdict}. {result.note}"


def describe_photographs_claim(alone: pd.Series, pairs: int, cases: pd.DataFrame) -> str:
    """The note of C7.photographs. `cases`: the pairs of a panda and a banana."""
    note = (
        f"EfficientNet-Lite0 in place of ResNet50; alone, {describe_alone(alone)}. {pairs} pairs share photographs: "
        "interval by jackknife, n counts photographs."
    )
    ranks = [
        f"{int(case.label_first)}: {int(case.rank_first)}, {int(case.label_second)}: {int(case.rank_second)}"
        for case in cases.itertuples()
    ]
    return note + (f" Panda (388) and banana (954), one of these pairs: ranks {'; '.join(ranks)}." if ranks else "")


def describe_watermark_claim(table: pd.DataFrame, weight: float) -> str:
    """The note of C7.watermark: the same on photographs, if they were measured."""
    part = tables.select_rows(table, task="photographs", metric="both_survive", weight=weight)
    means = part.groupby("added")["value"].mean()
    if not len(means):
        return ""
    return f"Photographs: {means['fixed pattern']:.3f} compared with {means['second image']:.3f}."


def describe_best_weights(table: pd.DataFrame) -> str:
    """The weights at which a digit and the added part are most often both read."""
    best = []
    for kind, rows in tables.select_rows(table, task="digits", metric="both_survive").groupby("added"):
        means = rows.groupby("weight")["value"].mean()
        best.append(f"{kind} {means.max():.2f} at weight {means.idxmax():g}")
    return f"both read at best: {', '.join(best)}" if best else ""


def describe_watermark(table: pd.DataFrame) -> str:
    """What a faint pattern costs a photograph, compared with a second photograph."""
    part = tables.select_rows(table, task="photographs", metric="picture_named")
    if not len(part):
        return ""
    means = part.groupby(["added", "weight"])["value"].mean()
    weights = ", ".join(
        f"{means['fixed pattern', w]:.2f} and {means['second image', w]:.2f} at weight {w:g}"
        for w in (0.05, 0.2, 0.3)
        if ("fixed pattern", w) in means.index
    )
    alone = f"{means['fixed pattern', 0.0]:.2f} alone; with a fixed pattern and with a second photograph added"
    return f"Photographs named by the classifier: {alone} {weights}." if weights else ""


def describe_pile(table: pd.DataFrame, result: ClaimResult) -> str:
    """The pile, and what noise does to it."""
    encoding = find_encoding_of_pile(table, result)
    means = average_by_noise(table, encoding)
    shares = ", ".join(f"{share:.2f} at noise {noise:g}" for noise, share in means.items() if noise > 0)
    whose = "of a published model (MiniLM-L6)" if encoding == PRETRAINED else f"({encoding})"
    return (
        f"A shuffled pile of word-plus-position vectors {whose}: {means[0.0]:.0%} of the verses are put in order again "
        f"without an error ({result.verdict}, n = {result.n}); with noise, as a share of a word's size, {shares}."
    )


def find_encoding_of_pile(table: pd.DataFrame, result: ClaimResult) -> str:
    names: dict[str, None] = dict.fromkeys(tables.select_rows(table, metric="verses_rebuilt")["encoding"])
    return next((name for name in names if result.id == f"C7.pile-{name.lower()}"), next(iter(names)))


def average_by_noise(table: pd.DataFrame, encoding: str) -> pd.Series:
    """Share of verses rebuilt, by noise, at width 64 if it was measured."""
    part = select_width(tables.select_rows(table, metric="verses_rebuilt", encoding=encoding))
    return part.groupby("noise")["value"].mean()


def select_width(part: pd.DataFrame) -> pd.DataFrame:
    """The rows of width 64, or of the largest width measured."""
    return tables.select_rows(part, width=64 if 64 in set(part["width"]) else part["width"].max())


def describe_noise_limit(table: pd.DataFrame, piles: Sequence[ClaimResult]) -> str:
    """Up to which noise 95 % of the verses are put in order again; '' if not even without noise."""
    means = {
        name: average_by_noise(table, name) for name in dict.fromkeys(find_encoding_of_pile(table, p) for p in piles)
    }
    limits = [f"{m.index[m >= 0.95].max():g} ({name})" for name, m in means.items() if m.max() >= 0.95]
    if not limits:
        return ""
    return f"0.95 of the verses of word + position are sorted again up to, of a word's size, {', '.join(limits)}"
