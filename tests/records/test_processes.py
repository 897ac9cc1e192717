"""Whether a process still runs."""

import os
import subprocess
import sys
import time

import pytest
from command_line import ENVIRONMENT

from jaxpe.records.processes import has_ended, identify_machine, identify_process, is_running, read_start

SAYING = "from jaxpe.records.processes import identify_process\nprint(identify_process(), flush=True)\ninput()"


@pytest.mark.timeout(60)
def test_a_process_has_ended_when_it_was_killed_and_not_before():
    """Before its parent has noticed, and after."""
    command = [sys.executable, "-c", SAYING]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=ENVIRONMENT, text=True
    ) as process:
        name = process.stdout.readline().strip()
        assert not has_ended(name) and not has_ended(identify_process())
        process.kill()
        while not has_ended(name):
            time.sleep(0.01)
    assert has_ended(name) and not is_running(process.pid)


def test_a_number_that_was_given_to_another_process_is_not_the_old_one():
    machine, start = identify_machine(), read_start(os.getpid())
    assert not has_ended(f"{machine} {os.getpid()} {start}")
    if start:
        assert has_ended(f"{machine} {os.getpid()} {int(start) - 1}")


def test_of_other_machines_and_of_nonsense_nothing_is_known():
    gone = f"{2**22 + 1} 5"  # more than there are
    assert has_ended(f"{identify_machine()} {gone}")
    for name in (f"elsewhere {gone}", "", "x", f"{identify_machine()} x y", f"{identify_machine()} 1 2 3"):
        assert not has_ended(name)
    assert has_ended(f"{identify_machine()} {10**30} 5")
