"""Is a distance bias enough to reverse a sequence, or does it take a code of each position?

Measured: an encoder is trained to reverse with `none`, `alibi_directed` and `sinusoidal`, and tested at the lengths of training.

Predicted: the bias beats `none` and stays below sinusoids.

Decided by: token accuracy at the longest training length, over paired seeds. bias: `alibi_directed` minus `none`, above 0.
code: `sinusoidal` minus `alibi_directed`, above 0.

Run `jaxpe run examples/own_experiment.py --results mine`.
"""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from jaxpe.figures import draw
from jaxpe.records.claims import Claim, ClaimResult
from jaxpe.records.statistics import estimate_difference, judge_direction
from jaxpe.study.presets import GridRow, Preset
from jaxpe.study.tables import TableRow, make_score_rows, pair_seeds, select_rows
from jaxpe.study.workspace import Run, Workspace, group_runs

ENCODINGS = ("none", "alibi_directed", "sinusoidal")
GRID = (GridRow(task="reverse", architectures=("encoder",), encodings=ENCODINGS),)
PRESETS = {
    "smoke": Preset(GRID, seeds=1, train_length=5, steps=20, width=16, layers=1, examples=16, length_buckets=1),
    "quick": Preset(GRID, seeds=6, train_length=8, steps=800),
}
BIAS = Claim("bias", "A directed distance bias reverses better than no encoding.", "token accuracy", figure="accuracy")
CODE = Claim("code", "Sinusoids reverse better than a directed distance bias.", "token accuracy", figure="accuracy")
CLAIMS = (BIAS, CODE)


def measure(work: Workspace, runs: list[Run], preset: Preset) -> list[TableRow]:
    """Token accuracy and exact match at every length of training."""
    rows: list[TableRow] = []
    for config, group in group_runs(runs).items():
        lengths = range(1, preset.train_length + 1)
        for (seed, length), scores in work.measure_scores(group, lengths, preset.examples).items():
            rows += make_score_rows("own_experiment", config, work.open_source(config), seed, length, scores)
    return rows


def claims(table: pd.DataFrame) -> list[ClaimResult]:
    """Both claims at the longest training length."""
    part = select_rows(table, metric="token_accuracy", test_length=table["train_length"].max())
    results = []
    for claim, first, second in ((BIAS, "alibi_directed", "none"), (CODE, "sinusoidal", "alibi_directed")):
        difference = estimate_difference(*pair_seeds(part, {"encoding": first}, {"encoding": second}))
        results.append(claim.judge(judge_direction(difference), difference))
    return results


def figures(table: pd.DataFrame) -> dict[str, Figure]:
    """Token accuracy by length, a line for each encoding."""
    figure, [axis] = draw.make_panels(1, width=5.5, height=3.2)
    part = select_rows(table, metric="token_accuracy")
    draw.draw_baselines(axis, part)
    draw.draw_curves(axis, part)
    axis.set_xlabel("test length")
    axis.set_ylabel("token accuracy")
    draw.add_legend(figure, [axis])
    draw.add_caption(figure, f"Encoder on reverse. Points: {draw.format_seeds(part)}; lines: means.")
    return {"accuracy": figure}
