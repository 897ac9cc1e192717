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

Decided by: C4, the mean shift share (shifts by 1, 8 and 32) of `sampled_causal_lm` minus that of `masked_lm`, with `learned`,
the packed stream, positions from 0 and half the training length: above 0. Its parts: the shift share of the encoder
(`masked_lm`) and of the decoder (`causal_lm`) above 0.1, their local minus block share above 0, the effects of the mask, the
objective and the number of predictions, and the same under the other conditions. C9, the probe error of position after layer
1 in `causal_lm` with `none`, untrained minus trained: above 0. C9.uses, the bits lost without the probe's directions minus
those lost without random ones: above 0. C1, the residual of the exact rotation of sinusoids: below 1e-6 of the variance.
C1.learned, the residual of a fitted map on Gaussian rows minus that on the table of `causal_lm` with random starts (193 rows,
width 64): above 0. Added on 2026-11-25, after the first results: the shift by 8 alone, since a shift by 32 uses rows that
only the longest windows trained.
"""

from __future__ import annotations

from functools import partial
from itertools import pairwise

import pandas as pd
from matplotlib.figure import Figure

from jaxpe import cli
from jaxpe.analysis import use
from jaxpe.analysis.structure import PAIR, measure_structure_runs
from jaxpe.figures import heads as heads_figures
from jaxpe.figures import structure as structure_figures
from jaxpe.figures.position_tables import MEASURES
from jaxpe.records.claims import Answer, Claim, ClaimResult, Text
from jaxpe.records.statistics import Estimate, estimate_difference, judge_direction
from jaxpe.report.answers.structure import answer
from jaxpe.study import grids, tables
from jaxpe.study.presets import THREE, GridRow, Overrides, Preset
from jaxpe.study.tables import TableRow
from jaxpe.study.workspace import Run, Workspace

# From masked to next-token prediction, one step at a time: the mask, the objective, the number of predictions.
CHAIN = ("masked_lm", "causal_masked_lm", "sampled_causal_lm", "causal_lm")
TEN, SIX = grids.STANDARD_TEXT | grids.TEN, grids.STANDARD_TEXT | grids.SIX
OFFSET: Overrides = {**SIX, "max_length_ratio": 2.0}  # a table so short that random starts train all of it: 193 rows
DOCUMENT: Overrides = {**SIX, "starts": "document"}
SECOND: Overrides = {**SIX, "corpus": "wordnet"}  # left out where it was not fetched
LARGE: Overrides = {"width": 256, "layers": 4, "heads": 4, "steps": 40_000, "vocabulary": 4096, "seeds": 10}
TINY: Overrides = {"train_length": 32, "max_length_ratio": 2.0, "length_buckets": 1}
text = partial(grids.text_row, encodings=("learned",))
reverse = partial(GridRow, task="reverse", architectures=("encoder",), encodings=("learned",))
PRESETS = {
    "smoke": Preset((reverse(), text(task="causal_lm", overrides=TINY)), **grids.SMOKE_SIZES),
    "quick": Preset(
        (reverse(), text(task="masked_lm", overrides=grids.QUICK_TEXT), text(task="causal_lm", overrides=grids.QUICK_TEXT, encodings=("none", "learned"))),
        **grids.QUICK_SIZES,
    ),
    "standard": Preset(
        (
            *[text(task=task, overrides=TEN) for task in CHAIN if task != "causal_masked_lm"],
            *[text(task=task, overrides=SIX, encodings=("none", "sinusoidal")) for task in PAIR],
            text(task="causal_masked_lm", overrides=SIX),
            *[text(task=task, overrides=OFFSET, positions=("offset",)) for task in CHAIN],
            *[text(task=task, overrides=DOCUMENT) for task in CHAIN],
            *[text(task=task, overrides=SECOND) for task in CHAIN if task != "causal_masked_lm"],
            *[reverse(positions=(sampler,)) for sampler in ("arange", "offset")],
        ),
        **grids.STANDARD_SIZES,
    ),
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
AFTERWARDS = "Added after the first results: a shift by 32 uses rows that only the longest windows trained."
part_of_c4 = partial(Claim, unit="share", figure="use", family="C4")
part_of_c9 = partial(Claim, question="help", figure="layers", family="C9")
CONTRAST = Claim(
    "C4", "Next-token prediction learns absolute position and masked LM does not: shift share of causal LM with a loss on a "
    "random 15 % of the tokens, minus that of masked LM, packed stream.", "share",
    cell="sampled_causal_lm minus masked_lm, learned, packed stream, positions from 0, half the training length: mean shift "
    "share over shifts by 1, 8 and 32, interval above 0", figure="use", family="primary",
    title=Text("Predicting the next word teaches absolute position, guessing masked words does not",
               "次の単語を予測する学習では絶対位置が身につき、隠した単語を推測する学習では身につかない"),
    effect=Text("share of what position is worth that is lost when all positions are shifted, next word minus masked words",
                "全体の位置を一斉にずらしたときに、位置がもたらす利得のうち失われる割合、次の単語の予測 − 隠した単語の推測"),
)  # fmt: skip
CONTRAST_ELSEWHERE = part_of_c4("C4.{part}", "The same as C4{place}.")
STEP = part_of_c4("C4.{step}", "What {change} adds to the shift share.")
ABSOLUTE = part_of_c4(
    "C4.{prefix}{model}-absolute{suffix}", f"{{words}} uses absolute position{{place}}: shift share above {USES:g}."
)
LOCAL = part_of_c4(
    "C4.{prefix}{model}-local", "{words} uses local order more than that of blocks{place}: local minus block share."
)
RECOVERY = (
    "A causal decoder without encodings recovers position: probe error after layer {layer}, untrained minus trained."
)
RECOVERS = Claim(
    "C9", RECOVERY, "share of chance",
    cell="causal_lm, none: probe error of position after layer 1, untrained minus trained, interval above 0",
    question="help", figure="layers", family="primary",
    title=Text("A decoder finds position by itself, without any encoding",
               "デコーダは、エンコーディングがなくても位置を自力で見つける"),
    effect=Text("probe error untrained minus trained", "プローブの誤差、学習前 − 学習後"),
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
    title=Text("A shift by a fixed offset is a linear map of the sinusoidal code",
               "位置を一定の距離だけずらす操作は、正弦波のエンコーディングに対する線形写像になる"),
    effect=Text("what such a map leaves unexplained; 0 is exact, no training is involved",
                "その写像で説明できずに残る割合。0 なら厳密、学習は関わらない"),
)  # fmt: skip
LINEAR_SHIFT_LEARNED = Claim(
    "C1.{part}", "A learned table is nearer to a linear shift than Gaussian rows (residual of Gaussian rows minus that of the "
    "table; {task}, {rows} rows, random starts).", "share of variance", figure="measures", family="C1",
)  # fmt: skip
CLAIMS = (
    CONTRAST, CONTRAST_ELSEWHERE, STEP, ABSOLUTE, LOCAL, RECOVERS, RECOVERS_DEEPER, USED, EQUIVARIANT, LINEAR_SHIFT,
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
    return results + judge_linear_shift(table)


def judge_use(table: pd.DataFrame) -> list[ClaimResult]:
    """C4 and its parts: on the packed stream, by the shift of 8 alone, and under other conditions."""
    shares = use.compute_shares(table)
    corpora = list(dict.fromkeys(table["corpus"].dropna())) or [""]
    here = {"encoding": "learned", "positions": "arange", "starts": "packed", "corpus": corpora[0]}
    packed = tables.select_rows(shares, **here)
    shift = average_shifts(packed)
    results = judge(CONTRAST, shift["sampled_causal_lm"], shift["masked_lm"], {}) + judge_models(packed)
    for (step, change), (before, after) in zip(STEPS.items(), pairwise(CHAIN), strict=True):
        results += judge(STEP, shift[after], shift[before], {"step": step, "change": change})
    shift, alone = average_shifts(packed[packed["size"] == 8]), {"suffix": "-8", "place": " (shift by 8 alone)"}
    pair = shift["sampled_causal_lm"], shift["masked_lm"]
    results += judge(CONTRAST_ELSEWHERE, *pair, {"part": "shift8", **alone}, note=AFTERWARDS)
    for model, (task, words) in MODELS.items():
        fields = {"prefix": "", "model": model, "words": words, **alone}
        results += judge(ABSOLUTE, shift[task], 0 * shift[task], fields, USES, AFTERWARDS)
    elsewhere = {
        "offset": (" with positions from a random start", {"positions": "offset"}),
        "document": (" with windows that begin with a document", {"starts": "document"}),
        "second": (f" in the second domain ({', '.join(corpora[1:])})", {"corpus": "".join(corpora[1:2])}),
    }
    for part, (place, columns) in elsewhere.items():
        rows = tables.select_rows(shares, **here | columns)
        shift = average_shifts(rows)
        pair = shift["sampled_causal_lm"], shift["masked_lm"]
        results += judge(CONTRAST_ELSEWHERE, *pair, {"part": part, "place": place})
        results += judge_models(rows, f"{part}-", place)
    return results


def average_shifts(shares: pd.DataFrame) -> dict[str, pd.Series]:
    """The shift share of every task, by seed."""
    return {task: use.average_share(shares, task, "shift") for task in CHAIN}


def judge_models(shares: pd.DataFrame, prefix: str = "", place: str = "") -> list[ClaimResult]:
    """Whether encoder and decoder use absolute position and local order, under one condition."""
    results = []
    for model, (task, words) in MODELS.items():
        shift, local, block = (use.average_share(shares, task, kind) for kind in ("shift", "shuffle", "permute"))
        fields = {"prefix": prefix, "model": model, "suffix": "", "words": words, "place": place}
        results += judge(ABSOLUTE, shift, 0 * shift, fields, USES)
        results += judge(LOCAL, local, block, fields)
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
            results += judge(claim, a, b, {"layer": number}, note=note)
        if layer < blind["layer"].max():
            removed = tables.select_rows(rows, metric="projected_out")
            a, b = (tables.average_by_seed(removed, part=part) for part in ("position", "random"))
            part = "uses" if layer == 1 else f"uses-layer{number}"
            results += judge(USED, a, b, {"part": part, "layer": number})
    gap = tables.average_by_seed(table, task="masked_lm", encoding="none", metric="order_gap", network="trained")
    if len(gap):
        verdict = "supported" if gap.max() <= 1e-5 else "contradicted"
        largest = Estimate(float(gap.max()), None, None, len(gap))
        results.append(EQUIVARIANT.judge(verdict, largest, "The largest over seeds; float32."))
    return results


def judge_linear_shift(table: pd.DataFrame) -> list[ClaimResult]:
    """C1: exactly for sinusoids, and by a fitted map for a learned table."""
    results = []
    exact = tables.select_rows(table, metric="rotation_residual")["value"]
    if len(exact):
        verdict = "supported" if exact.max() < 1e-6 else "contradicted"
        worst = Estimate(float(exact.max()), None, None, 1)
        results.append(LINEAR_SHIFT.judge(verdict, worst, "Algebra: no seeds are involved."))
    residuals = tables.select_rows(table, metric="shift_residual_1")
    for part, task in (("learned", "causal_lm"), ("learned-encoder", "masked_lm"), ("learned-reverse", "reverse")):
        learned = tables.select_rows(residuals, task=task, encoding="learned", positions="offset")
        if len(learned):
            rows, width = learned["rows"].iloc[0], learned["width"].iloc[0]
            gaussian = tables.select_rows(residuals, encoding="control:gaussian", rows=rows, width=width)
            a, b = (values.set_index("seed")["value"] for values in (gaussian, learned))
            note = f"Residual {b.mean():.3f} of the variance, Gaussian rows {a.mean():.3f}."
            fields = {"part": part, "task": task, "rows": f"{rows:g}"}
            results += judge(LINEAR_SHIFT_LEARNED, a, b, fields, note=note)
    return results


def judge(
    claim: Claim, a: pd.Series, b: pd.Series, fields: dict[str, str], margin: float = 0.0, note: str = ""
) -> list[ClaimResult]:
    """The result of a claim that a − b lies above a margin, over paired seeds; none where no seed has both."""
    both = a.index.intersection(b.index)
    if not len(both):
        return []
    estimate = estimate_difference(a[both].to_numpy(), b[both].to_numpy())
    return [claim.judge(judge_direction(estimate, margin), estimate, note, **fields)]


def answers(table: pd.DataFrame, results: dict[str, ClaimResult]) -> list[Answer]:
    """Which models use absolute position, and which use local order."""
    return answer(results)


if __name__ == "__main__":
    cli.script(__file__)
