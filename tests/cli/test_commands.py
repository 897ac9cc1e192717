"""The command line by itself: examples, mistakes, completion, progress, estimates, figures for print and slides."""

import functools
import html
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import matplotlib
import pytest
from matplotlib.text import Text
from rich.console import Console
from support import ROOT

from jaxpe import cli, devices
from jaxpe.cli import commands, entry, listing, run
from jaxpe.cli.options import Options
from jaxpe.data import cache
from jaxpe.data.language import open_translation
from jaxpe.errors import UserError
from jaxpe.figures import style
from jaxpe.records.csv_tables import PREVIOUS, keep_previous, read_table, write_table
from jaxpe.records.results import open_results
from jaxpe.study import experiment, plan, presets, progress, run_configs
from jaxpe.study.workspace import Workspace
from jaxpe.training import parameters, population


def ended(capsys, *words):
    """The exit code of a command in this process, what it printed, and what it said of mistakes."""
    with pytest.raises(SystemExit) as end:
        cli.main(list(words))
    told = capsys.readouterr()
    return end.value.code or 0, told.out, told.err


@pytest.fixture
def prepared(monkeypatch):
    """The tests' devices are there already."""
    monkeypatch.setattr(devices, "prepare", lambda devices: None)


# ── help ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", commands.COMMANDS)
def test_every_command_shows_examples_that_parse(name, monkeypatch, capsys):
    """Each is called with what the example says, instead of being run."""
    called = []

    @functools.wraps(commands.COMMANDS[name])
    def recorder(*given, **named):
        called.append((given, named))
        return 0

    examples = [line for line in commands.EXAMPLES[name] if line.startswith("jaxpe")]
    code, page, _ = ended(capsys, name, "--help")
    assert code == 0 and all(line in page for line in commands.EXAMPLES[name])
    monkeypatch.setitem(commands.COMMANDS, name, recorder)
    for example in examples:
        words = shlex.split(example.partition(" >")[0], comments=True)
        assert ended(capsys, *words[1:])[0] == 0
    assert len(called) == len(examples) > 0


def test_help_names_every_command_and_imports_nothing_slow():
    code = (
        "import sys\nfrom jaxpe import cli\n"
        "for words in [['--help'], *[[name, '--help'] for name in commands.COMMANDS]]:\n"
        "    try: cli.main(words)\n    except SystemExit as end: assert not end.code\n"
        "assert not {'jax', 'matplotlib', 'datasets', 'pandas', 'scipy'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert all(f"usage: jaxpe {name}" in done.stdout for name in commands.COMMANDS)


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
def test_help_has_colours_in_a_terminal_and_none_where_they_are_not_wanted():
    import pty

    found = {}
    for wanted in ("", "1"):
        main, side = pty.openpty()
        environment = os.environ | {"TERM": "xterm-256color", "NO_COLOR": wanted, "PYTHONPATH": str(ROOT)}
        subprocess.run([sys.executable, "-m", "jaxpe", "list", "--help"], stdout=side, env=environment, check=True)
        os.close(side)
        found[wanted] = os.read(main, 65536)
        os.close(main)
    assert b"\x1b[" in found[""] and b"\x1b[" not in found["1"] and b"jaxpe list encodings" in found["1"]


# ── mistakes ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("", "Which command? study, run"),
        ("plto", "Did you mean 'plot'?"),
        ("--quiet", "Unknown command '--quiet'"),
        ("plot --reslts x", "Did you mean '--results'? See `jaxpe plot --help`"),
        ("plot --reslts=x", "Unknown option '--reslts'"),
        ("run accuracy --presett quick", "Did you mean '--preset'?"),
        ("plot --for papr", "Did you mean 'paper'?"),
        ("list encodigns", "Did you mean 'encodings'?"),
        ("list encodings more", "`jaxpe list` does not take 'more'"),
        ("list", "`jaxpe list` needs more: kind"),
        ("check", "`jaxpe check` needs more: encoding"),
        ("plot --results", "--results needs a value"),
        ("run accuracy --seeds two", "--seeds takes INT, got 'two'"),
        ("export-task reverse --lengths 4 x", "--lengths takes"),
        ("completion bahs", "Did you mean 'bash'?"),
        ("run accuracy --set width=8 --set max_length_ratio=2", "--set is given more than once"),
        ("new json", "a Python package 'json' already"),
        ("export-task missing_duplicate --lengths 5", "has no example of length 5"),
    ],
)
def test_a_mistyped_command_option_or_value_is_one_line(capsys, line, says):
    code, printed, told = ended(capsys, *line.split())
    assert code == 2 and says in told and not printed and len(told.splitlines()) == 1
    assert told.startswith("jaxpe: ")


def test_a_tyro_without_its_hook_still_ends_with_2(capsys, monkeypatch):
    """The hook is not part of what tyro promises: without it tyro says in its own words what is wrong."""
    monkeypatch.setattr(entry, "on_parse_error", entry.nullcontext)
    code, _, told = ended(capsys, "plot", "--reslts", "x")
    assert code == 2 and "--reslts" in told and "Traceback" not in told


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_output_that_finds_no_space_is_one_line():
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "jaxpe", "list", "samplers"],
            stdout=full,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            text=True,
            env={name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"},
        )
    assert done.returncode == 2 and "no space where the output goes" in done.stderr and "Traceback" not in done.stderr


def test_a_damaged_download_is_one_sentence(tmp_path, monkeypatch):
    (tmp_path / "translation.parquet").write_bytes(b"12345")
    monkeypatch.setattr(cache, "storage_path", lambda name: tmp_path / f"{name}.parquet")
    with pytest.raises(UserError, match="was damaged: delete it"):
        open_translation(300)


def test_a_stopped_command_says_how_to_go_on(capsys, monkeypatch):
    def stopped():
        raise KeyboardInterrupt

    monkeypatch.setattr(sys, "argv", ["/usr/bin/jaxpe", "run", "accuracy", "--results", "my results"])
    with pytest.raises(SystemExit) as end:
        entry.guarded(stopped)
    assert end.value.code == 130
    assert capsys.readouterr().err.strip().endswith("goes on from here: jaxpe run accuracy --results 'my results'")


# ── completion ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
def test_bash_completes_commands_options_and_names(capsys, tmp_path):
    code, script, _ = ended(capsys, "completion", "bash")
    assert code == 0
    (tmp_path / "script").write_text(script)
    asked = {"pl": "plot", "plot --fo": "--for", "plot --for pa": "paper", "compare --out": "--output"}
    asked |= {
        "scorecard alibi --against none ker": "kerple",
        "study --preset st": "standard",
        "run accuracy --tasks rev": "reverse",
        "run accuracy --architectures en": "encoder encoder_decoder",
    }
    for line, expected in asked.items():
        words = ["jaxpe", *line.split(" ")]
        typed = f"COMP_WORDS=({shlex.join(words)}); COMP_CWORD={len(words) - 1}; _tyro_jaxpe; echo ${{COMPREPLY[@]}}"
        done = subprocess.run(["bash", "-c", f"source {tmp_path}/script; {typed}"], capture_output=True, text=True)
        assert done.stdout.strip() == expected, done.stderr
    assert entry.parsed(Options, "jaxpe", "", ["--encodings", "mine.py:Mine"]).encodings == ("mine.py:Mine",)


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_get_a_script_of_their_own(capsys, shell):
    code, script, _ = ended(capsys, "completion", shell)
    head = {"zsh": "#compdef jaxpe", "fish": "complete --no-files --command"}[shell]
    assert code == 0 and head in script


# ── progress ────────────────────────────────────────────────────────────────────────────────────────────────────────


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


# ── before work ─────────────────────────────────────────────────────────────────────────────────────────────────────


def small(**more):
    """One program of the smoke preset."""
    preset = presets.narrow_grid(experiment.load_experiment("accuracy").preset("smoke"), ["reverse"], ["none"], ["encoder"])
    given = {"seeds": 2, "layers": 1, "steps": 8} | more
    return presets.override(preset, [f"{name}={value}" for name, value in given.items()])


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
            work.progress.advance(one.config.training.steps)
            spec = population.ReplicaSpec(one.seed, 0.1)
            done = population.Trained(spec, kept, history, diverged=one.seed == 1, seconds=1.0)
            work.write_run(one, done, population.Program(None, None, work.mesh, 2, 0.0))

    monkeypatch.setattr(Workspace, "train_group", at_once)
    work = plan.ProgressWorkspace(open_results(tmp_path), terminal(is_terminal=False))
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


def test_a_smaller_table_does_not_make_a_larger_one_disappear(tmp_path):
    path = tmp_path / "table.csv"
    rows = [{"task": "copy", "encoding": name, "seed": seed, "value": 0.5} for name in ("a", "none") for seed in (0, 1)]
    assert not keep_previous(path, rows)
    write_table(path, rows)
    before = path.read_bytes()
    assert not keep_previous(path, rows) and not keep_previous(path, [*rows, {"task": "index"}])
    assert keep_previous(path, rows[:3]) and (tmp_path / PREVIOUS).read_bytes() == before


def test_a_table_that_was_cut_off_or_altered_is_refused(tmp_path):
    path = tmp_path / "table.csv"
    write_table(path, [{"task": "copy", "value": 0.5}])
    whole = path.read_text()
    assert len(read_table(path)) == 1
    altered = {
        whole[:-3]: "was cut off",
        whole.replace("metric", "meter"): "no column 'metric'",
        "no table\n": "no column 'experiment'",
    }
    for text, says in altered.items():
        path.write_text(text)
        with pytest.raises(UserError, match=says):
            read_table(path)


@pytest.mark.parametrize(
    ("assignments", "says"),
    [
        (["width=8", "width=16"], "width is given more than once"),
        (["shift=4"], "shift takes true or false, got '4'"),
        (["train_length=1"], "no example of length up to 1"),
    ],
)
def test_a_preset_field_that_cannot_be_is_one_sentence(assignments, says):
    with pytest.raises(UserError, match=says):
        preset = presets.override(experiment.load_experiment("accuracy").preset("smoke"), assignments)
        run_configs.expand_grid(presets.narrow_grid(preset, ["missing_duplicate"]), {})


def test_a_summary_is_printed_in_columns():
    printed = run.plain_table("Accuracy", ["encoding", "at N"], [["none", "0.25"], ["sinusoidal", "1.00"]])
    assert printed == "Accuracy\nencoding    at N\nnone        0.25\nsinusoidal  1.00\n"


def test_shift_can_be_switched_off():
    assert not presets.override(experiment.load_experiment("accuracy").preset("smoke"), ["shift=false"]).shift


def test_chosen_architectures_are_trained_at_the_sizes_of_their_own_rows():
    """A row of decoders at other sizes does not become a second encoder, whose results a table would mix with the first."""
    rows = (
        presets.GridRow(task="reverse", architectures=("encoder",)),
        presets.GridRow(task="reverse", architectures=("decoder",), overrides={"steps": 9}),
    )
    preset = presets.Preset((*rows, presets.GridRow(task="index", architectures=("encoder",))))
    grid = presets.narrow_grid(preset, architectures=["encoder", "encoder_decoder"]).grid
    asked = [(row.task, row.architectures, row.overrides) for row in grid]
    assert asked[0] == ("reverse", ("encoder", "encoder_decoder"), {})
    assert asked[1:] == [("index", ("encoder", "encoder_decoder"), {})]


def test_a_dry_run_as_json(tmp_path, capsys, prepared):
    words = "run accuracy --preset smoke --tasks reverse --architectures encoder --encodings none learned --seeds 3"
    code, printed, _ = ended(capsys, *words.split(), "--dry-run", "--json", "--results", str(tmp_path / "r"))
    plan = json.loads(printed)
    assert code == 0 and plan["runs"] == 6 and plan["stored"] == 0 and len(plan["programs"]) == 2
    assert {one["program"] for one in plan["programs"]} == {"reverse, encoder, none", "reverse, encoder, learned"}
    assert plan["bytes"] > 0 and plan["seconds"] > 0 and not (tmp_path / "r").exists()


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


def test_the_doctor_as_json(capsys, prepared, monkeypatch):
    code, printed, _ = ended(capsys, "doctor", "--json")
    facts = json.loads(printed)
    assert code == 0 and facts["computes"] and facts["devices"] == 2 and "jax" in facts["versions"]
    monkeypatch.setattr(listing, "installation", lambda: facts | {"computes": False})
    code, printed, _ = ended(capsys, "doctor")
    assert code == 3 and "WRONG" in printed


# ── figures for print and slides ────────────────────────────────────────────────────────────────────────────────────


def figure(columns=2, width=3.6):
    """Panels with what tends to be too long: names below an axis, a title, a legend and a caption."""
    names = [f"an_encoding_{i}" for i in range(5)]
    drawn, axes = style.panels(columns, columns=columns, width=width, height=2.5)
    for axis in axes:
        for i, name in enumerate(names):
            axis.plot([0, 1], [i, i + 1], label=f"{name} with a long name")
        axis.set_xticks(range(5), names, fontsize=8)
        axis.set_title("reverse, encoder-decoder, with a title that has no room above its panel", fontsize=9.5)
        axis.text(0.5, 0.5, "tiny", fontsize=4)
    style.legend(drawn, axes)
    style.caption(drawn, "A caption of many words, " * 8)
    return drawn


@pytest.mark.parametrize(("columns", "width", "inches"), [(2, 4.6, 6.9), (1, 5.5, 3.3)])
def test_paper_has_the_widths_of_a_page_embedded_fonts_and_the_same_bytes(tmp_path, columns, width, inches):
    for folder in ("a", "b"):
        style.save(figure(columns, width), tmp_path / folder, "f", "paper")
    pdf = (tmp_path / "a" / "f.pdf").read_bytes()
    assert float(re.search(rb"/MediaBox \[ 0 0 ([\d.]+)", pdf)[1]) == pytest.approx(72 * inches)
    assert b"/FontFile2" in pdf and b"/Type3" not in pdf and b"CreationDate" not in pdf
    for kind in ("pdf", "svg"):
        assert (tmp_path / "a" / f"f.{kind}").read_bytes() == (tmp_path / "b" / f"f.{kind}").read_bytes()


@pytest.mark.parametrize("medium", ["paper", "talk"])
@pytest.mark.parametrize("columns", [1, 2])
def test_all_text_is_large_enough_and_inside_the_figure(medium, columns):
    shape, drawn = style.MEDIA[medium], figure(columns)
    style.fit(drawn, shape)
    drawn.draw_without_rendering()
    texts = [text for text in drawn.findobj(Text) if text.get_text() and text.get_visible()]
    assert {shape.smallest} <= {text.get_fontsize() for text in texts} and len(texts) > 15
    assert all(shape.smallest <= text.get_fontsize() <= shape.text for text in texts)
    for text in [*drawn.texts, *drawn.legends[0].get_texts()]:
        box = text.get_window_extent()
        assert box.x0 >= -1 and box.x1 <= drawn.bbox.width + 1
    for axes in drawn.axes:
        names = [label.get_window_extent() for label in axes.get_xticklabels()]
        assert all(one.x1 <= other.x0 for one, other in pairwise(names))
        assert axes.title.get_window_extent().width < 1.2 * axes.bbox.width


def test_a_slide_is_16_to_9_and_lines_grow_with_its_text():
    drawn = figure(2)
    style.fit(drawn, style.MEDIA["talk"])
    width, height = drawn.get_size_inches()
    pixels = width * style.MEDIA["talk"].dpi
    assert width / height == pytest.approx(16 / 9, rel=0.15) and pixels == pytest.approx(1920, rel=0.01)
    points_on_a_slide = style.MEDIA["talk"].text * 13.33 / width
    assert points_on_a_slide > 15


def test_figures_for_print_stand_beside_the_others(tmp_path, capsys):
    """`plot --for paper` from a stored table; figures of an earlier table go, those of the web's page stay."""
    shutil.copytree(ROOT / "results" / "throughput", tmp_path / "throughput")
    shutil.copy(ROOT / "results" / "jaxpe.json", tmp_path)
    shown = tmp_path / "throughput" / "figures"
    (shown / "paper").mkdir()
    (shown / "paper" / "of_an_earlier_table.pdf").write_bytes(b"")
    before = {path: path.read_bytes() for path in shown.glob("*.*")}
    code, printed, _ = ended(capsys, "plot", "--for", "paper", "--results", str(tmp_path))
    names = {path.name for path in (shown / "paper").iterdir()}
    expected = {f"{path.stem}.{kind}" for path in before for kind in ("pdf", "svg")}
    assert code == 0 and names == expected and "figures/paper" in printed
    assert {path: path.read_bytes() for path in shown.glob("*.*")} == before


def test_figures_tell_what_they_show(tmp_path):
    """Axes, series and caption in the SVG, for those who hear the page; nothing else than that is added."""
    style.save(figure(1), tmp_path, "f")
    svg, plain, drawn = (tmp_path / "f.svg").read_bytes(), io.BytesIO(), figure(1)
    style.frame(drawn)
    with matplotlib.rc_context(style.RC):
        drawn.savefig(plain, format="svg", metadata={"Date": None, "Creator": None})
    told = re.search(rb" *<dc:description>(.*?)</dc:description>\n", svg, re.DOTALL)
    assert svg.replace(told[0], b"") == style.rounded(plain.getvalue()) and (tmp_path / "f.png").is_file()
    for title in [axis.get_title() for axis in figure(1).axes]:
        assert title and html.escape(title, quote=False).encode() in told[1]


def test_captions_and_legends_stay_inside_their_figure(tmp_path):
    drawn = figure(1)
    wide = [one.get_window_extent().width for one in (*drawn.texts, *drawn.legends)]
    assert all(width > drawn.bbox.width for width in wide) and len(wide) == 2
    style.save(drawn, tmp_path, "f")
    boxes = [one.get_window_extent() for one in (*drawn.texts, *drawn.legends)]
    assert all(box.x0 >= 0 and box.x1 <= drawn.bbox.width for box in boxes)
