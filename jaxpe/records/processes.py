"""Whether another process still runs: one of this machine, also after its number went to another one."""

from __future__ import annotations

import hashlib
import os
import platform
from contextlib import suppress
from functools import cache
from pathlib import Path


def identify_process() -> str:
    """'MACHINE PID START' of this process: what another process of the same machine needs to know whether it has ended."""
    return f"{identify_machine()} {os.getpid()} {read_start(os.getpid())}"


@cache
def identify_machine() -> str:
    """A name of this machine since it was started, and of the part of it whose processes this one can see."""
    parts = [platform.node()]
    with suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip())
        parts.append(os.readlink("/proc/self/ns/pid"))
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:16]


def read_start(pid: int) -> str:
    """When a process was started, in ticks of the system; 'ended' where it only waits to be noticed, '' where nothing is known."""
    try:
        state, *numbers = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return "ended" if state in "ZX" else numbers[18]
    except (OSError, IndexError, ValueError):
        return ""


def is_running(pid: int) -> bool:
    """Whether this machine has a process of this number."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:  # it belongs to somebody else
        return True
    return True


def has_ended(process: str) -> bool:
    """Whether a process of this machine, as `identify_process` names it, has ended. Of other machines nothing is known."""
    machine, *rest = process.split(" ")
    if machine != identify_machine() or len(rest) != 2 or not rest[0].isdigit():
        return False
    pid, start = int(rest[0]), rest[1]
    return not is_running(pid) or read_start(pid) not in ("", start)
