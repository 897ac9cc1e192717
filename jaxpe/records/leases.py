"""Leases: which process works on what in a results folder that several processes and machines share.

A lease is a file NAME.GENERATION.json in RESULTS/leases. NAME stands for the items that it covers, such as the runs of a round
of training; the file lists them and says who holds it. It needs no locks of the file system, which network file systems often
lack:

* Taking: the file is created, whole and only where there is none, and then the folder is read again. Of two processes that want
  overlapping items each creates before it reads, so at least one of them sees the other, and gives way.
* Holding: a thread touches the file every few seconds.
* Taking over: a lease that was not touched for several beats is stale. Time is the file system's: the age of a lease is the
  difference to a file that is written now, so that clocks of machines may differ. The next generation is created, which only
  one process can do, and the stale file is deleted.
* Losing: who finds its file deleted has lost the lease, as after a pause of the whole process. `Lease.require` says so, and is
  called before anything is written.

A process that stops between `require` and a write may still write after it lost the lease. That does no harm as long as results
do not depend on who computes them, are written whole and never changed.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import platform
import random
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from jaxpe.records.files import disk_errors, make_temporary_name, remove, write_durably, write_temporary
from jaxpe.records.processes import has_ended, identify_process
from jaxpe.surroundings import STOP

BEAT = 5.0  # seconds between two touches of a lease
MISSED = 6  # beats after which it is stale
GONE = (errno.ENOENT, errno.ESTALE)  # what a deleted file answers, the second over a network
NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV)


class LeaseLost(Exception):
    """Another process took over a lease, since this one did not touch it for too long."""


class Holder(NamedTuple):
    """A lease as its file says it: who holds it, since when, and what it covers."""

    path: Path
    touched: float  # by the clock of the file system
    token: str = ""  # '' where the file cannot be read
    host: str = ""
    pid: int = 0
    process: str = ""  # of `identify_process`
    started: str = ""  # local time of the holder, ISO 8601
    about: str = ""
    items: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.path.name.split(".")[0]

    @property
    def generation(self) -> int:
        return int(self.path.name.split(".")[1])


class Lease:
    """A lease that this process holds, and touches until it is given back."""

    def __init__(self, path: Path, token: str, beat: float) -> None:
        self.path, self.token, self.beat = path, token, beat
        self.replaced: list[Holder] = []  # stale leases that it took over
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.touch_often, name=f"lease {path.name}", daemon=True)

    def touch_often(self) -> None:
        """Touches the file until the lease is given back or lost. A file system that fails for a moment is asked again."""
        while not self.ended.wait(self.beat):
            with suppress(OSError):
                if not self.look(touch=True):
                    return

    def look(self, touch: bool = False) -> bool:
        """Whether the file is still that of this lease, which `touch` then touches.

        It is opened, since a network file system then asks its server.
        """
        try:
            with self.path.open("rb") as file:
                is_ours = read_facts(file.read()).get("token") == self.token
                if is_ours and touch:
                    os.utime(file.fileno() if os.utime in os.supports_fd else self.path)
                return is_ours
        except OSError as error:
            if error.errno in GONE:
                return False
            raise

    def require(self) -> None:
        """Raises LeaseLost where another process took the lease over. Call it before a write."""
        with disk_errors():
            if not self.look():
                raise LeaseLost

    def give_back(self) -> None:
        """Ends the touching, and deletes the file where the lease was not lost, and an empty folder."""
        self.ended.set()
        with suppress(OSError):
            if self.look():
                self.path.unlink()
        with suppress(OSError):
            self.path.parent.rmdir()


class LeaseFolder:
    """The leases of a results folder. `beat`: seconds between two touches."""

    def __init__(self, path: Path, beat: float = BEAT) -> None:
        self.path, self.beat, self.patience = path, beat, MISSED * beat
        self.seen: dict[Path, tuple[Holder, float]] = {}  # by path: how a lease was last, and when that was first seen

    # ── reading ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def list_holders(self) -> list[Holder]:
        """All leases, stale ones too, ordered by name and generation. Raises UserError where they may not be read."""
        with disk_errors():
            try:
                names = sorted(os.listdir(self.path))
            except FileNotFoundError:
                return []
        holders = [read_holder(self.path / name) for name in names if is_lease_name(name)]
        return [holder for holder in holders if holder is not None]

    def list_live(self) -> list[Holder]:
        """The leases that are not stale."""
        holders = self.list_holders()
        now = self.read_clock() if holders else 0.0
        return [holder for holder in holders if not self.is_stale(holder, now)]

    def is_stale(self, holder: Holder, now: float) -> bool:
        """Whether nobody works under a lease any more, at `now` by the clock of the file system.

        It was not touched for several beats, its process ran on this machine and has ended, or, should the clock have been set
        back, this process has watched it for as long and saw no touch.
        """
        last, since = self.seen.get(holder.path, (None, 0.0))
        if last != holder:
            since = time.monotonic()
            self.seen[holder.path] = holder, since
        is_unwatched = now - holder.touched >= self.patience or time.monotonic() - since >= self.patience
        return is_unwatched or has_ended(holder.process)

    def read_clock(self) -> float:
        """The time now by the clock of the file system, which dates the leases: that of a file written for this."""
        probe = self.path / make_temporary_name()
        try:
            with probe.open("xb") as file:
                file.write(b".")
                file.flush()
                return os.fstat(file.fileno()).st_mtime
        except OSError:  # a folder of somebody else's, or gone meanwhile
            return time.time()
        finally:
            remove(probe)

    # ── taking ──────────────────────────────────────────────────────────────────────────────────────────────────────

    @contextmanager
    def hold(self, items: Sequence[str], about: str = "") -> Iterator[Lease | None]:
        """Takes the lease of some items, and gives it back. Yields None where another process works on one of them."""
        lease = self.take(items, about)
        try:
            yield lease
        finally:
            if lease is not None:
                lease.give_back()

    def take(self, items: Sequence[str], about: str = "") -> Lease | None:
        """Takes the lease of some items; None where another process works on one of them.

        `about` says in words what they are. Raises UserError where the folder cannot be written.
        """
        name = hashlib.sha256(" ".join(items).encode()).hexdigest()[:24]
        before = [holder for holder in self.list_holders() if overlap(holder, name, items)]
        now = self.read_clock() if before else 0.0
        if not all(self.is_stale(holder, now) for holder in before):
            return None
        generation = 1 + max((holder.generation for holder in before if holder.name == name), default=0)
        lease = Lease(self.path / f"{name}.{generation:06d}.json", secrets.token_hex(8), self.beat)
        facts = {"token": lease.token, "host": platform.node(), "pid": os.getpid(), "process": identify_process()}
        facts |= {"started": datetime.now().astimezone().isoformat(timespec="seconds"), "about": about}
        if not create_file(lease.path, json.dumps(facts | {"items": list(items)}).encode(), lease.look):
            return None
        others = [holder for holder in self.list_holders() if overlap(holder, name, items)]
        others = [holder for holder in others if holder.path != lease.path]
        now = self.read_clock() if others else 0.0
        if not lease.look() or not all(self.is_stale(holder, now) for holder in others):
            lease.give_back()
            time.sleep(random.uniform(0, 0.05))  # two that gave way to each other try again one after the other
            return None
        for holder in others:
            remove(holder.path)
        lease.replaced = others
        lease.thread.start()
        return lease

    def pause(self) -> None:
        """Waits a moment for other processes. Raises KeyboardInterrupt after a signal."""
        until = time.monotonic() + self.beat / 5
        while (left := until - time.monotonic()) > 0:
            STOP.check()
            time.sleep(min(0.2, left))
        STOP.check()


def overlap(holder: Holder, name: str, items: Sequence[str]) -> bool:
    """Whether a lease covers one of these items, or may do so, since its file cannot be read yet."""
    return holder.name == name or not holder.token or not set(items).isdisjoint(holder.items)


def is_lease_name(name: str) -> bool:
    """Whether a file name is NAME.GENERATION.json."""
    parts = name.split(".")
    return len(parts) == 3 and parts[1].isdecimal() and parts[2] == "json" and bool(parts[0])


def create_file(path: Path, content: bytes, is_ours: Callable[[], bool]) -> bool:
    """Creates a file whole, if there is none of its name, and returns whether it did. Raises UserError on a disk error.

    Only one of several processes can do it, on a network file system too. Where files cannot have two names, it is for a
    moment there and not whole. `is_ours`: whether it is this process's, should it turn out to be there.
    """
    with disk_errors():
        temporary = write_temporary(path.parent, content)
        try:
            os.link(temporary, path)
        except FileExistsError:
            return is_ours()  # a network file system may repeat a request whose answer was lost
        except OSError as error:
            if error.errno not in NO_LINKS:
                raise
            with suppress(FileExistsError):
                write_durably(path, content)
            return is_ours()
        finally:
            remove(temporary)
    return True


def read_holder(path: Path) -> Holder | None:
    """What a lease says; None where it is gone. Raises UserError where it may not be read."""
    with disk_errors():
        try:
            with path.open("rb") as file:
                content, touched = file.read(), os.fstat(file.fileno()).st_mtime
        except OSError as error:
            if error.errno in GONE:
                return None
            raise
    facts = read_facts(content)
    try:
        texts = {name: str(facts[name]) for name in ("token", "host", "process", "started", "about")}
        return Holder(path, touched, pid=int(facts["pid"]), items=tuple(map(str, facts["items"])), **texts)
    except (KeyError, TypeError, ValueError):
        return Holder(path, touched)


def read_facts(content: bytes) -> dict[str, Any]:
    """The facts in a lease; none where it is not whole."""
    try:
        facts = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return facts if isinstance(facts, dict) else {}
