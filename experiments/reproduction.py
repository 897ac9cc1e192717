"""Does a published result come out here: do learned positions with a random offset copy far beyond training?

Huang et al. (2025, ICLR, arXiv:2410.02140) trained decoders to copy sequences of distinct symbols, up to 50 of 150, and
report exact match at 51-100 and 101-150: .999 and .987 for learned positions with a random start (two layers, one head, width
64), .180 and .000 for none (four layers, four heads, width 256). Sizes were chosen by the accuracy beyond training, and runs
below 1.0 within it were dropped. At equal sizes (single runs of theirs) the contrast shrinks. `full` is their protocol: rate
1e-3 without warm-up, falling in a line over 30,000 steps, AdamW with decay 0.01, batch 64, looked at every 3,000 steps and
ended at 1.0, starts 0 … 2(150 − n) in training and 0 in tests, a table of 303 rows. `standard` is a small form: 48 symbols,
trained on up to 16, tested at 17-32 and 33-48, with equal sizes for both.

Deviations from theirs (GPT-2): RMSNorm and no biases, untied embeddings, N(0, 1) embeddings and positions, no dropout, Adam's
second moment at .98; the end is decided on 640 training examples; the small form has fewer steps and smaller batches.

Prediction: at equal sizes learned positions with an offset copy better than none at one to two times the training length, at
two to three times both are below .5. Two layers are enough for learned positions and too few for none.

Primary cell. C10: `unique_copy`, decoder of four layers, one head, width 64, mean exact match at 17-32 (`full`: 51-100):
`learned + offset` minus `none`, above 0, all seeds. Elsewhere: the other sizes, the farther range, and seeds that are at 1.0
within the training lengths alone, as published.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from jaxpe import cli
from jaxpe.figures import style as draw
from jaxpe.records.claims import Claim, ClaimResult, Text
from jaxpe.records.statistics import direction_verdict, paired_difference, solved_share
from jaxpe.study import tables
from jaxpe.study.presets import GridRow, Preset
from jaxpe.study.tables import TableRow
from jaxpe.study.workspace import Run, Workspace

FITTED = 1.0  # exact match within the training lengths of a run that their table keeps
Size = tuple[int, int, int]  # layers, heads, width
# Exact match at once to twice and at twice to three times the training length; None: not published.
PUBLISHED: dict[tuple[str, Size], tuple[float, float | None]] = {
    ("learned + offset", (2, 1, 64)): (0.999, 0.987),
    ("learned + offset", (4, 1, 64)): (0.488, None),
    ("none", (4, 1, 64)): (0.071, None),
    ("learned + offset", (4, 4, 64)): (0.110, None),
    ("none", (4, 4, 64)): (0.176, None),
    ("learned + offset", (4, 4, 256)): (0.978, None),
    ("none", (4, 4, 256)): (0.180, 0.000),  # the published row; at equal sizes, from another run of theirs, .536
}


def rows_at(*sizes: Size, encodings: tuple[str, ...] = ("learned", "none"), **more: Any) -> list[GridRow]:
    """Both ways of telling position at each size."""
    rows = []
    for layers, heads, width in sizes:
        overrides = {"layers": layers, "heads": heads, "width": width, **more}
        rows += [
            GridRow(
                task="unique_copy",
                architectures=("decoder",),
                encodings=(name,),
                positions=("offset" if name == "learned" else "arange",),
                overrides=overrides,
            )
            for name in encodings
        ]
    return rows


SHARED: dict[str, Any] = {
    "max_length_ratio": 3.0, "learning_rate": 1e-3, "warmup": 0, "decay": "linear", "length_buckets": 1, "shift": False,
}  # fmt: skip
SMALL = (("alphabet", 48),)
PRESETS = {
    "smoke": Preset(
        tuple(replace(row, task_options=(("alphabet", 12),)) for row in rows_at((1, 1, 16), encodings=("learned",))),
        seeds=1, train_length=4, steps=40, batch=16, examples=32, **SHARED,
    ),
    "quick": Preset(
        tuple(replace(row, task_options=(("alphabet", 24),)) for row in rows_at((2, 1, 64))),
        seeds=4,
        train_length=8,
        steps=800,
        batch=32,
        examples=128,
        **SHARED,
    ),
    "standard": Preset(
        tuple(replace(row, task_options=SMALL) for row in (*rows_at((4, 1, 64)), *rows_at((2, 1, 64), seeds=6))),
        seeds=10, train_length=16, steps=4000, batch=32, examples=256, **SHARED,
    ),
    "full": Preset(
        (
            *rows_at((2, 1, 64), encodings=("learned",)),
            *rows_at((4, 1, 64), (4, 4, 64), (4, 4, 256)),
        ),
        seeds=10, train_length=50, steps=30_000, batch=64, stop_every=3000, examples=512, **SHARED,
    ),
}  # fmt: skip
PRIMARY_SIZE = (4, 1, 64)
COPYING = Claim(
    "C10",
    "Learned positions with a random offset copy beyond the training length better than none at the same size ({size}, "
    "lengths {lengths}): difference of exact match.",
    "exact match",
    cell="unique_copy in the decoder, 4 layers, 1 head, width 64, lengths from N + 1 to 2 N, learned + offset minus none, "
    "all seeds: interval above 0",
    question="help",
    figure="copying",
    family="primary",
    title=Text(
        "Learned positions with a random start copy far beyond the lengths trained, better than none",
        "開始位置をランダムにずらして学習させた学習型エンコーディングは、学習時よりはるかに長い系列を、エンコーディングなしの場合よりも正しくコピーする",
    ),
    effect=Text("exact match, with minus without", "完全一致率、あり − なし"),
)
COPYING_PART = replace(COPYING, id="C10.{part}", cell="", family="C10", title=None, effect=None)
CLAIMS = (COPYING, COPYING_PART)


def ranges(n: int, longest: int) -> dict[str, list[int]]:
    """Test lengths: within training, from N + 1 to 2 N, and from 2 N + 1 to 3 N, about eight each."""

    def some(low: int, high: int) -> list[int]:
        return sorted({round(x) for x in np.linspace(low, min(high, longest), 8)})

    return {"within": some(max(1, n // 2), n), "to 2 N": some(n + 1, 2 * n), "to 3 N": some(2 * n + 1, 3 * n)}


def measure(work: Workspace, runs: list[Run], preset: Preset) -> list[TableRow]:
    """Exact match in three ranges of lengths."""
    rows = []
    for config in dict.fromkeys(run.config for run in runs):
        group = [run for run in runs if run.config == config]
        source, n = work.source(config), config.train_length
        for name, lengths in ranges(n, max(source.stream.lengths(1, 3 * n))).items():
            for (seed, length), found in work.scores(group, lengths, preset.examples).items():
                more = {"range": name, "layers": config.layers, "heads": config.heads, "width": config.width}
                rows += tables.rows_of("reproduction", config, source, seed, length, found, **more)
    return rows


def means(table: Any) -> Any:
    """Mean exact match by encoding, size, range and seed."""
    exact = tables.select(table, metric="exact_match")
    offset = np.where(exact["positions"] == "offset", " + offset", "")
    keys = ["encoding", "layers", "heads", "width", "range", "seed"]
    return exact.assign(encoding=exact["encoding"] + offset).groupby(keys, sort=False)["value"].mean().reset_index()


def sizes_of(found: Any) -> list[Size]:
    columns = found[["layers", "heads", "width"]].drop_duplicates().itertuples(index=False)
    return [(int(a), int(b), int(c)) for a, b, c in columns]


def at_size(found: Any, size: Size, **columns: Any) -> Any:
    layers, heads, width = size
    return tables.select(found, layers=layers, heads=heads, width=width, **columns)


def title(size: Size) -> str:
    layers, heads, width = size
    return f"{layers} layers, {heads} head{'s' if heads > 1 else ''}, width {width}"


def figures(table: Any) -> dict[str, Any]:
    """A panel a size: a point a seed in each range, and what was published."""
    found, exact = means(table), tables.select(table, metric="exact_match")
    sizes, names = sizes_of(found), list(dict.fromkeys(found["encoding"]))
    figure, axes = draw.panels(len(sizes), columns=2, width=4.6, height=3.0)
    labels = list(dict.fromkeys(found["range"]))
    for axis, size in zip(axes, sizes, strict=True):
        for i, name in enumerate(names):
            look = draw.style(name)
            for place, label in enumerate(labels):
                seeds = at_size(found, size, encoding=name, range=label)["value"].to_numpy()
                x = place + 0.22 * (2 * i - 1) + np.linspace(-0.08, 0.08, len(seeds))
                draw.points(axis, x, seeds, look, s=24, label=name)
                published = PUBLISHED.get((name, size), (None, None))
                value = None if place == 0 else published[place - 1]
                if value is not None:
                    ends = place + 0.22 * (2 * i - 1) + np.array([-0.15, 0.15])
                    axis.plot(ends, [value] * 2, color=look.colour, linewidth=2, label=f"{name}, published")
        axis.set_xticks(range(len(labels)), labels)
        axis.set_ylim(-0.03, 1.05)
        axis.set_title(f"{title(size)} ({draw.seeds_of(at_size(table, size))})")
        axis.set_xlabel("test lengths (N: longest in training)")
        axis.set_ylabel("exact match")
    draw.legend(figure, axes, columns=4)
    n, floor = int(table["train_length"].iloc[0]), exact["length_baseline"].max()
    draw.caption(
        figure,
        f"unique_copy, decoder, N = {n}. Published: Huang et al. 2025, N = 50. The length alone tells no copy (floor {floor:.0e} at most).",
    )
    return {"copying": figure}


def claims(table: pd.DataFrame) -> list[ClaimResult]:
    """C10 at equal sizes, on all seeds; the means of the fitted seeds alone are in the notes."""
    scores, results = means(table), []
    for size in sizes_of(scores):
        learned, none = (at_size(scores, size, encoding=name) for name in ("learned + offset", "none"))
        if len(learned) and len(none):
            results += [copying_claim(size, label, learned, none) for label in ("to 2 N", "to 3 N")]
    return results


def copying_claim(size: Size, label: str, learned: pd.DataFrame, none: pd.DataFrame) -> ClaimResult:
    """C10 at one size and in one range of lengths."""
    a, b = (tables.by_seed(part, range=label) for part in (learned, none))
    n = min(len(a), len(b))
    difference = paired_difference(a.to_numpy()[:n], b.to_numpy()[:n])
    primary = size == PRIMARY_SIZE and label == "to 2 N"
    part = {} if primary else {"part": f"{'-'.join(map(str, size))}-{label[3]}n"}
    within = [tables.by_seed(part, range="within") for part in (learned, none)]
    fitted = [seeds.index[seeds >= FITTED] for seeds in within]
    note = f"Means {a.mean():.3f} and {b.mean():.3f}; solved within training: " + " and ".join(
        f"{len(some)} of {len(seeds)}" for some, seeds in zip(fitted, within, strict=True)
    )
    if all(len(some) for some in fitted):
        note += f", on those alone {a[fitted[0]].mean():.3f} and {b[fitted[1]].mean():.3f}"
    published = PUBLISHED.get(("learned + offset", size)), PUBLISHED.get(("none", size))
    if label == "to 2 N" and published[0] and published[1]:
        note += f"; published {published[0][0]:.3f} and {published[1][0]:.3f}"
    claim = COPYING if primary else COPYING_PART
    return claim.judge(direction_verdict(difference), difference, f"{note}.", size=title(size), lengths=label, **part)


def summary(table: Any) -> tuple[str, list[dict[str, str]]]:
    """Ours beside the published numbers."""
    found, rows = means(table), []
    for size in sizes_of(found):
        for name in dict.fromkeys(found["encoding"]):
            part = at_size(found, size, encoding=name)
            if not len(part):
                continue
            seeds = {label: tables.by_seed(part, range=label) for label in dict.fromkeys(part["range"])}
            solved = solved_share(seeds["within"], FITTED)
            row = {"encoding": name, "size": title(size), "fitted": f"{round(solved.value * solved.n)} of {solved.n}"}
            published = PUBLISHED.get((name, size), (None, None))
            for label, theirs in zip(("to 2 N", "to 3 N"), published, strict=True):
                row[f"exact match, {label}"] = f"{seeds[label].mean():.3f}"
                row[f"published, {label}"] = "–" if theirs is None else f"{theirs:.3f}"
            rows.append(row)
    return "Copying beyond the training length: ours (all seeds) beside Huang et al. 2025", rows


if __name__ == "__main__":
    cli.script(__file__)
