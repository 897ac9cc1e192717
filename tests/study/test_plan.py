"""What is said before work: runs, an estimate of time and disk space."""

import io
import re

from rich.console import Console

from jaxpe.records.results import open_results
from jaxpe.study import experiment, plan, presets, progress
from jaxpe.study.workspace import Workspace
from jaxpe.training import parameters, population


def make_terminal():
    """A terminal that is a pipe."""
    terminal = progress.Terminal()
    terminal.console = Console(file=io.StringIO(), width=100, soft_wrap=True)
    return terminal


def small(**more):
    """One program of the smoke preset."""
    preset = presets.narrow_grid(
        experiment.load_experiment("accuracy").preset("smoke"), ["reverse"], ["none"], ["encoder"]
    )
    return presets.override(preset, {"seeds": 2, "layers": 1, "steps": 8} | more)


def test_long_work_is_announced_with_time_and_disk_and_short_work_is_not(tmp_path):
    work = Workspace(open_results(tmp_path))
    asked = experiment.load_experiment("accuracy")
    assert plan.format_announcement(experiment.plan_experiment(asked, small(), work).runs, work) == ""
    runs = experiment.plan_experiment(asked, small(steps=100_000_000, seeds=4), work).runs
    assert re.search(r"about \d+\.\d h on this machine and 1 MB of disk", plan.format_announcement(runs, work))


def test_a_run_is_watched_and_takes_about_the_disk_that_was_estimated(tmp_path, monkeypatch):
    """Trainings that end at once, with models as they start: one diverges. What is stored is not watched again."""

    def at_once(work, group):
        for one in group:
            model = parameters.fresh(one.config, work.open_source(one.config).stream, one.seed)
            kept, history = dict.fromkeys(population.CHECKPOINTS, model), {"loss": [2.0, 0.5]}
            work.reporter.advance(one.config.training.steps)
            spec = population.ReplicaSpec(one.seed, 0.1)
            done = population.Trained(spec, kept, history, diverged=one.seed == 1, seconds=1.0)
            work.write_run(one, done, population.Program(None, None, work.mesh, 2, 0.0))

    monkeypatch.setattr(Workspace, "train_group", at_once)
    work = progress.ProgressWorkspace(open_results(tmp_path), make_terminal())
    runs = experiment.plan_experiment(experiment.load_experiment("accuracy"), small(), work).runs
    estimated = plan.estimate_bytes(runs, work)
    work.train(runs)
    [line] = work.lines.values()
    assert (line.losses, line.diverged, line.state()) == ([0.5], 1, "1 diverged") and line.done == line.steps == 16
    kept = sum(path.stat().st_size for path in tmp_path.rglob("*.safetensors"))
    assert kept < estimated < kept + 2 * 100_000  # the rest is for records and measurements
    assert plan.estimate_bytes(runs, work) == 0 and plan.estimate_seconds(runs, work) == 0
    work.train(runs)
    assert work.lines == {}


def test_a_dry_run_of_several_experiments_has_a_line_for_each_and_counts_a_shared_training_once(tmp_path):
    work = Workspace(open_results(tmp_path / "r", write=False))
    runs = experiment.plan_experiment(experiment.load_experiment("accuracy"), small(seeds=3), work).runs
    plan_of_all = plan.describe_plan({"first": runs[:2], "second": runs}, work)
    assert [one["runs"] for one in plan_of_all["experiments"]] == [2, 1] and plan_of_all["runs"] == 3
    assert plan_of_all["bytes"] == sum(one["bytes"] for one in plan_of_all["experiments"])
    head, *rows, last = plan.format_plan(plan_of_all).splitlines()
    assert head.split() == ["runs", "stored", "time", "experiment"] and "3 runs (0 stored), 1 training programs" in last
    assert [row.split()[-1] for row in rows] == ["first", "second"]
    alone = plan.format_plan(plan.describe_plan({"first": runs}, work)).splitlines()
    assert "program" in alone[0] and alone[1].endswith("reverse, encoder, none")
