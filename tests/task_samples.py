"""Examples of tasks, drawn by one compiled program a task, and slow rules for their answers."""

from functools import cache

import numpy as np

from jaxpe.conformance.task_examples import make_task_subject
from jaxpe.conformance.task_suite import PROPERTIES, measure_task


def sum_digits(values):
    return sum(int(v) * 10**i for i, v in enumerate(values))


def add_slowly(x):
    plus = x.index(10)
    total = sum_digits(x[:plus]) + sum_digits(x[plus + 1 :])
    return [total // 10**i % 10 for i in range(plus + 1)]


def fill_hole_slowly(x):
    hole = x.index(2)
    return [x[hole - len(x) // 2]]  # the other half; a negative index counts from the end


def recall_slowly(x):
    pairs = 2 * len(x) // 3
    values = dict(zip(x[0:pairs:2], x[1:pairs:2], strict=True))
    return [values[key] for key in x[pairs:]]


def calculate_slowly(x):
    return [eval("".join("01234+-*"[symbol] for symbol in x)) % 5]


ORACLES = {
    "copy": lambda x: x,
    "reverse": lambda x: x[::-1],
    "sort": sorted,
    "count": lambda x: [16 + min(8, x[:-1].count(x[-1] - 8))],
    "histogram": lambda x: [8 + min(8, x.count(s)) for s in x],
    "majority": lambda x: [min(range(2), key=lambda s: (-x.count(s), s))],
    "majority_26": lambda x: [min(range(26), key=lambda s: (-x.count(s), s))],
    "parity": lambda x: [sum(x) % 2],
    "first": lambda x: [x[0]],
    "last": lambda x: [x[-1]],
    "index": lambda x: [x[x[-1] - 10]],
    "relative_index": lambda x: [x[x.index(10) - 3]],
    "odds_first": lambda x: x[0::2] + x[1::2],
    "missing_duplicate": fill_hole_slowly,
    "induction": lambda x: [x[x.index(x[-1]) + 1]],
    "addition": add_slowly,
    "even_pairs": lambda x: [int(x[0] == x[-1])],
    "cycle": lambda x: [sum(s - 1 for s in x) % 5],
    "recall": recall_slowly,
    "unique_copy": lambda x: x,
    "repeat_copy": lambda x: x,
    "duplicate_string": lambda x: [*x, *x],
    "modular_arithmetic": calculate_slowly,
}


@cache
def make_subject(name, **options):
    return make_task_subject(name, **options)


def build(name, **options):
    return make_subject(name, **options).task


def draw(name, length, count, **options):
    """The first examples of an evaluation set, cut to their length: x and y as two arrays."""
    x, y = zip(*make_subject(name, **options).draw_pairs(length, count), strict=True)
    return np.array(x), np.array(y)


def draw_lists(name, length, count=64, **options):
    """The same as pairs of lists."""
    return [(list(x), list(y)) for x, y in make_subject(name, **options).draw_pairs(length, count)]


def list_faults(name, properties=tuple(PROPERTIES)):
    """'property: fault' for each property of a task that does not hold."""
    results = measure_task(make_task_subject(name), properties)
    return [f"{result.name}: {result.fault}" for result in results if result.fault]
