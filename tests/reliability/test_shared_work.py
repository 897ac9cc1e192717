"""The same command several times on one results folder: runs are trained once, and the table is that of one process."""

import os
import signal
import subprocess
import sys
import time

import pytest
from command_line import ENVIRONMENT

from jaxpe.records.leases import LeaseFolder

pytestmark = [pytest.mark.slow, pytest.mark.trial]
# Each process has one core, and writes a line for every run that it stores.
CODE = """
import os, sys
core = int(sys.argv.pop(1))
if hasattr(os, "sched_setaffinity"):
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[core % len(cores)]})
from jaxpe.study.workspace import Workspace
store = Workspace.write_run
def write_run(work, run, trained, program):
    store(work, run, trained, program)
    with open("trained", "a") as file: file.write(f"{run.id} {os.getpid()}\\n")
Workspace.write_run = write_run
from jaxpe.cli import main
main()
"""
COMMAND = (
    "run", "accuracy", "--preset", "smoke", "--tasks", "reverse", "--architectures", "encoder", "--encodings", "none", "learned",
    "rotary", "alibi", "--set", "steps=1500", "seeds=4", "--devices", "1", "--results", "r",
)  # fmt: skip
RUNS = 4 * 4


def start(folder, core):
    return subprocess.Popen(
        [sys.executable, "-c", CODE, str(core), *COMMAND],
        cwd=folder, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def finish(processes):
    """The exit codes, and what was said on stderr."""
    said = [process.communicate(timeout=1500)[1] for process in processes]
    return [process.returncode for process in processes], said


def read_trained(folder):
    path = folder / "trained"
    return [line.split() for line in path.read_text().splitlines()] if path.exists() else []


def wait_for(condition, seconds=600):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """One process: the bytes of its table, and how long it took."""
    folder, began = tmp_path_factory.mktemp("alone"), time.monotonic()
    codes, said = finish([start(folder, 0)])
    assert codes == [0], said
    return (folder / "r" / "accuracy" / "table.csv").read_bytes(), time.monotonic() - began


def check_whole(folder, alone):
    """Every run was trained once, the table is that of one process, and nothing is left behind."""
    trained = [run for run, _ in read_trained(folder)]
    assert len(trained) == len(set(trained)) == RUNS
    assert (folder / "r" / "accuracy" / "table.csv").read_bytes() == alone[0]
    assert not {"leases", "checkpoints"} & {path.name for path in (folder / "r").iterdir()}
    assert not list((folder / "r").rglob(".writing-*"))


@pytest.mark.parametrize("count", [2, 4])
def test_several_processes_share_the_work(count, alone, tmp_path):
    began = time.monotonic()
    codes, said = finish([start(tmp_path, core) for core in range(count)])
    seconds = time.monotonic() - began
    print(f"{count} processes: {seconds:.1f} s, one: {alone[1]:.1f} s, {alone[1] / seconds:.2f} times as fast")
    assert codes == [0] * count, said
    check_whole(tmp_path, alone)
    assert len({process for _, process in read_trained(tmp_path)}) == count


def test_the_round_of_a_killed_process_is_taken_over(alone, tmp_path):
    victim, other = start(tmp_path, 0), start(tmp_path, 1)
    leases = LeaseFolder(tmp_path / "r" / "leases")
    wait_for(lambda: {victim.pid, other.pid} <= {holder.pid for holder in leases.list_live()})
    victim.kill()
    victim.communicate()
    codes, said = finish([other])
    assert codes == [0] and f"taking over from process {victim.pid}" in said[0], said
    check_whole(tmp_path, alone)


def test_a_paused_process_loses_its_round_and_ends_well(alone, tmp_path):
    sleeper = start(tmp_path, 0)
    leases = LeaseFolder(tmp_path / "r" / "leases")
    wait_for(leases.list_live)
    [holder] = leases.list_live()
    sleeper.send_signal(signal.SIGSTOP)
    other = start(tmp_path, 1)
    wait_for(lambda: any(run in holder.items for run, _ in read_trained(tmp_path)))
    sleeper.send_signal(signal.SIGCONT)
    codes, said = finish([sleeper, other])
    assert codes == [0, 0], said
    assert "another one has taken over the round" in said[0] and "taking over from process" in said[1], said
    check_whole(tmp_path, alone)


def test_sigterm_gives_the_lease_back(alone, tmp_path):
    process = start(tmp_path, 0)
    leases = LeaseFolder(tmp_path / "r" / "leases")
    wait_for(leases.list_live)
    time.sleep(2)
    os.kill(process.pid, signal.SIGTERM)
    codes, [said] = finish([process])
    assert codes == [143] and "Resume with: " in said and not (tmp_path / "r" / "leases").exists()
    codes, said = finish([start(tmp_path, 0)])
    assert codes == [0], said
    check_whole(tmp_path, alone)
