"""Examples of tasks, drawn by one compiled program a task, and slow rules for their answers."""

from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np

from jaxpe.tasks import build_task
from jaxpe.tasks.evaluation_sets import make_evaluation_key

LONGEST, BATCH = 20, 500  # the arrays of the programs
CHEAP = {"xla_backend_optimization_level": 0}  # compiling takes longer than running


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
}


@cache
def build(name, **options):
    return build_task(name, **{"train_length": 10} | options)


@partial(jax.jit, static_argnums=0, compiler_options=CHEAP)
def draw_batch(task, key, start, length):
    """BATCH examples of a traced length, in arrays for the length LONGEST."""
    numbers = start + jnp.arange(BATCH)
    return jax.vmap(lambda i: task.sample(jax.random.fold_in(key, i), length, LONGEST))(numbers)


@partial(jax.jit, static_argnums=(0, 2, 3), compiler_options=CHEAP)
def draw_one(task, key, length, top):
    """One example of a fixed length, in arrays for the length `top`."""
    return task.sample(key, length, top)


def draw(name, length, count, **options):
    """The first examples of an evaluation set, cut to their length: x and y as two arrays."""
    task, key = build(name, **options), make_evaluation_key(name, length)
    batches = [draw_batch(task, key, start, length) for start in range(0, count, BATCH)]
    x, y = (np.concatenate([np.asarray(getattr(batch, part)) for batch in batches])[:count] for part in ("x", "y"))
    return x[:, : task.x_size(length)], y[:, : task.y_size(length)]


def draw_lists(name, length, count=64, **options):
    """The same as pairs of lists."""
    x, y = draw(name, length, count, **options)
    return list(zip(x.tolist(), y.tolist(), strict=True))
