"""Tables of the experiment `harm` with effects of known size."""

import numpy as np
import pandas as pd

from jaxpe.analysis.harm import SWEEPS

BASE = {
    "architecture": "encoder", "positions": "arange", "test_positions": "arange", "train_length": 8, "sweep": "none",
    "width": 32, "token_factor": 1.0, "position_factor": 1.0,
}  # fmt: skip
# Accuracy by factor s, on count and on index.
TURNING = {0.0: 0.98, 0.1: 0.98, 1.0: 0.98, 3.0: 0.5, 10.0: 0.3}, {0.0: 0.2, 0.1: 0.2, 1.0: 0.98, 3.0: 0.4, 10.0: 0.98}


def make_table(*parts):
    """Eight seeds of each part: its columns and its mean value."""
    generator = np.random.default_rng(3)
    return pd.DataFrame(
        [
            BASE | columns | {"seed": seed, "value": value + 0.005 * generator.normal()}
            for columns, value in parts
            for seed in range(8)
        ]
    )


def make_accuracy(gains, encoding="sinusoidal"):
    """An encoding that changes the accuracy of tasks by `gains[task]` at N and at 2 N, and none."""
    parts = []
    for task, (near, far) in gains.items():
        for length, gain in ((8, near), (16, far)):
            columns = {"task": task, "metric": "token_accuracy", "test_length": length}
            parts += [(columns | {"encoding": "none"}, 0.7), (columns | {"encoding": encoding}, 0.7 + gain)]
    return make_table(*parts)


def make_sweep(count, index, encoding="sinusoidal"):
    """A ratio sweep: the accuracy on both tasks, by factor."""
    parts = []
    for task, values in (("count", count), ("index", index)):
        for s, value in values.items():
            token, position = SWEEPS["ratio"](s)
            columns = {"token_factor": token, "position_factor": position, "sweep": "ratio", "test_length": 8}
            parts.append((columns | {"task": task, "metric": "token_accuracy", "encoding": encoding}, value))
    return make_table(*parts)


def shuffle_values(table, seed=0):
    """The same table with its values in another order."""
    return table.assign(value=np.random.default_rng(seed).permutation(table["value"]))
