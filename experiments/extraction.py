"""Can the position that was put in be taken out again exactly, or is it all processed together?

First the raw sum token + position, and three readers of it: one knows both tables, one the position table only, one neither
(a linear probe, trained on other tokens). Then the inside of trained models: what a linear probe reads after every layer,
beside the same network untrained and beside shuffled labels, and how much of a state is position plus token, how much
neither. Then the use: the first layer's attention logits, split exactly into parts, and accuracy without each part.

Prediction: who knows both tables is always right, also in bfloat16, and errs only under noise of the size of the signal.
Who knows the position table only improves with width as the union bound says for random rows (about .04, .31, .79, .98, 1
at D 2, 8, 16, 32, 64), and never becomes exact for sinusoids, whose neighbours are close. In trained models position stays
exactly readable after every layer on seen positions, not on new ones; the state does not stay a sum: after the first
block about half of its variance is neither position nor token alone. Accuracy falls without the parts that hold position,
most of all without position-position; on `reverse` no head is a rotation by a fixed offset.

Primary cell. C6: `reverse` in the encoder, `learned`, positions seen in training, N = the training length: the reader that
knows both trained tables recovers every (token, position) from the float32 sum, in every seed. Parts, in the same cell:
position-only and neither (recovery by the other readers), after-layerK (a linear probe recovers every position after layer
K), probe-layerK (its error share, untrained minus trained), mixed-layerK (share of variance that is neither, trained minus
untrained), position-logits and mixed-logits (accuracy lost without these parts); with `sinusoidal`: rotation (share of the
position-position logits that one rotation explains, trained minus untrained) and position-only-sinusoidal.
"""

from __future__ import annotations

import json
from itertools import product
from typing import Any

import jax
import numpy as np

from jaxpe import cli, grids, parameters, tables
from jaxpe.analysis import extraction_figures, hidden, readers
from jaxpe.analysis.hidden import Found
from jaxpe.config import Setting, check_positions
from jaxpe.presets import Preset, Row
from jaxpe.statistics import (
    EXPLORATORY,
    Answer,
    Claim,
    Estimate,
    direction_verdict,
    mean_interval,
    paired_difference,
    told,
)  # fmt: skip
from jaxpe.study import Cell, Workspace

MEASUREMENT = 1  # raise it when the numbers change
WIDTHS = (2, 4, 8, 16, 32, 64, 128)
DRAWS = 6  # of the tables that are not trained
PRIMARY = {"task": "reverse", "architecture": "encoder", "encoding": "learned", "positions": "arange"}
TEXT_FIVE = grids.STANDARD_TEXT + grids.FIVE
EXACT = (
    "The injected position can be extracted exactly from token + position by a reader that knows both trained tables."
)
NOTHING = Estimate(np.nan, None, None, 0)  # where there are no rows
PRESETS = {
    "smoke": Preset(
        (Row("reverse", ("encoder",)),),
        seeds=1, train_length=5, reach=4.0, points=4, examples=32, width=16, layers=1, steps=40, batch=16, strata=1,
    ),
    "quick": Preset(
        (Row("reverse", ("encoder",), sizes=grids.SIX), Row("index", ("encoder",), ("sinusoidal",), sizes=grids.SIX)),
        train_length=8, steps=800, points=7,
    ),
    "standard": Preset(
        (
            Row("reverse", ("encoder",)),
            Row("index", ("encoder",), ("sinusoidal",)),
            Row("reverse", ("encoder",), ("random_fixed",), sizes=grids.FIVE),
            Row("copy", ("decoder",), ("sinusoidal", "learned"), sizes=grids.FIVE),
            grids.text("causal_lm", TEXT_FIVE, ("sinusoidal", "learned")),
            *[Row("reverse", ("encoder",), ("learned",), sizes=(("width", width), ("seeds", 3))) for width in WIDTHS],
        ),
        seeds=10, train_length=12, steps=3000, points=14, examples=512,
    ),
    "full": Preset(
        (
            *[Row(t, grids.ALL, grids.SEVEN) for t in ("reverse", "copy", "index")],
            grids.text("causal_lm", grids.STANDARD_TEXT, grids.SEVEN),
        ),
        seeds=10, train_length=20, steps=10_000, points=20, examples=1024, width=64, heads=4,
    ),
}  # fmt: skip


def measure(work: Workspace, cells: list[Cell], preset: Preset) -> list[tables.Row]:
    """The raw sum of drawn tables, then everything about each cell; of other widths than the preset's the raw sum alone."""
    rows, looks = drawn_tables(DRAWS if preset.seeds > 1 else 1), dict[Any, hidden.Look]()
    for setting in dict.fromkeys(cell.setting for cell in cells):
        if setting.width != preset.width and not setting.language:
            rows += trained_tables(work, [cell for cell in cells if cell.setting == setting], preset.examples)
            continue
        blind = tables.baselines(setting, work.source(setting), setting.train_length, "token_accuracy")
        group = [cell for cell in cells if cell.setting == setting]
        for cell, found in zip(group, measured(work, setting, group, preset.examples, looks), strict=True):
            base = tables.base_row("extraction", setting, cell.seed, setting.train_length)
            for columns, value in found:
                beside = blind if columns["metric"] == "token_accuracy" else {}
                rows.append(base | columns | beside | {"value": value, "n_examples": preset.examples})
    return rows


def measured(
    work: Workspace, setting: Setting, group: list[Cell], examples: int, looks: dict[Any, hidden.Look]
) -> list[Found]:
    """What was found in each cell of a setting, measured where it is not stored yet. `looks` remembers what is shown."""
    key = {"kind": "extraction", "version": MEASUREMENT, "examples": examples}
    source, results = work.source(setting), []
    check_positions(setting, source.stream.sizes(setting.train_length)[0], "a probe")
    for cell in group:
        stored = work.results.read_measurement(cell.id, key)
        if stored is None:
            with jax.default_matmul_precision(setting.precision):
                if id(source) not in looks:  # one object for every encoding of a task
                    looks[id(source)] = hidden.look_of(setting, source, examples)
                untrained = parameters.fresh(setting, source.stream, cell.seed)
                found = hidden.measured(work.model(cell), untrained, looks[id(source)], cell.seed)
            columns = np.array([json.dumps(columns) for columns, _ in found])
            stored = {"columns": columns, "values": np.array([value for _, value in found])}
            work.results.write_measurement(cell.id, key, stored)
        pairs = zip(stored["columns"], stored["values"], strict=True)
        results.append([(json.loads(str(columns)), float(value)) for columns, value in pairs])
    return results


def drawn_tables(draws: int, widths: tuple[int, ...] = WIDTHS) -> list[tables.Row]:
    """The three readers of tables that nobody trained, at every width; noise at one width."""
    rows = []
    for kind, width, seed in product(("random rows", "sinusoids"), widths, range(draws)):
        base = {"experiment": "extraction", "task": readers.RAW, "encoding": kind, "positions": "arange", "seed": seed}
        signals = readers.SIGNALS if width == readers.NOISE_WIDTH else ("float32",)
        found = hidden.read_sum(readers.drawn(kind, width, seed), seed, signals, gap=seed < 1)
        rows += [base | columns | {"value": value} for columns, value in found]
    return rows


def trained_tables(work: Workspace, group: list[Cell], examples: int) -> list[tables.Row]:
    """The three readers of what trained models of one width add up."""
    setting = group[0].setting
    sample = hidden.look_of(setting, work.source(setting), examples).sample
    base = {"experiment": "extraction", "task": readers.RAW, "encoding": f"{setting.encoding} rows"}
    rows = []
    for cell in group:
        found = hidden.read_sum(hidden.trained_tables(work.model(cell), sample), cell.seed, ("float32",))
        more = {"positions": setting.positions, "seed": cell.seed, "train_length": setting.train_length}
        rows += [base | more | columns | {"value": value} for columns, value in found]
    return rows


figures = extraction_figures.figures  # drawn from the table alone


# ── claims ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def claims(table: Any) -> list[Claim]:
    """C6 in its primary cell, and its parts there."""
    learned = tables.select(table, **PRIMARY)
    if not len(learned):
        note = "The primary cell (reverse, encoder, learned) is not in this run."
        return [Claim("C6", EXACT, "undecided", None, None, None, 0, "share read right", note)]
    sinusoidal = tables.select(table, **PRIMARY | {"encoding": "sinusoidal"})
    made = raw_claims(learned, sinusoidal)
    for layer in range(1, int(learned["layer"].max()) + 1):
        made += layer_claims(learned, layer)
    made += attention_claims(learned, sinusoidal)
    return [claim for claim in made if claim.n]


def raw_claims(learned: Any, sinusoidal: Any) -> list[Claim]:
    """The three readers of the raw sum of a trained model's own tables."""

    def read(table: Any, reader: str) -> Any:
        return tables.by_seed(table, metric="recovery", reader=reader, signal="float32")

    only = "A reader that knows the position table only reads every position exactly, {}."
    neither = "A linear reader that knows neither table reads every position exactly, on tokens it never saw."
    gaps = tables.by_seed(learned, metric="smallest_gap")
    gap = f"Smallest gap between two sums: {gaps.min():.3g} at width {learned['width'].max():g}." if len(gaps) else ""
    return [
        exact("C6", EXACT, read(learned, "both tables"), gap),
        exact("C6.position-only", only.format("learned table"), read(learned, "position table")),
        exact("C6.position-only-sinusoidal", only.format("sinusoids"), read(sinusoidal, "position table")),
        exact("C6.neither", neither, read(learned, "neither")),
    ]


def layer_claims(learned: Any, layer: int) -> list[Claim]:
    """What training does to position in the states after a layer."""
    exactly = f"After layer {layer} a linear probe still reads every position exactly (held-out sequences)."
    right = {"metric": "recovery", "target": "position", "network": "trained", "layer": layer}
    easier = f"Training makes position easier to read after layer {layer} (probe error, untrained minus trained)."
    probe = {"metric": "probe_error", "target": "position", "layer": layer}
    mixed = f"Training mixes position and token by layer {layer} (variance neither explains, trained minus untrained)."
    share = {"metric": "variance_share", "part": "mixed", "layer": layer}
    trained, untrained = {"network": "trained"}, {"network": "untrained"}
    return [
        exact(f"C6.after-layer{layer}", exactly, tables.by_seed(learned, **right)),
        difference(f"C6.probe-layer{layer}", easier, learned, probe | untrained, probe | trained, "of chance"),
        difference(f"C6.mixed-layer{layer}", mixed, learned, share | trained, share | untrained, "of the variance"),
    ]


def attention_claims(learned: Any, sinusoidal: Any) -> list[Claim]:
    """What the first layer's attention does with position: accuracy without parts of its logits, and rotations."""
    needs = "The first layer's attention needs {} in its logits: token accuracy lost without."
    parts = {
        "position-logits": ("all with position", needs.format("position")),
        "mixed-logits": ("mixed", needs.format("the products of content and position")),
    }
    whole = {"metric": "token_accuracy", "part": "nothing"}
    made = [
        difference(f"C6.{name}", statement, learned, whole, whole | {"part": part}, "token accuracy")
        for name, (part, statement) in parts.items()
    ]
    turns = "Query and key matrices come to approximate one rotation of the sinusoids (share explained, trained minus untrained)."
    trained, untrained = ({"metric": "rotation_share", "network": name} for name in ("trained", "untrained"))
    offsets = sorted(tables.select(sinusoidal, **trained)["offset"].dropna()) if "offset" in sinusoidal else []
    note = f"Best offsets by seed: {', '.join(f'{k:g}' for k in offsets)}." if offsets else ""
    return [*made, difference("C6.rotation", turns, sinusoidal, trained, untrained, "of the variance", note)]


def exact(identifier: str, statement: str, values: Any, note: str = "") -> Claim:
    """A claim that no seed makes a single error."""
    found = mean_interval(values.to_numpy(), criterion=1.0) if len(values) else NOTHING
    return claim(identifier, statement, exactness(found), found, "share read right", note)


def exactness(found: Estimate) -> str:
    """'supported' where every seed was always right, 'contradicted' where the interval ends below 1."""
    if found.low is None or found.high is None:
        return "undecided"
    return "supported" if found.low >= 1 else "contradicted" if found.high < 1 else "undecided"


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


def answers(table: Any, made: dict[str, Claim]) -> list[Answer]:
    """The second question. Who reads it, and what becomes of it inside."""
    both, only = made.get("C6"), made.get("C6.position-only-sinusoidal")
    if both is None or only is None or both.effect is None:
        return []
    last = max((name for name in made if name.startswith("C6.mixed-layer")), default=None)
    layer = last.removeprefix("C6.mixed-layer") if last else ""
    drawn = tables.select(table, task=readers.RAW, encoding="sinusoids", metric="recovery", reader="position table")
    widths = tables.select(drawn, signal="float32").groupby("width")["value"].mean()
    text = (
        f"Who knows both tables reads the sum without an error: {both.verdict} ({both.effect:.2f} of all pairs, n = "
        f"{both.n}). Who knows the sinusoids only is right about {only.effect:.2f} of the positions, and that depends on the "
        f"width: {widths.iloc[0]:.2f} at D = {widths.index[0]:g}, {widths.iloc[-1]:.2f} at D = {widths.index[-1]:g}. "
    )
    if last:
        probe, mixed = made[f"C6.after-layer{layer}"], made[last]
        text += (
            f"Inside a trained model it is processed: after layer {layer} a linear probe still reads {probe.effect:.2f} of "
            f"the positions, but more of the state's variance belongs to neither part alone, {told(mixed)} than untrained."
        )
    return [Answer("Can what was put in be taken out again exactly?", text, "readers")]


def summary(table: Any) -> tuple[str, list[dict[str, str]]]:
    """Where position can be read, by whom, and what its use is worth: means over seeds."""
    rows, cells = [], table[table["task"] != readers.RAW]
    for names, own in cells.groupby(["task", "architecture", "encoding", "positions"], sort=False):
        row = dict(zip(("task", "architecture", "encoding", "positions in training"), names, strict=True)) | {
            "seeds": str(own["seed"].nunique())
        }
        for reader in readers.READERS[:3]:
            row[f"raw sum, knows {reader}"] = mean_of(own, metric="recovery", reader=reader, signal="float32")
        for layer in range(int(own["layer"].max()) + 1):
            row[f"position, layer {layer} (new places)"] = " ".join(
                text.format(mean_of(own, metric="probe_error", target=target, network="trained", layer=layer))
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
    return tables.shown(float(tables.select(table, **columns)["value"].mean()))


if __name__ == "__main__":
    cli.script(__file__)
