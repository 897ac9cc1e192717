"""What is said before work: runs, and an estimate of time and disk space."""

import re

import pytest

from jaxpe.errors import UserError
from jaxpe.records.results import open_results
from jaxpe.study import plan, presets
from jaxpe.study.experiment import load_experiment, plan_experiment
from jaxpe.study.preset_checks import override
from jaxpe.study.rates import Rate
from jaxpe.study.workspace import Workspace


def list_runs(work, **overrides):
    """The runs of one program of the smoke preset."""
    accuracy = load_experiment("accuracy")
    preset = presets.narrow_grid(accuracy.get_preset("smoke"), ["reverse"], ["none"], ["encoder"])
    preset = override(preset, {"seeds": 2, "layers": 1, "steps": 8} | overrides)
    return plan_experiment(accuracy, preset, work).runs


def test_long_work_is_announced_with_time_and_disk_and_short_work_is_not(tmp_path):
    work = Workspace(open_results(tmp_path))
    assert plan.format_announcement(list_runs(work), work) == ""
    text = plan.format_announcement(list_runs(work, steps=100_000_000, seeds=4), work)
    assert re.search(r"about \d+\.\d h on this machine and 1 MB of disk", text)


def test_a_dry_run_of_several_experiments_has_a_line_for_each_and_counts_a_shared_run_once(tmp_path):
    work = Workspace(open_results(tmp_path / "r", write=False))
    runs = list_runs(work, seeds=3)
    both = plan.describe_plan({"first": [runs[:2]], "second": [runs]}, work)
    assert [row["runs"] for row in both["experiments"]] == [2, 1] and both["runs"] == 3
    assert both["bytes"] == sum(row["bytes"] for row in both["experiments"])
    head, *rows, last, _ = plan.format_plan(both).splitlines()
    assert head.split() == ["runs", "stored", "time", "experiment"] and "3 runs (0 stored), 1 training programs" in last
    assert [row.split()[-1] for row in rows] == ["first", "second"]
    alone = plan.format_plan(plan.describe_plan({"first": [runs]}, work)).splitlines()
    assert "program" in alone[0] and alone[1].endswith("reverse, encoder, none")


def test_a_round_takes_as_long_with_unused_places_and_one_machine_adds_up(tmp_path):
    """Five seeds on two cores are three rounds."""
    work = Workspace(open_results(tmp_path / "r", write=False))
    runs = list_runs(work, seeds=5, steps=10_000)
    machines = plan.choose_machines(work)
    stage = plan.plan_stage(runs, work, machines)
    seconds = stage.rounds[0].seconds
    assert [one.seconds for one in stage.rounds] == [seconds] * 3 and seconds > 0
    rate = machines.rate
    expected = 3 * seconds + rate.seconds_to_compile + rate.seconds_to_evaluate
    assert plan.estimate_seconds(runs, work) == pytest.approx(expected)
    described = plan.describe_plan({"one": [runs]}, work, plan.choose_machines(work, 3))
    assert described["rounds"] == 3 and described["chain_seconds"] == described["seconds"] < expected
    assert described["cost"] == {"hours": pytest.approx(6 * (expected - 2 * seconds) / 3600), "unit": "core"}
    assert "on 3 machines of 2 cores each and" in plan.format_plan(described)


def test_a_plan_for_another_kind_of_machine_trains_everything_in_its_batches(tmp_path, monkeypatch):
    """An accelerator trains sixteen replicas together; what a CPU has stored is no run of its."""
    gpu = Rate("h100", "gpu", 1e13, 0.0, 1e-3, 20.0, 10.0, {})
    monkeypatch.setattr("jaxpe.study.rates.read_rates", lambda: {"h100": gpu})
    work = Workspace(open_results(tmp_path / "r", write=False))
    runs = list_runs(work, seeds=33, steps=1000)
    monkeypatch.setattr(Workspace, "select_missing", lambda work, runs: [])
    described = plan.describe_plan({"one": [runs]}, work, plan.choose_machines(work, 2, "h100"))
    assert (described["stored"], described["rounds"], described["devices"]) == (0, 3, 1)
    step = 1e-3 + 16 * plan.count_step_flops(runs[0].config, work) / 1e13
    assert described["seconds"] == round(20 + 2 * 1000 * step + 10)
    assert "h100-hours" in plan.format_plan(described) and "2 machines of 1 h100 each" in plan.format_plan(described)


def test_no_machine_plans_nothing(tmp_path):
    with pytest.raises(UserError, match="--machines must be at least 1, got 0"):
        plan.choose_machines(Workspace(open_results(tmp_path / "r", write=False)), 0)
