"""Values made in a thread before they are asked for."""

import threading

import pytest

from jaxpe.study import ahead
from jaxpe.study.ahead import AheadMaker


@pytest.fixture
def making():
    """A maker, a function that gives what makes a key, the keys made so far, and the threads that made them."""
    made, threads = [], {}

    def prepare(key):
        def make():
            made.append(key)
            threads[key] = threading.current_thread()
            return 10 * key

        return make

    return AheadMaker(), prepare, made, threads


def test_what_follows_is_made_in_another_thread_while_the_first_is_made_in_this_one(making):
    maker, prepare, made, threads = making
    for key in range(5):
        maker.expect(key, prepare(key))
    assert made == []
    assert [maker.take(key, prepare(key)) for key in range(5)] == [0, 10, 20, 30, 40]
    assert sorted(made) == [*range(5)] and threads[0] is threading.current_thread()
    assert {threads[key] for key in range(1, 5)} == {threads[1]} and threads[1] is not threads[0]


def test_no_more_is_made_ahead_than_memory_is_meant_for(making):
    maker, prepare, made, _ = making
    for key in range(9):
        maker.expect(key, prepare(key))
    maker.take(0, prepare(0))
    maker.started[ahead.AHEAD].result()
    assert sorted(made) == [*range(1 + ahead.AHEAD)]


def test_what_was_not_expected_is_made_when_it_is_taken(making):
    maker, prepare, made, _ = making
    assert maker.take(7, prepare(7)) == 70 and maker.take(7, prepare(7)) == 70 and made == [7, 7]


def test_what_is_not_needed_leaves_its_room_to_others(making):
    """Two keys that another process has done would otherwise hold the room for ever."""
    maker, prepare, *_ = making
    for key in range(6):
        maker.expect(key, prepare(key))
    maker.take(0, prepare(0))
    for key in (1, 2):
        maker.forget(key)
    assert maker.take(3, prepare(3)) == 30
    assert maker.started[4].result() == 40
    maker.clear()
    assert not maker.started and not maker.expected


def test_an_error_is_raised_where_its_value_is_taken(making):
    maker, prepare, *_ = making

    def fail():
        raise ValueError("no such thing")

    maker.expect(0, prepare(0))
    maker.expect(1, fail)
    assert maker.take(0, prepare(0)) == 0
    with pytest.raises(ValueError, match="no such thing"):
        maker.take(1, fail)
