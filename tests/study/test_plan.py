"""What is said before work: runs, and an estimate of time and disk space."""

import re

from jaxpe.records.results import open_results
from jaxpe.study import plan, presets
from jaxpe.study.experiment import load_experiment, plan_experiment
from jaxpe.study.workspace import Workspace


def list_runs(work, **overrides):
    """The runs of one program of the smoke preset."""
    accuracy = load_experiment("accuracy")
    preset = presets.narrow_grid(accuracy.get_preset("smoke"), ["reverse"], ["none"], ["encoder"])
    preset = presets.override(preset, {"seeds": 2, "layers": 1, "steps": 8} | overrides)
    return plan_experiment(accuracy, preset, work).runs


def test_long_work_is_announced_with_time_and_disk_and_short_work_is_not(tmp_path):
    work = Workspace(open_results(tmp_path))
    assert plan.format_announcement(list_runs(work), work) == ""
    text = plan.format_announcement(list_runs(work, steps=100_000_000, seeds=4), work)
    assert re.search(r"about \d+\.\d h on this machine and 1 MB of disk", text)


def test_a_dry_run_of_several_experiments_has_a_line_for_each_and_counts_a_shared_run_once(tmp_path):
    work = Workspace(open_results(tmp_path / "r", write=False))
    runs = list_runs(work, seeds=3)
    both = plan.describe_plan({"first": runs[:2], "second": runs}, work)
    assert [row["runs"] for row in both["experiments"]] == [2, 1] and both["runs"] == 3
    assert both["bytes"] == sum(row["bytes"] for row in both["experiments"])
    head, *rows, last = plan.format_plan(both).splitlines()
    assert head.split() == ["runs", "stored", "time", "experiment"] and "3 runs (0 stored), 1 training programs" in last
    assert [row.split()[-1] for row in rows] == ["first", "second"]
    alone = plan.format_plan(plan.describe_plan({"first": runs}, work)).splitlines()
    assert "program" in alone[0] and alone[1].endswith("reverse, encoder, none")
