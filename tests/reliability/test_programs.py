"""How many programs are compiled, what a process keeps, and what a model learns at all."""

import subprocess
import sys

import pytest
from command_line import ENVIRONMENT

from jaxpe.records.results import open_results
from jaxpe.study import workspace
from jaxpe.study.workspace import Workspace, group_by_program
from jaxpe.training import population
from jaxpe.training.config import RunConfig, Training

CONFIG = RunConfig("reverse", "encoder", "learned", 6, 60, width=16, layers=1, training=Training(steps=20, batch=16))


@pytest.mark.slow
@pytest.mark.trial
def test_as_many_programs_are_compiled_as_there_are_groups(tmp_path, monkeypatch):
    """Learning rates, scales and seeds are data; tasks, encodings and sizes are not."""
    from dataclasses import replace

    rates = [replace(CONFIG, training=replace(CONFIG.training, learning_rate=rate)) for rate in (1e-3, 3e-3)]
    configs = [*rates, replace(CONFIG, encoding="none"), replace(CONFIG, width=8)]
    work, compiled = Workspace(open_results(tmp_path / "r")), []
    runs = [run for config in configs for run in work.list_runs(config, range(3))]
    compile_program = population.compile_program
    monkeypatch.setattr(
        workspace.population, "compile_program", lambda *words: compiled.append(1) or compile_program(*words)
    )
    work.train(runs)
    assert len(compiled) == len(group_by_program(runs)) == 3
    work.train(runs)
    assert len(compiled) == 3


MEMORY = """
import resource, sys
from dataclasses import replace
from pathlib import Path
from jaxpe import devices
devices.prepare_jax(2)
from jaxpe.records.results import open_results
from jaxpe.study.workspace import Workspace
from jaxpe.training.config import RunConfig, Training
config = RunConfig("reverse", "encoder", "none", 4, 20, width=8, layers=1, training=Training(steps=10, batch=4))
work = Workspace(open_results(Path(sys.argv[1])))
for first in range(0, 240, 40):
    runs = work.list_runs(config, range(first, first + 40))
    work.train(runs)
    work.measure_scores(runs, [2, 4], 4)
    maps = len(Path("/proc/self/maps").read_text().splitlines()) if Path("/proc/self/maps").exists() else 0
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, maps, flush=True)
"""


@pytest.mark.slow
@pytest.mark.trial
def test_memory_and_maps_do_not_grow_with_the_number_of_runs(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, str(tmp_path / "r")], env=ENVIRONMENT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    rows = [tuple(map(int, line.split())) for line in done.stdout.splitlines()]
    (early, early_maps), (late, late_maps) = rows[1], rows[-1]
    assert late < early + 60 and late_maps < early_maps + 50, rows  # MiB, and maps


@pytest.mark.slow
@pytest.mark.trial
def test_what_is_learned_lies_where_it_always_did(tmp_path):
    """Sinusoids and learned positions reverse what they were trained on; without positions an encoder stays order-blind."""
    from dataclasses import replace

    config = replace(CONFIG, width=32, layers=2, training=Training(steps=700, batch=64))
    work, means = Workspace(open_results(tmp_path / "r")), {}
    runs = {
        name: work.list_runs(replace(config, encoding=name), range(2)) for name in ("none", "sinusoidal", "learned")
    }
    work.train([run for group in runs.values() for run in group])
    for name, group in runs.items():
        scores = work.measure_scores(group, [6], 256).values()
        means[name] = [float(score.correct) / float(score.answers) for score in scores]
    source = work.open_source(config)
    blind = source.stream.task.order_blind_baseline(6, "token_accuracy", "encoder")
    assert min(means["sinusoidal"]) > 0.97 and min(means["learned"]) > 0.97
    assert all(abs(mean - blind) < 0.06 for mean in means["none"]), (means, blind)
