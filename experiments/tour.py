"""What do an encoding, a shuffled sentence and an untrained length look like?

Measured: one seed of models that other experiments train too: an encoder that reverses, and one that guesses masked words of
real text. Shown are the accuracy at every length, what each encoding adds to a token, and the guesses for a masked word. Verses
are the first ones of the held-out text that fit, and the word in their middle is masked, whatever a model makes of it. The models
that reverse are kept, so that the page can run them.

Predicted: without an encoding the guesses for a verse and for its shuffles are equal to the last digits; with one they change.
The toy task is right up to the training length and wrong at once beyond it.

Decided by: nothing. This is an illustration; the claims are tested by other experiments, with more seeds.
"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pandas as pd

from jaxpe import cli
from jaxpe.analysis.attention import compute_code
from jaxpe.analysis.guesses import measure_guesses
from jaxpe.figures.tour import draw_all
from jaxpe.records.claims import Claim, ClaimResult
from jaxpe.report.live import ARCHITECTURE, ENCODINGS, TASK
from jaxpe.study import grids, tables
from jaxpe.study.presets import GridRow, Overrides, Preset
from jaxpe.study.scores import EvaluationConfig
from jaxpe.study.tables import TableRow
from jaxpe.study.workspace import Run, Workspace
from jaxpe.training.evaluated_lengths import choose_test_lengths

ONE_SEED: Overrides = {"seeds": 1}
READERS = ("none", "learned")  # encodings of the models of text
REVERSE = GridRow(task=TASK, architectures=(ARCHITECTURE,))
SMALLEST: Overrides = {"train_length": 32, "max_length_ratio": 2.0, "length_buckets": 1}
SMOKE_TEXT = grids.text_row(task="masked_lm", overrides=SMALLEST | ONE_SEED, encodings=READERS)
QUICK_TEXT = grids.text_row(task="masked_lm", overrides=grids.QUICK_TEXT | ONE_SEED, encodings=("learned",))
TEXT = grids.text_row(task="masked_lm", overrides=grids.STANDARD_TEXT | ONE_SEED, encodings=READERS)
PRESETS = {
    "smoke": Preset((REVERSE, SMOKE_TEXT), **grids.SMOKE_SIZES),
    "quick": Preset((REVERSE, QUICK_TEXT), **(grids.QUICK_SIZES | ONE_SEED)),
    "standard": Preset((REVERSE, TEXT), **(grids.STANDARD_SIZES | ONE_SEED)),
    "full": Preset((REVERSE, TEXT), **(grids.FULL_SIZES | ONE_SEED)),
}
CLAIMS: tuple[Claim, ...] = ()


def measure(work: Workspace, runs: list[Run], preset: Preset) -> list[TableRow]:
    """Accuracy by length and the code of every encoding on toy tasks; guesses on masked text."""
    rows = []
    for run in runs:
        config, source = run.config, work.open_source(run.config)
        base = tables.make_base_row("tour", config, run.seed, None)
        if config.task == "masked_lm":
            rows += [base | row for row in measure_guesses(work, run)]
        if config.is_language:
            continue
        lengths = choose_test_lengths(
            source.stream, config.train_length, preset.max_length_ratio, preset.num_test_lengths
        )
        evaluation = EvaluationConfig().resolve(config)
        for (seed, length), scores in work.measure_scores(
            [run], lengths, preset.examples, evaluation, preset.test_padding
        ).items():
            rows += tables.make_score_rows("tour", config, source, seed, length, scores, evaluation=evaluation)
        rows += [base | row for row in measure_code(work, run)]
    return rows


def measure_code(work: Workspace, run: Run) -> list[TableRow]:
    """What the trained model adds to a token at each position of training: a row for each number."""
    positions = jnp.arange(max(work.open_source(run.config).stream.sizes(run.config.train_length)))
    code = np.asarray(compute_code(work.load_model(run).stack.encodings[0], positions, run.config.width))
    return [
        {"metric": "code", "position": position, "dimension": dimension, "value": float(f"{value:.3g}")}
        for (position, dimension), value in np.ndenumerate(code)
    ]


def select_models(runs: list[Run]) -> list[Run]:
    """A model of the toy task for each encoding that the page can compute with, of the first seed."""
    first: dict[str, Run] = {}
    for run in runs:
        if (run.config.task, run.config.architecture) == (TASK, ARCHITECTURE) and run.config.encoding in ENCODINGS:
            first.setdefault(run.config.encoding, run)
    return list(first.values())


figures = draw_all


def claims(table: pd.DataFrame) -> list[ClaimResult]:
    """None."""
    return []


if __name__ == "__main__":
    cli.script(__file__)
