"""Results folders to compare: rows of a value for each seed, claims, provenance."""

import numpy as np

from jaxpe.records.csv_tables import write_table
from jaxpe.records.json_values import write_json
from jaxpe.records.provenance import record_derived, write_provenance
from jaxpe.records.results import MARKER, SCHEMA

SPREAD = np.array([0.0, 0.01, -0.01, 0.02, -0.02, 0.015, -0.005, 0.005])


def make_rows(values, encoding="learned", metric="token_accuracy", experiment="accuracy", first_seed=0, **more):
    """Rows of a table: a value for each seed."""
    shared = {
        "experiment": experiment, "task": "reverse", "architecture": "encoder", "encoding": encoding,
        "positions": "arange", "test_positions": "arange", "train_length": 8, "test_length": 16, "metric": metric,
        "learning_rate": 0.003,
    }  # fmt: skip
    return [shared | more | {"seed": first_seed + i, "value": value} for i, value in enumerate(values)]


def make_claim(verdict, effect, statement="Order helps."):
    return {
        "id": "C3", "statement": statement, "verdict": verdict, "effect": effect, "low": effect - 0.1,
        "high": effect + 0.1, "n": 6, "unit": "accuracy", "note": "", "p": None, "family": "",
    }  # fmt: skip


PROVENANCE = {
    "command": "jaxpe study", "date": "2026-01-01", "seconds": 5.0, "devices": 2, "versions": {"jax": "0.10.2", "flax": "0.12.8"},
    "preset": {
        "grid": [
            {"task": "reverse", "architectures": ["encoder"], "encodings": ["none", "learned"], "positions": ["arange"], "overrides": {"seeds": 6}, "scales": [None]},
            {"task": "count", "architectures": ["encoder"], "encodings": ["none"], "positions": ["arange"], "overrides": {}, "scales": [None]},
        ],
        "steps": 800, "width": 32, "learning_rates": [], "starts": "",
    },
}  # fmt: skip


def write_results(folder, rows, claims=(), provenance=PROVENANCE, experiment="accuracy"):
    """Writes an experiment of a results folder, and returns the folder's path as a word."""
    write_json(folder / MARKER, {"schema": SCHEMA})
    write_table(folder / experiment / "table.csv", rows)
    write_json(folder / experiment / "claims.json", list(claims))
    write_provenance(folder / experiment, provenance)
    record_derived(folder / experiment, ["claims.json"])
    return str(folder)
