"""Does a published result hold here: do learned positions with a random offset copy far beyond the training length?

Measured: Huang et al. (2025, ICLR, arXiv:2410.02140) trained decoders to copy sequences of distinct symbols, up to 50 of 150.
They report exact match at 51 to 100 and at 101 to 150: .999 and .987 for learned positions with a random start (two layers, one
head, width 64), .180 and .000 for none (four layers, four heads, width 256). They chose sizes by the accuracy beyond training
and dropped runs below 1.0 within it; at equal sizes (single runs of theirs) the contrast shrinks. `full` is their protocol:
learning rate 1e-3 without warm-up, falling linearly over 30,000 steps, AdamW with decay 0.01, batch 64, a look every 3,000 steps
that ends training at 1.0, starts 0 … 2(150 − n) in training and 0 in tests, a table of 303 rows. `standard` is a small form with
equal sizes for both: 48 symbols, trained on up to 16, tested at 17 to 32 and 33 to 48.

Predicted: at equal sizes, learned positions with an offset copy better than none at one to two times the training length; at two
to three times both are below .5. Two layers are enough for learned positions and too few for none.

Decided by: C10, exact match on `unique_copy` in a decoder of four layers, one head and width 64, the mean over lengths 17 to 32
(`full`: 51 to 100): `learned + offset` minus `none` over all seeds, above 0. Parts of C10: the other sizes and the farther range.
The notes give the means over the seeds that reach 1.0 within the training lengths, as published.

Differences from their training (GPT-2): RMSNorm and no biases, untied embeddings, N(0, 1) embeddings and positions, no dropout,
Adam's second moment at .98; the end is decided on 640 training examples; the small form has fewer steps and smaller batches.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from jaxpe import cli
from jaxpe.figures.reproduction import OFFSET, PUBLISHED, Size, average_ranges, draw_all, list_sizes, select_size
from jaxpe.records.claims import Claim, ClaimResult, Text
from jaxpe.records.statistics import estimate_difference, estimate_solved_share, judge_direction
from jaxpe.report.answers.parts import add_parts
from jaxpe.study import tables
from jaxpe.study.presets import GridRow, Preset
from jaxpe.study.scores import make_published_test
from jaxpe.study.tables import TableRow
from jaxpe.study.workspace import Run, Workspace, group_runs

FITTED = 1.0  # exact match within the training lengths of a run that the published table keeps
SMALL, MEDIUM, LARGE, PRIMARY = Size(2, 1, 64), Size(4, 4, 64), Size(4, 4, 256), Size(4, 1, 64)


def make_rows(
    size: Size, encodings: tuple[str, ...] = ("learned", "none"), alphabet: int | None = None, **overrides: Any
) -> list[GridRow]:
    """Learned positions with an offset, and none, at one size. `alphabet`: the number of symbols, if not 150."""
    return [
        GridRow(
            task="unique_copy",
            architectures=("decoder",),
            encodings=(name,),
            positions=("offset" if name == "learned" else "arange",),
            overrides=size._asdict() | overrides,
            task_options=(("alphabet", alphabet),) if alphabet else (),
        )
        for name in encodings
    ]


SHARED: dict[str, Any] = {
    "max_length_ratio": 3.0,
    "learning_rate": 1e-3,
    "warmup": 0,
    "decay": "linear",
    "length_buckets": 1,
    "shift": False,
}
PRESETS = {
    "smoke": Preset(
        tuple(make_rows(Size(1, 1, 16), ("learned",), alphabet=12)),
        seeds=1, train_length=4, steps=40, batch=16, examples=32, **SHARED,
    ),
    "quick": Preset(
        tuple(make_rows(SMALL, alphabet=24)), seeds=2, train_length=8, steps=800, batch=32, examples=128, share_tests=True, **SHARED,
    ),
    "standard": Preset(
        (*make_rows(PRIMARY, alphabet=48), *make_rows(SMALL, alphabet=48, seeds=6)),
        seeds=10, train_length=16, steps=4000, batch=32, examples=256, **SHARED,
    ),
    "full": Preset(
        (*make_rows(SMALL, ("learned",)), *make_rows(PRIMARY), *make_rows(MEDIUM), *make_rows(LARGE)),
        seeds=10, train_length=50, steps=30_000, batch=64, stop_every=3000, examples=512, **SHARED,
    ),
}  # fmt: skip

COPYING = Claim(
    "C10",
    "Decoders with learned positions and a random start copy distinct symbols beyond the training length better than decoders "
    "of the same size without an encoding ({size}; trained up to N = {n}, tested on lengths {lengths}): difference of exact "
    "match.",
    "exact match",
    cell="unique_copy in the decoder, 4 layers, 1 head, width 64, lengths from N + 1 to 2 N, learned + offset minus none, "
    "all seeds: interval above 0",
    question="help",
    figure="copying",
    family="primary",
    title=Text(
        "Decoders with learned positions that start at a random number in training copy longer inputs of distinct symbols (up to twice "
        "as long) better than decoders without an encoding",
        "学習時に位置番号をランダムな数から始めると、学習型エンコーディングのデコーダは、学習時より長い（2 倍まで）、異なる記号の系列を、エンコーディングなしのデコーダよりも正しくコピーする",
    ),
    effect=Text(
        "share of copies without an error at lengths N + 1 to 2 N, learned with random starts minus none",
        "N + 1 から 2 N までの長さを誤りなくコピーした割合、学習型（ランダムな番号から開始） − エンコーディングなし",
    ),
)
COPYING_PART = replace(COPYING, id="C10.{part}", cell="", family="C10", title=None, effect=None)
CLAIMS = (COPYING, COPYING_PART)
RANGES = {"to 2 N": "N + 1 to 2 N", "to 3 N": "2 N + 1 to 3 N"}  # a value of the column `range`, in words


def measure(work: Workspace, runs: list[Run], preset: Preset) -> list[TableRow]:
    """Exact match in three ranges of lengths."""
    rows = []
    for config, group in group_runs(runs).items():
        source, n = work.open_source(config), config.train_length
        for name, lengths in select_lengths(n, max(source.stream.lengths(1, 3 * n))).items():
            columns: dict[str, Any] = {
                "range": name,
                "layers": config.layers,
                "heads": config.heads,
                "width": config.width,
            }
            evaluation = make_published_test(config)  # after random starts from position 0, as Huang et al. test
            for (seed, length), scores in work.measure_scores(
                group, lengths, preset.examples, evaluation, preset.test_padding
            ).items():
                rows += tables.make_score_rows(
                    "reproduction", config, source, seed, length, scores, evaluation=evaluation, **columns
                )
    return rows


def select_lengths(n: int, longest: int) -> dict[str, list[int]]:
    """Test lengths, about eight in each range: up to N, from N + 1 to 2 N, and from 2 N + 1 to 3 N."""
    ranges = {"within": (max(1, n // 2), n), "to 2 N": (n + 1, 2 * n), "to 3 N": (2 * n + 1, 3 * n)}
    return {
        name: sorted({round(x) for x in np.linspace(low, min(high, longest), 8)})
        for name, (low, high) in ranges.items()
    }


figures = draw_all


def claims(table: pd.DataFrame) -> list[ClaimResult]:
    """C10 at every size that has both, and in both ranges beyond the training length."""
    means, results = average_ranges(table), []
    for size in list_sizes(means):
        learned, none = (select_size(means, size, encoding=name) for name in (OFFSET, "none"))
        if set(learned["seed"]) & set(none["seed"]):
            results += [judge_copying(size, lengths, learned, none) for lengths in RANGES]
    return add_parts(results)


def judge_copying(size: Size, lengths: str, learned: pd.DataFrame, none: pd.DataFrame) -> ClaimResult:
    """C10 at one size and in one range of lengths, over all seeds."""
    a, b = (tables.average_by_seed(part, range=lengths) for part in (learned, none))
    difference = estimate_difference(*tables.align_seeds(a, b))
    within = [tables.average_by_seed(part, range="within") for part in (learned, none)]
    fitted = [seeds.index[seeds >= FITTED] for seeds in within]
    counts = [
        f"{len(kept)} of {len(seeds)} (mean {seeds.mean():.3f})" for kept, seeds in zip(fitted, within, strict=True)
    ]
    note = f"Means {a.mean():.3f} and {b.mean():.3f}; solved within training: {' and '.join(counts)}"
    if all(len(kept) for kept in fitted):
        note += f", on those alone {a[fitted[0]].mean():.3f} and {b[fitted[1]].mean():.3f}"
    published = [PUBLISHED.get((name, size)) for name in (OFFSET, "none")]
    if lengths == "to 2 N" and all(published):
        note += f"; published {' and '.join(f'{values[0]:.3f}' for values in published if values)}"
    claim, fields = (
        COPYING,
        {"size": str(size), "lengths": RANGES[lengths], "n": f"{learned['train_length'].iloc[0]:g}"},
    )
    if (size, lengths) != (PRIMARY, "to 2 N"):
        claim, fields["part"] = COPYING_PART, f"{'-'.join(map(str, size._asdict().values()))}-{lengths[3]}n"
    return claim.make_result(judge_direction(difference), difference, f"{note}.", **fields)


def summary(table: pd.DataFrame) -> tuple[str, list[dict[str, str]]]:
    """Our numbers, over all seeds, and the published ones."""
    means, rows = average_ranges(table), []
    for size in list_sizes(means):
        for name in dict.fromkeys(means["encoding"]):
            part = select_size(means, size, encoding=name)
            if not len(part):
                continue
            solved = estimate_solved_share(tables.average_by_seed(part, range="within"), FITTED)
            fitted = f"{round(solved.value * solved.n)} of {solved.n}"
            row = {"encoding": name, "size": str(size), "solved within training": fitted}
            for lengths, published in zip(("to 2 N", "to 3 N"), PUBLISHED.get((name, size), (None, None)), strict=True):
                row[f"exact match, {lengths}"] = f"{tables.average_by_seed(part, range=lengths).mean():.3f}"
                row[f"published, {lengths}"] = "–" if published is None else f"{published:.3f}"
            rows.append(row)
    return "Copying beyond the training length: ours (all seeds) and Huang et al. 2025", rows


if __name__ == "__main__":
    cli.script(__file__)
