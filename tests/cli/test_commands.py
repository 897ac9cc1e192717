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
    monkeypatch.setattr(devices, "prepare_jax", lambda devices: None)


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


# ── before work ─


def test_a_summary_is_printed_in_columns():
    printed = run.plain_table("Accuracy", ["encoding", "at N"], [["none", "0.25"], ["sinusoidal", "1.00"]])
    assert printed == "Accuracy\nencoding    at N\nnone        0.25\nsinusoidal  1.00\n"


def test_a_dry_run_as_json(tmp_path, capsys, prepared):
    words = "run accuracy --preset smoke --tasks reverse --architectures encoder --encodings none learned --seeds 3"
    code, printed, _ = ended(capsys, *words.split(), "--dry-run", "--json", "--results", str(tmp_path / "r"))
    plan = json.loads(printed)
    assert code == 0 and plan["runs"] == 6 and plan["stored"] == 0 and len(plan["programs"]) == 2
    assert {one["program"] for one in plan["programs"]} == {"reverse, encoder, none", "reverse, encoder, learned"}
    assert plan["bytes"] > 0 and plan["seconds"] > 0 and not (tmp_path / "r").exists()


def test_the_doctor_as_json(capsys, prepared, monkeypatch):
    code, printed, _ = ended(capsys, "doctor", "--json")
    facts = json.loads(printed)
    assert code == 0 and facts["computes"] and facts["devices"] == 2 and "jax" in facts["versions"]
    monkeypatch.setattr(listing, "installation", lambda: facts | {"computes": False})
    code, printed, _ = ended(capsys, "doctor")
    assert code == 3 and "WRONG" in printed


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


