"""Results folders for the page: one experiment, as small as can be."""

import numpy as np

from jaxpe.records.csv_tables import write_table
from jaxpe.records.json_values import write_json
from jaxpe.records.provenance import record_derived, write_provenance
from jaxpe.records.results import open_results

HOSTILE = "<img src=x onerror=alert(1)>"
PROVENANCE = {
    "command": "jaxpe run mine", "date": "2026-01-01", "versions": {"jaxpe": "0"}, "devices": 2, "device": "cpu",
    "question": "Is it?", "prediction": "", "runs": 12, "diverged": 0, "training_seconds": 1.0,
}  # fmt: skip


def make_scores(encodings=("none", "sinusoidal"), seeds=6, **more):
    """Rows of a table: token accuracy at three lengths."""
    generator = np.random.default_rng(0)
    return [
        {
            "experiment": "mine", "task": "reverse", "architecture": "encoder", "encoding": encoding, "positions": "arange",
            "test_positions": "arange", "seed": seed, "train_length": 8, "test_length": length, "metric": "token_accuracy",
            "value": round(float(generator.uniform(0.2, 0.9)), 4), "length_baseline": 0.1, "order_blind_baseline": 0.3,
            "n_examples": 64, **more,
        }
        for encoding in encodings for seed in range(seeds) for length in (4, 8, 16)
    ]  # fmt: skip


def make_entry(name, **more):
    """An entry of claims.json."""
    return {
        "id": name, "statement": f"The statement of {name}.", "verdict": "supported", "effect": 0.5, "low": 0.4, "high": 0.6,
        "n": 6, "unit": "token accuracy", "note": "", "p": 0.03, "family": "", "question": "", "figure": "", "headline": False,
    } | more  # fmt: skip


def write_folder(folder, name="mine", encodings=("none", "sinusoidal"), claims=(), answers=()):
    """A results folder with one experiment."""
    open_results(folder)
    write_table(folder / name / "table.csv", make_scores(encodings))
    write_json(folder / name / "claims.json", list(claims))
    write_json(folder / name / "answers.json", list(answers))
    write_provenance(folder / name, PROVENANCE)
    record_derived(folder / name, ["claims.json", "answers.json"])
    return folder
