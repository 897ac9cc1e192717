"""What do the position tables of published models contain, and does a published model use word order without one?

Measured: the tables of all models that `jaxpe fetch` got (English, chemical reactions, speech), or of `--model` and
`--table`, by the measures of `structure`, together with controls of the same shape and with the learned tables that
`structure` trained in the same results folder. Rows that look untrained by their size are left out. Then a random token and
a random position are read from their sum by a reader that knows both tables (`jaxpe.analysis.joint`). Then MiniLM-L6 embeds
Bible verses with their words or positions moved, with its position table and with zeros in its place.

Predicted (after a look at the measures of the tables, before a sum was read or a verse embedded): learned tables are smooth
and close to a linear shift map (residual below 0.3), but never as close as sinusoids. A linear probe orders neighbours
badly (order accuracy 0.5 to 0.7 for near pairs, above 0.95 for far ones). Every sum is read correctly in float32, more than
95 % in bfloat16, and fewer than half with noise of the RMS of positions. Without positions, shuffling the words of a verse
leaves its embedding unchanged to 1e-5. With positions it changes, but by less than a fifth of the distance to another
verse, since a sentence encoder hardly needs order. Shuffling within windows of four words changes it more than permuting
the windows. Shifting all positions by 8 changes it by less than a tenth of what setting all to one position does.

Decided by: parts of four claims. C1.NAME: residual of a linear shift by 1, below that of each of at least ten tables of
Gaussian rows. C6.NAME: every sum of token and position is read correctly, and the interval lies above 0.99.
C9.minilm-blind: the largest change (1 − cosine) by shuffled words without positions is below 1e-5, while the mean change
with positions is above 1e-3. C9.minilm-order: change by shuffled words with positions minus without, above 0.
C4.minilm-shift: change by a shift of 8 as a share of the change by one position for all, above 0.1, with its interval above
0. C4.minilm-local: change by words shuffled within windows of 4 minus that by windows of 4 permuted, above 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd

from jaxpe import cli
from jaxpe.analysis import published, word_order
from jaxpe.analysis.comparisons import compare_with_controls
from jaxpe.analysis.pretrained import (
    FORWARD,
    JOINT,
    ORDER,
    TABLE,
    add_missing_columns,
    copy_trained_pair,
    measure_controls,
    measure_sums,
    measure_table,
    measure_word_order,
    read_changes,
    read_value,
)
from jaxpe.analysis.published import PublishedTable
from jaxpe.figures.pretrained import draw_all
from jaxpe.records.claims import Answer, Claim, ClaimResult
from jaxpe.records.statistics import Estimate, compute_clopper_pearson, estimate_difference, judge_direction
from jaxpe.report.answers import pretrained as sentences
from jaxpe.study.presets import Preset
from jaxpe.study.tables import TableRow, select_rows
from jaxpe.study.workspace import Run, Workspace


@dataclass(frozen=True)
class Options:
    """Which position tables are measured: those of every fetched model (preset smoke: none) unless some are named."""

    table: Path | None = None
    """Position table of your own: a file FILE.npy that holds one array, positions × width, or 1 × positions × width."""
    model: tuple[str, ...] = ()
    """Models whose position tables are measured: a file of weights (FILE::NAME: the array NAME in it), a name of `jaxpe fetch`, or a Hugging Face id."""
    name: str | None = None
    """Name that figures and tables show for --table or for the only --model; the name of the file unless given."""


OPTIONS = Options
PRESET_FIELDS = ("seeds", "examples", "train_length", "width", "corpus", "text_column")
# seeds: of the random controls; examples: sums that are read, and 16 times the number of verses; train_length and width: of
# the controls if there is no table. Presets of fewer than MIN_EXAMPLES examples measure only models that are named.
PRESETS = {
    "smoke": Preset((), seeds=2, train_length=64, width=32, examples=32),
    "quick": Preset((), seeds=3, train_length=512, width=384, examples=128),
    "standard": Preset((), seeds=10, train_length=512, width=384, examples=768),
    "full": Preset((), seeds=30, train_length=512, width=384, examples=4096),
}
MIN_EXAMPLES = 64
SHIFT, WINDOW, USES = 8, 4, 0.1  # of the claims; USES: the share from which on absolute position counts as used
MAX_BLIND, MIN_VISIBLE = 1e-5, 1e-3  # change of the embedding without positions, and with them
MIN_READ = 0.99  # share of sums that are read correctly

declare_word_order = partial(Claim, unit="1 − cosine", figure="word_order")
LINEAR_SHIFT = Claim(
    "C1.{slug}",
    "A shift by 1 is closer to a linear map on the position table of {name} than on Gaussian rows (residual, Gaussian minus "
    "{name}).",
    "share of variance",
    cell="residual of a linear shift by 1: that of each of at least 10 draws of Gaussian rows of the same shape above the table's",
    figure="measures",
    family="C1",
)
READ_BACK = Claim(
    "C6.{slug}",
    "A reader that knows both tables of {name} reads token and position correctly from their sum (float32).",
    "share of sums",
    cell="every sum of a random token and a random position is read correctly, and the exact interval lies above 0.99",
    question="extract",
    figure="joint",
    family="C6",
)
BLIND = declare_word_order(
    "C9.minilm-blind",
    "Without positions MiniLM-L6 does not see word order: largest change (1 − cosine) of a verse's embedding when its words "
    "are shuffled.",
    cell=f"largest change without positions below {MAX_BLIND:g}, mean change with positions above {MIN_VISIBLE:g}",
    question="help",
    family="C9",
)
SEES_ORDER = declare_word_order(
    "C9.minilm-order",
    "With positions MiniLM-L6 sees word order: change (1 − cosine) of a verse's embedding when its words are shuffled, with "
    "positions minus without.",
    cell="change by shuffled words, with positions minus without, over verses: interval above 0",
    question="help",
    family="C9",
)
USES_ABSOLUTE = Claim(
    "C4.minilm-{part}",
    f"MiniLM-L6 uses absolute position: shifting all positions by {SHIFT} changes the embedding by more than {USES:g} of what "
    "setting all to position {position} does.",
    "share",
    cell=f"change by a shift of {SHIFT} as a share of that by one position for all: above {USES:g}, interval above 0",
    figure="word_order",
    family="C4",
)
LOCAL = declare_word_order(
    "C4.minilm-local",
    f"Order within windows of {WINDOW} words matters more to MiniLM-L6 than the order of the windows (change, words shuffled "
    "within windows minus windows permuted).",
    cell=f"change by words shuffled within windows of {WINDOW} minus windows of {WINDOW} permuted: interval above 0",
    family="C4",
)
CLAIMS = (LINEAR_SHIFT, READ_BACK, BLIND, SEES_ORDER, USES_ABSOLUTE, LOCAL)


# ── measurement ─────────────────────────────────────────────────────────────────────────────────────────────────────


def read_options(preset: Preset) -> Options:
    """The options of the command line, or the defaults."""
    return preset.options if isinstance(preset.options, Options) else Options()


def open_tables(preset: Preset) -> list[PublishedTable]:
    """The tables that the options name. Raises UserError."""
    options = read_options(preset)
    return published.load_named_tables(options.table, options.model, options.name)


def check(preset: Preset) -> None:
    """Opens the tables that the options name, before anything is measured. Raises UserError."""
    open_tables(preset)


def load_fetched_tables(work: Workspace, preset: Preset) -> list[PublishedTable]:
    """The tables of the models in the cache; none at the smallest size. Notes which models are missing."""
    if preset.examples < MIN_EXAMPLES:
        work.reporter.note("This preset leaves out published models: name one with --model to measure it.")
        return []
    if missing := published.describe_missing_models():
        work.reporter.note(missing)
    return [table for name in published.list_fetched_models() for table in published.load_model_tables(name)]


def measure(work: Workspace, runs: list[Run], preset: Preset) -> list[TableRow]:
    """Tables and their controls, sums, word order; and the measurements of the pair that `structure` trained."""
    tables = open_tables(preset) or load_fetched_tables(work, preset)
    rows = list[TableRow]()
    for table in tables:
        work.reporter.note(f"{table.name}: {table.sentence}")
        rows += measure_table(table)
        rows += measure_controls(table.rows.shape, preset.seeds, table.name, curves=table is tables[0])
    for table in (table for table in tables if table.tokens is not None):
        work.reporter.note(f"{table.name}: reads tokens and positions from their sums")
        rows += measure_sums(table, preset.examples)
    if not tables:
        shape = (preset.train_length, preset.width)
        work.reporter.note(f"There is no published table: measures only controls of {shape[0]} × {shape[1]}.")
        rows += measure_controls(shape, preset.seeds, "", curves=True)
    if runs_forward(tables, preset):
        work.reporter.note(f"{FORWARD}: embeds verses with words and positions moved")
        rows += measure_word_order(preset)
    return rows + copy_trained_pair(work.results)


def runs_forward(tables: Sequence[PublishedTable], preset: Preset) -> bool:
    """Whether the fetched MiniLM is among the tables."""
    options = read_options(preset)
    is_default = not options.model and options.table is None and any(table.name == FORWARD for table in tables)
    return FORWARD in options.model or is_default


figures = draw_all


# ── claims ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def claims(table: pd.DataFrame) -> list[ClaimResult]:
    """Parts of C1, C4, C6 and C9, those whose rows are in the table."""
    table = add_missing_columns(table)
    names = dict.fromkeys(table[table["task"].isin([TABLE, JOINT])]["encoding"].astype(str))
    slugs = published.make_slugs(name for name in names if not name.startswith("control:"))
    results = [judge_linear_shift(table, name, slug) for name, slug in slugs.items()]
    read = set(select_rows(table, task=JOINT)["encoding"])
    results += [judge_sums(table, name, slug) for name, slug in slugs.items() if name in read]
    if (table["task"] == ORDER).any():
        results += [judge_blindness(table), judge_order(table)]
        results += [judge_shift(table, "shift", 0), judge_shift(table, "shift-middle", word_order.MIDDLE)]
        results.append(judge_locality(table))
    return results


def judge_linear_shift(table: pd.DataFrame, name: str, slug: str) -> ClaimResult:
    """C1.NAME: the mean of Gaussian rows of the same shape minus the table; one table is one value."""
    part = select_rows(table, task=TABLE, metric="shift_residual_1")
    controls = select_rows(part, encoding="control:gaussian", compared_with=name)["value"].to_numpy()
    verdict, difference = compare_with_controls(controls, read_value(part, encoding=name))
    note = sentences.describe_linear_shift(table, name)
    return LINEAR_SHIFT.make_result(verdict, difference, note, name=name, slug=slug)


def judge_sums(table: pd.DataFrame, name: str, slug: str) -> ClaimResult:
    """C6.NAME: contradicted by one error, or by two equal rows of tokens."""
    part = select_rows(table, task=JOINT, encoding=name)
    both = select_rows(part, metric="joint_recovered", signal="float32").iloc[0]
    n = int(both["n_examples"])
    correct = round(float(both["value"]) * n)
    low, high = compute_clopper_pearson(correct, n)
    duplicates = int(both["tokens"] - read_value(part, metric="distinct_tokens"))
    verdict = "contradicted" if correct < n or duplicates else "supported" if low > MIN_READ else "undecided"
    note = sentences.describe_sums(table, name, duplicates)
    return READ_BACK.make_result(verdict, Estimate(correct / n, low, high, n), note, name=name, slug=slug)


def judge_blindness(table: pd.DataFrame) -> ClaimResult:
    """C9.minilm-blind: undecided if shuffled words change nothing with positions either."""
    seeing, blind = (read_changes(table, word_order.SHUFFLED, has_positions=has) for has in (True, False))
    largest = float(blind.max())
    visible = "supported" if seeing.mean() > MIN_VISIBLE else "undecided"
    note = f"n counts verses; with positions the mean change is {seeing.mean():.3f}."
    estimate = Estimate(largest, None, None, len(blind))
    return BLIND.make_result("contradicted" if largest >= MAX_BLIND else visible, estimate, note)


def judge_order(table: pd.DataFrame) -> ClaimResult:
    """C9.minilm-order, over verses."""
    seeing, blind = (read_changes(table, word_order.SHUFFLED, has_positions=has) for has in (True, False))
    difference, another = estimate_difference(seeing, blind), read_changes(table, word_order.ANOTHER).mean()
    share = seeing.mean() / another
    note = f"n counts verses; another verse is {another:.3f} away, so shuffling is {share:.2f} of that."
    return SEES_ORDER.make_result(judge_direction(difference), difference, note)


def judge_shift(table: pd.DataFrame, part: str, position: int) -> ClaimResult:
    """C4.minilm-shift: supported if the share is above the threshold and its interval above 0."""
    constant = read_changes(table, word_order.CONSTANT, position)
    shares = {
        shift: word_order.estimate_share(read_changes(table, word_order.SHIFTED, shift), constant)
        for shift in word_order.SHIFTS
    }
    share, verdict = shares[SHIFT], "undecided"
    if share.low is not None and share.high is not None:
        is_used = share.value > USES and share.low > 0
        verdict = "supported" if is_used else "contradicted" if share.high < USES else "undecided"
    note = sentences.describe_shift(table, position, shares, SHIFT)
    return USES_ABSOLUTE.make_result(verdict, share, note, part=part, position=position)


def judge_locality(table: pd.DataFrame) -> ClaimResult:
    """C4.minilm-local: local order destroyed minus local order kept, over verses."""
    within, permuted = (read_changes(table, kind, WINDOW) for kind in (word_order.WITHIN, word_order.PERMUTED))
    difference = estimate_difference(within, permuted)
    note = f"{within.mean():.4f} compared with {permuted.mean():.4f}; n counts verses."
    return LOCAL.make_result(judge_direction(difference), difference, note)


def answers(table: pd.DataFrame, results: dict[str, ClaimResult]) -> list[Answer]:
    """One about word order, if MiniLM was run."""
    return [sentences.answer_word_order(table, results, SHIFT)] if SEES_ORDER.id in results else []


summary = sentences.summarize


if __name__ == "__main__":
    cli.script(__file__)
