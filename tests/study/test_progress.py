"""Progress: the live table, plain lines, and what Ctrl-C does."""

import io

import pytest
from rich.console import Console

from jaxpe.study import progress


def lines(count):
    return [progress.ProgramLine(("reverse", "encoder", f"encoding{i}"), 2, 200) for i in range(count)]


def terminal(height=30, is_terminal=True, **more):
    shown = progress.Terminal(**more)
    quiet = shown.console.quiet
    shown.console = Console(
        file=io.StringIO(), force_terminal=is_terminal, width=100, height=height, quiet=quiet, soft_wrap=True
    )
    return shown


def shown_by(one):
    """What a terminal shows now, as plain text."""
    page = Console(file=io.StringIO(), width=100)
    page.print(one.view())
    return page.file.getvalue()


def test_the_table_shows_seeds_losses_and_states():
    one, rows = terminal(), lines(4)
    one.expect(rows)
    one.begin("training", 800)
    one.note("a remark")
    one.start(rows[0])
    one.advance(200)
    one.finish(0.25)
    one.finish(0.75)
    one.start(rows[1])
    one.advance(200)
    one.finish(None)
    one.finish(0.5)
    one.start(rows[2])
    one.advance(100)
    page = shown_by(one)
    one.end()
    found = {line.split()[2]: line.split()[3:] for line in page.splitlines() if "encoding" in line and "[" not in line}
    assert found["encoding0"] == ["2/2", "0.5", "done"]
    assert found["encoding1"] == ["2/2", "0.5", "1", "diverged"]
    assert found["encoding2"][0] == "0/2" and found["encoding2"][-1] == "left"
    assert found["encoding3"] == ["0/2", "waiting"]
    assert "500/800" in page and "a remark" in page


def test_a_long_table_stays_around_the_program_at_work():
    one, rows = terminal(height=16), lines(50)
    one.expect(rows)
    one.begin("training", 10_000)
    one.start(rows[30])
    page = shown_by(one)
    one.end()
    assert "encoding30 " in page and "compiling" in page and "encoding0 " not in page and "encoding49" not in page
    assert len(page.splitlines()) <= 16


def test_a_pipe_gets_plain_lines_and_quiet_gets_nothing():
    for quiet in (False, True):
        one, rows = terminal(is_terminal=False, quiet=quiet), lines(1)
        one.expect(rows)
        one.note("compiling [reverse]")
        one.begin("training", 200)
        one.start(rows[0])
        one.told -= 60  # as if a minute had passed
        one.advance(100)
        said = one.console.file.getvalue().splitlines()
        assert said == [] if quiet else said[0] == "compiling [reverse]" and said[1].startswith("training: 100 of 200")
        assert not any("\x1b" in line for line in said)


def test_a_stop_that_was_asked_for_is_taken_at_the_next_note_and_a_second_one_at_once(monkeypatch):
    """Measuring has no chunks: what it says before each part is where it stops."""
    one = terminal(is_terminal=False)
    one.interrupt(2, None)
    assert "next safe place" in one.console.file.getvalue()
    with pytest.raises(KeyboardInterrupt):
        one.note("compiling the evaluation")
    codes = list[int]()
    monkeypatch.setattr(progress.os, "_exit", codes.append)  # no exception: it could tear compiled code apart
    one.interrupt(2, None)
    assert codes == [130] and "goes on from the last checkpoint" in one.console.file.getvalue()


@pytest.mark.parametrize(("seconds", "told"), [(4, "4 s"), (600, "10 min"), (9000, "2.5 h")])
def test_times_are_told_in_a_unit_that_fits(seconds, told):
    assert progress.format_duration(seconds) == told
