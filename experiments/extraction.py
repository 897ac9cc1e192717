"""Can the position that was put in be taken out again exactly, or is it all processed together?

First the raw sum token + position, and three readers of it: one knows both tables, one the position table only, one neither
(a linear probe, trained on other tokens). Then the inside of trained models: what a linear probe reads after every layer,
beside the same network untrained, beside shuffled labels and beside Gaussian noise; and how much of a state is position,
how much symbol, how much neither. Both apart for the places of the input and for those that answer. Then the use: the first
layer's attention logits, split exactly into parts, and accuracy without each part, in all heads at once and in one.

Prediction: who knows both tables is always right, also in bfloat16, and errs only under noise of the size of the signal.
Who knows the position table only improves with width as the union bound says for random rows (about .04, .31, .79, .98, 1
at D 2, 8, 16, 32, 64), and never becomes exact for sinusoids, whose neighbours are close. In trained models position stays
exactly readable after every layer on seen positions, not on new ones; the state does not stay a sum: after the first
block about half of its variance is neither position nor token alone. Accuracy falls without the parts that hold position,
most of all without position-position; on `reverse` no head is a rotation by a fixed offset. (Remark of 2026-11-25: the first
measurement of what a state is made of, .54 mixed on `reverse`, looked at the places of the input, whose last states nobody
reads. It now looks at the places that answer too; the predictions stand as they were made.)

Primary cell. C6: `reverse` in the encoder, `learned`, positions seen in training, N = the training length: the reader that
knows both trained tables recovers every (token, position) from the float32 sum, in most seeds (the share of seeds without
an error, its exact interval above one half; the mean stands in the note). Where `learned` was not asked for, the first
encoding that adds a code stands in, and the statement names it. Parts, in the same run: position-only and neither
(recovery by the other readers), after-layerK (a linear probe recovers every position after layer K), all of them by seeds;
probe-layerK (the probe's error share, untrained minus trained), position-share-layerK and answer-share-layerK (share of the
variance at the places that answer, trained minus untrained), position-logits and mixed-logits (accuracy lost without these
parts); with `sinusoidal`: rotation (share of the position-position logits that one rotation explains, trained minus
untrained) and position-only-sinusoidal.
"""

from __future__ import annotations

import json
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from jaxpe import cli
from jaxpe.analysis import geometry, hidden, readers
from jaxpe.figures import extraction as extraction_figures
from jaxpe.records.statistics import (  # fmt: skip
    EXPLORATORY,
    Answer,
    Claim,
    Estimate,
    direction_verdict,
    paired_difference,
    solved_share,
    told,
)
from jaxpe.study import grids, tables
from jaxpe.study.presets import GridRow, Preset
from jaxpe.study.tables import Found, TableRow
from jaxpe.study.workspace import Run, Workspace
from jaxpe.training import parameters
from jaxpe.training.config import RunConfig, check_positions

MEASUREMENT = 4  # raise it when the numbers change
WIDTHS = (2, 4, 8, 16, 32, 64, 128)
DRAWS = 6  # of the tables that are not trained
OFFSETS = (1, 4, 16, 64)  # k of the rotation that takes PE(p) to PE(p + k)
MANY = 5  # seeds whose states stand in the table layer by layer, but for the encoding that carries the claims
LAYERS = ("probe_error", "order_accuracy", "variance_share")  # what is told layer by layer: most of a table
PRIMARY = {"task": "reverse", "architecture": "encoder", "positions": "arange"}  # in `learned`, where it is there
TEXT_FIVE = grids.STANDARD_TEXT | grids.FIVE
EXACT = (
    "The injected position can be extracted exactly from token + position by a reader that knows both trained tables, "
    "in most seeds{}."
)
SEEDS = "share of seeds"
NOTHING = Estimate(np.nan, None, None, 0)  # where there are no rows
PRESETS = {
    "smoke": Preset(
        (GridRow(task="reverse", architectures=("encoder",)),),
        seeds=1, train_length=5, max_length_ratio=4.0, num_test_lengths=4, examples=32, width=16, layers=1, steps=40, batch=16, length_buckets=1,
    ),
    "quick": Preset(
        (GridRow(task="reverse", architectures=("encoder",), overrides=grids.SIX), GridRow(task="index", architectures=("encoder",), encodings=("sinusoidal",), overrides=grids.SIX)),
        train_length=8, steps=800, num_test_lengths=7,
    ),
    "standard": Preset(
        (
            GridRow(task="reverse", architectures=("encoder",)),
            GridRow(task="index", architectures=("encoder",), encodings=("sinusoidal",)),
            GridRow(task="reverse", architectures=("encoder",), encodings=("random_fixed",), overrides=grids.FIVE),
            GridRow(task="copy", architectures=("decoder",), encodings=("sinusoidal", "learned"), overrides=grids.FIVE),
            grids.text_row(task="causal_lm", overrides=TEXT_FIVE, encodings=("sinusoidal", "learned")),
            *[GridRow(task="reverse", architectures=("encoder",), encodings=("learned",), overrides={"width": width, "seeds": 3}) for width in WIDTHS],
        ),
        seeds=10, train_length=12, steps=3000, num_test_lengths=14, examples=512,
    ),
    "full": Preset(
        (
            *[GridRow(task=t, architectures=grids.ALL, encodings=grids.SEVEN) for t in ("reverse", "copy", "index")],
            grids.text_row(task="causal_lm", overrides=grids.STANDARD_TEXT, encodings=grids.SEVEN),
        ),
        seeds=10, train_length=20, steps=10_000, num_test_lengths=20, examples=1024, width=64, heads=4,
    ),
}  # fmt: skip


def measure(work: Workspace, runs: list[Run], preset: Preset) -> list[TableRow]:
    """The raw sum of drawn tables, then everything about each run; of other widths than the preset's the raw sum alone."""
    rows, looks = drawn_tables(DRAWS if preset.seeds > 1 else 1), dict[Any, hidden.Look]()
    asked = {run.config.encoding for run in runs}
    carry = {"learned"} & asked or asked  # the claims
    for config in dict.fromkeys(run.config for run in runs):
        if config.width != preset.width and not config.language:
            rows += trained_tables(work, [run for run in runs if run.config == config], preset.examples)
            continue
        blind = tables.baselines(config, work.source(config), config.train_length, "token_accuracy")
        group = [run for run in runs if run.config == config]
        more = blind | {"test_length": config.train_length, "n_examples": preset.examples}
        for run, found in zip(group, measured(work, config, group, preset.examples, looks), strict=True):
            base = base_of(config, run.seed)
            for columns, value in found:
                beside = more if columns["metric"] == "token_accuracy" else {}
                if run.seed < MANY or config.encoding in carry or columns["metric"] not in LAYERS:
                    rows.append(base | columns | beside | {"value": value})
    return controls_averaged(rows)


def controls_averaged(rows: list[TableRow]) -> list[TableRow]:
    """Controls as means over seeds, without a seed: half of a table. Untrained networks that claims are paired with stay."""
    kept, controls = list[TableRow](), dict[str, list[TableRow]]()
    for row in rows:
        paired = row.get("network") in (None, "trained") or (
            row["network"] == "untrained" and PRIMARY.items() <= row.items()
        )
        if paired or row["metric"] not in LAYERS:
            kept.append(row)
        else:
            columns = {name: value for name, value in row.items() if name not in ("seed", "value")}
            controls.setdefault(json.dumps(columns), []).append(row)
    means = [
        own[0] | {"seed": None, "value": round(float(np.mean([r["value"] for r in own])), 4)}
        for own in controls.values()
    ]
    return kept + means


def base_of(config: RunConfig, seed: int) -> TableRow:
    """A run's own columns, but for those that say nothing here."""
    row = tables.base_row("extraction", config, seed, None)
    return {name: value for name, value in row.items() if name not in ("learning_rate", "test_positions")}


def measured(
    work: Workspace, config: RunConfig, group: list[Run], examples: int, looks: dict[Any, hidden.Look]
) -> list[Found]:
    """What was found in each run of a config, measured where it is not stored yet. `looks` remembers what is shown."""
    key = {"kind": "extraction", "version": MEASUREMENT, "examples": examples}
    source = work.source(config)
    check_positions(config, source.stream.sizes(config.train_length)[0], "a probe")

    def measure(run: Run) -> Found:
        if id(source) not in looks:  # one object for every encoding of a task
            looks[id(source)] = hidden.look_of(config, source, examples)
        untrained = parameters.fresh(config, source.stream, run.seed)
        return hidden.measured(work.model(run), untrained, looks[id(source)], run.seed)

    return [work.found(run, key, partial(measure, run)) for run in group]


def drawn_tables(draws: int, widths: tuple[int, ...] = WIDTHS) -> list[TableRow]:
    """The three readers of tables that nobody trained, at every width; and how exact the sinusoids' rotation is."""
    rows = []
    base = {"experiment": "extraction", "task": readers.RAW, "positions": "arange"}
    for kind, width, seed in product(("random rows", "sinusoids"), widths, range(draws)):
        found = hidden.read_sum(readers.drawn(kind, width, seed), seed, gap=seed < 1)
        if kind == "sinusoids" and seed == 0:
            found += rotations(width)
        own = base | {"encoding": kind, "seed": seed}
        rows += [own | columns | {"value": hidden.rounded(columns["metric"], value)} for columns, value in found]
    return rows


def rotations(width: int) -> Found:
    """What the exact rotation by k places leaves of the variance of the sinusoids, which is rounding."""
    return [
        (
            {"metric": "rotation_residual", "width": width, "offset": k},
            geometry.rotation_residual(readers.POSITIONS, width, k),
        )
        for k in OFFSETS
    ]


def trained_tables(work: Workspace, group: list[Run], examples: int) -> list[TableRow]:
    """The three readers of what trained models of one width add up."""
    config = group[0].config
    sample = hidden.look_of(config, work.source(config), examples).sample
    base = {"experiment": "extraction", "task": readers.RAW, "encoding": f"{config.encoding} rows"}
    rows = []
    for run in group:
        found = hidden.read_sum(hidden.trained_tables(work.model(run), sample), run.seed, ("float32",))
        more = {"positions": config.positions, "seed": run.seed, "train_length": config.train_length}
        own = base | more
        rows += [own | columns | {"value": hidden.rounded(columns["metric"], value)} for columns, value in found]
    return rows


figures = extraction_figures.figures  # drawn from the table alone


# ── claims ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def claims(table: Any) -> list[Claim]:
    """C6 in its primary cell, and its parts there."""
    encoding = primary_encoding(table)
    if encoding is None:
        note = "No encoding that adds a code is in the primary cell (reverse, encoder) of this run."
        return [Claim("C6", EXACT.format(""), "undecided", None, None, None, 0, SEEDS, note)]
    own = tables.select(table, **PRIMARY, encoding=encoding)
    sinusoidal = tables.select(table, **PRIMARY, encoding="sinusoidal")
    made = raw_claims(own, sinusoidal, encoding)
    for layer in range(1, int(own["layer"].max()) + 1):
        made += layer_claims(own, layer)
    made += attention_claims(own, sinusoidal)
    return [claim for claim in made if claim.n]


def primary_encoding(table: Any) -> str | None:
    """`learned`, or where it was not asked for the first encoding whose rows differ between positions."""
    here = tables.select(table, **PRIMARY, metric="code_rms")
    adding = list(dict.fromkeys(here["encoding"][here["value"] > 0]))
    return "learned" if "learned" in adding else next(iter(adding), None)


def raw_claims(own: Any, sinusoidal: Any, encoding: str) -> list[Claim]:
    """The three readers of the raw sum of a trained model's own tables."""

    def read(table: Any, reader: str) -> Any:
        return tables.by_seed(table, metric="recovery", reader=reader, signal="float32")

    only = "A reader that knows the position table only reads every position exactly, in most seeds ({})."
    neither = (
        "A linear reader that knows neither table reads every position exactly on tokens it never saw, in most seeds{}."
    )
    named = "" if encoding == "learned" else f" ({encoding})"
    gaps, places = (tables.by_seed(own, metric=metric) for metric in ("smallest_gap", "position_rows"))
    size = f"Width {own['width'].max():g}, {places.max():g} positions" if len(places) else ""
    gap = f"{size}; the smallest gap between two sums is {gaps.min():.3g}." if len(gaps) else ""
    made = [
        exact("C6", EXACT.format(named), read(own, "both tables"), gap),
        exact("C6.position-only", only.format(encoding), read(own, "position table")),
        exact("C6.neither", neither.format(named), read(own, "neither")),
    ]
    if encoding != "sinusoidal":
        made.append(exact("C6.position-only-sinusoidal", only.format("sinusoidal"), read(sinusoidal, "position table")))
    return made


def layer_claims(own: Any, layer: int) -> list[Claim]:
    """What training does to position in the states after a layer."""
    exactly = (
        f"After layer {layer} a linear probe still reads every position exactly (held-out sequences), in most seeds."
    )
    right = {"metric": "recovery", "target": "position", "network": "trained", "layer": layer}
    easier = f"Training makes position easier to read after layer {layer} (probe error, untrained minus trained)."
    probe = {"metric": "probe_error", "target": "position", "layer": layer, "places": "all"}
    by_place = "; ".join(
        f"at {words} {error:.2f}"
        for places, words in (("input", "places of the input"), ("answers", "places that answer"))
        if (error := value_of(own, **probe | {"network": "trained", "places": places})) >= 0
    )
    made = [
        exact(f"C6.after-layer{layer}", exactly, tables.by_seed(own, **right)),
        trained_against(
            f"C6.probe-layer{layer}", easier, own, probe, "of chance", f"Trained, {by_place}." if by_place else "", -1
        ),
    ]
    for part in ("position", "answer"):
        more = f"{part.capitalize()} holds more of the variance at the places that answer after layer {layer} than untrained."
        share = {"metric": "variance_share", "places": "answers", "part": part, "layer": layer}
        note = f"Trained {value_of(own, **share, network='trained'):.3f}, untrained {value_of(own, **share, network='untrained'):.3f}."
        made.append(trained_against(f"C6.{part}-share-layer{layer}", more, own, share, "of the variance", note))
    return made


def attention_claims(own: Any, sinusoidal: Any) -> list[Claim]:
    """What the first layer's attention does with position: accuracy without parts of its logits, and rotations."""
    needs = "The first layer's attention needs {} in its logits: token accuracy lost without, in all heads at once."
    parts = {
        "position-logits": ("all with position", needs.format("position")),
        "mixed-logits": ("mixed", needs.format("the products of content and position")),
    }
    whole = {"metric": "token_accuracy", "part": "nothing"}
    made = [
        difference(f"C6.{name}", statement, own, whole, whole | {"part": part}, "token accuracy", inexact(own))
        for name, (part, statement) in parts.items()
    ]
    turns = "One rotation explains more of the position-position logits of sinusoids than untrained (the best head and offset)."
    share = {"metric": "rotation_share"}
    return [
        *made,
        trained_against("C6.rotation", turns, sinusoidal, share, "of the variance", best_offsets(sinusoidal)),
    ]


def inexact(own: Any) -> str:
    """Says so where a seed's split did not add up to its logits, and was left out."""
    errors = tables.by_seed(own, metric="split_error")
    dropped = int((errors > hidden.SPLIT_EXACT).sum())
    return (
        f"{dropped} seeds left out: their parts miss the logits by more than {hidden.SPLIT_EXACT:g}." if dropped else ""
    )


def best_offsets(sinusoidal: Any) -> str:
    """The best offset of every seed, and which lie at the border of those that were tried."""
    found = tables.select(sinusoidal, metric="rotation_share", network="trained")
    if not len(found):
        return ""
    offsets, border = sorted(found["offset"]), int((found["offset"].abs() >= found["max_offset"]).sum())
    at_border = f", {border} at the border of the range" if border else ""
    return (
        f"Best offsets by seed, of ±{found['max_offset'].max():g}: {', '.join(f'{k:g}' for k in offsets)}{at_border}."
    )


def exact(identifier: str, statement: str, values: Any, note: str = "") -> Claim:
    """A claim that most seeds make no single error: the share of such seeds, above one half with all of its interval."""
    if not len(values):
        return claim(identifier, statement, "undecided", NOTHING, SEEDS, note)
    found = solved_share(values.to_numpy(), 1.0)
    read = f"Mean share read right {values.mean():.4f}, least {values.min():.4f}."
    return claim(identifier, statement, direction_verdict(found, 0.5), found, SEEDS, f"{read} {note}".strip())


def trained_against(
    identifier: str, statement: str, table: Any, columns: dict[str, Any], unit: str, note: str = "", sign: int = 1
) -> Claim:
    """A claim that something is larger (`sign` -1: smaller) trained than in the same network untrained."""
    first, second = ("trained", "untrained")[::sign]
    return difference(
        identifier, statement, table, columns | {"network": first}, columns | {"network": second}, unit, note
    )


def difference(
    identifier: str,
    statement: str,
    table: Any,
    first: dict[str, Any],
    second: dict[str, Any],
    unit: str,
    note: str = "",
) -> Claim:
    """A claim that the first selection lies above the second, over paired seeds."""
    a, b = tables.paired(table, first, second)
    found = paired_difference(a, b) if len(a) else NOTHING
    return claim(identifier, statement, direction_verdict(found), found, unit, note)


def claim(identifier: str, statement: str, verdict: str, found: Estimate, unit: str, note: str = "") -> Claim:
    if found.n < EXPLORATORY:
        note = f"{note} Exploratory: fewer than ten seeds.".strip()
    return Claim(identifier, statement, verdict, found.value, found.low, found.high, found.n, unit, note, found.p)


# ── the second question, in words that follow the verdicts ──────────────────────────────────────────────────────────

OPENINGS = {"supported": "Yes", "contradicted": "No", "undecided": "Not decided"}


def answers(table: Any, made: dict[str, Claim]) -> list[Answer]:
    """Who reads position from the sum, and what becomes of it inside; every word for a result comes from a verdict."""
    question = "Can what was put in be taken out again exactly?"
    both, encoding = made.get("C6"), primary_encoding(table)
    if both is None or both.effect is None or encoding is None:
        nobody = "Not decided: in this run no encoder that reverses a sequence has a position code added to its tokens."
        return [Answer(question, "", "readers", short=nobody)]
    short = (
        f"{OPENINGS[both.verdict]}: a reader who knows both tables takes every token and position out of their sum without an "
        f"error in {seeds_told(both)}, {encoding}."
    )
    own = tables.select(table, **PRIMARY, encoding=encoding)
    return [
        Answer(question, by_reader(table, encoding) + by_size(table), "readers", short=short),
        *inside(own, made),
    ]


def seeds_told(one: Claim) -> str:
    return f"{one.effect:.0%} of the trained models ({one.low:.0%} to {one.high:.0%}, n = {one.n})"


def by_reader(table: Any, encoding: str) -> str:
    """It turns with the reader: what who knows less reads from the same trained tables."""
    read, told_by = {"metric": "recovery", "signal": "float32"}, []
    for reader, words in (
        ("position table", "who knows the position table only"),
        ("neither", "who knows neither and learned to read linearly"),
    ):
        values = {
            name: value_of(table, **PRIMARY, encoding=name, **read, reader=reader)
            for name in dict.fromkeys((encoding, "sinusoidal"))
        }
        numbers = ", ".join(f"{value:.3f} ({name})" for name, value in values.items() if not np.isnan(value))
        told_by.append(f"{words} reads {numbers}")
    own = tables.select(table, **PRIMARY, encoding=encoding)
    size = f"width {own['width'].max():g}, {value_of(own, metric='position_rows'):.0f} positions"
    return f"It depends on the reader. Of the positions of trained models ({size}), {'; '.join(told_by)}. "


def by_size(table: Any) -> str:
    """It turns with width and noise: the same readers of tables that nobody trained."""
    drawn = tables.select(table, task=readers.RAW, metric="recovery")
    kinds = [kind for kind in ("sinusoids", "random rows") if (drawn["encoding"] == kind).any()]
    words = []
    for kind in kinds:
        plain = tables.select(drawn, encoding=kind, signal="float32")
        widths = tables.select(plain, reader="position table").groupby("width")["value"].mean()
        words.append(
            f"{kind} {widths.iloc[0]:.2f} at width {widths.index[0]:g} and {widths.iloc[-1]:.2f} at {widths.index[-1]:g}"
        )
    noise = [
        f"{kind} {value_of(noisy, encoding=kind):.2f}"
        for kind in kinds
        if len(noisy := tables.select(drawn, signal="noise 1", width=readers.NOISE_WIDTH, encoding=kind))
    ]
    text = f"It depends on the width: of {readers.POSITIONS} positions in drawn tables the second reader gets {', '.join(words)}. "
    under = f"under noise as large as the position (width {readers.NOISE_WIDTH}) who knows both tables reads {', '.join(noise)}."
    return (text if words else "") + (f"And on noise: {under}" if noise else "")


def inside(own: Any, made: dict[str, Claim]) -> list[Answer]:
    """What is left of position where a trained model answers, after its last layer."""
    layer = int(own["layer"].max())
    position, answer = (made.get(f"C6.{part}-share-layer{layer}") for part in ("position", "answer"))
    if position is None or answer is None:
        return []
    opening = {
        "supported": "No: position holds more",
        "contradicted": "Yes: position holds less",
        "undecided": "Not decided whether position holds more or less",
    }[position.verdict]
    word = {"supported": "more", "contradicted": "less", "undecided": "not decided"}[answer.verdict]
    short = (
        f"{opening} of the state where a trained model answers than in the same network untrained, {told(position)}; the "
        f"answer: {word}, {told(answer)}."
    )
    return [
        Answer(
            "Or is it all processed together?",
            by_depth(own),
            f"mixing_{PRIMARY['task']}_{PRIMARY['architecture']}",
            short=short,
        )
    ]


def by_depth(own: Any) -> str:
    """It turns with depth and place: the shares after every layer, and what a probe still reads."""
    layers = range(int(own["layer"].max()) + 1)
    share, read = {"metric": "variance_share", "network": "trained"}, {"metric": "probe_error", "network": "trained"}

    def by_layer(**columns: Any) -> str:
        return ", ".join(f"{value_of(own, **columns, layer=layer):.2f}" for layer in layers)

    return (
        f"It depends on the depth. Reverse, trained, layers 0 to {layers[-1]}: where it answers position alone holds "
        f"{by_layer(**share, places='answers', part='position')} of the variance, the distance to the end on top of it "
        f"{by_layer(**share, places='answers', part='end')}, the answer {by_layer(**share, places='answers', part='answer')}. "
        f"Little variance is not none: a linear probe reads position there with an error of "
        f"{by_layer(**read, places='answers', target='position')} of chance. And on the place: at the input, whose last state "
        f"nobody reads, position alone holds {by_layer(**share, places='input', part='position')}."
    )


def summary(table: Any) -> tuple[str, list[dict[str, str]]]:
    """Where position can be read, by whom, and what its use is worth: means over seeds."""
    rows, runs = [], table[table["task"] != readers.RAW]
    for names, own in runs.groupby(["task", "architecture", "encoding", "positions"], sort=False):
        row = dict(zip(("task", "architecture", "encoding", "positions in training"), names, strict=True)) | {
            "seeds": str(own["seed"].nunique())
        }
        for reader in readers.READERS[:3]:
            row[f"raw sum, knows {reader}"] = mean_of(own, metric="recovery", reader=reader, signal="float32")
        for layer in range(int(own["layer"].max()) + 1):
            probe = {"metric": "probe_error", "network": "trained", "layer": layer, "places": "all"}
            row[f"position, layer {layer} (new places)"] = " ".join(
                text.format(mean_of(own, **probe, target=target))
                for text, target in (("{}", "position"), ("({})", "new_random"))
            )
        row["accuracy (no position in first logits)"] = " ".join(
            text.format(mean_of(own, metric="token_accuracy", part=part))
            for text, part in (("{}", "nothing"), ("({})", "all with position"))
        )
        rows.append(row)
    return (
        "Who reads position: share read right from the raw sum; probe error as a share of chance after each layer",
        rows,
    )


def mean_of(table: Any, **columns: Any) -> str:
    return tables.shown(value_of(table, **columns))


def value_of(table: Any, **columns: Any) -> float:
    """The mean of the selected rows."""
    return float(tables.select(table, **columns)["value"].mean())


if __name__ == "__main__":
    cli.script(__file__)
