"""The answers and the summary of the experiment `harm`: where a position encoding does harm, and where it helps."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from jaxpe.analysis.effects import (
    BELOW_BASELINE,
    LENGTHS,
    MATCHED_PAIR,
    ORDER_DEPENDENT,
    ORDER_FREE,
    SOLVED,
    TURNS,
    Pairs,
    compare_samplers,
    compare_with_none,
    judge_effect,
    list_main_encodings,
    select_outside_sweeps,
    select_ratio_sweep,
)
from jaxpe.records.claims import Answer, ClaimResult, format_effect
from jaxpe.study.tables import select_rows

Results = dict[str, ClaimResult]
WHERE = {"seen": "at the lengths seen in training", "beyond": "at twice the length"}
HARM = {"harmless": "no harm", "helpful": "help", "harmful": "harm"}  # verdicts, in answer to "does it do harm?"
HELP = {"harmless": "no help", "helpful": "help", "harmful": "harm"}  # and to "where does it help?"


def answer(table: pd.DataFrame, results: Results) -> list[Answer]:
    """One answer to each question for every main encoding."""
    names = list_main_encodings(table)
    if names and not (select_outside_sweeps(table)["encoding"] == "none").any():
        short = "Not answered: there is no model without an encoding to compare with. Run the encoding none too."
        return [Answer("harm", "", "within_and_beyond", short)]
    answers = [answer_harm(table, results, name) for name in names]
    answers += [answer_help(table, results, name) for name in names]
    return [one for one in answers if one]


def answer_harm(table: pd.DataFrame, results: Results, encoding: str) -> Answer | None:
    """From count, or the first order-free task that was run."""
    task = find_task(results, ORDER_FREE, encoding)
    if task is None:
        return None
    ratio = describe_turn(table, results, encoding, "count")
    short = (
        f"{describe_lengths(results, task, encoding, HARM)} ({encoding} on {task}, where order is of no use){ratio}."
    )
    sentences = [describe_tasks(results, ORDER_FREE, encoding), describe_speed(results, encoding)]
    sentences.append(describe_cause(table, task, encoding))
    if ratio:
        solved = describe_solved_range(table, "count")
        sentences.append(
            "The answer depends on the ratio s of position to token, (token + s·position) / √(1 + s²): "
            f"count is {solved}."
        )
    if encoding == "sinusoidal":
        sentences.append(describe_concatenation(results))
    return Answer("harm", " ".join(filter(None, sentences)), "ratio" if ratio else "within_and_beyond", short)


def answer_help(table: pd.DataFrame, results: Results, encoding: str) -> Answer | None:
    """From index, or the first task that depends on order and was run."""
    task = find_task(results, ("index", *ORDER_DEPENDENT), encoding)
    if task is None:
        return None
    ratio = describe_turn(table, results, encoding, "index")
    lengths = describe_lengths(results, task, encoding, HELP)
    short = f"Where the answer depends on order: {lengths[0].lower()}{lengths[1:]} ({encoding} on {task}){ratio}."
    twins = results.get(f"C8.twins-{encoding.lower()}", results.get("C8.twins"))
    sentences = [describe_tasks(results, ORDER_DEPENDENT, encoding)]
    if twins:
        effect = format_effect(twins)
        sentences.insert(0, f"Pairs of inputs with the same symbols and different answers, both right: {effect}.")
    if ratio:
        solved = describe_solved_range(table, "index")
        sentences.append(f"The ratio of position to token decides here too: index is {solved}.")
    return Answer("help", " ".join(sentences), "twins" if twins else "within_and_beyond", short)


def name_part(task: str, where: str, encoding: str) -> str:
    """The id of the part of C5 for one task, length and encoding."""
    return f"C5.{task}-{where}-{encoding.lower()}"


def find_task(results: Results, tasks: Sequence[str], encoding: str) -> str | None:
    """The first of the tasks that was run with an encoding."""
    return next((task for task in tasks if any(name_part(task, where, encoding) in results for where in WHERE)), None)


def describe_lengths(results: Results, task: str, encoding: str, words: dict[str, str]) -> str:
    """'At the lengths seen in training no harm, +0.000 token accuracy (…); at twice the length harm, …'."""
    parts = []
    for where, length in WHERE.items():
        result = results.get(name_part(task, where, encoding))
        effect = f"{words.get(result.verdict, result.verdict)}, {format_effect(result)}" if result else "not run"
        parts.append(f"{length} {effect}")
    sentence = "; ".join(parts)
    return sentence[0].upper() + sentence[1:]


def describe_tasks(results: Results, tasks: Sequence[str], encoding: str) -> str:
    """'All tasks of this kind: at the lengths seen in training helpful on copy and reverse; at twice the length …'."""
    parts = []
    for where, length in WHERE.items():
        verdicts: dict[str, list[str]] = {}
        for task in tasks:
            if result := results.get(name_part(task, where, encoding)):
                verdicts.setdefault(result.verdict, []).append(task)
        words = ", ".join(f"{verdict} on {' and '.join(names)}" for verdict, names in verdicts.items())
        parts.append(f"{length} {words}")
    return f"All tasks of this kind: {'; '.join(parts)}."


def describe_speed(results: Results, encoding: str) -> str:
    """What the encoding does to the speed of learning, on tasks where order is of no use; '' where it was not measured."""
    speeds = {task: results.get(f"C5.speed-{task}-{encoding.lower()}") for task in ORDER_FREE}
    parts = [
        f"{task} {2**result.value:.2f} times as many ({result.verdict}, {format_effect(result)})"
        for task, result in speeds.items()
        if result
    ]
    return f"Steps to 95 % in training, with it over without: {'; '.join(parts)}." if parts else ""


def describe_cause(table: pd.DataFrame, task: str, encoding: str) -> str:
    """How much of what is lost at twice the length comes back if training meets such positions; '' where it was not run."""
    pairs, blind = compare_samplers(table, task, encoding), compare_with_none(table, task, 2, encoding)
    if not len(pairs.a) or not len(blind.a):
        return ""
    lost, back = blind.b.mean() - blind.a.mean(), pairs.a.mean() - pairs.b.mean()
    if lost <= 0:
        return ""
    effect = judge_effect(*pairs[:2]).estimate
    interval = "" if effect.low is None else f"{effect.low:+.3f} to {effect.high:+.3f}, "
    return (
        f"On {task} at twice the length: {pairs.b.mean():.2f}; with randomly spaced positions in training and tests "
        f"{pairs.a.mean():.2f} ({effect.value:+.3f}, {interval}n = {effect.n}); without an encoding {blind.b.mean():.2f}. "
        f"That gives back {100 * back / lost:.0f} % of the loss; how much of it is the addition's, this does not say."
    )


def describe_concatenation(results: Results) -> str:
    """What adding gains or loses compared with concatenating at the same size, on both tasks of the matched pair."""
    parts = []
    for where in LENGTHS:
        for task in MATCHED_PAIR:
            if result := results.get(f"C5.add-same-size-{task}-{where}"):
                parts.append(f"{task} {WHERE[where]} {result.verdict}, {format_effect(result)}")
    return f"Adding compared with concatenating at the same size: {'; '.join(parts)}." if parts else ""


def describe_turn(table: pd.DataFrame, results: Results, encoding: str, task: str) -> str:
    """The condition under which the answer changes: the effect of the ratio at the common width. '' if it was not run."""
    result, sweep = results.get(f"C5.ratio-{task}"), select_ratio_sweep(table, task)
    if result is None or encoding not in set(sweep["encoding"]):
        return ""
    s, other = TURNS[task]
    width = select_outside_sweeps(table)["width"].min()
    means = sweep[sweep["width"] == width].groupby("s")["value"].mean()
    return (
        f"; it changes with the ratio s of position to token: at width {width:g} {task} is solved "
        f"{format_factors(means >= SOLVED)}, and from s = {other:g} to {s:g} there is {format_effect(result)}, "
        f"{result.verdict}"
    )


def describe_solved_range(table: pd.DataFrame, task: str) -> str:
    """For which of the tested factors s the ratio sweep solves a task at the training length, by width."""
    parts, sweep = [], select_ratio_sweep(table, task)
    for width, rows in sweep.groupby("width"):
        means = rows.groupby("s")["value"].mean()
        unlearned = task in ORDER_FREE and not means.iloc[0] >= SOLVED
        why = " (so short a training does not learn it without a position either)" if unlearned else ""
        parts.append(f"{format_factors(means >= SOLVED)} at width {width:g}{format_next_factor(means)}{why}")
    tested = ", ".join(f"{s:g}" for s in sorted(set(sweep["s"])))
    return f"solved (mean ≥ {SOLVED:g}; s of {tested}) {'; '.join(parts)}" if parts else "not run"


def format_factors(solved: pd.Series) -> str:
    """'at s = 0 to 1 and 10': a range only where every s tested between its ends is solved."""
    ranges: list[list[str]] = [[]]
    for s, is_solved in solved.items():
        if is_solved:
            ranges[-1].append(f"{s:g}")
        elif ranges[-1]:
            ranges.append([])
    words = [" to ".join(dict.fromkeys((values[0], values[-1]))) for values in ranges if values]
    return f"at s = {' and '.join(words)}" if words else "at no s"


def format_next_factor(means: pd.Series) -> str:
    """' (at 3: 0.85)': the accuracy at the first factor above the solved ones."""
    solved = means.index[means >= SOLVED]
    above = means[means.index > solved.max()] if len(solved) else means[:0]
    return f" (at {above.index[0]:g}: {above.iloc[0]:.2f})" if len(above) else ""


def describe_means(pairs: Pairs) -> str:
    """'Means 0.188 and 0.869; the length-only baseline is 0.239.', or why means below the baseline decide nothing."""
    a, b = pairs.a.mean(), pairs.b.mean()
    if max(a, b) < pairs.baseline:
        return (
            f"Undecided: both means, {a:.3f} and {b:.3f}, are below the length-only baseline of {pairs.baseline:.3f}."
        )
    baseline = f"; the length-only baseline is {pairs.baseline:.3f}" if pairs.baseline > 0 else ""
    return f"Means {a:.3f} and {b:.3f}{baseline}."


def summarize(table: pd.DataFrame) -> list[dict[str, str]]:
    """The effect on every task, encoding and sampler, at the lengths seen in training and at twice the length."""
    rows, part = [], select_outside_sweeps(table)
    keys = dict.fromkeys(zip(part["task"], part["encoding"], part["positions"], strict=True))
    for task, encoding, positions in [key for key in keys if key[1] != "none"]:
        row = {"task": task, "answer depends on order": "yes" if task in ORDER_DEPENDENT else "no"}
        row |= {"encoding": encoding, "positions in training": positions}
        for where, times in LENGTHS.items():
            pairs = compare_with_none(table, task, times, encoding, positions)
            if len(pairs.a):
                word, effect = judge_effect(pairs.a, pairs.b, pairs.baseline)
                interval = f", {effect.low:+.2f} to {effect.high:+.2f}" if effect.low is not None else ""
                below = f", baseline {pairs.baseline:.3f}" if word == BELOW_BASELINE else ""
                means = f"{pairs.a.mean():.3f}, none {pairs.b.mean():.3f}{below}"
                row[WHERE[where]] = f"{word} ({means}{interval}; n = {effect.n})"
        steps = select_rows(part, task=task, encoding=encoding, positions=positions, metric="steps_to_95")["value"]
        row["steps to 95 %"] = format_steps(steps)
        rows.append(row)
    return rows


def format_steps(steps: pd.Series) -> str:
    """The median over the seeds that reached 95 % in training, and how many did; a dash where it was not measured."""
    if not len(steps):
        return "–"
    reached = steps.dropna()
    return f"{reached.median():.0f} ({len(reached)} of {len(steps)} seeds)" if len(reached) else "not reached"
