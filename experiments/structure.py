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

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxpe import cli
from jaxpe.analysis import geometry, heads, hidden, position_table, recovery, trained_rows, use
from jaxpe.analysis.attention import code_of
from jaxpe.data import corpus as corpora
from jaxpe.figures import heads as heads_figures
from jaxpe.figures import structure as structure_figures
from jaxpe.model import Transformer
from jaxpe.records.statistics import EXPLORATORY, Answer, Claim, Estimate, direction_verdict, paired_difference, told
from jaxpe.study import grids, tables
from jaxpe.study.presets import THREE, GridRow, Preset
from jaxpe.study.tables import TableRow
from jaxpe.study.workspace import Run, Workspace, describe
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
USES = 0.1  # shift share from which a model uses absolute position
# From masked to next-token prediction, one step at a time: the mask, the objective, the number of predictions.
CHAIN = ("masked_lm", "causal_masked_lm", "sampled_causal_lm", "causal_lm")
TEN, SIX = grids.STANDARD_TEXT + grids.TEN, grids.STANDARD_TEXT + grids.SIX
OFFSET = (*SIX, ("max_length_ratio", 2.0))  # a table short enough that random starts train all of it: 193 rows
DOCUMENT = (*SIX, ("starts", "document"))
SECOND = (*SIX, ("corpus", "wordnet"))  # left out where it was not fetched
LARGE = (("width", 256), ("layers", 4), ("heads", 4), ("steps", 40_000), ("vocabulary", 4096), ("seeds", 10))
TINY = tuple((name, size) for name, size in grids.QUICK_TEXT if name not in ("steps", "batch", "seeds", "examples"))


PRESETS = {
    "smoke": Preset(
        (GridRow(task="reverse", architectures=("encoder",), encodings=LEARNED), GridRow(task="causal_lm", architectures=("decoder",), encodings=LEARNED, overrides=(*TINY, ("max_length_ratio", 2.0)))),
        seeds=1, train_length=5, max_length_ratio=4.0, num_test_lengths=4, examples=32, width=16, layers=1, steps=40, batch=16, length_buckets=1,
    ),
    "quick": Preset(
        (
            GridRow(task="reverse", architectures=("encoder",), encodings=LEARNED),
            grids.text("masked_lm", grids.QUICK_TEXT, LEARNED),
            grids.text("causal_lm", grids.QUICK_TEXT, ("none", "learned")),
        ),
        train_length=8, steps=800, num_test_lengths=7,
    ),
    "standard": Preset(
        (
            *[grids.text(task, TEN, LEARNED) for task in ("masked_lm", "sampled_causal_lm", "causal_lm")],
            *[grids.text(task, SIX, ("none", "sinusoidal")) for task in PAIR],
            grids.text("causal_masked_lm", SIX, LEARNED),
            *[grids.text(task, OFFSET, LEARNED, ("offset",)) for task in CHAIN],
            *[grids.text(task, DOCUMENT, LEARNED) for task in CHAIN],
            *[grids.text(task, SECOND, LEARNED) for task in CHAIN if task != "causal_masked_lm"],
            *[GridRow(task="reverse", architectures=("encoder",), encodings=LEARNED, positions=(sampler,)) for sampler in ("arange", "offset")],
        ),
        seeds=10, train_length=12, steps=3000, num_test_lengths=14, examples=512,
    ),
}  # fmt: skip
PRESETS["full"] = Preset(
    tuple(
        grids.text(task, sizes + LARGE, THREE, ("offset",) if sizes == OFFSET else ("arange",))
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
            tokens = np.stack([np.asarray(work.model(run).stack.embedding[...], np.float64) for run in group])
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
    row = tables.base_row("structure", config, run.seed, None)
    return row | ({"starts": config.starts, "corpus": config.corpus} if config.language else {})


# ── tables ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def position_codes(work: Workspace, group: list[Run]) -> tuple[np.ndarray, str]:
    """What the models of a config add at the positions that training visited (seeds × positions × width), and which those are.

    Of a learned table the rows that training moved in every seed; of a code without parameters those that the sampler gives.
    """
    config = group[0].config
    stream = work.source(config).stream
    before = coded([parameters.fresh(config, stream, run.seed) for run in group], config)
    after = coded([work.model(run) for run in group], config)
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
    floor = tables.text_baseline(work.source(config), "bits_per_character")
    blind = use.bag_of_words(config, work.source(config), examples) if config.task == "masked_lm" else None
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
        work.progress.note(f"changing positions of {describe(config)}")
        models = [work.model(run) for run in lacking]
        found = use.measured(config, work.source(config), work.mesh, models, examples)
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
    source, rows = work.source(config), list[TableRow]()
    key = {"kind": "structure", "version": MEASUREMENT, "examples": examples}

    def measure(run: Run) -> tables.Found:
        if id(source) not in looks:  # one object for every encoding of a task
            looks[id(source)] = hidden.look_of(config, source, examples), recovery.longer(config, source, 64)
        return everything(work, run, *looks[id(source)])

    for run in group if carries else group[:LOOKED_AT]:
        found = work.found(run, key, partial(measure, run))
        rows += [base_row(run) | columns | {"value": value} for columns, value in found]
    return rows


def everything(work: Workspace, run: Run, look: hidden.Look, beyond: hidden.Sample) -> tables.Found:
    """What is measured on the states of one trained model, beside the same network untrained."""
    config, found = run.config, list[Any]()
    model, untrained = work.model(run), parameters.fresh(config, work.source(config).stream, run.seed)
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

PACKED = {"encoding": "learned", "positions": "arange", "starts": "packed"}


def shares(table: Any, kind: str, where: dict[str, Any], **size: int) -> Any:
    """Mean share of a kind of change over its sizes (or at one `size`), by seed."""
    part = tables.select(use.shares(table), condition=kind, **where, **size)
    return part.groupby("seed")["share"].mean().sort_index()


def first_corpus(table: Any) -> str:
    return next(iter(table["corpus"].dropna()), "") if "corpus" in table else ""


def difference(a: Any, b: Any) -> Estimate | None:
    """a − b by paired seeds; None where there are none."""
    both = a.index.intersection(b.index)
    return paired_difference(a[both].to_numpy(), b[both].to_numpy()) if len(both) else None


def claims(table: Any) -> list[Claim]:
    """C4 by use, C9 by probes and by projecting out, C1 by algebra and by a fitted map."""
    by_condition = by_use(table) if "condition" in table else ()
    return [*by_condition, *recovered(table), *linear_shift(table)]


def by_use(table: Any) -> Iterator[Claim]:
    """C4 and its parts."""
    here = PACKED | {"corpus": first_corpus(table)}
    share = {task: shares(table, "shift", here | {"task": task}) for task in CHAIN}
    statement = "Next-token prediction learns absolute position, masked LM does not: shift share of next tokens (a random 15 % asked, causal) minus masked tokens (both ways), packed stream."
    yield from claim("C4", statement, difference(share["sampled_causal_lm"], share["masked_lm"]))
    for name, task, words in (
        ("encoder", "masked_lm", "An encoder with masked LM"),
        ("decoder", "causal_lm", "A decoder with causal LM"),
    ):
        yield from claim(
            f"C4.{name}-absolute",
            f"{words} uses absolute position: shift share above {USES:g}.",
            difference(share[task], 0 * share[task]),
            USES,
        )
        local, block = (shares(table, kind, here | {"task": task}) for kind in ("shuffle", "permute"))
        yield from claim(
            f"C4.{name}-local",
            f"{words} uses local order more than the order of blocks (local minus block share).",
            difference(local, block),
        )
    steps = (
        ("mask", "causal attention instead of both ways"),
        ("objective", "next tokens instead of masked ones"),
        ("predictions", "all tokens asked instead of 15 %"),
    )
    for (name, words), before, after in zip(steps, CHAIN[:-1], CHAIN[1:], strict=True):
        yield from claim(
            f"C4.{name}", f"What {words} adds to the shift share.", difference(share[after], share[before])
        )
    near = {task: shares(table, "shift", here | {"task": task}, size=8) for task in CHAIN}
    note = "Added after the first results: shifted by 32, half of the rows are ones that few windows max_length_ratio."
    yield from claim(
        "C4.shift8",
        "The same as C4 with the shift by 8 alone.",
        difference(near["sampled_causal_lm"], near["masked_lm"]),
        note=note,
    )
    for kind, task in (("encoder", "masked_lm"), ("decoder", "causal_lm")):
        statement = f"The {kind} ({task}) uses absolute position: share of the shift by 8 alone above {USES:g}."
        yield from claim(f"C4.{kind}-absolute-8", statement, difference(near[task], 0 * near[task]), USES, note=note)
    yield from elsewhere(table)


def elsewhere(table: Any) -> Iterator[Claim]:
    """The primary contrast, and the decoder's own share, with other starts and in another domain."""
    corpus = first_corpus(table)
    others = [name for name in dict.fromkeys(table["corpus"].dropna()) if name != corpus]
    places = {
        "offset": ("positions from a random start", {"positions": "offset", "corpus": corpus}),
        "document": ("windows that begin with a document", {"starts": "document", "corpus": corpus}),
        "second": (f"the second domain ({', '.join(others)})", {"corpus": others[0] if others else ""}),
    }
    for name, (words, changes) in places.items():
        where = PACKED | changes
        share = {task: shares(table, "shift", where | {"task": task}) for task in CHAIN}
        yield from claim(
            f"C4.{name}", f"The same as C4 with {words}.", difference(share["sampled_causal_lm"], share["masked_lm"])
        )
        for kind, task in (("encoder", "masked_lm"), ("decoder", "causal_lm")):
            statement = f"The {kind} ({task}) uses absolute position with {words}: shift share above {USES:g}."
            yield from claim(f"C4.{name}-{kind}-absolute", statement, difference(share[task], 0 * share[task]), USES)
            local, block = (shares(table, change, where | {"task": task}) for change in ("shuffle", "permute"))
            statement = f"The {kind} ({task}) uses local order more than that of blocks with {words}."
            yield from claim(f"C4.{name}-{kind}-local", statement, difference(local, block))


def recovered(table: Any) -> Iterator[Claim]:
    """C9: what a causal decoder without encodings knows of position, and whether it uses it."""
    if "network" not in table:
        return
    blind = tables.select(table, task="causal_lm", encoding="none")
    probe = {"metric": "probe_error", "target": "position"}
    for layer in sorted(set(blind["layer"].dropna())):
        a, b = (tables.by_seed(blind, network=network, layer=layer, **probe) for network in ("untrained", "trained"))
        name, note = ("C9" if layer == 1 else f"C9.layer{layer:g}"), ""
        if layer and len(b):
            note = f"Error {b.mean():.3f} of chance trained, {a.mean():.3f} untrained."
            statement = f"A causal decoder without encodings recovers position: probe error after layer {layer:g}, untrained minus trained."
            yield from claim(name, statement, difference(a, b), unit="share of chance", note=note)
        removed = {"metric": "projected_out", "layer": layer}
        a, b = (tables.by_seed(blind, part=part, **removed) for part in ("position", "random"))
        statement = (
            f"It uses it: bits lost without the probe's directions after layer {layer:g}, minus random directions."
        )
        if layer and layer < blind["layer"].max():
            yield from claim(
                "C9.uses" if layer == 1 else f"C9.uses-layer{layer:g}",
                statement,
                difference(a, b),
                unit="bits per character",
            )
    gap = tables.by_seed(table, task="masked_lm", encoding="none", metric="order_gap", network="trained")
    if len(gap):
        statement = (
            "Without encodings an encoder is blind to order: largest change of a logit when words change places."
        )
        verdict = "supported" if gap.max() <= 1e-5 else "contradicted"
        note = "The largest over seeds; float32."
        yield Claim(
            "C9.equivariant", statement, verdict, float(gap.max()), None, None, len(gap), "of the largest logit", note
        )


def linear_shift(table: Any) -> Iterator[Claim]:
    """C1 exactly for sinusoids, and by a fitted map for a learned table."""
    exact = tables.select(table, metric="rotation_residual")
    if len(exact):
        worst, note = float(exact["value"].max()), "Algebra: no seeds are involved."
        statement = (
            "For a fixed offset, PE(p + k) is a linear function of PE(p): residual of the exact rotation, sinusoids."
        )
        verdict = "supported" if worst < 1e-6 else "contradicted"
        yield Claim("C1", statement, verdict, worst, None, None, 1, "share of variance", note)
    for name, task in (("learned", "causal_lm"), ("learned-encoder", "masked_lm"), ("learned-reverse", "reverse")):
        own = tables.select(table, task=task, encoding="learned", positions="offset", metric="shift_residual_1")
        if len(own):
            drawn = tables.select(
                table,
                encoding="control:gaussian",
                metric="shift_residual_1",
                rows=own["rows"].iloc[0],
                width=own["width"].iloc[0],
            )
            statement = f"A learned table comes nearer to a linear shift than Gaussian rows (Gaussian minus learned; {task}, {own['rows'].iloc[0]:g} rows from random starts)."
            note = f"Residual {own['value'].mean():.3f} of the variance, Gaussian rows {drawn['value'].mean():.3f}."
            yield from claim(
                f"C1.{name}",
                statement,
                difference(drawn.set_index("seed")["value"], own.set_index("seed")["value"]),
                unit="share of variance",
                note=note,
            )


def claim(
    name: str, statement: str, found: Estimate | None, margin: float = 0.0, unit: str = "share", note: str = ""
) -> Iterator[Claim]:
    """A claim where there are pairs of seeds."""
    if found is None:
        return
    if found.n < EXPLORATORY:
        note = f"{note} Exploratory: fewer than ten seeds.".strip()
    verdict = direction_verdict(found, margin)
    yield Claim(name, statement, verdict, found.value, found.low, found.high, found.n, unit, note, found.p)


ABSOLUTE, LOCAL = "uses absolute position", "uses local order more than blocks"
ELSEWHERE = {"offset": "random starts", "document": "document starts", "second": "the second domain"}


def answers(table: Any, made: dict[str, Claim]) -> list[Answer]:
    """Who learns what, in a sentence each."""
    if "C4" not in made:
        return []

    def word(name: str, yes: str, no: str) -> str:
        one = made.get(name)
        if one is None:
            return "not run"
        return f"{ {'supported': yes, 'contradicted': no}.get(one.verdict, 'undecided') } ({told(one)})"

    kinds = ("encoder", "decoder")
    local = "; ".join(f"the {kind}: {word(f'C4.{kind}-local', 'yes', 'no, the contrary')}" for kind in kinds)
    absolute = "; ".join(f"the {kind}: {word(f'C4.{kind}-absolute', 'yes', 'no')}" for kind in kinds)
    near = "; ".join(f"the {kind}: {word(f'C4.{kind}-absolute-8', 'yes', 'no')}" for kind in kinds)
    elsewhere = [f"{words}: {told(made[f'C4.{name}'])}" for name, words in ELSEWHERE.items() if f"C4.{name}" in made]
    more = f" Elsewhere: {'; '.join(elsewhere)}." if elsewhere else ""
    text = f"{LOCAL.capitalize()}? {local}. {ABSOLUTE.capitalize()}? {absolute}; by a shift of 8 alone, {near}.{more}"
    short = f"Next-token prediction minus masked tokens, share of what position is worth that absolute position carries: {told(made['C4'])}."
    return [Answer("Do encoders learn local and decoders absolute position?", text, "use", short=short)]


if __name__ == "__main__":
    cli.script(__file__)
