"""Progress: the live table, plain lines, what Ctrl-C does, and a workspace that shows its programs."""

import io
import signal
from functools import partial

import jax
import numpy as np
import pytest
from rich.console import Console

from jaxpe import surroundings
from jaxpe.records.results import open_results
from jaxpe.study import plan, progress
from jaxpe.study.workspace import Workspace
from jaxpe.surroundings import STOP
from jaxpe.training import parameters, population
from jaxpe.training.config import RunConfig, Training


def make_lines(count):
    return [progress.ProgramLine(("reverse", "encoder", f"encoding{i}"), 2, 200) for i in range(count)]


def make_terminal(height=30, is_terminal=True, **options):
    terminal = progress.Terminal(**options)
    quiet = terminal.console.quiet
    terminal.console = Console(
        file=io.StringIO(), force_terminal=is_terminal, width=100, height=height, quiet=quiet, soft_wrap=True
    )
    return terminal


def read_screen(terminal):
    """What a terminal shows now, as plain text."""
    page = Console(file=io.StringIO(), width=100)
    page.print(terminal.render())
    return page.file.getvalue()


def test_the_table_shows_seeds_losses_and_states():
    terminal, lines = make_terminal(), make_lines(4)
    terminal.expect(lines)
    terminal.begin("training", 800)
    terminal.note("a remark")
    for line, losses in ((lines[0], [0.25, 0.75]), (lines[1], [None, 0.5])):
        terminal.start_program(line)
        terminal.advance(200)
        for loss in losses:
            terminal.finish_seed(loss)
    terminal.start_program(lines[2])
    terminal.advance(100)
    page = read_screen(terminal)
    terminal.end()
    rows = {row.split()[2]: row.split()[3:] for row in page.splitlines() if "encoding" in row and "[" not in row}
    assert rows["encoding0"] == ["2/2", "0.5", "done"]
    assert rows["encoding1"] == ["2/2", "0.5", "1", "diverged"]
    assert rows["encoding2"][0] == "0/2" and rows["encoding2"][-1] == "left"
    assert rows["encoding3"] == ["0/2", "waiting"]
    assert "500/800" in page and "a remark" in page


def test_a_long_table_shows_the_part_around_the_current_program():
    terminal, lines = make_terminal(height=16), make_lines(50)
    terminal.expect(lines)
    terminal.begin("training", 10_000)
    terminal.start_program(lines[30])
    page = read_screen(terminal)
    terminal.end()
    assert "encoding30 " in page and "compiling" in page and "encoding0 " not in page and "encoding49" not in page
    assert len(page.splitlines()) <= 16


@pytest.mark.parametrize("quiet", [False, True])
def test_a_pipe_gets_plain_lines_and_quiet_gets_nothing(quiet):
    terminal, lines = make_terminal(is_terminal=False, quiet=quiet), make_lines(1)
    terminal.expect(lines)
    terminal.note("compiling [reverse]")
    terminal.begin("training", 200)
    terminal.start_program(lines[0])
    terminal.last_printed -= 60  # as if a minute had passed
    terminal.advance(100)
    printed = terminal.console.file.getvalue().splitlines()
    if quiet:
        assert printed == []
    else:
        assert printed[0] == "compiling [reverse]" and printed[1].startswith("training: 100 of 200")
    assert not any("\x1b" in line for line in printed)


def test_ctrl_c_stops_at_the_next_note_and_a_second_one_stops_at_once(monkeypatch):
    """Measuring has no chunks: the note before each part is where it stops."""
    codes = list[int]()
    monkeypatch.setattr(surroundings.os, "_exit", codes.append)  # no exception: it could tear compiled code apart
    with make_terminal(is_terminal=False) as terminal:
        STOP.receive(signal.SIGTERM, None)
        assert "next safe place" in terminal.console.file.getvalue()
        with pytest.raises(KeyboardInterrupt):
            terminal.note("compiling the evaluation")
        STOP.receive(signal.SIGTERM, None)
        assert codes == [143] and "resumes from the last checkpoint" in terminal.console.file.getvalue()
    STOP.number = None


def test_a_signal_that_an_import_swallowed_stops_before_anything_is_trained():
    STOP.number = signal.SIGINT
    with pytest.raises(KeyboardInterrupt), make_terminal(is_terminal=False):
        pass
    STOP.number = None


@pytest.mark.parametrize(("seconds", "text"), [(4, "4 s"), (600, "10 min"), (9000, "2.5 h")])
def test_durations_have_a_unit_that_fits(seconds, text):
    assert progress.format_duration(seconds) == text


def test_a_workspace_shows_each_program_and_takes_about_the_disk_that_was_estimated(tmp_path, monkeypatch):
    """Trainings that end at once, with models of zeros; one diverges. What is stored is not shown again."""

    def finish_at_once(work, group, join):
        for run in group:
            shapes = jax.eval_shape(partial(parameters.init_model, run.config, work.open_source(run.config).stream))
            model = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), shapes)
            kept, history = dict.fromkeys(population.SNAPSHOTS, model), {"loss": [2.0, 0.5]}
            work.reporter.advance(run.config.training.steps)
            spec = population.ReplicaSpec(run.seed, 0.1)
            result = population.TrainedReplica(spec, kept, history, diverged=run.seed == 1, seconds=1.0)
            work.write_run(run, result, population.Program(None, None, work.mesh, 2, 0.0))
        return True

    monkeypatch.setattr(Workspace, "train_group", finish_at_once)
    work = progress.ProgressWorkspace(open_results(tmp_path), make_terminal(is_terminal=False))
    config = RunConfig("reverse", "encoder", "none", 5, 45, width=16, layers=1, training=Training(steps=8, batch=16))
    runs = work.list_runs(config, range(2))
    estimate = plan.count_bytes(work.select_missing(runs), work)
    work.train(runs)
    [line] = work.lines.values()
    assert (line.losses, line.diverged, line.format_state()) == ([0.5], 1, "1 diverged")
    assert line.done == line.steps == 16
    kept = sum(path.stat().st_size for path in tmp_path.rglob("*.safetensors"))
    assert kept < estimate < kept + 2 * 100_000  # the rest is for records and measurements
    assert plan.count_bytes(work.select_missing(runs), work) == 0 and plan.estimate_seconds(runs, work) == 0
    work.train(runs)
    assert work.lines == {}
