"""Do two signals that are added destroy each other? Why can a position be read from a sum, but not a photographed banana?

Measured: the question began with the photographs of a panda and a banana. Of their sum, ResNet50 had neither class among its
first twelve. Here small readers of handwritten digits name both digits of a sum: one that never saw sums, one trained on
sums, and one trained on sums whose second part is one of ten fixed digits of the same weight, energy and class count. The
same is measured for a digit with a fixed pattern and for a token with its position. If `jaxpe fetch efficientnet photographs
panda banana` was run, all pairs of photographs are added for an ImageNet classifier (EfficientNet-Lite0 in place of ResNet50);
`--photographs DIR` adds photographs NAME_CLASS.jpg of your own. Three demonstrations: a faint fixed pattern instead of the
second image; a sentence shuffled as a pile of sums and sorted again (also with the tables of a pretrained encoder, if `jaxpe
fetch minilm` was run); position rows swapped instead of words.

Predicted: the reader that never saw sums names both digits in a third of the pairs (chance 1 in 45), the one trained on sums
in 70 %, the one that knows the second part in 90 %: the sum holds both, the reader is at fault. Photographs: one of the two
comes first in 60 % of the pairs, both are in the top 12 in 40 %, neither in 15 %, so panda and banana were an unlucky draw. A
faint pattern at weight 0.2 leaves the picture named as before and is always read back. Token and position lie in unrelated
subspaces and are named even by a reader that never saw sums (90 %). Every pile without noise is rebuilt at every width; with
the vectors of MiniLM-L6 all but one in twenty are, since its position rows are small next to its words. Swapping tags equals
swapping words to 1e-5. An encoding that adds nothing leaves nothing to read.

Decided by: C7 on digits, over paired seeds: the share of sums with both digits named, never shown sums minus trained on sums.
Supported if training on sums gains less than 5 points and fewer than half of the pairs are named (then the sum itself has
lost them), contradicted if it gains more. C7.fixed: known second part minus any, above 0. C7.position: token + position,
trained on sums minus never shown sums, above 0. C7.photographs: share of pairs, equally weighted, with neither class in the
top 12, above one half. C7.founding: the same of panda and banana alone. C7.watermark: digits at weight 0.3, picture named and
the other part read back, pattern minus second image, above 0. C7.pile: width 64, no noise, share of seeds that rebuild every
verse, above one half. C7.tag: largest difference below 1e-5. After short pilots three things were fixed: 64 tokens and
positions (with ten of each neither reader generalizes), the form of C7.position, and the weight 0.3 (from photographs, before
any digit was watermarked).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd

from jaxpe import cli
from jaxpe.analysis import superposition as measurements
from jaxpe.analysis.photographs import SYMMETRIC, estimate_over_photographs, list_founding_sums, select_founding_pairs
from jaxpe.analysis.sums import TOKENS
from jaxpe.analysis.superposition import FETCH, PRETRAINED, READERS, SINGLE, SUMS
from jaxpe.data import cache
from jaxpe.figures import superposition as figures_of
from jaxpe.records.claims import Answer, Claim, ClaimResult, Text
from jaxpe.records.statistics import Estimate, estimate_difference, estimate_solved_share, judge_direction
from jaxpe.report.answers import superposition as sentences
from jaxpe.report.answers.parts import add_parts
from jaxpe.study import grids, tables
from jaxpe.study.presets import Preset
from jaxpe.study.tables import TableRow
from jaxpe.study.workspace import Run, Workspace


@dataclass(frozen=True)
class Options:
    """What this experiment takes besides a preset."""

    photographs: Path | None = None
    """Folder of your own photographs, named NAME_CLASS.jpg as panda_388.jpg (CLASS: ImageNet class, 0 to 999); needs `jaxpe fetch efficientnet`."""


OPTIONS = Options
PRESET_FIELDS = ("encodings", "seeds", "examples", "width", "steps", "batch", "learning_rate", "corpus", "text_column", "tokenizer", "vocabulary")  # fmt: skip
# examples: digits tested; a tenth as many photographs and a 32nd as many verses at most. width: of the readers' hidden layers.
PRESETS = {
    "smoke": Preset((), seeds=1, steps=40, batch=32, examples=32, width=32),
    "quick": Preset((), seeds=6, steps=600, examples=300, width=128),
    "standard": Preset((), seeds=10, steps=3000, examples=597, width=128),
    "full": Preset((), seeds=30, steps=10_000, examples=597, width=256),
}
TOP, GAIN, WEIGHT = 12, 0.05, 0.3  # of C7.photographs, C7 and C7.watermark
declare_part = partial(Claim, question="panda", family="C7")
DESTROYED = Claim(
    "C7",
    "Two added signals destroy each other: training on sums does not bring both digits back (never shown minus trained).",
    "share",
    cell="both of two added digits named, never shown sums minus trained on sums: interval above -0.05, below half named",
    question="panda",
    figure="digits",
    family="primary",
    title=Text(
        "Two pictures that are simply added destroy each other: not even training on sums helps to tell both",
        "単に足し合わせた二つの画像は壊れてしまい、和で学習しても両方はわからない",
    ),
    effect=Text(
        "share of sums with both parts named, by a classifier that was never shown sums minus one trained on sums",
        "両方を言い当てた割合、和を見たことのない分類器 − 和で学習した分類器",
    ),
)
FIXED = declare_part(
    "C7.fixed",
    "Knowing the second part (one of ten fixed digits) helps to name both parts of a sum (minus: any second digit).",
    "share",
    figure="digits",
)
POSITION = declare_part(
    "C7.position{suffix}",
    "A token and its position ({encoding}) survive addition for a reader trained on sums (minus: never shown sums).",
    "share",
    figure="bridge",
)
PHOTOGRAPHS = declare_part(
    "C7.photographs",
    f"Of two photographs, equally weighted, usually neither class is in the top {TOP} of an ImageNet classifier.",
    "share of pairs",
    figure="photographs",
)
FOUNDING = declare_part(
    "C7.founding{suffix}",
    f"Of a panda and a banana, {{how}}, neither class is in the top {TOP} of an ImageNet classifier.",
    f"classes in the top {TOP}",
    figure="photographs",
)
WATERMARK = declare_part(
    "C7.watermark",
    f"At weight {WEIGHT} picture and added part are both read more often with a fixed pattern than with a second image.",
    "share",
    figure="watermark",
)
PILE = declare_part(
    "C7.pile{suffix}",
    "From the shuffled sums of words and positions {whose} every verse is rebuilt exactly (width {width:g}, no noise).",
    "share of seeds",
    figure="shuffled_pile",
)
TAG = declare_part(
    "C7.tag",
    "Swapping the position tags of two words equals swapping the words: largest difference of any output below 1e-5.",
    "absolute difference",
    figure="move_the_tag",
)
CLAIMS = (DESTROYED, FIXED, POSITION, PHOTOGRAPHS, FOUNDING, WATERMARK, PILE, TAG)


def check(preset: Preset) -> None:
    """Refuses a folder of photographs that cannot be used, before anything is trained. Raises UserError."""
    folder = select_folder(preset)
    if folder is not None:
        measurements.list_photographs(folder)
        cache.fetched_path("efficientnet")


def select_folder(preset: Preset) -> Path | None:
    return preset.options.photographs if isinstance(preset.options, Options) else None


def measure(work: Workspace, runs: list[Run], preset: Preset) -> list[TableRow]:
    """All parts, one after the other."""
    parts = {
        "photographs": measurements.measure_photographs(work, preset, select_folder(preset)),
        "readers of sums": measurements.measure_readers(preset, work),
        "the shuffled pile": measurements.measure_pile(preset, work),
        "swapped tags": measurements.measure_tags(preset, (*grids.SEVEN, "rotary", "alibi", "t5")),
    }
    rows = []
    for name, part in parts.items():
        work.reporter.note(name)
        rows += list(part)
    return rows


figures = figures_of.draw_all


def claims(table: pd.DataFrame) -> list[ClaimResult]:
    """C7 on digits, and its parts."""
    both = {"metric": "both_named"}
    sums_of_fixed = both | {"parts": "digit + fixed digit", "reader": SUMS}
    sums_of_digits = both | {"parts": "digit + digit", "reader": SUMS}
    survive = {"task": "digits", "metric": "both_survive", "weight": WEIGHT}
    pattern, image = (survive | {"added": kind} for kind in ("fixed pattern", "second image"))
    results = [
        judge_digits(table),
        judge_with_means(FIXED, table, sums_of_fixed, sums_of_digits),
        *[judge_position(table, encoding, suffix) for encoding, suffix in list_encodings(table, parts=TOKENS, **both)],
        judge_photographs(table),
        *judge_founding(table),
        judge_with_means(WATERMARK, table, pattern, image, sentences.describe_watermark_claim(table, WEIGHT)),
        *[judge_pile(table, encoding, suffix) for encoding, suffix in list_encodings(table, metric="verses_rebuilt")],
        judge_tag(table),
    ]
    return add_parts(results)


def list_encodings(table: pd.DataFrame, **columns: str) -> list[tuple[str, str]]:
    """The encodings of the selected rows with the suffix of their claims: none for the first one."""
    names = dict.fromkeys(tables.select_rows(table, **columns)["encoding"])
    suffixes = ["" if i == 0 and name != PRETRAINED else f"-{name.lower()}" for i, name in enumerate(names)]
    return list(zip(names, suffixes, strict=True))


def judge_with_means(
    claim: Claim,
    table: pd.DataFrame,
    first: Mapping[str, object],
    second: Mapping[str, object],
    note: str = "",
    **fields: str,
) -> ClaimResult:
    """The first selection minus the second over paired seeds, above 0."""
    a, b = tables.pair_seeds(table, first, second)
    difference = estimate_difference(a, b)
    means = f"{a.mean():.3f} compared with {b.mean():.3f}."
    return claim.make_result(judge_direction(difference), difference, f"{means} {note}", **fields)


def judge_digits(table: pd.DataFrame) -> ClaimResult:
    """The primary cell. A small gain from training on sums means a loss only if few pairs are named at all."""
    where = {"metric": "both_named", "parts": "digit + digit"}
    never, trained = tables.pair_seeds(table, where | {"reader": SINGLE}, where | {"reader": SUMS})
    difference = estimate_difference(never, trained)
    verdict = judge_direction(difference, -GAIN)
    if verdict == "supported" and trained.mean() >= 0.5:
        verdict = "contradicted"
    chance = float(tables.select_rows(table, **where)["length_baseline"].iloc[0])
    note = (
        f"Both named: {never.mean():.3f} never shown sums, {trained.mean():.3f} trained on sums, chance {chance:.3f}."
    )
    return DESTROYED.make_result(verdict, difference, note)


def judge_position(table: pd.DataFrame, encoding: str, suffix: str) -> ClaimResult:
    where = {"metric": "both_named", "parts": TOKENS, "encoding": encoding}
    note = "Tested on sums of a token and a position that were never trained together."
    first, second = where | {"reader": SUMS}, where | {"reader": SINGLE}
    return judge_with_means(POSITION, table, first, second, note, encoding=encoding, suffix=suffix)


def judge_photographs(table: pd.DataFrame) -> ClaimResult:
    """Is the outcome of the question, neither class in the top 12, what usually happens?"""
    part = tables.select_rows(table, metric="better_rank")
    if not len(part):
        return PHOTOGRAPHS.make_result("undecided", None, f"Not run: {FETCH}.")
    pairs = tables.select_rows(part, weighting="mean")
    share = estimate_over_photographs(pairs["first"], pairs["second"], pairs["value"] > TOP)
    alone = tables.select_rows(table, metric="rank_alone")["value"]
    cases = tables.select_rows(select_founding_pairs(part), weighting="mean")
    verdict = judge_direction(share, 0.5) if figures_of.recognizes(alone) else "undecided"
    return PHOTOGRAPHS.make_result(verdict, share, sentences.describe_photographs_claim(alone, len(pairs), cases))


def judge_founding(table: pd.DataFrame) -> list[ClaimResult]:
    """The panda and the banana of the question, averaged and added. Empty where one of them was not measured."""
    results = []
    for total in list_founding_sums(table, TOP):
        suffix = "" if total.weighting == "mean" else f"-{total.weighting.replace(' ', '-')}"
        seen = Estimate(total.seen, None, None, total.pairs)
        fields = {"suffix": suffix, "how": SYMMETRIC[total.weighting]}
        results.append(FOUNDING.make_result(total.verdict, seen, total.note, **fields))
    return results


def judge_pile(table: pd.DataFrame, encoding: str, suffix: str) -> ClaimResult:
    """The share of seeds that rebuild every verse at width 64 (or at the largest width measured)."""
    part = sentences.select_width(tables.select_rows(table, metric="verses_rebuilt", noise=0.0, encoding=encoding))
    share = estimate_solved_share(tables.average_by_seed(part), 1.0)
    whose = "of the pretrained MiniLM-L6" if encoding == PRETRAINED else f"({encoding})"
    note = f"{part['value'].mean():.3f} of the verses, {int(part['n_examples'].iloc[0])} a seed."
    fields = {"whose": whose, "width": part["width"].iloc[0], "suffix": suffix}
    return PILE.make_result(judge_direction(share, 0.5), share, note, **fields)


def judge_tag(table: pd.DataFrame) -> ClaimResult:
    """An identity up to rounding: the largest difference over encodings and seeds. Undecided if words have no order."""
    part = tables.select_rows(table, metric="tags_against_words")
    worst, count = float(part["value"].max()), part["encoding"].nunique()
    ordinary = float(tables.select_rows(table, metric="words_against_original")["value"].max())
    note = f"{count} encodings; swapping the words changes outputs by up to {ordinary:.2g}."
    verdict = "contradicted" if worst >= 1e-5 else "supported" if ordinary > 1e-3 else "undecided"
    return TAG.make_result(verdict, Estimate(worst, None, None, part["seed"].nunique()), note)


def answers(table: pd.DataFrame, results: dict[str, ClaimResult]) -> list[Answer]:
    """The founding experiment, in the words of the verdicts."""
    return [sentences.answer(table, results)]


def summary(table: pd.DataFrame) -> tuple[str, list[dict[str, str]]]:
    """A row for each kind of sum: overlap, and both parts named by either reader."""
    rows = []
    named = tables.select_rows(table, metric="both_named")
    for name, encoding in dict.fromkeys(zip(named["parts"], named["encoding"].fillna(""), strict=True)):
        where = {"parts": name} | ({"encoding": encoding} if encoding else {})
        overlap = float(tables.select_rows(table, metric="subspace_overlap", **where)["value"].mean())
        chance = float(tables.select_rows(named, **where)["length_baseline"].iloc[0])
        read = {reader: tables.format_number(sentences.mean_share(table, reader=reader, **where)) for reader in READERS}
        what = f"{name} ({encoding})" if encoding else name
        shown = {"sum of": what, "overlap of subspaces": tables.format_number(overlap)}
        rows.append(shown | read | {"chance": f"{chance:.2g}"})
    return "Both parts of a sum named, by readers never shown sums and trained on sums", rows


if __name__ == "__main__":
    cli.script(__file__)
