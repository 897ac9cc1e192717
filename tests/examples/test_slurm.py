"""examples/slurm.sh: a task that nears its time limit stops in order and is put into the queue again, a cancelled one is not."""

import os
import shutil
import signal
import subprocess
import time

import pytest
from support import ROOT

JAXPE = """#!/bin/bash
echo "$@" > words
trap 'echo saving; sleep 0.3; exit 143' TERM
touch ready
for i in $(seq $LONG); do sleep 0.05; done
exit $CODE
"""
SCONTROL = '#!/bin/bash\necho "$@" > requeued\n'


@pytest.fixture
def start(tmp_path):
    """Starts the script among programs that stand for jaxpe and scontrol."""
    for name, text in (("jaxpe", JAXPE), ("scontrol", SCONTROL)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)

    def start_script(long=400, code=0):
        environment = os.environ | {
            "PATH": f"{tmp_path}:{os.environ['PATH']}", "SLURM_ARRAY_JOB_ID": "12", "SLURM_ARRAY_TASK_ID": "3",
            "SLURM_SUBMIT_DIR": str(tmp_path), "LONG": str(long), "CODE": str(code),
        }  # fmt: skip
        return subprocess.Popen(
            ["bash", ROOT / "examples" / "slurm.sh", "study", "--results", "a b"], env=environment, text=True
        )

    return start_script


pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")


@pytest.mark.parametrize(("name", "requeued"), [("SIGUSR1", "requeue 12_3\n"), ("SIGTERM", None)])
def test_a_signal_stops_the_command_in_order(start, tmp_path, name, requeued):
    process = start()
    while not (tmp_path / "ready").exists():
        time.sleep(0.02)
    process.send_signal(getattr(signal, name))
    assert process.wait(timeout=15) == 143 and (tmp_path / "words").read_text() == "study --results a b\n"
    path = tmp_path / "requeued"
    assert (path.read_text() if path.exists() else None) == requeued


@pytest.mark.parametrize("code", [0, 3])
def test_the_exit_code_is_that_of_the_command(start, tmp_path, code):
    assert start(long=0, code=code).wait(timeout=15) == code and not (tmp_path / "requeued").exists()
