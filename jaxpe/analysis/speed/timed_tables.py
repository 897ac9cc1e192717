"""As much of an experiment's table as some minutes allow, by a process for each encoding on one accelerator.

Small models leave most of an accelerator idle between the steps of one process. Stopped processes leave checkpoints, so the
same call goes on later.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from jaxpe.study.experiment import load_experiment

PAUSE = 0.5  # seconds between two looks at the processes
GRACE = 15.0  # seconds that a stopped process has for its checkpoint


def extend_table(folder: Path, experiment: str, preset: str, seconds: float, fields: Sequence[str] = ()) -> bool:
    """Trains and measures for so long, in a results folder. Returns whether the table is whole; then it is written.

    `fields`: fields of the preset that are set, as FIELD=VALUE.
    """
    end = time.monotonic() + seconds
    command = [
        sys.executable,
        "-m",
        "jaxpe",
        "run",
        experiment,
        "--preset",
        preset,
        "--results",
        str(folder),
        "--quiet",
    ]
    command += ["--set", *fields] if fields else []
    grid = load_experiment(experiment).module.PRESETS[preset].grid
    names = list(dict.fromkeys(name for row in grid for name in row.encodings))
    share = f"{0.3 / len(names):.3f}"  # of the accelerator's memory
    environment = os.environ | {"XLA_PYTHON_CLIENT_MEM_FRACTION": share}
    environment.pop("XLA_PYTHON_CLIENT_PREALLOCATE", None)
    parts = [
        subprocess.Popen([*command, "--encodings", name], env=environment, stdout=subprocess.DEVNULL) for name in names
    ]
    if not wait_for_all(parts, end):
        return False
    if any(part.returncode for part in parts):
        return False
    whole = [subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)]
    return wait_for_all(whole, end + GRACE) and not whole[0].returncode


def wait_for_all(processes: Sequence[subprocess.Popen[bytes]], end: float) -> bool:
    """Whether all end before `end`, on the monotonic clock. Those that do not are stopped as by Ctrl-C."""
    while any(process.poll() is None for process in processes) and time.monotonic() < end:
        time.sleep(PAUSE)
    running = [process for process in processes if process.poll() is None]
    for process in running:
        process.send_signal(signal.SIGINT)
    for process in running:
        try:
            process.wait(GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
    return not running
