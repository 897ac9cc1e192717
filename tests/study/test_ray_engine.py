"""Rounds on a Ray cluster of two nodes on this machine: the bits of local training, kills included."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import jax
import pytest
from command_line import ENVIRONMENT
from support import ROOT

from jaxpe import devices
from jaxpe.errors import UserError
from jaxpe.records.failures import read_failures
from jaxpe.records.results import open_results
from jaxpe.study.ray_engine import RayEngine
from jaxpe.study.reporter import SilentReporter
from jaxpe.study.workspace import Workspace
from jaxpe.training.config import RunConfig, Training

ray = pytest.importorskip("ray")
pytestmark = pytest.mark.slow
# An encoding that kills the process that trains it, but not this one, which only plans.
POISON = """
import os
from jaxpe.encodings import Encoding
class Poison(Encoding):
    def __init__(self, context, *, key):
        if os.environ.get("POISONED"):
            os.kill(os.getpid(), 9)
"""


class Notes(SilentReporter):
    def __init__(self):
        self.notes, self.steps = [], 0

    def note(self, text):
        self.notes.append(text)

    def advance(self, amount):
        self.steps += amount


@pytest.fixture(scope="module")
def cluster():
    """Two nodes of two cores each: each trains one round at a time. Workers are no tests: they compile in full."""
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        patch.setenv("POISONED", "1")
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 2})
        cluster.add_node(num_cpus=2)
    yield cluster
    ray.shutdown()
    cluster.shutdown()


@pytest.fixture(scope="module")
def engine(cluster):
    return RayEngine(cluster.address)


@pytest.fixture
def full_optimization(monkeypatch):
    """Programs of this process are compiled as those of the workers, which are no tests."""
    monkeypatch.setitem(devices.PINNED, "jax_disable_most_optimizations", False)
    jax.clear_caches()
    jax.config.update("jax_disable_most_optimizations", False)
    yield
    jax.config.update("jax_disable_most_optimizations", True)
    jax.clear_caches()


def make_config(encoding, steps=300):
    training = Training(steps=steps, batch=16)
    return RunConfig("reverse", "encoder", encoding, 6, 60, width=16, layers=1, training=training)


def train(folder, engine, encodings, steps=300, seeds=3):
    work = Workspace(open_results(folder), Notes())
    work.engine = engine
    runs = [run for encoding in encodings for run in work.list_runs(make_config(encoding, steps), range(seeds))]
    work.train(runs)
    return work, runs


LOCAL = """
from pathlib import Path
from jaxpe import devices
devices.prepare_jax(2)
from jaxpe.records.results import open_results
from jaxpe.study.workspace import Workspace
from jaxpe.training.config import RunConfig, Training
work, training = Workspace(open_results(Path({folder!r}))), Training(steps={steps}, batch=16)
for encoding in {encodings}:
    config = RunConfig("reverse", "encoder", encoding, 6, 60, width=16, layers=1, training=training)
    work.train(work.list_runs(config, range({seeds})))
"""


def train_locally(folder, encodings, steps=300, seeds=3):
    """The same in a process of its own: in this one, XLA has other flags than a worker's."""
    code = LOCAL.format(folder=str(folder), encodings=encodings, steps=steps, seeds=seeds)
    subprocess.run([sys.executable, "-c", code], check=True, env=ENVIRONMENT)


def read_parameters(folder):
    return {path.parent.name: path.read_bytes() for path in folder.glob("runs/*/parameters.safetensors")}


def list_workers():
    """The processes that run tasks."""
    names = {path.parent: path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()}
    return [int(path.name) for path, name in names.items() if name.startswith(b"ray::train_order")]


def test_two_nodes_train_with_the_bits_of_one_process(engine, tmp_path, full_optimization):
    work, runs = train(tmp_path / "ray", engine, ("none", "learned"))
    assert work.select_missing(runs) == [] and work.reporter.steps == 6 * 300 and not work.failures
    train_locally(tmp_path / "local", ("none", "learned"))
    assert read_parameters(tmp_path / "ray") == read_parameters(tmp_path / "local")
    assert sorted(path.name for path in (tmp_path / "ray").iterdir()) == ["jaxpe.json", "metrics", "runs"]
    lines = [json.loads(line) for path in (tmp_path / "ray" / "metrics").iterdir() for line in path.open()]
    last = {replica["run"]: line["step"] for line in lines for replica in line["replicas"]}
    assert last == {run.id: 300 for run in runs}


def test_a_killed_worker_is_replaced(engine, tmp_path):
    killed = []

    def kill_one():
        while not killed:
            time.sleep(0.2)
            for worker in list_workers()[:1]:
                time.sleep(1)
                os.kill(worker, signal.SIGKILL)
                killed.append(worker)

    thread = threading.Thread(target=kill_one, daemon=True)
    thread.start()
    work, runs = train(tmp_path, engine, ("rotary",), steps=3000)
    thread.join()
    assert killed and work.select_missing(runs) == [] and not work.failures


def test_a_round_that_kills_its_worker_three_times_is_recorded_and_the_rest_goes_on(engine, tmp_path):
    (tmp_path / "mine.py").write_text(POISON)
    poison = f"{tmp_path / 'mine.py'}:Poison"
    work, runs = train(tmp_path / "r", engine, (poison, "alibi"))
    assert {run.config.encoding for run in work.select_missing(runs)} == {poison}
    assert len(work.failures) == 2 and all("after 3 attempts: reverse, encoder, Poison" in one for one in work.failures)
    failures = read_failures(work.results)
    assert [failure["attempts"] for failure in failures] == [3, 3] and not (tmp_path / "r" / "leases").exists()
    assert all("WorkerCrashedError" in failure["error"] for failure in failures)


def test_what_a_user_must_mend_ends_the_command_with_one_sentence(engine, tmp_path):
    (tmp_path / "mine.py").write_text(POISON.replace("os.kill(os.getpid(), 9)", "raise ValueError('not here')"))
    with pytest.raises(UserError, match=r"ValueError: not here"):
        train(tmp_path / "r", engine, (f"{tmp_path / 'mine.py'}:Poison",))


def test_a_cluster_that_is_not_there_is_one_sentence():
    """In a process of its own: this one may be connected."""
    code = "from jaxpe.study.ray_engine import RayEngine\nRayEngine('127.0.0.1:1')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=ENVIRONMENT)
    assert "UserError: There is no Ray cluster at 127.0.0.1:1" in done.stderr


@pytest.mark.trial
def test_forty_rounds_survive_six_kills_and_the_loss_of_a_node(cluster, engine, tmp_path, full_optimization):
    """Two seeds a round. Last of all, since a node is gone then."""
    stored, killed = tmp_path / "ray" / "runs", []

    def disturb():
        lost = cluster.list_all_nodes()[-1]
        for count in range(8, 62, 9):  # a kill every nine runs, six in all; the node goes after the third
            while len(list(stored.glob("*/record.json"))) < count or not list_workers():
                time.sleep(0.1)
            os.kill(list_workers()[0], signal.SIGKILL)
            killed.append(count)
            if len(killed) == 3:
                cluster.remove_node(lost, allow_graceful=False)

    thread = threading.Thread(target=disturb, daemon=True)
    thread.start()
    work, runs = train(tmp_path / "ray", engine, ("learned",), steps=1000, seeds=80)
    thread.join(60)
    assert len(killed) == 6 and work.select_missing(runs) == [] and not work.failures
    assert len(list(stored.iterdir())) == 80 and work.reporter.steps == 80 * 1000
    train_locally(tmp_path / "local", ("learned",), steps=1000, seeds=80)
    assert read_parameters(tmp_path / "ray") == read_parameters(tmp_path / "local")
