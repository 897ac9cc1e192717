"""What do the position tables of published models hold, and does a model that people use see the order of words without one?

The tables of every model that `jaxpe fetch` brought (English, chemical reactions, speech), or of `--model` and `--table`, by the
measures of `structure` and beside controls of the same shape; the pair trained by `structure` in the same results folder stands
beside them. Rows that training seems never to have met are left out, by a guess from their size, and said so. Then the sum of a
real word and a real position, read back by who knows both tables (`jaxpe.analysis.joint`). Then MiniLM-L6 run forward: verses
with their words in another order, with the position table and with zeros in its place, and with positions moved.

Prediction: (made after a look at the tables' measures, before any sum was read or MiniLM was run on these verses) learned tables
are smooth and near a linear shift map (residual below .3), never as near as sinusoids; neighbours are told apart badly by a
linear reader (order accuracy of near pairs .5 to .7, far ones above .95). Every sum in float32 is read without an error, and
more than .95 in bfloat16; with noise of one position RMS fewer than half. Without positions a verse with shuffled words has
the same embedding, to 1e-5; with them it changes, but by less than a fifth of the way to another verse: a sentence encoder
needs order little. Shuffling inside windows of four changes it more than moving windows of four. A shift by 8 changes it by
less than a tenth of what one position for all does.

Primary cell. None of its own: parts of claims. C9.minilm-blind: largest change (1 − cosine) of a verse by shuffled words without
positions, below 1e-5, where with positions the mean is above 1e-3. C9.minilm-order: change with positions minus without, over
verses, above 0. C4.minilm-shift: change by a shift of 8 as a share of that by one position for all, above .1 with its lower
bound above 0. C4.minilm-local: words shuffled in windows of 4 minus windows of 4 permuted, above 0. C1.NAME: residual of a linear
shift by 1, Gaussian control minus the table, above 0. C6.NAME: every sum of word and position is read exactly.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from jaxpe import cli
from jaxpe.analysis import geometry, joint, position_table, published, word_order
from jaxpe.analysis.published import Published
from jaxpe.data import corpus
from jaxpe.errors import UserError
from jaxpe.figures import pretrained as pretrained_figures
from jaxpe.figures.pretrained import HERE, JOINT, ORDER, PAIR, TABLE
from jaxpe.pretrained import models
from jaxpe.records import store
from jaxpe.records.statistics import (
    Answer,
    Claim,
    Estimate,
    clopper_pearson,
    direction_verdict,
    paired_difference,
    told,
)
from jaxpe.study import tables
from jaxpe.study.presets import Preset
from jaxpe.study.tables import TableRow
from jaxpe.study.workspace import Run, Workspace


@dataclass(frozen=True)
class Options:
    """Which position tables are measured. Without options: those of every model that was fetched."""

    table: Path | None = None
    """Position table of your own: a file FILE.npy that holds one array, positions × width."""
    model: tuple[str, ...] = ()
    """Models whose position tables are measured: a file of weights, a name of `jaxpe fetch`, or a Hugging Face id."""
    name: str | None = None
    """Name of the one --table or --model in figures and tables. Default: the name of its file."""


OPTIONS = Options

# train_length and width: of the controls where there is no table; seeds: of the drawn controls; examples: sums that are read,
# sixteen times as many as verses. Below FEW examples, models that were fetched are left out unless they are named.
PRESETS = {
    "smoke": Preset((), seeds=2, train_length=64, width=32, examples=32),
    "quick": Preset((), seeds=3, train_length=512, width=384, examples=128),
    "standard": Preset((), seeds=10, train_length=512, width=384, examples=768),
    "full": Preset((), seeds=30, train_length=512, width=384, examples=4096),
}
FEW = 64
DRAWN_FROM = 7000  # seed of the first control, so that a table that somebody drew with seed 0 is not one of them
FORWARD = "minilm"  # the model that is run
SHOWN = 48  # positions of a map, and points of a curve, so that the table stays small
CONTROLLED = (  # what is measured of the controls too
    "position_error_share", "position_error_share_block", "order_accuracy", "order_accuracy_near",
    "adjacency", "toeplitz_share", "translation_invariance", "symmetry", "effective_rank",
    "shift_residual_1", "shift_residual_4",
)  # fmt: skip
SHIFT, WINDOW, USES = 8, 4, 0.1  # of the claims; USES: share from which absolute position is used
Rows = Iterator[TableRow]


def row(task: str, name: str, metric: str, value: float, **more: Any) -> TableRow:
    base = {
        "experiment": "pretrained",
        "task": task,
        "encoding": name,
        "positions": "arange",
        "test_positions": "arange",
    }
    return base | {"seed": 0, "metric": metric, "value": value} | more


def read_options(preset: Preset) -> Options:
    """What this experiment itself takes; the defaults where a preset holds nothing."""
    return preset.options if isinstance(preset.options, Options) else Options()


def open_tables(preset: Preset) -> list[Published]:
    """The tables that the options name. Raises UserError where one cannot be used."""
    options = read_options(preset)
    if options.name is not None and not options.name.strip():
        raise UserError("--name is empty: give a name, or leave it out.")
    return published.asked(str(options.table or ""), options.model, options.name or "")


def check(preset: Preset) -> None:
    """Opens what was asked for, before anything is measured. Raises UserError where something cannot be used."""
    open_tables(preset)


def measure(work: Workspace, runs: list[Run], preset: Preset) -> list[TableRow]:
    """Tables and their controls, sums read back, the order of words; and what `structure` found of the pair trained here."""
    found = open_tables(preset) or fetched(work, preset)
    rows = list[TableRow]()
    for one in found:
        work.progress.note(f"{one.name}: {one.sentence}")
        rows += [*of_table(one), *of_controls(one.rows.shape, preset.seeds, one.name, whole=one is found[0])]
    for one in (one for one in found if one.tokens is not None):
        work.progress.note(f"{one.name}: words and positions read from their sums")
        rows += of_sums(one, preset.examples)
    if not found:
        shape = (preset.train_length, preset.width)
        work.progress.note(f"No published table is at hand: controls of {shape[0]} × {shape[1]} alone.")
        rows += of_controls(shape, preset.seeds, "", whole=True)
    if forward_asked(found, preset):
        work.progress.note(f"{FORWARD}: verses with words and positions moved")
        rows += of_order(preset)
    return rows + trained_here(work.results)


def fetched(work: Workspace, preset: Preset) -> list[Published]:
    """The published models that are at hand; what is not is named."""
    if preset.examples < FEW:
        work.progress.note("Published models are left out at this size: name one with --model.")
        return []
    if lacking := published.lacking():
        work.progress.note(lacking)
    return [one for name in published.fetched() for one in published.from_model(name)]


def forward_asked(found: list[Published], preset: Preset) -> bool:
    """MiniLM is among the tables, as it was fetched."""
    options = read_options(preset)
    if options.model or options.table:
        return FORWARD in options.model
    return any(one.name == FORWARD for one in found)


# ── tables ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def of_table(one: Published) -> Rows:
    """Every number of a published table, and what is drawn of it."""
    more = {"architecture": one.kind, "train_length": one.rows.shape[0], "width": one.rows.shape[1]}
    yield row(TABLE, one.name, "rows_measured", len(one.rows), rows=one.total, text=one.sentence, **more)
    tokens = None if one.tokens is None else published.some_tokens(one.tokens)[None]
    for name, value in position_table.measured(one.rows[None], tokens).items():
        yield row(TABLE, one.name, name, round(float(value[0]), 5), **more)
    yield from drawn(one.name, one.rows, more)


def of_controls(shape: tuple[int, ...], seeds: int, beside: str, whole: bool) -> Rows:
    """The controls of one shape, draw by draw; there is one table of sinusoids. `whole`: also what is drawn of the first."""
    more = {"beside": beside, "train_length": shape[0], "width": shape[1]}
    for seed in range(seeds):
        for name, table in geometry.controls(shape[0], shape[1], DRAWN_FROM + seed).items():
            if seed and name == "control:sinusoidal":
                continue
            found = position_table.measured(table[None])
            for metric in CONTROLLED:
                yield row(TABLE, name, metric, round(float(found[metric][0]), 5), **more | {"seed": seed})
            if whole and not seed:
                yield from drawn(name, table, more)


def drawn(name: str, table: np.ndarray, more: dict[str, Any]) -> Rows:
    """A map of similarity, a row of it in a row; similarity by lag; and the spectrum: each at few places."""
    shown = np.unique(np.linspace(0, len(table) - 1, SHOWN).round().astype(int))
    likeness = geometry.similarity(table[shown] - table.mean(0), centre=False)
    for place, line in zip(shown, likeness, strict=True):
        numbers = " ".join(f"{value:.2f}" for value in line)
        yield row(TABLE, name, "similarity_row", round(float(line.mean()), 5), row=int(place), text=numbers, **more)
    for metric, curve in position_table.curves(table[None]).items():
        first = 1 if metric == "spectrum" else 0
        places = np.unique(np.geomspace(1, len(curve[0]), SHOWN).round().astype(int) - 1)
        for place in places:
            yield row(TABLE, name, metric, float(curve[0, place]), row=int(place) + first, **more)


# ── sums, the order of words, and the pair trained here ─────────────────────────────────────────────────────────────


def of_sums(one: Published, pairs: int) -> Rows:
    """Random words at random positions, read back from their sum under every signal."""
    assert one.tokens is not None
    known = joint.known(one.tokens, one.rows)
    distinct = len({line.tobytes() for line in np.asarray(known.tokens, np.float32)})
    more = {"architecture": one.kind, "n_examples": pairs, "tokens": len(known.tokens), "rows": len(known.positions)}
    yield row(JOINT, one.name, "distinct_tokens", distinct, **more)
    for signal in joint.SIGNALS:
        found = joint.read(known, signal, pairs)
        shares = {"joint_recovered": found.token & found.position, "token_recovered": found.token}
        shares |= {"position_recovered": found.position, "position_recovered_alone": found.alone}
        for metric, right in shares.items():
            yield row(JOINT, one.name, metric, round(float(right.mean()), 6), signal=signal, **more)
        if signal == "float32":
            yield row(JOINT, one.name, "nearest_other_sum", float(found.gap.min()), signal=signal, **more)


def of_order(preset: Preset) -> Rows:
    """The change of every verse's sentence embedding."""
    model = models.open_model(FORWARD)
    for one in word_order.changes(model, corpus.load(preset.corpus).validation, max(6, preset.examples // 16)):
        name = FORWARD if one.positions else f"{FORWARD}, {word_order.WITHOUT}"
        for verse, value in enumerate(one.values):
            more = {"change": one.kind, "by": one.by, "verse": verse, "n_examples": 1, "architecture": "encoder"}
            yield row(ORDER, name, "embedding_change", float(value), **more)


def trained_here(results: store.Results) -> list[TableRow]:
    """The rows of `structure` in the same folder that hold the same measures of the pair's learned tables, and of their controls."""
    path = results.folder / "structure" / "table.csv"
    if not path.is_file():
        return []
    table = store.read_table(path)
    table = table[table["metric"].isin(CONTROLLED)]
    if "rows" in table:
        table = table[table["rows"].notna()]  # of tables, not of hidden states
    part = tables.select(table[table["task"].isin(PAIR)], encoding="learned", positions="arange")
    if "starts" in part:
        part = part[part["starts"] == "packed"]
    if "corpus" in part and len(part):
        part = part[part["corpus"] == part["corpus"].iloc[0]]
    kept = ["task", "architecture", "encoding", "positions", "seed", "train_length", "metric", "value"]
    rows = [{"experiment": "pretrained"} | dict(zip(kept, line, strict=True)) for line in part[kept].to_numpy(object)]
    if not {"rows", "width"} <= set(part):
        return rows
    for task, own in part.groupby("task", sort=False):
        shape = {name: own[name].iloc[0] for name in ("rows", "width")}
        controls = tables.select(table[table["encoding"].isin(pretrained_figures.CONTROLS)], **shape)
        more = {"beside": HERE.format(task), "train_length": int(shape["rows"]), "width": int(shape["width"])}
        for one in controls.itertuples():
            rows.append(row(TABLE, one.encoding, one.metric, one.value, seed=one.seed, **more))
    return rows


# ── claims ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def figures(table: Any) -> dict[str, Any]:
    """Measures, maps, lags and spectra; sums and the order of words where they were read."""
    return pretrained_figures.all_of(table)


def names_of(table: Any, task: str) -> list[str]:
    """The published tables, in their order."""
    names = dict.fromkeys(tables.select(table, task=task)["encoding"])
    return [name for name in names if not str(name).startswith("control:")]


def claims(table: Any) -> list[Claim]:
    """Parts of C1, C4, C6 and C9, each where its rows are."""
    table = pretrained_figures.complete(table)
    made = [
        *[linear(table, name) for name in names_of(table, TABLE)],
        *[read_back(table, name) for name in names_of(table, JOINT)],
    ]
    if len(tables.select(table, task=ORDER)):
        made += [blind(table), ordered(table), shifted(table, 0), shifted(table, word_order.MIDDLE), local(table)]
    numbered: dict[str, int] = {}
    for i, claim in enumerate(made):  # two names may have one slug
        numbered[claim.id] = numbered.get(claim.id, 0) + 1
        if numbered[claim.id] > 1:
            made[i] = replace(claim, id=f"{claim.id}-{numbered[claim.id]}")
    return made


def linear(table: Any, name: str) -> Claim:
    """Gaussian rows of the same shape, a draw a pair, minus the one table."""
    part = tables.select(table, task=TABLE, metric="shift_residual_1")
    own = float(tables.select(part, encoding=name)["value"].iloc[0])
    controls = tables.select(part, encoding="control:gaussian", beside=name)["value"].to_numpy()
    found = paired_difference(controls, np.full(len(controls), own))
    exact = float(tables.select(part, encoding="control:sinusoidal", beside=name)["value"].iloc[0])
    statement = f"A shift by 1 is nearer to a linear map on the position table of {name} than on Gaussian rows (residual, Gaussian minus {name})."
    note = f"Residual {own:.3f}; sinusoids {exact:.2g}. n counts draws of the control: the table is one. {dropped(table, name)}"
    return claim(f"C1.{published.slug(name)}", statement, direction_verdict(found), found, "share of variance", note)


def dropped(table: Any, name: str) -> str:
    """The sentence about rows that were left out; empty where none were."""
    part = tables.select(table, metric="rows_measured", encoding=name).iloc[0]
    return str(part["text"]) if part["value"] < part["rows"] else ""


def read_back(table: Any, name: str) -> Claim:
    """Supported where every sum is read, and so many that less than .99 is excluded. One error contradicts, and so do equal rows."""
    part = tables.select(table, task=JOINT, encoding=name)
    plain = tables.select(part, metric="joint_recovered", signal="float32").iloc[0]
    n = int(plain["n_examples"])
    right = round(float(plain["value"]) * n)
    low, high = clopper_pearson(right, n)
    same = int(plain["tokens"] - tables.select(part, metric="distinct_tokens")["value"].iloc[0])
    verdict = "contradicted" if right < n or same else "supported" if low > 0.99 else "undecided"
    rough, position = (
        float(tables.select(part, metric=metric, signal=signal)["value"].iloc[0])
        for metric, signal in (("joint_recovered", "bfloat16"), ("position_recovered", "float32"))
    )
    gap = float(tables.select(part, metric="nearest_other_sum")["value"].iloc[0])
    statement = (
        f"From the sum of a word and a position of {name} both are read exactly by who knows both tables (float32)."
    )
    note = (
        f"n counts random pairs, {plain['tokens']:.0f} tokens × {plain['rows']:.0f} positions; the position alone {position:.3f}; "
        f"in bfloat16 {rough:.3f}; the nearest other sum lies at least {gap:.2g} of a position row's length away."
    )
    if same:
        note += f" {same} tokens have the row of another token: no reader can tell them apart."
    return claim(
        f"C6.{published.slug(name)}", statement, verdict, Estimate(right / n, low, high, n), "share of sums", note
    )


def change_of(table: Any, kind: str, by: int = 0, seeing: bool = True) -> np.ndarray:
    """The changes of all verses, in their order."""
    name = FORWARD if seeing else f"{FORWARD}, {word_order.WITHOUT}"
    return (
        tables.select(table, task=ORDER, encoding=name, change=kind, by=by)
        .sort_values("verse")["value"]
        .to_numpy(float)
    )


def blind(table: Any) -> Claim:
    seeing, without = (change_of(table, word_order.SHUFFLED, seeing=which) for which in (True, False))
    worst = float(without.max())
    verdict = "contradicted" if worst >= 1e-5 else "supported" if seeing.mean() > 1e-3 else "undecided"
    statement = "Without positions word order is invisible to MiniLM-L6: largest change (1 − cosine) of a verse's embedding by shuffled words."
    note = f"n counts verses; with positions the mean change is {seeing.mean():.3f}."
    return claim("C9.minilm-blind", statement, verdict, Estimate(worst, None, None, len(without)), "1 − cosine", note)


def ordered(table: Any) -> Claim:
    seeing, without = (change_of(table, word_order.SHUFFLED, seeing=which) for which in (True, False))
    found, other = paired_difference(seeing, without), change_of(table, word_order.ANOTHER)
    statement = "With positions MiniLM-L6 sees word order: change (1 − cosine) of a verse's embedding by shuffled words, with minus without."
    note = f"n counts verses; another verse is {other.mean():.3f} away, so order is {seeing.mean() / other.mean():.2f} of that."
    return claim("C9.minilm-order", statement, direction_verdict(found), found, "1 − cosine", note)


def shifted(table: Any, place: int) -> Claim:
    """Uses absolute position: the share above .1, its lower bound above 0."""
    whole = change_of(table, word_order.CONSTANT, place)
    by = {shift: word_order.share_of(change_of(table, word_order.SHIFTED, shift), whole) for shift in word_order.SHIFTS}
    found = by[SHIFT]
    verdict = "undecided"
    if found.low is not None and found.high is not None:
        uses = found.value > USES and found.low > 0
        verdict = "supported" if uses else "contradicted" if found.high < USES else "undecided"
    statement = (
        f"MiniLM-L6 uses absolute position: all positions moved by {SHIFT} change the embedding by more than {USES:g} of "
        f"what position {place} for all does."
    )
    shares = ", ".join(f"{shift}: {one.value:.3f}" for shift, one in by.items())
    moved, order = (
        change_of(table, kind, by).mean() for kind, by in ((word_order.SHIFTED, SHIFT), (word_order.SHUFFLED, 0))
    )
    note = (
        f"n counts verses; shares by shift: {shares}. Changes (1 − cosine): moved by {SHIFT} {moved:.3f}, words shuffled {order:.3f}, "
        f"position {place} for all {whole.mean():.3f}, no position {change_of(table, word_order.REMOVED).mean():.3f}."
    )
    name = "C4.minilm-shift" if not place else "C4.minilm-shift-middle"
    return claim(name, statement, verdict, found, "share", note)


def local(table: Any) -> Claim:
    """Local order lost, blocks kept, minus the other way round."""
    within, blocks = (change_of(table, kind, WINDOW) for kind in (word_order.WITHIN, word_order.PERMUTED))
    found = paired_difference(within, blocks)
    statement = f"To MiniLM-L6 the order inside windows of {WINDOW} words matters more than that of the windows (change, shuffled inside minus permuted)."
    note = f"{within.mean():.4f} against {blocks.mean():.4f}; n counts verses."
    return claim("C4.minilm-local", statement, direction_verdict(found), found, "1 − cosine", note)


def claim(name: str, statement: str, verdict: str, found: Estimate, unit: str, note: str = "") -> Claim:
    few = "Exploratory: fewer than ten." if found.n < 10 else ""
    words = " ".join(part for part in (few, note.strip()) if part)
    return Claim(name, statement, verdict, found.value, found.low, found.high, found.n, unit, words, found.p)


def answers(table: Any, made: dict[str, Claim]) -> list[Answer]:
    """Where MiniLM was run."""
    if "C9.minilm-order" not in made:
        return []
    order, moved, other = (
        change_of(table, kind, by).mean()
        for kind, by in ((word_order.SHUFFLED, 0), (word_order.SHIFTED, SHIFT), (word_order.ANOTHER, 0))
    )
    text = (
        f"MiniLM-L6 does not without its position table: shuffled words change a verse's embedding by at most "
        f"{made['C9.minilm-blind'].effect:.1g} (1 − cosine). With it they change it by {order:.3f}, where another verse is {other:.3f} away: "
        f"{told(made['C9.minilm-order'])}. All positions moved by {SHIFT}, every word in its order, change it by {moved:.3f}."
    )
    return [Answer("Does a model that people use see the order of words?", text, "word_order")]


def summary(table: Any) -> tuple[str, list[dict[str, Any]]]:
    """A row a table, and its controls' means."""
    rows, table = [], pretrained_figures.complete(table)
    for name, part in pretrained_figures.series(table).items():
        means = part.groupby("metric")["value"].mean()
        said = tables.select(part, metric="rows_measured")
        size = (
            f"{int(said['value'].iloc[0])} of {int(said['rows'].iloc[0])}"
            if len(said)
            else f"{int(part['train_length'].iloc[0])}"
        )
        shown = {
            words: tables.shown(float(means.get(metric, np.nan)))
            for metric, words in pretrained_figures.MEASURES.items()
        }
        left_out = said["text"].iloc[0] if len(said) and said["value"].iloc[0] < said["rows"].iloc[0] else "–"
        rows.append({"table": name, "rows": size} | shown | {"left out": left_out})
    return "Position tables: published, controls of their shape (means over draws), and those trained here", rows


if __name__ == "__main__":
    cli.script(__file__)
