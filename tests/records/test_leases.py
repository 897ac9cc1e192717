"""Leases: one holder at a time, takeover of what nobody holds any more, and a loser that notices."""

import json
import os
import platform
import random
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from command_line import ENVIRONMENT

from jaxpe.errors import UserError
from jaxpe.records import leases
from jaxpe.records.leases import LeaseFolder, LeaseLost

BEAT = 0.2  # a lease is stale after 1.2 s
HOLDING = """
import sys, time
from pathlib import Path
from jaxpe.records.leases import LeaseFolder, LeaseLost
folder, beat, items = Path(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]
with LeaseFolder(folder, beat).hold(items, "a round") as lease:
    print(lease is not None, flush=True)
    for line in sys.stdin:
        try:
            lease.require()
            print("held", flush=True)
        except LeaseLost:
            print("lost", flush=True)
"""


class Process(subprocess.Popen):
    """A process that holds a lease, and says when asked whether it still does."""

    def __init__(self, folder, *items, beat=BEAT):
        words = [sys.executable, "-c", HOLDING, str(folder), str(beat), *items]
        super().__init__(words, env=ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self):
        self.stdin.write("\n")
        self.stdin.flush()
        return self.stdout.readline().strip()


@pytest.fixture
def folder(tmp_path):
    return LeaseFolder(tmp_path / "leases", BEAT)


def disguise(path, **changes):
    """Makes a lease that of another machine, whose processes cannot be seen here."""
    facts = json.loads(path.read_text()) | {"process": "elsewhere 1 2", "host": "elsewhere"} | changes
    touched = path.stat()
    path.write_text(json.dumps(facts))
    os.utime(path, ns=(touched.st_atime_ns, touched.st_mtime_ns))


def wait_for(condition, seconds=20):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


# ── one holder ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_lease_covers_its_items_and_is_given_back(folder):
    with folder.hold(["a", "b"], "two") as lease:
        [holder] = folder.list_live()
        assert (holder.items, holder.about, holder.pid, holder.host) == (
            ("a", "b"),
            "two",
            os.getpid(),
            platform.node(),
        )
        assert holder.started[:4].isdigit() and holder.token == lease.token
        for items in (["a", "b"], ["a"], ["b", "c"], ["c", "b", "a"]):
            with folder.hold(items) as second:
                assert second is None
        with folder.hold(["c"]) as other:
            assert other is not None and len(folder.list_live()) == 2
        lease.require()
    assert not folder.path.exists()
    with folder.hold(["b", "c"]) as lease:
        assert lease is not None


def test_a_lease_is_given_back_after_an_error(folder):
    with pytest.raises(KeyboardInterrupt), folder.hold(["a"]):
        raise KeyboardInterrupt
    assert folder.list_holders() == []


@pytest.mark.parametrize("links", [True, False])
def test_of_many_takers_one_wins_whatever_items_they_want(tmp_path, monkeypatch, links):
    """Threads with folders of their own, at once and many times; overlapping items never have two holders."""
    if not links:
        monkeypatch.setattr(leases.os, "link", raise_no_links)
    path, wins = tmp_path / "leases", []
    for turn in range(18):
        holders, most, barrier = [0] * 4, [], threading.Barrier(4)

        def contend(number, turn=turn, holders=holders, most=most, barrier=barrier):
            own, generator = LeaseFolder(path), random.Random(10 * turn + number)
            items = [str(i) for i in range(4) if turn % 3 == 0 or i in (number, (number + 1) % 4)]
            barrier.wait()
            for _ in range(200):
                with own.hold(items) as lease:
                    if lease is None:
                        time.sleep(generator.uniform(0, 0.002))
                        continue
                    for item in items:
                        holders[int(item)] += 1
                    time.sleep(0.001)
                    most.append(max(holders[int(item)] for item in items))
                    for item in items:
                        holders[int(item)] -= 1
                    lease.require()
                    return True
            return False

        with ThreadPoolExecutor(4) as pool:
            wins.append(sum(pool.map(contend, range(4))))
        assert max(most) == 1, turn
    assert min(wins) == 4 and not path.exists()


def raise_no_links(*_):
    raise PermissionError(1, "Operation not permitted")


@pytest.mark.slow
def test_of_many_takers_of_a_stale_lease_one_wins(tmp_path):
    """Repeated, in threads that judge the lease at the same moment."""
    for turn in range(150):
        first = LeaseFolder(tmp_path / str(turn))
        lease = first.take(["a"])
        lease.ended.set()
        disguise(lease.path)
        os.utime(lease.path, (1, 1))
        barrier = threading.Barrier(8)

        def take(_, path=first.path, barrier=barrier):
            own = LeaseFolder(path)
            barrier.wait()
            return own.take(["a"])

        with ThreadPoolExecutor(8) as pool:
            taken = [lease for lease in pool.map(take, range(8)) if lease is not None]
        assert len(taken) == 1 and taken[0].look() and not lease.look(), turn
        assert [holder.token for holder in first.list_holders()] == [taken[0].token]
        taken[0].give_back()


# ── takeover ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_lease_of_a_killed_process_of_this_machine_is_free_at_once(folder):
    process = Process(folder.path, "a", "b", beat=100)
    assert process.stdout.readline() == "True\n" and folder.take(["a", "b"]) is None
    process.kill()
    wait_for(lambda: not folder.list_live())  # although its parent has not noticed
    with folder.hold(["b", "c"]) as lease:
        assert [holder.pid for holder in lease.replaced] == [process.pid]
        assert [holder.items for holder in folder.list_holders()] == [("b", "c")]
    process.communicate()


@pytest.mark.slow
def test_a_paused_process_loses_its_lease_and_notices_before_it_writes(folder):
    process = Process(folder.path, "a", "b")
    assert process.stdout.readline() == "True\n" and process.ask() == "held"
    time.sleep(2 * folder.patience)
    assert folder.take(["a"]) is None  # it has been touched
    process.send_signal(signal.SIGSTOP)
    wait_for(lambda: not folder.list_live())
    with folder.hold(["a", "b"]) as lease:
        assert lease is not None and lease.path.name.split(".")[1] == "000002"
        process.send_signal(signal.SIGCONT)
        assert process.ask() == "lost"
        process.stdin.close()
        assert process.wait() == 0
        lease.require()  # it has given back what was its own, and no more
    assert not folder.path.exists()


def test_a_pause_that_nobody_used_costs_nothing(folder):
    process = Process(folder.path, "a")
    assert process.stdout.readline() == "True\n"
    process.send_signal(signal.SIGSTOP)
    wait_for(lambda: not folder.list_live())
    process.send_signal(signal.SIGCONT)
    assert process.ask() == "held"
    wait_for(folder.list_live)
    process.communicate()


def test_clocks_of_machines_may_differ(folder, monkeypatch):
    """Ages come from the file system: neither the clock of the holder nor that of a taker plays a part."""
    with folder.hold(["a"]) as lease:
        disguise(lease.path)
        for skew in (-1e6, 1e6):
            monkeypatch.setattr(time, "time", lambda skew=skew: skew)
            assert len(LeaseFolder(folder.path, BEAT).list_live()) == 1
        lease.ended.set()
        wait_for(lambda: not LeaseFolder(folder.path, BEAT).list_live())


def test_a_lease_from_the_future_is_given_up_when_nobody_touches_it(folder):
    """As after the clock of a server was set back."""
    lease = folder.take(["a"])
    lease.ended.set()
    disguise(lease.path)
    os.utime(lease.path, (4e9, 4e9))
    assert folder.list_live() and folder.take(["a"]) is None
    began = time.monotonic()
    wait_for(lambda: not folder.list_live())
    assert time.monotonic() - began > 0.5 * folder.patience
    with folder.hold(["a"]) as second:
        assert second is not None


# ── hostile input ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"token": 1}', b"\xff\xfe", b"[" * 10000])
def test_a_lease_that_cannot_be_read_holds_until_it_is_stale(folder, content):
    folder.path.mkdir()
    for name in ("0123.000001.json", "notes.txt", "a.b.json", ".writing-1-2-3"):
        (folder.path / name).write_bytes(content)
    [holder] = folder.list_holders()
    assert holder.token == "" and folder.take(["a"]) is None
    os.utime(holder.path, (1, 1))
    with folder.hold(["a"]) as lease:
        assert lease is not None and not holder.path.exists()


def test_a_folder_that_cannot_be_used_is_named_in_one_sentence(tmp_path):
    (tmp_path / "leases").write_text("")
    with pytest.raises(UserError, match="is a file where a folder is needed"):
        LeaseFolder(tmp_path / "leases").take(["a"])


@pytest.mark.slow
def test_no_reader_ever_sees_a_torn_lease(folder):
    """While they are taken and given back."""
    ended = threading.Event()

    def read():
        while not ended.is_set():
            assert all(holder.token and holder.items for holder in folder.list_holders())

    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(read)
        for turn in range(60):
            with folder.hold([str(turn)], "x" * 5000) as lease:
                assert lease is not None
        ended.set()
        reading.result()


def test_a_disk_that_fails_is_no_empty_folder(folder, monkeypatch):
    """Who cannot see the other holders must not take a lease."""
    with folder.hold(["a"]), monkeypatch.context() as patch:
        for name in ("listdir", "fstat"):
            patch.setattr(leases.os, name, raise_failure)
            with pytest.raises(OSError, match="Input/output"):
                folder.take(["b"])
            patch.undo()
    assert folder.list_holders() == []


def raise_failure(*_):
    raise OSError(5, "Input/output error")


def test_a_lost_lease_is_told_from_a_failing_disk(folder, monkeypatch):
    with folder.hold(["a"]) as lease:
        with monkeypatch.context() as patch:
            patch.setattr(Path, "open", lambda *_: (_ for _ in ()).throw(OSError(5, "Input/output error")))
            with pytest.raises(OSError, match="Input/output"):
                lease.require()
        lease.require()
        lease.path.unlink()
        with pytest.raises(LeaseLost):
            lease.require()
