"""The local engine: other work first, then what is under way elsewhere."""

from types import SimpleNamespace

from jaxpe.study.engines import LocalEngine


class FakeWork:
    """Groups of runs, some of which another process trains and stores after a while."""

    def __init__(self, elsewhere, turns=0):
        self.stored, self.elsewhere, self.turns = set(), set(elsewhere), turns
        self.calls, self.notes = [], []
        self.reporter = SimpleNamespace(note=self.notes.append)
        self.leases = SimpleNamespace(list_live=self.list_live, pause=self.pause)

    def list_live(self):
        return [SimpleNamespace(pid=7, host="other", about=run) for run in self.elsewhere]

    def pause(self):
        self.calls.append("pause")
        self.turns -= 1
        if not self.turns:
            self.stored |= self.elsewhere
            self.elsewhere = set()

    def select_missing(self, runs):
        return [run for run in runs if run not in self.stored]

    def train_group(self, group, join):
        self.calls.append((group[0], join))
        if join or not self.elsewhere.intersection(group):
            self.stored |= set(group) - self.elsewhere
        return not self.select_missing(group)


def test_programs_that_nobody_trains_come_first_then_free_rounds_then_waiting():
    work = FakeWork(elsewhere=["a1"], turns=3)
    LocalEngine().train(work, [["a0", "a1", "a2"], ["b0"], ["c0"]])
    assert work.calls[:4] == [("a0", False), ("b0", False), ("c0", False), ("a0", True)]
    assert work.stored == {"a0", "a1", "a2", "b0", "c0"} and work.calls.count("pause") == 3
    assert work.notes == ["waiting for process 7 on other: a1"]  # once


def test_nothing_to_wait_for_is_not_waited_for():
    work = FakeWork(elsewhere=[])
    LocalEngine().train(work, [["a0"], ["b0"]])
    assert work.calls == [("a0", False), ("b0", False)] and not work.notes
