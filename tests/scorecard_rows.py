"""Rows of a scorecard's table, made by the tests."""

import numpy as np
import pandas as pd

from jaxpe.analysis.comparisons import PLAIN, compute_differences


def make_rows(encoding, values, task="reverse", metric="token_accuracy", length=8, **more):
    """Rows of a table: a value for each seed."""
    shared = {
        "task": task, "architecture": "decoder", "positions": "arange", "train_length": 8, "condition": PLAIN,
        "length_baseline": 0.1, "order_blind_baseline": None, "rival": None, "how": None, "tokens": None,
    }  # fmt: skip
    columns = {"encoding": encoding, "metric": metric, "test_length": length}
    return [shared | columns | more | {"seed": seed, "value": value} for seed, value in enumerate(values)]


def make_cost_rows(encoding, parameters=1000, flops=50_000, ratio=None, new="mine"):
    counted = {"parameters": parameters, "forward_flops": flops, "training_bytes": 77}
    rows = [
        row | {"seed": None, "tokens": 19}
        for m, v in counted.items()
        for row in make_rows(encoding, [v], metric=m, length=None)
    ]
    if ratio is not None:
        rows += make_rows(new, [ratio], metric="step_time_ratio", length=None, rival=encoding)
    return rows


def compare(rows, baselines=("none",), name="mine"):
    return compute_differences(pd.DataFrame(rows), name, baselines)


def spread_seeds(mean, count=6, spread=0.01):
    return (mean + spread * np.linspace(-1, 1, count)).tolist()


def make_table(name="mine"):
    rows = []
    for encoding, accuracy, bits in ((name, 0.8, 2.1), ("none", 0.5, 2.0), ("rotary", 0.8, 2.1)):
        for length, fall in ((8, 0.0), (16, 0.2), (40, 0.4)):
            rows += make_rows(encoding, spread_seeds(accuracy - fall), length=length)
            rows += make_rows(encoding, spread_seeds(accuracy - fall), "count", length=length)
            rows += make_rows(encoding, spread_seeds(bits + fall), "causal_lm", "bits_per_character", length)
        rows += make_rows(encoding, spread_seeds(0.4), metric="position_error_trained")
    more = {"condition": "equal FLOPs", "rival": "rotary", "how": f"{name} is trained for 1100 steps instead of 1000"}
    rows += make_rows(name, spread_seeds(0.9), **more) + make_rows("rotary", spread_seeds(0.8), **more)
    return (
        rows
        + make_cost_rows(name, 1064)
        + make_cost_rows("none", ratio=1.5, new=name)
        + make_cost_rows("rotary", flops=55_000, ratio=0.9, new=name)
    )
