"""Signals at any moment: an exit code, a sentence, and nothing lost."""

import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from command_line import ENVIRONMENT

from jaxpe.records.csv_tables import read_table

COMMAND = (
    "run", "accuracy", "--preset", "smoke", "--tasks", "reverse", "--architectures", "encoder", "--encodings", "none", "learned",
    "--set", "steps=400", "seeds=4", "--results", "r",
)  # fmt: skip


def start(folder):
    command = [sys.executable, "-m", "jaxpe", *COMMAND]
    return subprocess.Popen(
        command, cwd=folder, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # a background job ignores it
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.trial
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_twenty_signals_at_random_moments_end_in_order_and_lose_nothing(name, tmp_path):
    """Imports, compiling, training, writing, drawing: the same command then resumes to the same table."""
    number, generator = getattr(signal, name), np.random.default_rng(0)
    began = time.monotonic()
    calm = tmp_path / "calm"
    calm.mkdir()
    assert start(calm).wait() == 0
    duration, codes = time.monotonic() - began, []
    for moment in generator.uniform(0.4, 0.9 * duration, 20):
        process = start(tmp_path)
        time.sleep(moment)
        process.send_signal(number)
        _, said = process.communicate(timeout=300)
        codes.append(process.returncode)
        assert process.returncode in (0, 128 + number), said
        assert "Traceback" not in said and (process.returncode == 0 or "Resume with" in said), said
    assert codes.count(128 + number) >= 5, codes
    assert start(tmp_path).wait() == 0
    assert (tmp_path / "r" / "accuracy" / "table.csv").read_bytes() == (
        calm / "r" / "accuracy" / "table.csv"
    ).read_bytes()
    assert len(read_table(tmp_path / "r" / "accuracy" / "table.csv")) > 20
    assert not list((tmp_path / "r").rglob(".writing-*")) and not (tmp_path / "r" / "checkpoints").exists()


def test_an_ignored_signal_stays_ignored(tmp_path):
    """As under nohup."""
    code = (
        "import signal, os\nsignal.signal(signal.SIGHUP, signal.SIG_IGN)\nfrom jaxpe.surroundings import STOP\nSTOP.install()\n"
        "os.kill(os.getpid(), signal.SIGHUP)\nSTOP.check()\nprint('goes on')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=ENVIRONMENT)
    assert done.stdout == "goes on\n", done.stderr


IMPORTING = """
import os, signal
from jaxpe.surroundings import STOP
STOP.install()
reached = []
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "not_there":
            os.kill(os.getpid(), signal.SIGTERM)
            for _ in range(1000): reached.append(1)  # nothing is raised here
import sys
sys.meta_path.insert(0, Finder())
try:
    try: import not_there
    except ImportError: pass
    import time; time.sleep(20)
except KeyboardInterrupt:
    print("stopped", len(reached))
"""

COLLECTING = """
import gc, os, signal, time
from jaxpe.surroundings import STOP
STOP.install()
class Once:
    def __del__(self): os.kill(os.getpid(), signal.SIGTERM); sum(range(1000))
try:
    one = Once()
    del one
    time.sleep(20)
except KeyboardInterrupt:
    print("stopped")
"""


@pytest.mark.parametrize(
    ("code", "said"), [(IMPORTING, "stopped 1000\n"), (COLLECTING, "stopped\n")], ids=["import", "collection"]
)
def test_a_signal_in_an_import_or_a_callback_is_raised_a_moment_later_and_nothing_is_printed(code, said):
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=ENVIRONMENT)
    assert (done.stdout, done.stderr) == (said, "") and time.monotonic() - began < 15


def test_a_host_keeps_its_timer_and_its_hook():
    """In a process that uses jaxpe as a library, and where no signal came."""
    code = (
        "import signal, sys\nfrom jaxpe.surroundings import STOP\nhook = sys.unraisablehook = lambda unraisable: None\n"
        "handler = lambda *_: None\nsignal.signal(signal.SIGALRM, handler)\nsignal.setitimer(signal.ITIMER_REAL, 100)\n"
        "STOP.install()\nSTOP.restore()\n"
        "print(sys.unraisablehook is hook, signal.getsignal(signal.SIGALRM) is handler, signal.getitimer(signal.ITIMER_REAL)[0] > 90)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=ENVIRONMENT)
    assert done.stdout == "True True True\n", done.stderr
