"""Values that take long to make, made in a thread while something else goes on.

XLA compiles without Python's lock, so that a core which waits can compile what is needed next.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

AHEAD = 3  # values made before they are taken; each compiled program takes memory


class AheadMaker(Generic[K, V]):
    """Values by key. Those that are expected are made in a thread, in the order of their keys, AHEAD at most at a time.

    What is made depends on the key alone, so that a value is the same whether it was expected or not.
    """

    def __init__(self) -> None:
        self.expected: dict[K, Callable[[], V]] = {}
        self.started: dict[K, Future[V]] = {}
        self.thread = ThreadPoolExecutor(1)

    def expect(self, key: K, make: Callable[[], V]) -> None:
        """Says that `take(key, make)` will follow, after those that were expected before."""
        if key not in self.started:
            self.expected.setdefault(key, make)

    @contextmanager
    def expecting(self, makers: Mapping[K, Callable[[], V]]) -> Iterator[None]:
        """Inside, these are expected in this order. Where it ends by an error, nothing is any more."""
        for key, make in makers.items():
            self.expect(key, make)
        try:
            yield
        except BaseException:
            self.clear()  # else the process would make them before it ends
            raise

    def start(self) -> None:
        """Begins to make what is expected next, as far as there is room."""
        while self.expected and len(self.started) < AHEAD:
            key, make = next(iter(self.expected.items()))
            del self.expected[key]
            self.started[key] = self.thread.submit(make)

    def take(self, key: K, make: Callable[[], V]) -> V:
        """The value of a key, which is forgotten then; made now where it was not begun. Raises what `make` raises."""
        started = self.started.pop(key, None)
        self.expected.pop(key, None)
        self.start()
        return make() if started is None else started.result()

    def forget(self, key: K) -> None:
        """Says that a value is not needed."""
        self.expected.pop(key, None)
        if (started := self.started.pop(key, None)) is not None:
            started.cancel()

    def clear(self) -> None:
        """Says that nothing more is needed."""
        for key in [*self.expected, *self.started]:
            self.forget(key)
