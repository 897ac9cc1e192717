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
import pandas as pd

from jaxpe import cli
from jaxpe.analysis import geometry, hidden, readers
from jaxpe.figures import extraction as extraction_figures
from jaxpe.records.claims import Answer, Claim, ClaimResult, Text, format_effect
from jaxpe.records.statistics import estimate_difference, estimate_solved_share, judge_direction
from jaxpe.study import grids, tables
from jaxpe.study.presets import GridRow, Preset
from jaxpe.study.tables import Measurements, TableRow
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
        blind = tables.compute_baselines(config, work.open_source(config), config.train_length, "token_accuracy")
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
    row = tables.make_base_row("extraction", config, seed, None)
    return {name: value for name, value in row.items() if name not in ("learning_rate", "test_positions")}


def measured(
    work: Workspace, config: RunConfig, group: list[Run], examples: int, looks: dict[Any, hidden.Look]
) -> list[Measurements]:
    """What was found in each run of a config, measured where it is not stored yet. `looks` remembers what is shown."""
    key = {"kind": "extraction", "version": MEASUREMENT, "examples": examples}
    source = work.open_source(config)
    check_positions(config, source.stream.sizes(config.train_length)[0], "a probe")

    def measure(run: Run) -> Measurements:
        if id(source) not in looks:  # one object for every encoding of a task
            looks[id(source)] = hidden.look_of(config, source, examples)
        untrained = parameters.fresh(config, source.stream, run.seed)
        return hidden.measured(work.load_model(run), untrained, looks[id(source)], run.seed)

    return [work.measure_once(run, key, partial(measure, run)) for run in group]


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


def rotations(width: int) -> Measurements:
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
    sample = hidden.look_of(config, work.open_source(config), examples).sample
    base = {"experiment": "extraction", "task": readers.RAW, "encoding": f"{config.encoding} rows"}
    rows = []
    for run in group:
        found = hidden.read_sum(hidden.trained_tables(work.load_model(run), sample), run.seed, ("float32",))
        more = {"positions": config.positions, "seed": run.seed, "train_length": config.train_length}
        own = base | more
        rows += [own | columns | {"value": hidden.rounded(columns["metric"], value)} for columns, value in found]
    return rows


figures = extraction_figures.figures  # drawn from the table alone


KNOWS_BOTH = Claim(
    "C6",
    "A reader that knows both trained tables recovers every position exactly from token + position, in most seeds{encoding}.",
    "share of seeds",
    cell="reverse in the encoder, learned, positions seen in training, float32: share of seeds without an error, exact "
    "interval above one half",
    question="extract",
    figure="readers",
    family="primary",
    title=Text(
        "What was added can be taken out exactly by a reader that knows both tables",
        "単語と位置の両方の表を知る読み手なら、足した位置を正確に取り出せる",
    ),
    effect=Text("share of models without a single error", "一つの誤りもなく取り出せたモデルの割合"),
)
KNOWS_POSITIONS = Claim(
    "C6.position-only{suffix}",
    "A reader that knows only the position table reads every position exactly, in most seeds ({encoding}).",
    "share of seeds",
    question="extract",
    figure="readers",
    family="C6",
)
KNOWS_NEITHER = Claim(
    "C6.neither",
    "A linear reader that knows neither table reads every position exactly on tokens it never saw, in most seeds{encoding}.",
    "share of seeds",
    question="extract",
    figure="readers",
    family="C6",
)
AFTER_LAYER = Claim(
    "C6.after-layer{layer}",
    "After layer {layer} a linear probe still reads every position exactly (held-out sequences), in most seeds.",
    "share of seeds",
    question="extract",
    figure="probes_reverse_encoder",
    family="C6",
)
EASIER = Claim(
    "C6.probe-layer{layer}",
    "Training makes position easier to read after layer {layer} (probe error, untrained minus trained).",
    "of chance",
    question="extract",
    figure="probes_reverse_encoder",
    family="C6",
)
SHARE = Claim(
    "C6.{part}-share-layer{layer}",
    "After layer {layer} the {part} explains more of the variance at the answers than in the untrained network.",
    "of the variance",
    question="extract",
    figure="mixing_reverse_encoder",
    family="C6",
)
LOGITS = Claim(
    "C6.{part}-logits",
    "The first layer's attention needs {words} in its logits: token accuracy lost without, in all heads at once.",
    "token accuracy",
    question="extract",
    figure="attention_reverse_encoder",
    family="C6",
)
ROTATION = Claim(
    "C6.rotation",
    "After training, one rotation explains more of the position-position logits of sinusoids (the best head and offset; "
    "trained minus untrained).",
    "of the variance",
    question="extract",
    figure="rotation",
    family="C6",
)
CLAIMS = (KNOWS_BOTH, KNOWS_POSITIONS, KNOWS_NEITHER, AFTER_LAYER, EASIER, SHARE, LOGITS, ROTATION)


def claims(table: pd.DataFrame) -> list[ClaimResult]:
    """C6 in its primary cell, and its parts there."""
    encoding = primary_encoding(table)
    if encoding is None:
        note = "The primary cell (reverse, encoder) of this run has no encoding that adds a code."
        return [KNOWS_BOTH.judge("undecided", None, note, encoding="")]
    own = tables.select_rows(table, **PRIMARY, encoding=encoding)
    sinusoidal = tables.select_rows(table, **PRIMARY, encoding="sinusoidal")
    results = judge_readers(own, sinusoidal, encoding)
    for layer in range(1, int(own["layer"].max()) + 1):
        results += judge_layer(own, layer)
    return [result for result in results + judge_attention(own, sinusoidal) if result.n]


def primary_encoding(table: pd.DataFrame) -> str | None:
    """`learned`, or where it was not run the first encoding whose rows differ between positions."""
    here = tables.select_rows(table, **PRIMARY, metric="code_rms")
    adding = list(dict.fromkeys(here["encoding"][here["value"] > 0]))
    return "learned" if "learned" in adding else next(iter(adding), None)


def judge_readers(own: pd.DataFrame, sinusoidal: pd.DataFrame, encoding: str) -> list[ClaimResult]:
    """The three readers of the raw sum of a trained model's own tables."""

    def read(table: pd.DataFrame, reader: str) -> pd.Series:
        return tables.average_by_seed(table, metric="recovery", reader=reader, signal="float32")

    name = "" if encoding == "learned" else f" ({encoding})"
    gaps, places = (tables.average_by_seed(own, metric=metric) for metric in ("smallest_gap", "position_rows"))
    size = f"Width {own['width'].max():g}, {places.max():g} positions" if len(places) else ""
    gap = f"{size}; the smallest gap between two sums is {gaps.min():.3g}." if len(gaps) else ""
    results = [
        judge_exact(KNOWS_BOTH, read(own, "both tables"), gap, encoding=name),
        judge_exact(KNOWS_POSITIONS, read(own, "position table"), suffix="", encoding=encoding),
        judge_exact(KNOWS_NEITHER, read(own, "neither"), encoding=name),
    ]
    if encoding != "sinusoidal":
        shares = read(sinusoidal, "position table")
        results.append(judge_exact(KNOWS_POSITIONS, shares, suffix="-sinusoidal", encoding="sinusoidal"))
    return results


def judge_layer(own: pd.DataFrame, layer: int) -> list[ClaimResult]:
    """What training does to position in the states after a layer."""
    number = str(layer)
    right = {"metric": "recovery", "target": "position", "network": "trained", "layer": layer}
    probe = {"metric": "probe_error", "target": "position", "layer": layer, "places": "all"}
    by_place = "; ".join(
        f"at {words} {error:.2f}"
        for places, words in (("input", "the input"), ("answers", "the answers"))
        if (error := value_of(own, **probe | {"network": "trained", "places": places})) >= 0
    )
    results = [
        judge_exact(AFTER_LAYER, tables.average_by_seed(own, **right), layer=number),
        judge_training(EASIER, own, probe, f"Trained, {by_place}." if by_place else "", sign=-1, layer=number),
    ]
    for part in ("position", "answer"):
        share = {"metric": "variance_share", "places": "answers", "part": part, "layer": layer}
        trained, untrained = (value_of(own, **share, network=network) for network in ("trained", "untrained"))
        note = f"Trained {trained:.3f}, untrained {untrained:.3f}."
        results.append(judge_training(SHARE, own, share, note, part=part, layer=number))
    return results


def judge_attention(own: pd.DataFrame, sinusoidal: pd.DataFrame) -> list[ClaimResult]:
    """What the first layer's attention does with position: accuracy without parts of its logits, and rotations."""
    whole = {"metric": "token_accuracy", "part": "nothing"}
    results = []
    for part, name, words in (
        ("all with position", "position", "position"),
        ("mixed", "mixed", "the products of content and position"),
    ):
        note = inexact_splits(own)
        results.append(judge_difference(LOGITS, own, whole, whole | {"part": part}, note, part=name, words=words))
    return [*results, judge_training(ROTATION, sinusoidal, {"metric": "rotation_share"}, best_offsets(sinusoidal))]


def inexact_splits(own: pd.DataFrame) -> str:
    """How many seeds were left out because the parts of their logits do not add up, or ''."""
    errors = tables.average_by_seed(own, metric="split_error")
    dropped = int((errors > hidden.SPLIT_EXACT).sum())
    return (
        f"{dropped} seeds left out: their parts miss the logits by more than {hidden.SPLIT_EXACT:g}." if dropped else ""
    )


def best_offsets(sinusoidal: pd.DataFrame) -> str:
    """The best offset of every seed, and how many lie at the border of the tested range."""
    shares = tables.select_rows(sinusoidal, metric="rotation_share", network="trained")
    if not len(shares):
        return ""
    offsets, border = sorted(shares["offset"]), int((shares["offset"].abs() >= shares["max_offset"]).sum())
    at_border = f", {border} at the border of the range" if border else ""
    most = shares["max_offset"].max()
    return f"Best offsets by seed, of ±{most:g}: {', '.join(f'{k:g}' for k in offsets)}{at_border}."


def judge_exact(claim: Claim, values: pd.Series, note: str = "", **fields: str) -> ClaimResult:
    """A claim that most seeds make no error: the share of such seeds, its whole interval above one half."""
    if not len(values):
        return claim.judge("undecided", None, note, **fields)
    solved = estimate_solved_share(values.to_numpy(), 1.0)
    read = f"Mean share read correctly {values.mean():.4f}, minimum {values.min():.4f}."
    return claim.judge(judge_direction(solved, 0.5), solved, f"{read} {note}", **fields)


def judge_training(
    claim: Claim, table: pd.DataFrame, columns: TableRow, note: str = "", sign: int = 1, **fields: str
) -> ClaimResult:
    """A claim that a value is larger (`sign` -1: smaller) in the trained network than in the untrained one."""
    first, second = ("trained", "untrained")[::sign]
    return judge_difference(claim, table, columns | {"network": first}, columns | {"network": second}, note, **fields)


def judge_difference(
    claim: Claim, table: pd.DataFrame, first: TableRow, second: TableRow, note: str = "", **fields: str
) -> ClaimResult:
    """A claim that the first selection lies above the second, over paired seeds."""
    a, b = tables.pair_seeds(table, first, second)
    if not len(a):
        return claim.judge("undecided", None, note, **fields)
    estimate = estimate_difference(a, b)
    return claim.judge(judge_direction(estimate), estimate, note, **fields)


# ── the second question, in words that follow the verdicts ──────────────────────────────────────────────────────────

OPENINGS = {"supported": "Yes", "contradicted": "No", "undecided": "Not decided"}


def answers(table: pd.DataFrame, results: dict[str, ClaimResult]) -> list[Answer]:
    """Who reads position from the sum, and what becomes of it inside; every word for a result comes from a verdict."""
    both, encoding = results.get("C6"), primary_encoding(table)
    if both is None or not both.n or encoding is None:
        nobody = "Not decided: in this run no encoder that reverses a sequence has a position code added to its tokens."
        return [Answer("extract", "", "readers", short=nobody)]
    short = (
        f"{OPENINGS[both.verdict]}: a reader who knows both tables takes every token and position out of their sum without an "
        f"error in {format_share(both)}, {encoding}."
    )
    own = tables.select_rows(table, **PRIMARY, encoding=encoding)
    return [
        Answer("extract", by_reader(table, encoding) + by_size(table), "readers", short=short),
        *inside(own, results),
    ]


def format_share(result: ClaimResult) -> str:
    """'100% of the trained models (69% to 100%, n = 10)'."""
    estimate = result.estimate
    if estimate is None or estimate.low is None or estimate.high is None:
        return "not run"
    return f"{estimate.value:.0%} of the trained models ({estimate.low:.0%} to {estimate.high:.0%}, n = {estimate.n})"


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
    own = tables.select_rows(table, **PRIMARY, encoding=encoding)
    size = f"width {own['width'].max():g}, {value_of(own, metric='position_rows'):.0f} positions"
    return f"It depends on the reader. Of the positions of trained models ({size}), {'; '.join(told_by)}. "


def by_size(table: Any) -> str:
    """It turns with width and noise: the same readers of tables that nobody trained."""
    drawn = tables.select_rows(table, task=readers.RAW, metric="recovery")
    kinds = [kind for kind in ("sinusoids", "random rows") if (drawn["encoding"] == kind).any()]
    words = []
    for kind in kinds:
        plain = tables.select_rows(drawn, encoding=kind, signal="float32")
        widths = tables.select_rows(plain, reader="position table").groupby("width")["value"].mean()
        words.append(
            f"{kind} {widths.iloc[0]:.2f} at width {widths.index[0]:g} and {widths.iloc[-1]:.2f} at {widths.index[-1]:g}"
        )
    noise = [
        f"{kind} {value_of(noisy, encoding=kind):.2f}"
        for kind in kinds
        if len(noisy := tables.select_rows(drawn, signal="noise 1", width=readers.NOISE_WIDTH, encoding=kind))
    ]
    text = f"It depends on the width: of {readers.POSITIONS} positions in drawn tables the second reader gets {', '.join(words)}. "
    under = f"under noise as large as the position (width {readers.NOISE_WIDTH}) who knows both tables reads {', '.join(noise)}."
    return (text if words else "") + (f"And on noise: {under}" if noise else "")


def inside(own: Any, results: dict[str, ClaimResult]) -> list[Answer]:
    """What is left of position where a trained model answers, after its last layer."""
    layer = int(own["layer"].max())
    position, answer = (results.get(f"C6.{part}-share-layer{layer}") for part in ("position", "answer"))
    if position is None or answer is None:
        return []
    opening = {
        "supported": "No: position holds more",
        "contradicted": "Yes: position holds less",
        "undecided": "Not decided whether position holds more or less",
    }[position.verdict]
    word = {"supported": "more", "contradicted": "less", "undecided": "not decided"}[answer.verdict]
    short = (
        f"{opening} of the state where a trained model answers than in the same network untrained, {format_effect(position)}; the "
        f"answer: {word}, {format_effect(answer)}."
    )
    return [
        Answer(
            "extract",
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
    return tables.format_number(value_of(table, **columns))


def value_of(table: Any, **columns: Any) -> float:
    """The mean of the selected rows."""
    return float(tables.select_rows(table, **columns)["value"].mean())


if __name__ == "__main__":
    cli.script(__file__)
