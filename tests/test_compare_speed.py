"""The script that times two versions: its job is a command of jaxpe, and its table has ratios."""

import sys

import compare_speed
import pytest
from command_line import run_jaxpe


def test_the_job_is_a_command_of_ten_models(tmp_path):
    planned = run_jaxpe(*compare_speed.JOB, "--results", tmp_path / "r", "--dry-run")
    assert planned.code == 0 and "10 runs (0 stored), 1 training programs" in planned.out


def test_a_command_is_timed_with_its_processors_and_its_first_file(tmp_path):
    code = "import time, pathlib; time.sleep(.3); pathlib.Path('page').touch(); end = time.process_time() + .3\nwhile time.process_time() < end: pass"
    seconds, processor, first = compare_speed.run_timed(
        [sys.executable, "-c", code], tmp_path, tmp_path, tmp_path / "page"
    )
    assert 0.3 <= first < seconds and 0.3 <= processor < seconds


def test_a_command_that_fails_ends_the_comparison(tmp_path):
    with pytest.raises(SystemExit, match="ended with 1"):
        compare_speed.run_timed([sys.executable, "-c", "raise SystemExit(1)"], tmp_path, tmp_path)


def test_a_table_has_the_ratio_of_both_versions():
    table = compare_speed.format_table({"a, s": 12.0, "b, s": 3.0}, {"a, s": 6.0, "b, s": 4.0})
    assert table.splitlines()[2:] == ["| a, s | 12 | 6 | 2.00 |", "| b, s | 3 | 4 | 0.75 |"]
