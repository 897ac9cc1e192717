"""The experiments of jaxpe themselves: the whole study at its smallest size, own learning rates, an installed wheel."""

import json
import re
import shutil
import subprocess
import sys

import pytest
from command_line import ENVIRONMENT, call_jaxpe, list_files, run_jaxpe
from support import ROOT

from jaxpe.records.csv_tables import COLUMNS, read_table
from jaxpe.study import experiment, tables, tuning

pytestmark = pytest.mark.slow


@pytest.mark.timeout(1800)  # minutes of training
def test_the_whole_study_runs_at_its_smallest_size_is_redrawn_to_the_same_bytes_and_reused_by_a_script(tmp_path):
    planned = run_jaxpe("study", "--preset", "smoke", "--dry-run", "--results", tmp_path / "nothing")
    assert planned.code == 0 and len(planned.out.splitlines()) == 3 + len(experiment.STUDY)
    done = run_jaxpe("study", "--preset", "smoke", "--results", tmp_path)
    assert done.code == 0, done.err
    page = (tmp_path / "compare.html").read_text()
    for name in experiment.STUDY:
        table = read_table(tmp_path / name / "table.csv")
        assert set(COLUMNS) <= set(table.columns) and len(table) > 0 and (tmp_path / name / "claims.json").is_file()
        assert list((tmp_path / name / "figures").glob("*.svg")) and f"{name}/figures" in page
    for name, column in (("accuracy", "solved"), ("extrapolation", "half-life, by seed")):
        summary = json.loads((tmp_path / name / "summary.json").read_text())
        assert column in summary["columns"] and summary["title"] in page
    assert not re.findall(
        r"</span><span>([a-z_]+)</span></summary>", page
    )  # a figure that is named by its file has no title
    before = list_files(tmp_path)
    assert run_jaxpe("plot", "--results", tmp_path).code == 0
    assert list_files(tmp_path) == before
    script = [sys.executable, ROOT / "experiments" / "accuracy.py", "--preset", "smoke", "--results", tmp_path]
    again = subprocess.run(script, capture_output=True, text=True, env=ENVIRONMENT)
    assert again.returncode == 0 and "compiling" not in again.stderr


def test_every_encoding_may_choose_a_learning_rate_of_its_own(tmp_path, capsys):
    """The choice and what it rests on are in the table; the report's claims use each encoding's own rate."""
    rates = ("learning_rates=0.0001/0.01", "learning_rate=0.0001")
    words = ("--preset", "smoke", "--tasks", "reverse", "--encodings", "none", "learned", "--results", tmp_path)
    assert call_jaxpe(capsys, "run", "accuracy", *words, "--set", *rates).code == 0
    table = read_table(tmp_path / "accuracy" / "table.csv")
    own = table[table["metric"] == tables.OWN_RATE]
    losses = table[table["metric"] == tables.VALIDATION_LOSS]
    assert set(losses["seed"]) == set(tuning.SEEDS) and len(losses) == 2 * 2 * len(tuning.SEEDS)
    for _, choice in own.iterrows():
        means = losses[losses["encoding"] == choice["encoding"]].groupby("learning_rate")["value"].mean()
        assert choice["value"] == means.idxmin() == 0.01
    for own_rate, rate in ((True, 0.01), (False, 0.0001)):
        part = tables.select_rate(table, chosen=own_rate)
        assert set(part[part["encoding"] != "any"]["learning_rate"]) == {rate} and set(part["seed"]) == {0}


def test_an_installed_wheel_works_outside_the_checkout(tmp_path):
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    binaries = tmp_path / "venv" / "bin"
    clean = {key: value for key, value in ENVIRONMENT.items() if key != "PYTHONPATH"}

    def run(*command):
        done = subprocess.run(list(map(str, command)), cwd=tmp_path, env=clean, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    run(binaries / "python", "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", tmp_path / "wheels", ROOT)
    [wheel] = (tmp_path / "wheels").glob("jaxpe-*.whl")
    run(binaries / "python", "-m", "pip", "install", "--quiet", "-c", ROOT / "constraints.txt", wheel)
    shutil.rmtree(tmp_path / "wheels")
    assert len(run(binaries / "jaxpe", "list", "experiments").splitlines()) == len(experiment.EXPERIMENTS)
    for name in ("structure", "superposition"):  # which read the text and the pictures of the package
        run(binaries / "jaxpe", "run", name, "--preset", "smoke", "--results", "results")
    run(binaries / "jaxpe", "new", "mine")
    assert (tmp_path / "results" / "index.html").is_file() and (tmp_path / "mine.py").is_file()
