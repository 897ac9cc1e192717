"""Several processes on one results folder, killed ones among them: each run is trained once, with the bits of a calm one."""

import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from command_line import ENVIRONMENT

CODE = """
import sys
from pathlib import Path
from jaxpe import devices
devices.prepare_jax(2)
from jaxpe.records.results import open_results
from jaxpe.study.reporter import SilentReporter
from jaxpe.study.workspace import Workspace
from jaxpe.training.config import RunConfig, Training


class Printing(SilentReporter):
    def advance(self, amount):
        print("chunk", flush=True)


class Counting(Workspace):
    def write_run(self, run, trained, program):
        super().write_run(run, trained, program)
        print("stored", run.id, flush=True)


work = Counting(open_results(Path(sys.argv[1])), Printing(), save_every=0)
runs = []
for encoding in ("none", "learned", "rotary"):
    config = RunConfig("reverse", "encoder", encoding, 6, 60, width=16, layers=1, training=Training(steps=int(sys.argv[2]), batch=16))
    runs += work.list_runs(config, range(4))
work.train(runs)
lengths = [3, 6]
for encoding in range(3):
    work.measure_scores(runs[4 * encoding : 4 * encoding + 4], lengths, 8)
"""


def start(folder, steps=300):
    command = [sys.executable, "-c", CODE, str(folder), str(steps)]
    return subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def read_files(folder):
    """Parameters and measurements, by run."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted((folder / "runs").glob("*/*"))
        if path.name != "record.json"
    }


@pytest.fixture(scope="module")
def calm(tmp_path_factory):
    folder = tmp_path_factory.mktemp("calm")
    process = start(folder)
    out, err = process.communicate()
    assert process.returncode == 0 and out.count("stored") == 12, err
    return read_files(folder)


@pytest.mark.slow
@pytest.mark.trial
def test_four_processes_train_each_run_once(calm, tmp_path):
    processes = [start(tmp_path) for _ in range(4)]
    outputs = [process.communicate() for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, [err for _, err in outputs]
    stored = [line.split()[1] for out, _ in outputs for line in out.splitlines() if line.startswith("stored")]
    assert len(stored) == len(set(stored)) == 12
    assert read_files(tmp_path) == calm
    assert {path.name for path in tmp_path.iterdir()} == {"jaxpe.json", "metrics", "runs"}


@pytest.mark.slow
@pytest.mark.trial
def test_thirty_kills_in_twelve_runs_change_no_bit(calm, tmp_path):
    """SIGKILL while importing, compiling, training, and writing checkpoints and runs."""
    generator, kills = np.random.default_rng(0), 0
    while kills < 30:
        process = start(tmp_path)
        if kills % 3:
            for _ in range(generator.integers(1, 6)):
                process.stdout.readline()
            time.sleep(float(generator.uniform(0, 0.1)))
        else:
            time.sleep(float(generator.uniform(0.3, 4)))
        kills += process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.communicate()
        if kills and process.returncode == 0:
            break
    assert kills >= 10
    process = start(tmp_path)
    assert process.communicate()[1] == "" and process.returncode == 0
    assert read_files(tmp_path) == calm
    assert not list(tmp_path.rglob(".writing-*")) and not (tmp_path / "checkpoints").exists()


OPENING = """
import sys, time
from pathlib import Path
from jaxpe.records.results import open_results
print("ready", flush=True)
for number in range(int(sys.stdin.readline())):
    while time.time() < int(sys.argv[2]) + number / 50: pass
    open_results(Path(sys.argv[1]) / str(number))
"""


@pytest.mark.slow
def test_several_processes_open_a_new_folder_at_once(tmp_path):
    words = [sys.executable, "-c", OPENING, str(tmp_path), str(int(time.time()) + 3)]
    processes = [
        subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT
        )
        for _ in range(3)
    ]
    outputs = [process.communicate("40\n") for process in processes]
    assert [(process.returncode, err) for process, (_, err) in zip(processes, outputs, strict=True)] == [(0, "")] * 3
    assert [path.name for path in tmp_path.glob("*/*")] == ["jaxpe.json"] * 40


WRITING = """
import sys
from pathlib import Path
import numpy as np
from jaxpe.records.csv_tables import write_table
from jaxpe.records.json_values import write_json
from jaxpe.records.results import open_results
results = open_results(Path(sys.argv[1]))
print("ready", flush=True)
number = int(sys.argv[2])
while True:
    number += 1
    rows = [{"experiment": "x", "seed": seed, "value": float(number)} for seed in range(400)]
    write_table(results.folder / "x" / "table.csv", rows)
    write_json(results.folder / "x" / "claims.json", [number] * 2000)
    results.write_run(f"{number:064d}", {"seed": number}, {"100/a": np.full(20_000, number)})
    results.write_measurement(f"{number:064d}", {"kind": "scores", "length": 1}, {"a": np.full(5000, number)})
"""


@pytest.mark.slow
@pytest.mark.trial
def test_sixty_kills_while_writing_lose_nothing(tmp_path):
    """After each, every file is whole, and what was written before is there."""
    from jaxpe.records.csv_tables import read_table
    from jaxpe.records.json_values import read_json
    from jaxpe.records.results import open_results

    generator, last = np.random.default_rng(1), 0
    for _ in range(60):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITING, str(tmp_path), str(last)], stdout=subprocess.PIPE, env=ENVIRONMENT
        )
        process.stdout.readline()
        time.sleep(float(generator.uniform(0, 0.15)))
        process.kill()
        process.communicate()
        results = open_results(tmp_path, write=False)
        runs = sorted(int(path.name) for path in (tmp_path / "runs").glob("[0-9]*"))
        assert runs[: last + 1] == list(range(1, len(runs[: last + 1]) + 1))
        for number in runs[last:]:
            assert (results.read_parameters(f"{number:064d}")["100/a"] == number).all()
            measured = results.read_measurement(f"{number:064d}", {"kind": "scores", "length": 1})
            assert measured is None or (measured["a"] == number).all()
        if (tmp_path / "x" / "table.csv").exists():
            assert read_table(tmp_path / "x" / "table.csv")["value"].nunique() == 1
        if (tmp_path / "x" / "claims.json").exists():
            assert len(set(read_json(tmp_path / "x" / "claims.json", []))) == 1
        last = len(runs)
    assert last > 20
    open_results(tmp_path)
    assert not list(tmp_path.rglob(".writing-*"))
