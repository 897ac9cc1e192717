"""Do encoders learn local order and decoders absolute position, and is a shift of a learned table a linear map?

Measured: an encoder with masked LM and a decoder with causal LM, with learned tables, on the same text, with the same
tokenizer, size and steps. Two further objectives change one thing at a time: causal attention with masked tokens, and
next-token prediction with a loss on a random 15 % of the tokens. Each is trained on a packed stream that is cut anywhere,
with positions from 0; with positions from a random start; on windows that begin with a document; and in a second domain. Of
every model: its position table, compared with control tables of the same shape; the loss under shifted, shuffled and permuted
positions (`jaxpe.analysis.use` defines the shares); linear probes after every layer, compared with the untrained network;
what each head does; and the loss by place.

Predicted: on the packed stream with positions from 0, the shift share of the decoder lies above that of the encoder. With
random starts both are near 0, while the probe error of the table stays small. Encoders use local order (local share above
block share), and so do decoders. Windows that begin with a document raise both shift shares, most in the decoder. The second
domain changes none of this. The objective moves the shares more than the mask does. Without encodings, the encoder is at the
order-blind baseline; the causal decoder recovers position in its first layer better than the untrained network (error at most
0.3 of chance), and loses more without the probe's directions than without random ones. Learned tables become smooth:
neighbours are alike, and a linear map explains more of a shift than for Gaussian rows, but far less than for sinusoids. No
head of the encoder is an induction head at this size.

Decided by: C4, what shifts by 1 and 8 cost (`learned`, packed stream, positions from 0, half the training length, the seeds 10
to 19): `causal_lm` minus `masked_lm`, the published pair, and `sampled_causal_lm` minus `masked_lm`, where every token is asked
equally often; each as a share of the value of position and in bits per character. Supported if all four intervals lie above 0,
contradicted if one lies below, undecided where it was not run on these seeds. (Until 2026-11-27 the cell was the share of
`sampled_causal_lm` alone, with a shift by 32 among three: +.274, supported. The published pair has +.012 there, −.040 to +.061,
and by bits the sign turns. Those seeds chose the new cell, so they do not decide it.) Its parts: the four differences; the shift
share of encoder (`masked_lm`) and decoder (`causal_lm`) above 0.1, their local minus block share above 0, the effects of mask,
objective and number of predictions, the shares under other conditions and by the shifts by 8 and by 32 alone. C9, the probe error
of position after layer 1 in `causal_lm` with `none`, untrained minus trained: above 0; it shows that position can be read, and
C9.uses whether it is used: the bits lost without the probe's directions minus those lost without random ones, above 0. C1, the
residual of the exact rotation of sinusoids: below 1e-6 of the variance. C1.learned, the residual of a fitted map on the table of
`causal_lm` with random starts (193 rows, width 64), before training minus after it: above 0.
"""

from __future__ import annotations

from functools import partial
from itertools import pairwise

import pandas as pd
from matplotlib.figure import Figure

from jaxpe import cli
from jaxpe.analysis import objectives, use
from jaxpe.analysis.objectives import CHAIN, NEW_SEEDS, TEXT_PAIR
from jaxpe.analysis.structure import measure_structure_runs
from jaxpe.analysis.table_changes import compare_tables
from jaxpe.figures import heads as heads_figures
from jaxpe.figures import structure as structure_figures
from jaxpe.figures.position_tables import MEASURES
from jaxpe.records.claims import Answer, Claim, ClaimResult, Text
from jaxpe.records.statistics import Estimate
from jaxpe.report.answers.parts import add_parts
from jaxpe.report.answers.structure import answer
from jaxpe.study import grids, tables
from jaxpe.study.judging import judge_series
from jaxpe.study.presets import THREE, GridRow, Overrides, Preset
from jaxpe.study.tables import TableRow
from jaxpe.study.workspace import Run, Workspace

TEN, SIX = grids.STANDARD_TEXT | grids.TEN, grids.STANDARD_TEXT | grids.SIX
OFFSET: Overrides = {**SIX, "max_length_ratio": 2.0}  # a table so short that random starts train all of it: 193 rows
DOCUMENT: Overrides = {**SIX, "starts": "document"}
SECOND: Overrides = {**SIX, "corpus": "wordnet"}  # left out where it was not fetched
LARGE: Overrides = {"width": 256, "layers": 4, "heads": 4, "steps": 40_000, "vocabulary": 4096, "seeds": 10}
TINY: Overrides = {"train_length": 32, "max_length_ratio": 2.0, "length_buckets": 1}
text = partial(grids.text_row, encodings=("learned",))
reverse = partial(GridRow, task="reverse", architectures=("encoder",), encodings=("learned",))
PUBLISHED_TASKS = tuple(task for task in CHAIN if task != "causal_masked_lm")
CONTRAST_ROWS = tuple(text(task=task, overrides=TEN | {"first_seed": NEW_SEEDS.start}) for task in PUBLISHED_TASKS)
RECOVERY_ROWS = (text(task="causal_lm", overrides=TEN, encodings=("none",)),)  # that of C9
PRESETS = {
    "smoke": Preset((reverse(), text(task="causal_lm", overrides=TINY)), **grids.SMOKE_SIZES),
    "quick": Preset(
        (reverse(), text(task="masked_lm", overrides=grids.QUICK_TEXT), text(task="causal_lm", overrides=grids.QUICK_TEXT, encodings=("none", "learned"))), **(grids.QUICK_SIZES | {"examples": 256}),
    ),
    "standard": Preset(
        (
            *[text(task=task, overrides=TEN) for task in PUBLISHED_TASKS], *CONTRAST_ROWS, *RECOVERY_ROWS,
            *[text(task=task, overrides=SIX, encodings=("none", "sinusoidal")) for task in TEXT_PAIR], text(task="causal_masked_lm", overrides=SIX),
            *[text(task=task, overrides=OFFSET, positions=("offset",)) for task in CHAIN],
            text(task="causal_lm", overrides=OFFSET, positions=("offset",), encodings=("learned_bert",)),
            *[text(task=task, overrides=DOCUMENT) for task in CHAIN], *[text(task=task, overrides=SECOND) for task in PUBLISHED_TASKS],
            *[reverse(positions=(sampler,)) for sampler in ("arange", "offset")],
        ),
        **grids.STANDARD_SIZES,
    ),
    "contrast": Preset(CONTRAST_ROWS, **grids.STANDARD_SIZES),
    "recovery": Preset(RECOVERY_ROWS, **grids.STANDARD_SIZES),
    "full": Preset(
        tuple(
            text(task=task, overrides=sizes | LARGE, encodings=THREE, positions=(sampler,))
            for sizes, sampler in ((TEN, "arange"), (OFFSET, "offset"), (DOCUMENT, "arange"), (SECOND, "arange"))
            for task in CHAIN
        ),
        seeds=10, examples=1024,
    ),
}  # fmt: skip

USES = 0.1  # shift share from which a model uses absolute position
part_of_c4 = partial(Claim, unit="share", figure="use", family="C4")
part_of_c9 = partial(Claim, question="help", figure="layers", family="C9")
CONTRAST = Claim(
    "C4", "Predicting the next token makes a model rely on absolute position more than guessing masked tokens does (real text, "
    "learned positions, half the training length): what shifts by 1 and 8 cost, as a share of the value of position, causal minus masked LM.",
    "share", cell="causal_lm minus masked_lm and sampled_causal_lm minus masked_lm, learned, packed stream, positions from 0, half "
    "the training length, seeds 10 to 19: cost of shifts by 1 and 8 as a share of the value of position and in bits per "
    "character, all four intervals above 0", figure="use", family="primary",
    title=Text("On text, predicting the next word makes a model rely on absolute position more than guessing masked words does",
               "文章では、次の単語を当てる学習のほうが、隠した単語を当てる学習よりも、モデルを絶対的な位置に頼らせる"),
    effect=Text("the first of four intervals: the share of the value of positions that is lost when all shift by 1 or by 8, next word minus masked words",
                "四つの区間のうちの一つ：全体の位置を 1 または 8 ずらしたときに、位置による改善が失われる割合。次の単語を当てるモデル − 隠した単語を当てるモデル"),
)  # fmt: skip
CONTRAST_PARTS = {
    unit: Claim("C4.{pair}-" + unit, f"What shifts by 1 and 8 cost, {words}: {{words}} minus masked LM.", name, figure="use", family="C4")
    for unit, name, words in (
        ("share", "share", "as a share of the value of position"), ("bits", "bits per character", "in bits per character"),
    )
}  # fmt: skip
CONTRAST_ELSEWHERE = part_of_c4("C4.{part}-{pair}", "Shift share of {words} minus that of masked LM{place}.")
STEP = part_of_c4("C4.{step}", "What {change} adds to the shift share.")
ABSOLUTE = part_of_c4(
    "C4.{prefix}{model}-absolute{suffix}", f"{{words}} uses absolute position{{place}}: shift share above {USES:g}."
)
LOCAL = part_of_c4(
    "C4.{prefix}{model}-local", "{words} uses local order more than that of blocks{place}: local minus block share."
)
RECOVERY = "Position can be read in a causal decoder trained on text without encodings: probe error after layer {layer}, untrained minus trained."
RECOVERS = Claim(
    "C9", RECOVERY, "share of chance",
    cell="causal_lm, none: probe error of position after layer 1, untrained minus trained, interval above 0",
    question="help", figure="layers", family="primary",
    title=Text("In a decoder trained on text without any encoding, position can be read after the first layer more accurately than in an untrained one",
               "エンコーディングなしでテキストを学習したデコーダでは、第 1 層の後で、学習前のデコーダよりも正確に位置を読み出せる"),
    effect=Text("error of a probe that reads position, as a share of the error of guessing, untrained minus trained", "位置を読むプローブの誤差（当てずっぽうの誤差に対する比）、学習前 − 学習後"),
)  # fmt: skip
RECOVERS_DEEPER = part_of_c9("C9.layer{layer}", RECOVERY, "share of chance")
USED = part_of_c9(
    "C9.{part}", "The decoder uses the position that it recovers: bits lost without the probe's directions after layer "
    "{layer}, minus bits lost without random directions.", "bits per character",
)  # fmt: skip
EQUIVARIANT = part_of_c9(
    "C9.equivariant", "An encoder without encodings is blind to order: largest change of a logit when the tokens are "
    "permuted, at most 1e-5.", "of the largest logit",
)  # fmt: skip
LINEAR_SHIFT = Claim(
    "C1", "For a fixed offset, PE(p + k) is a linear function of PE(p): residual of the exact rotation, sinusoids.",
    "share of variance", cell="sinusoids of the shapes of the learned tables: residual of the exact rotation below 1e-6",
    figure="measures", family="primary",
    title=Text("With sinusoids, a shift by a fixed offset is one linear map: always the same calculation, wherever one starts",
               "正弦波では、位置を一定の距離だけ進める操作が、どの位置から始めても同じ一つの線形写像になる"),
    effect=Text("what such a map leaves unexplained; 0 is exact, no training is involved",
                "その写像で説明できずに残る割合。0 なら厳密、学習は関わらない"),
)  # fmt: skip
LINEAR_SHIFT_LEARNED = Claim(
    "C1.{part}", "Training brings a learned table nearer to a linear shift (residual before training minus after; {encoding}, "
    "{task}, {rows} rows, random starts).", "share of variance", figure="measures", family="C1",
)  # fmt: skip
CLAIMS = (
    CONTRAST, *CONTRAST_PARTS.values(), CONTRAST_ELSEWHERE, STEP, ABSOLUTE, LOCAL, RECOVERS, RECOVERS_DEEPER, USED, EQUIVARIANT, LINEAR_SHIFT,
    LINEAR_SHIFT_LEARNED,
)  # fmt: skip


def measure(work: Workspace, runs: list[Run], preset: Preset) -> list[TableRow]:
    """Position tables and their controls, the use of position, hidden states and heads."""
    return measure_structure_runs(work, runs, preset, MEASURES)


def figures(table: pd.DataFrame) -> dict[str, Figure]:
    """Position tables, use, hidden states and heads."""
    return structure_figures.draw_all(table) | heads_figures.draw_all(table)


MODELS = {"encoder": ("masked_lm", "An encoder with masked LM"), "decoder": ("causal_lm", "A decoder with causal LM")}
STEPS = {
    "mask": "causal instead of bidirectional attention",
    "objective": "predicting the next token instead of masked tokens",
    "predictions": "a loss on all tokens instead of 15 %",
}


def claims(table: pd.DataFrame) -> list[ClaimResult]:
    """C4 from changed positions, C9 from probes and projections, C1 from algebra and fitted maps."""
    results = judge_use(table) if "condition" in table else []
    results += judge_recovery(table) if "network" in table else []
    return add_parts(results + judge_linear_shift(table))


def judge_use(table: pd.DataFrame) -> list[ClaimResult]:
    """C4 and its parts: on the packed stream, by one shift alone, and under other conditions."""
    costs = use.read_costs(table)
    corpora = list(dict.fromkeys(table["corpus"].dropna())) or [""]
    here = {"encoding": "learned", "positions": "arange", "starts": "packed", "corpus": corpora[0]}
    packed = costs.select(**here)
    results = judge_contrast(packed) + judge_models(packed)
    for (step, change), (before, after) in zip(STEPS.items(), pairwise(CHAIN), strict=True):
        a, b, note = (
            packed.average(after, "shift"),
            packed.average(before, "shift"),
            packed.describe_dropped(before, after),
        )
        results += judge_series(STEP, a, b, {"step": step, "change": change}, note=note)
    for size in (8, 32):
        results += judge_elsewhere(packed, f"shift{size}", f" (shift by {size} alone)", (size,))
    for model, (task, words) in MODELS.items():
        shift = packed.average(task, "shift", sizes=(8,))
        fields = {"prefix": "", "model": model, "words": words, "suffix": "-8", "place": " (shift by 8 alone)"}
        results += judge_series(ABSOLUTE, shift, 0 * shift, fields, USES, packed.describe_dropped(task))
    elsewhere = {
        "offset": (" with positions from a random start", {"positions": "offset"}),
        "document": (" with windows that begin with a document", {"starts": "document"}),
        "second": (f" in the second domain ({', '.join(corpora[1:])})", {"corpus": "".join(corpora[1:2])}),
    }
    for part, (place, columns) in elsewhere.items():
        rows = costs.select(**here | columns)
        results += judge_elsewhere(rows, part, place) + judge_models(rows, f"{part}-", place)
    return results


def judge_contrast(packed: use.Costs) -> list[ClaimResult]:
    """C4 by two pairs of objectives in two units, and each of the four as a part."""
    four = objectives.compare_on_new_seeds(packed)
    shown = [one.estimate for one in four if (one.pair, one.unit) == ("published", "share")]
    verdict, note = objectives.judge_all(four), objectives.describe_all(four)
    results = [CONTRAST.make_result(verdict, estimate, note) for estimate in shown]
    for one in four:
        claim = CONTRAST_PARTS[one.unit]
        results.append(claim.make_result(one.verdict, one.estimate, one.note, pair=one.pair, words=one.words))
    return results


def judge_elsewhere(rows: use.Costs, part: str, place: str, sizes: tuple[int, ...] = ()) -> list[ClaimResult]:
    """The contrast in shares by one shift alone, or under one condition, for both pairs of objectives."""
    results = []
    for one in objectives.compare_objectives(rows, sizes=sizes):
        fields = {"part": part, "pair": one.pair, "words": one.words, "place": place}
        results.append(CONTRAST_ELSEWHERE.make_result(one.verdict, one.estimate, one.note, **fields))
    return results


def judge_models(rows: use.Costs, prefix: str = "", place: str = "") -> list[ClaimResult]:
    """Whether encoder and decoder use absolute position and local order, under one condition."""
    results = []
    for model, (task, words) in MODELS.items():
        shift, local, block = (rows.average(task, kind) for kind in ("shift", "shuffle", "permute"))
        fields = {"prefix": prefix, "model": model, "suffix": "", "words": words, "place": place}
        note = rows.describe_dropped(task)
        results += judge_series(ABSOLUTE, shift, 0 * shift, fields, USES, note)
        results += judge_series(LOCAL, local, block, fields, note=note)
    return results


def judge_recovery(table: pd.DataFrame) -> list[ClaimResult]:
    """C9: what a causal decoder without encodings knows of position, and whether it uses it."""
    results = []
    blind = tables.select_rows(table, task="causal_lm", encoding="none")
    for layer in sorted(set(blind["layer"].dropna()) - {0}):
        rows, number = blind[blind["layer"] == layer], f"{layer:g}"
        probe = tables.select_rows(rows, metric="probe_error", target="position")
        a, b = (tables.average_by_seed(probe, network=network) for network in ("untrained", "trained"))
        if len(b):
            note = f"Error {b.mean():.3f} of chance trained, {a.mean():.3f} untrained."
            claim = RECOVERS if layer == 1 else RECOVERS_DEEPER
            results += judge_series(claim, a, b, {"layer": number}, note=note)
        if layer < blind["layer"].max():
            removed = tables.select_rows(rows, metric="projected_out")
            a, b = (tables.average_by_seed(removed, part=part) for part in ("position", "random"))
            part = "uses" if layer == 1 else f"uses-layer{number}"
            results += judge_series(USED, a, b, {"part": part, "layer": number})
    gap = tables.average_by_seed(table, task="masked_lm", encoding="none", metric="order_gap", network="trained")
    if len(gap):
        verdict = "supported" if gap.max() <= 1e-5 else "contradicted"
        largest = Estimate(float(gap.max()), None, None, len(gap))
        results.append(EQUIVARIANT.make_result(verdict, largest, "The largest over seeds; float32."))
    return results


def judge_linear_shift(table: pd.DataFrame) -> list[ClaimResult]:
    """C1: exactly for sinusoids, and by a fitted map for a learned table."""
    results = []
    exact = tables.select_rows(table, metric="rotation_residual")["value"]
    if len(exact):
        verdict = "supported" if exact.max() < 1e-6 else "contradicted"
        worst = Estimate(float(exact.max()), None, None, 1)
        results.append(LINEAR_SHIFT.make_result(verdict, worst, "Algebra: no seeds are involved."))
    for one in compare_tables(table):
        fields = {"part": one.part, "task": one.task, "encoding": one.encoding, "rows": f"{one.rows:g}"}
        results += judge_series(LINEAR_SHIFT_LEARNED, one.before, one.after, fields, note=one.note) or [
            LINEAR_SHIFT_LEARNED.make_result("undecided", None, one.note, **fields)
        ]
    return results


def answers(table: pd.DataFrame, results: dict[str, ClaimResult]) -> list[Answer]:
    """Which models use absolute position, and which use local order."""
    return answer(results)


if __name__ == "__main__":
    cli.script(__file__)
