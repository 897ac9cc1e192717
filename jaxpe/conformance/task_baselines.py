"""Properties of a task that are measured by counting examples: both baselines, and whether order is needed.

The best rule, fitted to half of the examples, scores on the other half no more than it is worth; scored on the examples that it
was fitted to, no less. A stated baseline must lie between both, up to chance.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from jaxpe.conformance.findings import Finding
from jaxpe.conformance.task_examples import Pair, TaskSubject
from jaxpe.conformance.task_rules import (
    Case,
    compute_best_share,
    compute_held_out_share,
    list_length_only,
    list_order_blind,
)
from jaxpe.tasks.base import METRICS
from jaxpe.tasks.validate import compute_task_baselines

EXAMPLES = 4000  # of a length
SHORT = 4  # the shortest lengths, at which examples are counted
DEVIATIONS = 5.0  # standard deviations that are put down to chance
LONGEST_STATED = 12  # baselines are computed up to this length


class Bracket(NamedTuple):
    """Between which scores the best rule lies."""

    low: float
    high: float

    def allows(self, score: float) -> bool:
        """Whether a score may be that of the best rule, up to chance in EXAMPLES examples."""
        below = compute_deviation(max(score, self.low), EXAMPLES // 2)
        return self.low - below <= score <= self.high + compute_deviation(min(score, self.high), EXAMPLES)


def compute_deviation(score: float, count: int) -> float:
    """What chance may do to the mean of `count` answers that are right with this probability."""
    variance = max(score * (1 - score), 0.0)
    return DEVIATIONS * math.sqrt(variance / count) + 2 / count


def bracket_best_rule(examples: list[Pair], list_cases: Callable[[list[Pair]], list[Case]]) -> Bracket:
    """The best rule's score on new examples, and on its own."""
    half = len(examples) // 2
    held_out = compute_held_out_share(list_cases(examples[:half]), list_cases(examples[half:]))
    return Bracket(held_out, compute_best_share(list_cases(examples)))


def check_length_baseline(subject: TaskSubject) -> Finding:
    """The length-only baseline is the score of the best answer that is the same for all inputs of a length."""
    task, measured = subject.task, ""
    for length in [n for n in subject.lengths if n <= LONGEST_STATED]:
        for metric in METRICS:
            stated, _ = compute_task_baselines(subject.name, task, length, metric, task.architectures[0])
            if length not in subject.lengths[:SHORT]:
                continue
            examples = subject.draw_pairs(length, EXAMPLES)
            best = bracket_best_rule(examples, partial(list_length_only, metric=metric, same=task.in_place))
            if not best.allows(stated):
                return Finding("not the best rule", describe_gap(length, metric, stated, best), ("length_baseline",))
            if metric == METRICS[0]:
                measured = describe_score(length, stated, best)
    return Finding(measured)


def check_order_blind_baseline(subject: TaskSubject) -> Finding:
    """The order-blind baseline is the score of the best answer that depends on the counts of the symbols alone.

    Where it is that of the length alone, a lower bound, it is not compared.
    """
    task, notes, countable = subject.task, [], choose_countable(subject)
    for architecture in task.architectures:
        for length in [n for n in subject.lengths if n <= LONGEST_STATED]:
            pairs = [compute_task_baselines(subject.name, task, length, m, architecture) for m in METRICS]
            if length not in countable:
                continue
            note = ""
            for metric, (alone, stated) in zip(METRICS, pairs, strict=True):
                if stated is None and architecture != "decoder":
                    return Finding(
                        "none",
                        f"{architecture}: it is None, as only that of a decoder may be",
                        ("order_blind_baseline",),
                    )
                if stated is None:
                    continue
                examples = subject.draw_pairs(length, EXAMPLES)
                best = bracket_best_rule(
                    examples,
                    partial(list_order_blind, metric=metric, architecture=architecture, in_place=task.in_place),
                )
                if not best.allows(stated) and stated != alone:
                    fault = f"{architecture}, {describe_gap(length, metric, stated, best)}"
                    return Finding("not the best rule", fault, ("order_blind_baseline",))
                lower = "" if best.allows(stated) else ", a lower bound"
                note = note or describe_score(length, stated, best) + lower
            if note:
                notes.append(f"{architecture} {note}")
    return Finding(notes[-1] if notes else "none")


def choose_countable(subject: TaskSubject) -> list[int]:
    """The short lengths at which inputs with the same symbols come often enough to be counted; at least the shortest."""
    known = {n: {tuple(sorted(x)) for x, _ in subject.draw_pairs(n, EXAMPLES)} for n in subject.lengths[:SHORT]}
    return [n for n, seen in known.items() if len(seen) <= EXAMPLES // 8] or subject.lengths[:1]


def describe_score(length: int, stated: float, best: Bracket) -> str:
    """'length 3: .435, measured .424 to .447'."""
    return f"length {length}: {stated:.3f}, measured {best.low:.3f} to {best.high:.3f}"


def describe_gap(length: int, metric: str, stated: float, best: Bracket) -> str:
    """A baseline that is not the best rule's, in words."""
    return (
        f"length {length}, {metric}: {stated:.4f} is stated, but on {EXAMPLES} examples the best rule has "
        f"{best.low:.4f} to {best.high:.4f}"
    )


def check_order(subject: TaskSubject) -> Finding:
    """Whether inputs with the same symbols in another order have other answers, against `order_needed`."""
    task, same, other = subject.task, 0, ""
    for length in subject.lengths[: SHORT + 2]:
        answers: dict[tuple[int, ...], dict[tuple[int, ...], object]] = defaultdict(dict)
        for x, y in subject.draw_pairs(length, EXAMPLES):
            answer = tuple(sorted(zip(x, y, strict=True))) if task.in_place else y
            known = answers[tuple(sorted(x))]
            for before, earlier in known.items():
                same += before != x
                if earlier != answer and not other:
                    other = f"x = {write_symbols(before)} and x = {write_symbols(x)}"
            if len(known) < SHORT:
                known[x] = answer
    if other and not task.order_needed:
        fault = f"it declares order_needed = False, but the answers to {other} differ"
        return Finding("needed", fault)
    if task.order_needed and not other and same >= 50:
        fault = (
            f"it declares order_needed = True, but {same} pairs of inputs with the same symbols have the same answers"
        )
        return Finding("not needed", fault)
    if not other and not same:
        return Finding("not measured: no two inputs have the same symbols")
    return Finding("needed" if other else "not needed")


def write_symbols(symbols: tuple[int, ...]) -> str:
    """Symbols with spaces between them."""
    return " ".join(map(str, symbols))
