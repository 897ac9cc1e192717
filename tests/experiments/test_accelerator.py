"""The script for accelerators, in the tiny form that it takes where there is none."""

import json
import subprocess
import sys

import pytest
from support import ROOT


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_every_part_runs_without_an_accelerator(tmp_path):
    command = [sys.executable, "experiments/accelerator.py", "--output", str(tmp_path), "--minutes", "18"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1100, check=False)
    assert result.returncode == 0, result.stderr[-2000:]
    assert "JAX has no accelerator here" in result.stdout
    content = json.loads((tmp_path / "accelerator.json").read_text(encoding="utf-8"))
    rows, whats = content["rows"], [row["what"] for row in content["rows"]]
    assert "failed" not in whats and "whole" in whats, whats
    assert {row["part"] for row in rows} == {"rates", "training", "CPU", "twice", "attention", "table"}
    shares = [row["value"] for row in rows if row["what"] == "share of the roofline"]
    assert len(shares) == 6 and all(0 < share < 1.5 for share in shares)
    (same,) = [row["value"] for row in rows if row.get("second") == "the same program"]
    assert same == 0.0  # the same bits twice
    losses = [row["value"] for row in rows if row["what"] == "loss, largest relative difference"]
    assert losses and max(losses) < 1e-4
    assert "cpu" in content["device"] and {"jax", "jaxpe"} <= set(content["versions"])
    table = (tmp_path / "results" / "reproduction" / "table.csv").read_text(encoding="utf-8")
    assert "unique_copy" in table and "learned" in table
