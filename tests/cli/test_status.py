"""`jaxpe status`."""

import json
import os
import subprocess
import sys

import pytest
from command_line import ENVIRONMENT, assert_one_sentence, call_jaxpe

from jaxpe.records.leases import LeaseFolder
from jaxpe.records.results import open_results

CONFIG = {"task": "path/to/mine.py:Mine", "architecture": "encoder", "encoding": "rotary:base=100"}


@pytest.fixture
def folder(tmp_path):
    """A results folder with two runs."""
    results = open_results(tmp_path / "r")
    for seed in range(2):
        results.write_run(f"{seed:064d}", {"config": CONFIG, "seed": seed, "diverged": False}, {})
    return tmp_path / "r"


def test_a_folder_without_runs_is_one_clear_sentence(capsys, tmp_path):
    assert_one_sentence(call_jaxpe(capsys, "status", tmp_path / "no"), "There is no folder")
    (tmp_path / "file").write_text("")
    assert_one_sentence(call_jaxpe(capsys, "status", tmp_path / "file"), "There is no folder")
    code, out, err = call_jaxpe(capsys, "status", tmp_path)  # it holds a file that is none of jaxpe's
    assert code == 2 and "is not a results folder" in err and not out
    (tmp_path / "empty").mkdir()
    code, out, err = call_jaxpe(capsys, "status", tmp_path / "empty")
    assert (code, out, err) == (0, f"{tmp_path / 'empty'} holds no runs, and no process works on it.\n", "")
    assert not list((tmp_path / "empty").iterdir())


def test_who_works_since_when_and_who_is_stale(capsys, folder):
    leases = LeaseFolder(folder / "leases")
    with leases.hold(["a", "b"], "copy, encoder, rotary, seeds 0 1"), leases.hold(["c"], "a\x1b[31m\nround") as second:
        second.ended.set()
        second.path.write_text(second.path.read_text().replace(str(os.getpid()), "1"))
        os.utime(second.path, (1, 1))
        code, out, _ = call_jaxpe(capsys, "status", folder)
        lines = sorted(out.splitlines())
        assert code == 0 and len(lines) == 4 and "\x1b" not in out
        assert [line.split()[0] for line in lines[1:]] == ["stale", "state", "working"]
        assert (
            "copy, encoder, rotary, seeds 0 1" in lines[3] and str(os.getpid()) in lines[3] and " 0 s ago" in lines[3]
        )
        status = json.loads(call_jaxpe(capsys, "status", folder, "--json").out)
        assert sorted((row["state"], row["runs"]) for row in status["leases"]) == [
            ("stale", ["c"]), ("working", ["a", "b"]),
        ]  # fmt: skip
        assert status["stored"] == 2 and max(row["seconds_since_last_sign"] for row in status["leases"]) > 1e6
    out = call_jaxpe(capsys, "status", folder).out
    assert out == f"No process works on it.\n{folder} holds 2 runs. Tables: none yet.\n"


def test_what_diverged_and_what_is_damaged_ends_with_code_3(capsys, folder):
    results = open_results(folder)
    results.write_run("d" * 64, {"config": CONFIG, "seed": 7, "diverged": True}, {})
    code, out, _ = call_jaxpe(capsys, "status", folder)
    assert code == 3 and "diverged: Mine, encoder, rotary:base=100, seed 7." in out
    record = folder / "runs" / f"{0:064d}" / "record.json"
    record.write_text(record.read_text().replace("encoder", "decoder"))
    status = json.loads(call_jaxpe(capsys, "status", folder, "--json").out)
    assert status["damaged"] == [f"{0:064d}"] and status["stored"] == 2


def test_the_status_needs_no_jax(folder):
    code = (
        "import sys\nfrom jaxpe.cli.status import print_status\nfrom pathlib import Path\n"
        "print_status(Path(sys.argv[1]), False)\nassert 'jax' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code, folder], capture_output=True, text=True, env=ENVIRONMENT)
    assert done.returncode == 0 and "holds 2 runs" in done.stdout, done.stderr
