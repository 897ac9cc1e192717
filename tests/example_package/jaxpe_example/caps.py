"""Which cap lets the softly capped distance reverse best?

Measured: an encoder is trained to reverse with `softcap` at three caps.

Predicted: the larger the cap, the better.

Decided by: token accuracy at the longest training length, cap 64 minus cap 4, over paired seeds, above 0.
"""

from jaxpe.figures import draw
from jaxpe.records.claims import Claim
from jaxpe.study.judging import judge_series
from jaxpe.study.presets import GridRow, Preset
from jaxpe.study.tables import average_by_seed, make_score_rows, select_rows
from jaxpe.study.workspace import group_runs

CAPS = (4.0, 16.0, 64.0)
GRID = tuple(
    GridRow(task="reverse", architectures=("encoder",), encodings=("softcap",), encoding_options=(("cap", cap),))
    for cap in CAPS
)
PRESETS = {
    "smoke": Preset(GRID, seeds=1, train_length=4, max_length_ratio=1, steps=4, width=8, layers=1, examples=8),
    "quick": Preset(GRID, seeds=6, train_length=8, max_length_ratio=1),
}
LARGER = Claim("larger", "A larger cap reverses better.", "token accuracy", figure="caps")
CLAIMS = (LARGER,)


def measure(work, runs, preset):
    rows = []
    for config, group in group_runs(runs).items():
        cap = dict(config.encoding_options)["cap"]
        for (seed, length), scores in work.measure_scores(group, [preset.train_length], preset.examples).items():
            rows += make_score_rows("caps", config, work.open_source(config), seed, length, scores, cap=cap)
    return rows


def claims(table):
    part = select_rows(table, metric="token_accuracy")
    return judge_series(LARGER, average_by_seed(part, cap=64.0), average_by_seed(part, cap=4.0), {})


def figures(table):
    figure, [axis] = draw.make_panels(1)
    draw.draw_curves(axis, select_rows(table, metric="token_accuracy"), x="cap")
    axis.set_xlabel("cap")
    axis.set_ylabel("token accuracy")
    return {"caps": figure}
