"""The page of a scorecard and what stands on it, all of it a function of the scorecard's table."""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import markupsafe
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from jaxpe.figures import draw
from jaxpe.figures.save import save_figure
from jaxpe.figures.style import Style, find_style
from jaxpe.records.csv_tables import format_entry, read_table, write_table
from jaxpe.records.files import write_text
from jaxpe.records.json_values import write_json
from jaxpe.records.statistics import (
    EXPLORATORY,
    NOT_COMPARABLE,
    adjust_p_values,
    compare_paired,
    is_at_ceiling,
    to_finite,
)
from jaxpe.report import pages
from jaxpe.study import tables
from jaxpe.study.tables import TableRow

PRIMARY = "reverse"
PLAIN = "as they are"  # the condition: the same steps and width for all
EQUAL = ("equal FLOPs", "equal parameters")
COUNTED = ("parameters", "forward_flops", "training_bytes")
LONGEST = 0
TEXT, TOKENS, BITS = ("causal_lm", "masked_lm"), "token_accuracy", "bits_per_character"
Difference = dict[str, Any]


class Measure(NamedTuple):
    """A number by which encodings are compared. `times`: the test length in training lengths N, or LONGEST."""

    kind: str
    tasks: tuple[str, ...]
    metric: str
    times: int
    better: int  # 1: higher is better; -1: lower is; 0: neither
    against: str = ""  # the one baseline that it is taken against; '' for all

    @property
    def words(self) -> tuple[str, str]:
        """What it is called when the new encoding has more of it, and less."""
        return {1: ("better", "worse"), -1: ("worse", "better"), 0: ("higher", "lower")}[self.better]


MEASURES = (
    *[Measure("accuracy", (task,), TOKENS, 1, 1) for task in (PRIMARY, "relative_index")],
    *[Measure("extrapolation", (task,), TOKENS, t, 1) for task in (PRIMARY, "relative_index") for t in (2, LONGEST)],
    *[Measure("harm", ("count",), TOKENS, times, 1, "none") for times in (1, 2)],
    *[Measure("language", TEXT, BITS, times, -1) for times in (1, 2, LONGEST)],
    Measure("extraction", (PRIMARY,), "position_error_trained", 1, 0),
    Measure("extraction", (PRIMARY,), "position_gained", 1, 0),
)
AT_EQUAL_COST = tuple(m for m in MEASURES if m.tasks == (PRIMARY,) and m.metric == TOKENS and m.times in (1, 2))
MEANING = {
    TOKENS: "token accuracy",
    BITS: "bits per character, lower is better",
    "position_error_trained": "error of reading position, share of chance",
    "position_gained": "the error before training minus that after it",
}
SHORT = {"position_error_trained": ", position error", "position_gained": ", position gained"}
TOLD = (  # the lines of the verdict: kind, metric, times
    ("accuracy", TOKENS, 1),
    ("extrapolation", TOKENS, 2),
    ("harm", TOKENS, 2),
    ("language", BITS, 1),
    ("extraction", "position_error_trained", 1),
)

# ── differences ─────────────────────────────────────────────────────────────────────────────────────────────────────


def differences(table: pd.DataFrame, name: str, baselines: Sequence[str]) -> list[Difference]:
    """Every measure, the new encoding minus each baseline over paired seeds; p also by Holm's method over all of them."""
    made = []
    for condition in (PLAIN, *EQUAL):
        for measure in MEASURES if condition == PLAIN else AT_EQUAL_COST:
            part = table[table["task"].isin(measure.tasks)]
            part = tables.select_rows(part, condition=condition, metric=measure.metric)
            for baseline in baselines:
                if measure.against in ("", baseline):
                    own = part if condition == PLAIN else tables.select_rows(part, rival=baseline)
                    made += difference(own, measure, name, baseline)
    tested = [one for one in made if one["p"] is not None]
    for one, p in zip(tested, adjust_p_values([one["p"] for one in tested]), strict=True):
        one["adjusted_p"] = p
    return made


def difference(part: pd.DataFrame, measure: Measure, name: str, baseline: str) -> list[Difference]:
    """One measure against one baseline; nothing where the table lacks it."""
    if part.empty:
        return []
    first, longest = part.iloc[0], int(part["test_length"].max())
    n = int(first["train_length"])
    length = longest if measure.times == LONGEST else measure.times * n
    a, b = tables.pair_seeds(tables.select_rows(part, test_length=length), {"encoding": name}, {"encoding": baseline})
    if not len(a) or (measure.times == LONGEST and longest <= 2 * n):
        return []
    how = list(part["how"].dropna()) if "how" in part else []
    found = compare_paired(a, b)
    return [
        {
            "measure": measure.kind,
            "task": first["task"],
            "architecture": first["architecture"],
            "metric": measure.metric,
            "train_length": n,
            "test_length": length,
            "condition": first["condition"],
            "how": how[0] if how else "",
            "baseline": baseline,
            "new_mean": to_finite(a.mean()),
            "baseline_mean": to_finite(b.mean()),
            **found,
            "verdict": word(found["verdict"], measure, a, b),
            "exploratory": len(a) < EXPLORATORY,
        }
    ]


def word(verdict: str, measure: Measure, a: np.ndarray, b: np.ndarray) -> str:
    """better, worse, undecided; both at the ceiling; of what is neither good nor bad: higher, lower."""
    if measure.metric == TOKENS and is_at_ceiling(list(a), list(b)):
        return "both at the ceiling"
    up, down = measure.words
    return {"supported": up, "contradicted": down}.get(verdict, verdict)


# ── in words ────────────────────────────────────────────────────────────────────────────────────────────────────────


def headline(name: str, baselines: Sequence[str], made: list[Difference]) -> str:
    """How many comparisons come out how, in one sentence."""
    comparisons = [one for one in made if one["condition"] == PLAIN and one["measure"] != "extraction"]
    found = Counter(one["verdict"] for one in comparisons)
    counts = [
        f"{word} in {found[word]}"
        for word in ("better", "worse", "both at the ceiling", "undecided", NOT_COMPARABLE)
        if found[word]
    ]
    seeds = " or ".join(map(str, sorted({one["n"] for one in comparisons})))
    few = f"; fewer than {EXPLORATORY} are exploratory" if any(one["exploratory"] for one in comparisons) else ""
    return (
        f"{name} against {', '.join(baselines)}: {', '.join(counts)} of {len(comparisons)} comparisons "
        f"(paired seeds: {seeds}{few})."
    )


def lines(made: list[Difference], spent: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """What stands behind it: a title and a short text for each question."""
    found = []
    for kind, metric, times in TOLD:
        own = [
            one for one in made
            if (one["measure"], one["metric"], one["condition"]) == (kind, metric, PLAIN)
            and one["task"] != "relative_index" and one["test_length"] == times * one["train_length"]
        ]  # fmt: skip
        if own:
            what = f"{place(own[0])}, {MEANING[metric]}: {number(own[0]['new_mean'])}"
            found.append((kind, f"{what}; {'; '.join(map(told, own))}"))
    new, first = spent[0], spent[1]
    more = new["parameters"] - first["parameters"]
    ratio = new["forward_flops"] / first["forward_flops"]
    text = f"{more:+,.0f} parameters, {number(ratio)} × the FLOPs and {number(first['step_time_ratio'], 2)} × the step time"
    return [*found, ("cost", f"{text} of {first['encoding']}")]


def told(one: Difference) -> str:
    """'better than none (0.701, by +0.281, +0.243 to +0.320)'."""
    joint = {"undecided": "against", "both at the ceiling": "with", NOT_COMPARABLE: "with"}.get(one["verdict"], "than")
    by = "" if one["difference"] is None else f", by {one['difference']:+z.3f}"
    interval = "" if one["low"] is None else f", {one['low']:+z.3f} to {one['high']:+z.3f}"
    return f"{one['verdict']} {joint} {one['baseline']} ({number(one['baseline_mean'])}{by}{interval})"


def place(one: Difference) -> str:
    """'reverse at 16 (2 N)': the task and its test length, also in training lengths."""
    times = one["test_length"] / one["train_length"]
    return f"{one['task']} at {one['test_length']} ({'' if times == 1 else f'{times:g} '}N)"


def number(value: float | None, digits: int = 3) -> str:
    """A number of the page; a dash where there is none."""
    return "–" if value is None or math.isnan(value) else f"{value:.{digits}f}"


def signed(value: float | None) -> str:
    return "–" if value is None else f"{value:+z.3f}"


def whole(value: float, form: str = ",.0f") -> str:
    """A count, its thousands set apart."""
    return "–" if math.isnan(value) else f"{value:{form}}"


def costs(table: pd.DataFrame, name: str, baselines: Sequence[str]) -> list[dict[str, Any]]:
    """What each encoding costs. `step_time_ratio`: a training step of the new one over one of this."""
    made = []
    for encoding in (name, *baselines):
        own = tables.select_rows(table, encoding=encoding)
        values = {metric: float(tables.select_rows(own, metric=metric)["value"].iloc[0]) for metric in COUNTED}
        ratio = tables.select_rows(table, metric="step_time_ratio", rival=encoding)["value"]
        tokens = int(tables.select_rows(own, metric="forward_flops")["tokens"].iloc[0])
        time = 1.0 if encoding == name else float(ratio.iloc[0])
        made.append({"encoding": encoding, **values, "tokens": tokens, "step_time_ratio": time})
    return made


def wide(
    name: str, made: list[Difference], spent: list[dict[str, Any]], card: dict[str, Any], facts: dict[str, Any]
) -> dict[str, Any]:
    """The scorecard as one row: what was run, every mean, difference and interval, and the costs."""
    row: dict[str, Any] = {"encoding": name, "architecture": made[0]["architecture"], "size": facts["size"]}
    row |= {"properties hold": card["holds"], "diverged": len(facts["diverged"])}
    for one in made:
        equal = "" if one["condition"] == PLAIN else f", {one['condition']}"
        what = f"{one['task']} {one['metric']} at {one['test_length']}{equal}"
        row |= {f"{what} n": one["n"]} | ({} if equal else {what: one["new_mean"]})
        values = {"": one["difference"], " low": one["low"], " high": one["high"]}
        row |= {f"{what} minus {one['baseline']}{end}": value for end, value in values.items()}
    row |= {metric: spent[0][metric] for metric in COUNTED}
    return row | {f"step time over {one['encoding']}": one["step_time_ratio"] for one in spent[1:]}


# ── figures ─────────────────────────────────────────────────────────────────────────────────────────────────────────

NEW = Style("#C00000", "o", "-")  # the encoding that the page is about


def style(encoding: str, name: str) -> Style:
    return NEW if encoding == name else find_style(encoding)


def lengths_figure(table: pd.DataFrame, name: str) -> Figure:
    """A panel a task: every seed and the means against the test length."""
    plain = table[table["condition"] == PLAIN].dropna(subset=["seed"])
    metrics = {task: BITS if task in TEXT else TOKENS for task in dict.fromkeys(plain["task"])}
    figure, axes = draw.make_panels(len(metrics), columns=2, width=4.6, height=2.8)
    for axis, (task, metric) in zip(axes, metrics.items(), strict=True):
        part = tables.select_rows(plain, task=task, metric=metric)
        draw.draw_baselines(axis, part)
        curves(axis, part, name)
        draw.mark_train_length(axis, part["train_length"].iloc[0])
        axis.set_title(f"{task}, {part['architecture'].iloc[0]}", loc="right", fontsize="medium")
        axis.set_xlabel("test length", fontsize="small")
        axis.set_ylabel(MEANING[metric].replace(", ", ",\n"), fontsize="small")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        if metric == TOKENS:
            axis.set_ylim(-0.03, 1.05)
    draw.add_legend(figure, axes, columns=6)
    draw.add_caption(
        figure, f"A point is a seed, a line the mean over {draw.format_seeds(plain)}. Floor of text: token frequencies."
    )
    return figure


def curves(axis: Axes, part: pd.DataFrame, name: str) -> None:
    """A line and points an encoding; the new one broad and below the others, so that it shows where they agree."""
    for encoding, own in part.groupby("encoding", sort=False):
        look, new = style(str(encoding), name), encoding == name
        means = own.groupby("test_length")["value"].mean()
        axis.plot(
            means.index, means, color=look.colour, linestyle=look.dashes, linewidth=4 if new else 1.6,
            alpha=0.5 if new else 1, label=encoding,
        )  # fmt: skip
        draw.draw_points(axis, own["test_length"], own["value"], look, s=14, alpha=0.6)


PANELS = {
    "difference in token accuracy, right of 0 is better": (TOKENS,),
    "difference in bits per character, left of 0 is better": (BITS,),
    "difference in reading position, neither is better": ("position_error_trained", "position_gained"),
}


def differences_figure(made: list[Difference], baselines: Sequence[str]) -> Figure:
    """The new encoding minus each baseline, with 95 % intervals: a row a measure, a panel a unit."""
    groups = {title: [one for one in made if one["metric"] in metrics] for title, metrics in PANELS.items()}
    groups = {title: own for title, own in groups.items() if own}
    rows = [len({row_name(one) for one in own}) for own in groups.values()]
    height = 0.6 + (0.1 + 0.13 * len(baselines)) * sum(rows) / len(rows)
    figure, axes = draw.make_panels(len(groups), 1, 8.0, height, height_ratios=[1 + n for n in rows])
    for axis, (title, own) in zip(axes, groups.items(), strict=True):
        difference_rows(axis, own, baselines)
        axis.set_xlabel(title, fontsize="small")
    draw.add_legend(figure, axes)
    draw.add_caption(figure, "Bars are 95 % intervals over paired seeds; without a bar there are fewer than six pairs.")
    return figure


def difference_rows(axis: Axes, own: list[Difference], baselines: Sequence[str]) -> None:
    """A row a measure, and in it a point a baseline with its interval."""
    names = list(dict.fromkeys(map(row_name, own)))
    for one in own:
        if one["difference"] is None:
            continue
        look = find_style(one["baseline"])
        at = names.index(row_name(one)) + 0.22 * (baselines.index(one["baseline"]) - (len(baselines) - 1) / 2)
        low, high = (one["difference"] if one[end] is None else one[end] for end in ("low", "high"))
        axis.plot([low, high], [at, at], color=look.colour, linewidth=1.3)
        axis.plot(
            one["difference"], at, color=look.colour, marker=look.marker, markersize=5, linestyle="none",
            label=f"minus {one['baseline']}",
        )  # fmt: skip
    for edge in range(1, len(names)):
        axis.axhline(edge - 0.5, color="#dddddd", linewidth=0.6)
    axis.axvline(0, color="black", linewidth=0.8)
    axis.set_yticks(range(len(names)), names, fontsize="small")
    axis.set_ylim(len(names) - 0.5, -0.5)


def row_name(one: Difference) -> str:
    """What a measure is called on an axis."""
    return place(one) + SHORT.get(one["metric"], "") + ("" if one["condition"] == PLAIN else f", {one['condition']}")


# ── the page ────────────────────────────────────────────────────────────────────────────────────────────────────────


def write(
    results: Path, name: str, baselines: list[str], rows: list[TableRow], card: dict[str, Any], facts: dict[str, Any]
) -> tuple[Path, str]:
    """Table, differences, provenance, the one row, figures and the page. Returns the page's path and its first sentence."""
    folder = results / "scorecard" / "".join(c if c.isalnum() or c in "_-+" else "_" for c in name)
    write_table(folder / "table.csv", rows)
    table = read_table(folder / "table.csv")
    made, spent = differences(table, name, baselines), costs(table, name, baselines)
    write_json(folder / "differences.json", made)
    write_json(folder / "provenance.json", facts)
    write_json(folder / "properties.json", card)
    row, text = wide(name, made, spent, card, facts), io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([row, map(format_entry, row.values())])
    write_text(folder / "row.csv", text.getvalue())
    drawn = {"differences": differences_figure(made, baselines), "lengths": lengths_figure(table, name)}
    for figure_name, figure in drawn.items():
        save_figure(figure, folder / "figures", figure_name)
    images = [(folder / "figures" / f"{one}.svg").read_text() for one in drawn]
    write_text(folder / "index.html", page(name, baselines, made, spent, card, facts, images))
    return folder / "index.html", headline(name, baselines, made)


def page(
    name: str,
    baselines: Sequence[str],
    made: list[Difference],
    spent: list[dict[str, Any]],
    card: dict[str, Any],
    facts: dict[str, Any],
    images: Sequence[str] = (),
) -> str:
    """The page as self-contained HTML; everything but the drawn images is escaped."""
    environment = pages.environment(number=number, signed=signed, whole=whole, place=place)
    groups: dict[tuple[Any, ...], list[Difference]] = {}
    for one in made:
        key = tuple(one[k] for k in ("condition", "how", "measure", "task", "metric", "test_length"))
        groups.setdefault(key, []).append(one)
    return environment.get_template("scorecard.html.jinja").render(
        name=name, baselines=baselines, headline=headline(name, baselines, made), lines=lines(made, spent),
        groups=list(groups.values()), plain=PLAIN, spent=spent, card=card, facts=facts, meaning=MEANING,
        images=[markupsafe.Markup(image[image.index("<svg") :]) for image in images],
        failed=[row for row in card["properties"] if not row["holds"]],
    )  # fmt: skip
