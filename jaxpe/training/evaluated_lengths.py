"""Which lengths are tested, and to which lengths they are padded."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import cache

import numpy as np

from jaxpe.data.examples import ExampleStream


def choose_test_lengths(
    stream: ExampleStream, train_length: int, max_length_ratio: float, num_test_lengths: int
) -> list[int]:
    """About `num_test_lengths` lengths of a task, in geometric steps up to max_length_ratio · train_length.

    The training length N, N + 1 and 2 N are among them if they are within the range.
    """
    available = stream.lengths(1, round(max_length_ratio * train_length))
    steps = np.geomspace(available[0], available[-1], num_test_lengths)
    targets = [*steps, train_length, train_length + 1, 2 * train_length]

    def find_nearest(target: float) -> int:
        return min(available, key=lambda length: abs(length - target))

    return sorted({find_nearest(target) for target in targets if target <= available[-1]})


def pad_lengths(lengths: Sequence[int], stream: ExampleStream, train_length: int, ratio: float) -> dict[int, int]:
    """For each length the one that all are padded to: the longest up to ratio · train_length, or else the longest of them."""
    top = max([*lengths, *stream.lengths(1, round(ratio * train_length))[-1:]])
    return dict.fromkeys(lengths, top)


def choose_padded_lengths(lengths: Sequence[int], shortest: int = 1, programs: int = 2) -> dict[int, int]:
    """For each length the one that it is padded to, each of which takes a compiled program.

    Lengths up to `shortest` are padded to it. The others are divided into at most `programs` ranges, each padded to its
    longest, such that the padding is least.
    """
    longer = sorted({length for length in lengths if length > shortest})

    @cache
    def divide(count: int, programs: int) -> tuple[int, tuple[int, ...]]:
        """The least sum of padded lengths over the first `count`, and the longest of each range."""
        if count == 0:
            return 0, ()
        if programs == 0:
            return sys.maxsize, ()
        options = []
        for first in range(count):
            total, tops = divide(first, programs - 1)
            options.append((total + (count - first) * longer[count - 1], (*tops, longer[count - 1])))
        return min(options)

    tops = (shortest, *divide(len(longer), programs)[1])
    return {length: next(top for top in tops if top >= length) for length in lengths}
