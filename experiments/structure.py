"""What is learned about position: do encoders learn local order and decoders absolute position, and is a shift a linear map?

The matched pair: an encoder with masked LM and a decoder with causal LM, the same text, tokenizer, size, steps and learned
tables. Between them two runs that change one thing at a time: causal attention with masked tokens; next tokens of which a
random 15 % are asked. Each with three starts: a packed stream cut anywhere, positions from 0; the same from a random position;
windows that begin with a document. And a second domain. Of every model: its table (beside controls of the same shape), what it
loses when positions are shifted, shuffled or permuted at test time (`jaxpe.analysis.use`), what a probe reads after every
layer beside the same network untrained, what each head does, and its loss by place.

Prediction: the decoder's shift share lies above the encoder's on the packed stream with fixed starts, both near 0 with random
starts while the table's probe error stays small. Encoders use local order (local share above block share), and so do decoders.
Windows that begin with a document raise the shift share of both, most in the decoder. The second domain changes nothing of
this. The objective moves the shares more than the mask. `none` in the encoder sits at the rule blind to order; the causal
decoder without encodings recovers position in its first layer (.3 of chance or less) better than untrained, and loses more
without it than without random directions. Learned tables become smooth: neighbours alike, a linear shift map explains more
than for Gaussian rows, far less than for sinusoids. No head of the encoder is an induction head at this size.

Primary cell. C4: shift share (mean over c = 1, 8, 32) of `sampled_causal_lm` (c) minus `masked_lm` (a), `learned`, packed stream,
positions from 0, length N / 2: above 0. Parts there: encoder-absolute and decoder-absolute (share of masked_lm, causal_lm above
.1), encoder-local and decoder-local (local minus block share above 0), mask, objective, predictions (b − a, c − b, d − c), and c − a
again with random starts (offset), at document starts (document), in the second domain (second). Added on 2026-11-25 after the
first look, and called so: the shift by 8 alone, since a shift by 32 meets rows that only the longest windows trained. C9: `causal_lm`, `none`: probe
error of position after layer 1, untrained minus trained, above 0; C9.uses: bits lost without the probe's subspace minus random
ones, above 0. C1: residual of the exact rotation of sinusoids below 1e-6 of the variance; C1.learned: residual of a fitted map
on the table of `causal_lm` with random starts (193 rows, width 64), Gaussian control minus learned, above 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from jaxpe import cli
from jaxpe.analysis import geometry, heads, hidden, position_table, recovery, trained_rows, use
from jaxpe.analysis.attention import code_of
from jaxpe.data import corpus as corpora
from jaxpe.figures import heads as heads_figures
from jaxpe.figures import structure as structure_figures
from jaxpe.model import Transformer
from jaxpe.records.claims import Answer, Claim, ClaimResult, Text, format_effect
from jaxpe.records.statistics import Estimate, estimate_difference, judge_direction
from jaxpe.study import grids, tables
from jaxpe.study.presets import THREE, GridRow, Preset
from jaxpe.study.tables import TableRow
from jaxpe.study.workspace import Run, Workspace, describe_config
from jaxpe.training import parameters
from jaxpe.training.config import RunConfig
from jaxpe.training.evaluate import Losses

MEASUREMENT, USE = 3, 1  # raise them when the numbers of hidden states, or of changed positions, change
LEARNED = ("learned",)
SHOWN = 13  # positions of a map, evenly spaced, and points of a curve, so that the table stays small
PLACES = 4  # of a window, whose losses are told together
LOOKED_AT = 3  # models of a config whose hidden states are read, and all of those that carry C9
CONTROLS = 6  # drawn tables
CONTROL = {"experiment": "structure", "task": "controls", "positions": "arange"}
PAIR = ("masked_lm", "causal_lm")  # whose hidden states are read
# From masked to next-token prediction, one step at a time: the mask, the objective, the number of predictions.
CHAIN = ("masked_lm", "causal_masked_lm", "sampled_causal_lm", "causal_lm")
TEN, SIX = grids.STANDARD_TEXT | grids.TEN, grids.STANDARD_TEXT | grids.SIX
OFFSET = {**SIX, "max_length_ratio": 2.0}  # a table short enough that random starts train all of it: 193 rows
DOCUMENT = {**SIX, "starts": "document"}
SECOND = {**SIX, "corpus": "wordnet"}  # left out where it was not fetched
LARGE = {"width": 256, "layers": 4, "heads": 4, "steps": 40_000, "vocabulary": 4096, "seeds": 10}
TINY = {name: size for name, size in grids.QUICK_TEXT.items() if name not in ("steps", "batch", "seeds", "examples")}


PRESETS = {
    "smoke": Preset(
        (GridRow(task="reverse", architectures=("encoder",), encodings=LEARNED), GridRow(task="causal_lm", architectures=("decoder",), encodings=LEARNED, overrides={**TINY, "max_length_ratio": 2.0})),
        seeds=1, train_length=5, max_length_ratio=4.0, num_test_lengths=4, examples=32, width=16, layers=1, steps=40, batch=16, length_buckets=1,
    ),
    "quick": Preset(
        (
            GridRow(task="reverse", architectures=("encoder",), encodings=LEARNED),
            grids.text_row(task="masked_lm", overrides=grids.QUICK_TEXT, encodings=LEARNED),
            grids.text_row(task="causal_lm", overrides=grids.QUICK_TEXT, encodings=("none", "learned")),
        ),
        train_length=8, steps=800, num_test_lengths=7,
    ),
    "standard": Preset(
        (
            *[grids.text_row(task=task, overrides=TEN, encodings=LEARNED) for task in ("masked_lm", "sampled_causal_lm", "causal_lm")],
            *[grids.text_row(task=task, overrides=SIX, encodings=("none", "sinusoidal")) for task in PAIR],
            grids.text_row(task="causal_masked_lm", overrides=SIX, encodings=LEARNED),
            *[grids.text_row(task=task, overrides=OFFSET, encodings=LEARNED, positions=("offset",)) for task in CHAIN],
            *[grids.text_row(task=task, overrides=DOCUMENT, encodings=LEARNED) for task in CHAIN],
            *[grids.text_row(task=task, overrides=SECOND, encodings=LEARNED) for task in CHAIN if task != "causal_masked_lm"],
            *[GridRow(task="reverse", architectures=("encoder",), encodings=LEARNED, positions=(sampler,)) for sampler in ("arange", "offset")],
        ),
        seeds=10, train_length=12, steps=3000, num_test_lengths=14, examples=512,
    ),
}  # fmt: skip
PRESETS["full"] = Preset(
    tuple(
        grids.text_row(task=task, overrides=sizes | LARGE, encodings=THREE, positions=("offset",) if sizes == OFFSET else ("arange",))
        for sizes in (TEN, OFFSET, DOCUMENT, SECOND)
        for task in CHAIN
    ),
    seeds=10, examples=1024,
)  # fmt: skip


def measure(work: Workspace, runs: list[Run], preset: Preset) -> list[TableRow]:
    """Tables, what position is worth and for what, hidden states and heads; and the controls of every shape of table."""
    rows, shapes, looks = list[TableRow](), dict[tuple[int, ...], None](), dict[int, Any]()
    for config in dict.fromkeys(run.config for run in runs):
        group = [run for run in runs if run.config == config]
        codes, sentence = position_codes(work, group)
        if codes.any():
            shapes.setdefault(codes.shape[1:])
            tokens = np.stack([np.asarray(work.load_model(run).stack.embedding[...], np.float64) for run in group])
            bases = [base_row(run) for run in group]
            told = bases[0] | {"seed": None, "metric": "rows_measured", "value": codes.shape[1], "text": sentence}
            drawn = config.encoding == "learned" and (not config.language or is_of_pair(config, preset))
            rows += [told, *of_tables(bases, codes, tokens, whole=drawn)]
        if config.language:
            rows += uses(work, group, config, preset.examples)
            if is_of_pair(config, preset) and config.positions == "arange":
                rows += looked_at(work, group, config, preset.examples, looks)
    return rows + controls(list(shapes), preset)


def is_of_pair(config: RunConfig, preset: Preset) -> bool:
    """The matched pair itself, on the packed stream of the first domain."""
    return config.task in PAIR and (config.starts, config.corpus) == ("packed", preset.corpus)


def base_row(run: Run) -> TableRow:
    config = run.config
    row = tables.make_base_row("structure", config, run.seed, None)
    return row | ({"starts": config.starts, "corpus": config.corpus} if config.language else {})


# ── tables ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def position_codes(work: Workspace, group: list[Run]) -> tuple[np.ndarray, str]:
    """What the models of a config add at the positions that training visited (seeds × positions × width), and which those are.

    Of a learned table the rows that training moved in every seed; of a code without parameters those that the sampler gives.
    """
    config = group[0].config
    stream = work.open_source(config).stream
    before = coded([parameters.fresh(config, stream, run.seed) for run in group], config)
    after = coded([work.load_model(run) for run in group], config)
    if (before != after).any():
        kept, sentence = trained_rows.by_change(before, after)
        return after[:, kept].astype(np.float64), sentence
    visited = config.sampler.bound(stream.sizes(stream.lengths(1, config.train_length)[-1])[0])
    return after[:, :visited].astype(np.float64), f"Rows 0-{visited - 1} were met in training."


def coded(models: Sequence[Transformer], config: RunConfig) -> np.ndarray:
    """What each model adds to an embedding of zeros, at every position (the target side's)."""
    places = jnp.arange(config.table_length)
    return np.stack([np.asarray(code_of(model.stack.encodings[0], places, config.width)) for model in models])


def of_tables(bases: list[TableRow], codes: np.ndarray, tokens: np.ndarray | None, whole: bool) -> list[TableRow]:
    """Every measure of a stack of tables, a row a seed. `whole`: also what maps and curves are drawn from."""
    size = {"rows": codes.shape[1], "width": codes.shape[2]}
    rows = list[TableRow]()
    for name, values in position_table.measured(codes, tokens).items():
        pairs = list(zip(bases, values, strict=True))
        if name not in structure_figures.MEASURES and np.isfinite(values).any():
            pairs = [(bases[0] | {"seed": None}, np.nanmean(values))]  # over seeds, so that the table stays small
        rows += [
            base | size | {"metric": name, "value": round(float(value), 5)}
            for base, value in pairs
            if np.isfinite(value)
        ]
    if not whole:
        return rows
    shown = np.unique(np.linspace(0, codes.shape[1] - 1, SHOWN).round().astype(int))
    likeness = geometry.similarity(codes[0])
    for i, j in ((i, j) for i in shown for j in shown if i <= j):
        rows.append(
            bases[0] | {"metric": "similarity", "row": i, "column": j, "value": round(float(likeness[i, j]), 3)}
        )
    for name, curve in position_table.curves(codes).items():
        mean, first = curve.mean(0), 1 if name == "spectrum" else 0
        at = np.unique(np.linspace(0, len(mean) - 1, min(len(mean), 2 * SHOWN)).round().astype(int))
        rows += [
            bases[0] | {"seed": None, "metric": name, "row": i + first, "value": float(f"{mean[i]:.3g}")} for i in at
        ]
    return rows


def controls(shapes: list[tuple[int, ...]], preset: Preset) -> list[TableRow]:
    """Sinusoids, Gaussian rows and smooth random rows of the shapes of the learned tables, and the exact rotation."""
    rows = []
    for positions, width in shapes:
        for name, stack in position_table.control_tables(positions, width, range(min(CONTROLS, preset.seeds))).items():
            kept = stack[:1] if name == "control:sinusoidal" else stack
            bases = [CONTROL | {"encoding": name, "seed": i} for i in range(len(kept))]
            rows += of_tables(bases, kept, None, whole=(positions, width) == max(shapes))
        size = {"rows": positions, "width": width, "metric": "rotation_residual"}
        exact = {"encoding": "control:sinusoidal", "seed": 0, "value": geometry.rotation_residual(positions, width)}
        rows.append(CONTROL | size | exact)
    return rows


# ── use ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def uses(work: Workspace, group: list[Run], config: RunConfig, examples: int) -> list[TableRow]:
    """Bits per character under changed positions, a row a condition and seed; and by place, the mean over seeds."""
    rows, found = list[TableRow](), losses_of(work, group, config, examples)
    floor = tables.compute_text_baseline(work.open_source(config), "bits_per_character")
    blind = use.bag_of_words(config, work.open_source(config), examples) if config.task == "masked_lm" else None
    beside = {"n_examples": examples, "test_length": use.test_length(config)}
    for run, one in zip(group, found, strict=True):
        base = base_row(run) | beside
        whole = {"metric": "bits_per_character", "value": use.bits(one["whole"]), "test_length": config.train_length}
        rows.append(base | whole | {"length_baseline": floor, "order_blind_baseline": blind})
        rows.append(
            base | {"metric": "bits_per_character", "value": use.bits(one["as trained"]), "length_baseline": floor}
        )
        for condition, cost in use.costs(one).items():
            rows.append(
                base | {"metric": "cost", "condition": condition.kind, "size": condition.size, "value": round(cost, 6)}
            )
    return rows + by_place(
        base_row(group[0]) | {"seed": None, "test_length": config.train_length}, [one["whole"] for one in found]
    )


def losses_of(work: Workspace, group: list[Run], config: RunConfig, examples: int) -> list[dict[str, Losses]]:
    """`use.measured` of every run, measured where it is not stored yet."""
    key = {"kind": "use", "version": USE, "examples": examples}
    lacking = [run for run in group if work.results.read_measurement(run.id, key) is None]
    if lacking:
        work.progress.note(f"changing positions of {describe_config(config)}")
        models = [work.load_model(run) for run in lacking]
        found = use.measured(config, work.open_source(config), work.mesh, models, examples)
        for run, one in zip(lacking, found, strict=True):
            work.results.write_measurement(run.id, key, use.packed(one))
    stored = [work.results.read_measurement(run.id, key) for run in group]
    return [use.unpacked(one) for one in stored if one is not None]


def by_place(base: TableRow, found: list[Any]) -> list[TableRow]:
    """Bits per character and perplexity at every four places, of all seeds together; `row` is the middle of the four."""
    rows, total = list[TableRow](), jax.tree.map(lambda *parts: np.sum(parts, axis=0), *found)
    for first in range(0, len(total.nats), PLACES):
        answers, nats, characters = (part[first : first + PLACES].sum() for part in total)
        if characters:
            here = base | {"row": first + (PLACES - 1) / 2}
            rows.append(here | {"metric": "bits_by_place", "value": round(float(nats / characters / np.log(2)), 4)})
            rows.append(here | {"metric": "perplexity_by_place", "value": round(float(np.exp(nats / answers)), 4)})
    return rows


# ── hidden states ───────────────────────────────────────────────────────────────────────────────────────────────────


def looked_at(
    work: Workspace, group: list[Run], config: RunConfig, examples: int, looks: dict[int, Any]
) -> list[TableRow]:
    """Probes after every layer, position beyond the training length and projected out, and the heads of some models."""
    carries = config.task == "causal_lm" and config.encoding == "none"
    source, rows = work.open_source(config), list[TableRow]()
    key = {"kind": "structure", "version": MEASUREMENT, "examples": examples}

    def measure(run: Run) -> tables.Measurements:
        if id(source) not in looks:  # one object for every encoding of a task
            looks[id(source)] = hidden.look_of(config, source, examples), recovery.longer(config, source, 64)
        return everything(work, run, *looks[id(source)])

    for run in group if carries else group[:LOOKED_AT]:
        found = work.measure_once(run, key, partial(measure, run))
        rows += [base_row(run) | columns | {"value": value} for columns, value in found]
    return rows


def everything(work: Workspace, run: Run, look: hidden.Look, beyond: hidden.Sample) -> tables.Measurements:
    """What is measured on the states of one trained model, beside the same network untrained."""
    config, found = run.config, list[Any]()
    model, untrained = work.load_model(run), parameters.fresh(config, work.open_source(config).stream, run.seed)
    for network, one in (("trained", model), ("untrained", untrained)):
        states = np.asarray(hidden.hidden_states(jax.tree.map(jnp.asarray, one), look.sample.inputs))
        found += hidden.read_layers(states, look.sample, network, run.seed)
        if network == "trained" and run.seed == 0:
            found += hidden.read_layers(states, look.sample, "shuffled", run.seed)
    found += recovery.recovered(model, untrained, look, beyond, config, run.seed)
    whole = run.seed == 0 and config.encoding == "learned"  # maps and curves too
    words = heads.words_of(corpora.tokenizer(corpora.load(config.corpus).train, config.vocabulary)) if whole else ()
    if config.encoding != "sinusoidal":
        found += heads.measured(model, untrained, look, whole=whole, words=words)
    told = [pair for pair in found if np.isfinite(pair[1]) and pair[0]["metric"] != "variance_share"]  # of extraction
    return [(columns, round(float(value), 5)) for columns, value in told]


def figures(table: Any) -> dict[str, Any]:
    """Tables, use, hidden states and heads, drawn from the table alone."""
    return structure_figures.figures(table) | heads_figures.figures(table)


# ── claims ──────────────────────────────────────────────────────────────────────────────────────────────────────────

USES = 0.1  # shift share from which a model uses absolute position
CONTRAST = Claim(
    "C4",
    "Next-token prediction learns absolute position and masked LM does not: shift share of causal LM with a loss on a "
    "random 15 % of the tokens, minus that of masked LM, packed stream.",
    "share",
    cell="sampled_causal_lm minus masked_lm, learned, packed stream, positions from 0, length N / 2: mean shift share over "
    "shifts by 1, 8 and 32, interval above 0",
    figure="use",
    family="primary",
    title=Text(
        "Predicting the next word teaches absolute position, guessing masked words does not",
        "次の単語を予測する学習では絶対位置が身につき、隠した単語を推測する学習では身につかない",
    ),
    effect=Text(
        "share of what position is worth that is lost when all places are shifted, next word minus masked words",
        "全体の位置を一斉にずらしたときに、位置がもたらす利得のうち失われる割合、次の単語の予測 − 隠した単語の推測",
    ),
)
ABSOLUTE = Claim(
    "C4.{prefix}{model}-absolute",
    f"{{words}} uses absolute position{{place}}: shift share above {USES:g}.",
    "share",
    figure="use",
    family="C4",
)
LOCAL = Claim(
    "C4.{prefix}{model}-local",
    "{words} uses local order more than the order of blocks{place} (local minus block share).",
    "share",
    figure="use",
    family="C4",
)
STEP = Claim("C4.{step}", "What {change} adds to the shift share.", "share", figure="use", family="C4")
SHIFT_8 = Claim("C4.shift8", "The same as C4 with the shift by 8 alone.", "share", figure="costs", family="C4")
ABSOLUTE_8 = Claim(
    "C4.{model}-absolute-8",
    f"{{words}} uses absolute position: share of the shift by 8 alone above {USES:g}.",
    "share",
    figure="costs",
    family="C4",
)
CONTRAST_ELSEWHERE = Claim("C4.{part}", "The same as C4{place}.", "share", figure="use", family="C4")
RECOVERS = Claim(
    "C9",
    "A causal decoder without encodings recovers position: probe error after layer 1, untrained minus trained.",
    "share of chance",
    cell="causal_lm, none: probe error of position after layer 1, untrained minus trained, interval above 0",
    question="help",
    figure="layers",
    family="primary",
    title=Text(
        "A decoder finds position by itself, without any encoding",
        "デコーダは、エンコーディングがなくても位置を自力で見つける",
    ),
    effect=Text("probe error untrained minus trained", "プローブの誤差、学習前 − 学習後"),
)
RECOVERS_DEEPER = Claim(
    "C9.layer{layer}",
    "A causal decoder without encodings recovers position: probe error after layer {layer}, untrained minus trained.",
    "share of chance",
    question="help",
    figure="layers",
    family="C9",
)
USED = Claim(
    "C9.{part}",
    "The decoder uses the position that it recovers: bits lost without the probe's directions after layer {layer}, minus "
    "bits lost without random directions.",
    "bits per character",
    question="help",
    figure="projected_out",
    family="C9",
)
EQUIVARIANT = Claim(
    "C9.equivariant",
    "An encoder without encodings is blind to order: largest change of a logit when the tokens are permuted.",
    "of the largest logit",
    cell="masked_lm, none: at most 1e-5",
    question="help",
    figure="layers",
    family="C9",
)
LINEAR_SHIFT = Claim(
    "C1",
    "For a fixed offset, PE(p + k) is a linear function of PE(p): residual of the exact rotation, sinusoids.",
    "share of variance",
    cell="sinusoids of the shapes of the learned tables: residual of the exact rotation below 1e-6",
    figure="measures",
    family="primary",
    title=Text(
        "A shift by a fixed offset is a linear map of the sinusoidal code",
        "位置を一定の距離だけずらす操作は、正弦波のエンコーディングに対する線形写像になる",
    ),
    effect=Text(
        "what such a map leaves unexplained; 0 is exact, no training is involved",
        "その写像で説明できずに残る割合。0 なら厳密、学習は関わらない",
    ),
)
LINEAR_SHIFT_LEARNED = Claim(
    "C1.{part}",
    "A learned table is nearer to a linear shift than Gaussian rows (residual of Gaussian rows minus that of the table; "
    "{task}, {rows} rows, random starts).",
    "share of variance",
    figure="measures",
    family="C1",
)
CLAIMS = (
    CONTRAST, ABSOLUTE, LOCAL, STEP, SHIFT_8, ABSOLUTE_8, CONTRAST_ELSEWHERE, RECOVERS, RECOVERS_DEEPER, USED, EQUIVARIANT,
    LINEAR_SHIFT, LINEAR_SHIFT_LEARNED,
)  # fmt: skip
PACKED = {"encoding": "learned", "positions": "arange", "starts": "packed"}
MODELS = {"encoder": ("masked_lm", "An encoder with masked LM"), "decoder": ("causal_lm", "A decoder with causal LM")}
STEPS = {
    "mask": "causal instead of bidirectional attention",
    "objective": "predicting the next token instead of masked tokens",
    "predictions": "a loss on all tokens instead of 15 %",
}
AFTERWARDS = "Added after the first results: a shift by 32 uses rows that only the longest windows trained."


def claims(table: pd.DataFrame) -> list[ClaimResult]:
    """C4 from changed positions, C9 from probes and ablated directions, C1 from algebra and fitted maps."""
    by_use = judge_use(table) if "condition" in table else []
    by_probe = judge_recovery(table) if "network" in table else []
    return [*by_use, *by_probe, *judge_linear_shift(table)]


def judge_use(table: pd.DataFrame) -> list[ClaimResult]:
    """C4 and its parts: on the packed stream, by the shift of 8 alone, and elsewhere."""
    corpora = list(dict.fromkeys(table["corpus"].dropna())) or [""]
    here = PACKED | {"corpus": corpora[0]}
    share = {task: mean_shares(table, "shift", here | {"task": task}) for task in CHAIN}
    results = judge(CONTRAST, difference(share["sampled_causal_lm"], share["masked_lm"]))
    results += judge_models(table, here)
    for (step, change), before, after in zip(STEPS.items(), CHAIN[:-1], CHAIN[1:], strict=True):
        results += judge(STEP, difference(share[after], share[before]), step=step, change=change)
    near = {task: mean_shares(table, "shift", here | {"task": task}, size=8) for task in CHAIN}
    results += judge(SHIFT_8, difference(near["sampled_causal_lm"], near["masked_lm"]), note=AFTERWARDS)
    for model, (task, words) in MODELS.items():
        from_zero = difference(near[task], 0 * near[task])
        results += judge(ABSOLUTE_8, from_zero, USES, AFTERWARDS, model=model, words=words)
    elsewhere = {
        "offset": (" with positions from a random start", {"positions": "offset"}),
        "document": (" with windows that begin with a document", {"starts": "document"}),
        "second": (f" in the second domain ({', '.join(corpora[1:])})", {"corpus": "".join(corpora[1:2])}),
    }
    for part, (place, columns) in elsewhere.items():
        where = here | columns
        a, b = (mean_shares(table, "shift", where | {"task": task}) for task in ("sampled_causal_lm", "masked_lm"))
        results += judge(CONTRAST_ELSEWHERE, difference(a, b), part=part, place=place)
        results += judge_models(table, where, prefix=f"{part}-", place=place)
    return results


def judge_models(table: pd.DataFrame, where: TableRow, prefix: str = "", place: str = "") -> list[ClaimResult]:
    """Whether encoder and decoder use absolute position, and local order, under some conditions."""
    results = []
    for model, (task, words) in MODELS.items():
        shift, local, block = (
            mean_shares(table, kind, where | {"task": task}) for kind in ("shift", "shuffle", "permute")
        )
        fields = {"prefix": prefix, "model": model, "words": words, "place": place}
        results += judge(ABSOLUTE, difference(shift, 0 * shift), USES, **fields)
        results += judge(LOCAL, difference(local, block), **fields)
    return results


def mean_shares(table: pd.DataFrame, kind: str, where: TableRow, **size: int) -> pd.Series:
    """Mean share of a kind of change over its sizes (or at one `size`), by seed."""
    part = tables.select_rows(use.shares(table), condition=kind, **where, **size)
    return part.groupby("seed")["share"].mean().sort_index()


def judge_recovery(table: pd.DataFrame) -> list[ClaimResult]:
    """C9: what a causal decoder without encodings knows of position, and whether it uses it."""
    results = []
    blind = tables.select_rows(table, task="causal_lm", encoding="none")
    probe = {"metric": "probe_error", "target": "position"}
    for layer in sorted(set(blind["layer"].dropna()) - {0}):
        a, b = (tables.average_by_seed(blind, network=network, layer=layer, **probe) for network in ("untrained", "trained"))
        if len(b):
            note = f"Error {b.mean():.3f} of chance trained, {a.mean():.3f} untrained."
            claim = RECOVERS if layer == 1 else RECOVERS_DEEPER
            results += judge(claim, difference(a, b), note=note, layer=f"{layer:g}")
        if layer < blind["layer"].max():
            removed = {"metric": "projected_out", "layer": layer}
            a, b = (tables.average_by_seed(blind, part=part, **removed) for part in ("position", "random"))
            part = "uses" if layer == 1 else f"uses-layer{layer:g}"
            results += judge(USED, difference(a, b), part=part, layer=f"{layer:g}")
    gap = tables.average_by_seed(table, task="masked_lm", encoding="none", metric="order_gap", network="trained")
    if len(gap):
        verdict = "supported" if gap.max() <= 1e-5 else "contradicted"
        largest = Estimate(float(gap.max()), None, None, len(gap))
        results.append(EQUIVARIANT.judge(verdict, largest, "The largest over seeds; float32."))
    return results


def judge_linear_shift(table: pd.DataFrame) -> list[ClaimResult]:
    """C1 exactly for sinusoids, and by a fitted map for a learned table."""
    results = []
    exact = tables.select_rows(table, metric="rotation_residual")["value"]
    if len(exact):
        verdict = "supported" if exact.max() < 1e-6 else "contradicted"
        worst = Estimate(float(exact.max()), None, None, 1)
        results.append(LINEAR_SHIFT.judge(verdict, worst, "Algebra: no seeds are involved."))
    residual = {"metric": "shift_residual_1"}
    for part, task in (("learned", "causal_lm"), ("learned-encoder", "masked_lm"), ("learned-reverse", "reverse")):
        learned = tables.select_rows(table, task=task, encoding="learned", positions="offset", **residual)
        if not len(learned):
            continue
        rows, width = learned["rows"].iloc[0], learned["width"].iloc[0]
        gaussian = tables.select_rows(table, encoding="control:gaussian", rows=rows, width=width, **residual)
        a, b = (table.set_index("seed")["value"] for table in (gaussian, learned))
        note = f"Residual {b.mean():.3f} of the variance, Gaussian rows {a.mean():.3f}."
        results += judge(LINEAR_SHIFT_LEARNED, difference(a, b), note=note, part=part, task=task, rows=f"{rows:g}")
    return results


def difference(a: pd.Series, b: pd.Series) -> Estimate | None:
    """a − b by paired seeds; None where no seed has both."""
    both = a.index.intersection(b.index)
    return estimate_difference(a[both].to_numpy(), b[both].to_numpy()) if len(both) else None


def judge(
    claim: Claim, estimate: Estimate | None, margin: float = 0.0, note: str = "", **fields: str
) -> list[ClaimResult]:
    """The result of a claim that an estimate lies above a margin; none without an estimate."""
    return [] if estimate is None else [claim.judge(judge_direction(estimate, margin), estimate, note, **fields)]


def answers(table: pd.DataFrame, results: dict[str, ClaimResult]) -> list[Answer]:
    """Which models use absolute position, and which use local order."""
    if "C4" not in results:
        return []

    def verdict(part: str, contradicted: str = "no") -> str:
        result = results.get(f"C4.{part}")
        if result is None:
            return "not run"
        words = {"supported": "yes", "contradicted": contradicted}
        return f"{words.get(result.verdict, 'undecided')} ({format_effect(result)})"

    local = "; ".join(f"the {model}: {verdict(f'{model}-local', 'no, the opposite')}" for model in MODELS)
    absolute = "; ".join(f"the {model}: {verdict(f'{model}-absolute')}" for model in MODELS)
    near = "; ".join(f"the {model}: {verdict(f'{model}-absolute-8')}" for model in MODELS)
    names = {"offset": "random starts", "document": "document starts", "second": "the second domain"}
    elsewhere = [
        f"{name}: {format_effect(results[f'C4.{part}'])}" for part, name in names.items() if f"C4.{part}" in results
    ]
    text = (
        f"Is local order used more than the order of blocks? {local}. Is absolute position used? {absolute}; by a shift of 8 "
        f"alone, {near}." + (f" Under other conditions: {'; '.join(elsewhere)}." if elsewhere else "")
    )
    short = (
        "Share of the value of position that is lost when all positions are shifted, next-token prediction minus masked LM: "
        f"{format_effect(results['C4'])}."
    )
    return [Answer("Do encoders learn local and decoders absolute position?", text, "use", short=short)]


if __name__ == "__main__":
    cli.script(__file__)
