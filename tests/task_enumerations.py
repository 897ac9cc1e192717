"""All equally likely examples of small tasks, and the best rules by exhaustive counting.

Nothing here calls a task: answers are written out again, so that a task and its baselines are compared with two sources.
"""

from collections.abc import Callable
from functools import cache
from itertools import permutations, product
from math import prod
from typing import NamedTuple

from jaxpe.conformance.task_rules import compute_best_share, list_length_only, list_order_blind


class Case(NamedTuple):
    """A task at small sizes: its options, its lengths, and all (x, y) of one length, each equally likely."""

    name: str
    options: dict[str, int]
    lengths: range
    enumerate: Callable[[int], list[tuple[tuple[int, ...], tuple[int, ...]]]]

    @property
    def id(self) -> str:
        return "-".join([self.name, *(f"{name}{value}" for name, value in self.options.items())])


def map_words(alphabet, answer):
    """All words of one length, with the answer of each."""
    return lambda n: [(x, tuple(answer(x))) for x in product(range(alphabet), repeat=n)]


def count_queries(alphabet, cap):
    """Every word with every query."""

    def enumerate_length(n):
        pairs = product(product(range(alphabet), repeat=n), range(alphabet))
        return [((*x, alphabet + s), (2 * alphabet + min(cap, x.count(s)),)) for x, s in pairs]

    return enumerate_length


def index_places(alphabet, train_length):
    def enumerate_length(n):
        pairs = product(product(range(alphabet), repeat=n), range(min(n, train_length)))
        return [((*x, alphabet + k), (x[k],)) for x, k in pairs]

    return enumerate_length


def mark_places(alphabet, k):
    """Every word with the marker in the place of one of its symbols, the k-th or a later one."""

    def enumerate_length(n):
        pairs = product(product(range(alphabet), repeat=n), range(k, n))
        return [((*x[:place], alphabet, *x[place + 1 :]), (x[place - k],)) for x, place in pairs]

    return enumerate_length


def make_holes(n):
    pairs = product(product(range(2), repeat=n // 2), range(n))
    doubled = [((*word, *word), hole) for word, hole in pairs]
    return [((*x[:hole], 2, *x[hole + 1 :]), (x[hole],)) for x, hole in doubled]


def repeat_last(alphabet):
    """Every last symbol, every earlier place of it that is not the last but one, and all other symbols elsewhere."""

    def enumerate_length(n):
        cases = []
        for last, earlier in product(range(alphabet), range(n - 2)):
            others = [s for s in range(alphabet) if s != last]
            for rest in product(others, repeat=n - 2):
                x = (*rest[:earlier], last, *rest[earlier:], last)
                cases.append((x, (x[earlier + 1],)))
        return cases

    return enumerate_length


def add_numbers(n):
    cases = []
    for a, b in product(range(10**n), repeat=2):
        digits = [[number // 10**i % 10 for i in range(n + 1)] for number in (a, b, a + b)]
        cases.append(((*digits[0][:n], 10, *digits[1][:n]), tuple(digits[2])))
    return cases


def recall_values(alphabet):
    half = alphabet // 2

    def enumerate_length(n):
        cases = []
        for keys, values, order in product(
            permutations(range(half), n), permutations(range(half, alphabet), n), permutations(range(n))
        ):
            pairs = [s for pair in zip(keys, values, strict=True) for s in pair]
            cases.append(((*pairs, *(keys[i] for i in order)), tuple(values[i] for i in order)))
        return cases

    return enumerate_length


def calculate(n):
    """Every expression of n symbols, read by its products."""
    cases = []
    for x in product(*[range(5) if i % 2 == 0 else range(5, 8) for i in range(n)]):
        terms, sign = [[1, x[0]]], {5: 1, 6: -1}
        for operator, number in zip(x[1::2], x[2::2], strict=True):
            terms = [*terms[:-1], [*terms[-1], number]] if operator == 7 else [*terms, [sign[operator], number]]
        cases.append((x, (sum(prod(term) for term in terms) % 5,)))
    return cases


def count_own(alphabet, cap):
    return map_words(alphabet, lambda x: [alphabet + min(cap, x.count(s)) for s in x])


def find_commonest(alphabet):
    return map_words(alphabet, lambda x: [min(range(alphabet), key=lambda s: (-x.count(s), s))])


CASES = [
    *[Case("copy", {"alphabet": a}, range(1, 6), map_words(a, lambda x: x)) for a in (2, 3)],
    Case("reverse", {"alphabet": 3}, range(1, 6), map_words(3, lambda x: x[::-1])),
    Case("odds_first", {"alphabet": 3}, range(1, 6), map_words(3, lambda x: x[0::2] + x[1::2])),
    *[Case("duplicate_string", {"alphabet": a}, range(1, 6), map_words(a, lambda x: x + x)) for a in (2, 3)],
    Case("modular_arithmetic", {}, range(1, 6, 2), calculate),
    *[Case("sort", {"alphabet": a}, range(1, 6), map_words(a, sorted)) for a in (2, 3)],
    Case("repeat_copy", {}, range(1, 6), map_words(2, lambda x: x)),
    *[
        Case("count", {"alphabet": a, "cap": c}, range(1, 6), count_queries(a, c))
        for a, c in ((2, 2), (2, 8), (3, 3), (3, 1))
    ],
    *[
        Case("histogram", {"alphabet": a, "cap": c}, range(1, 6), count_own(a, c))
        for a, c in ((2, 2), (2, 8), (3, 3), (3, 1))
    ],
    *[Case("majority", {"alphabet": a}, range(1, 6), find_commonest(a)) for a in (2, 3)],
    Case("parity", {}, range(1, 6), map_words(2, lambda x: [sum(x) % 2])),
    Case("cycle", {}, range(1, 6), map_words(3, lambda x: [sum(s - 1 for s in x) % 5])),
    Case("first", {"alphabet": 3}, range(1, 6), map_words(3, lambda x: x[:1])),
    Case("last", {"alphabet": 2}, range(1, 6), map_words(2, lambda x: x[-1:])),
    *[Case("index", {"alphabet": a, "train_length": n}, range(1, 6), index_places(a, n)) for a, n in ((2, 3), (3, 1))],
    *[
        Case("relative_index", {"alphabet": a, "k": k}, range(k + 2, 6), mark_places(a, k))
        for a, k in ((2, 1), (3, 2), (2, 3))
    ],
    Case("even_pairs", {}, range(3, 8), map_words(2, lambda x: [int(x[0] == x[-1])])),
    Case("missing_duplicate", {}, range(2, 9, 2), make_holes),
    *[Case("induction", {"alphabet": a}, range(3, 7), repeat_last(a)) for a in (3, 4)],
    Case("addition", {}, range(1, 3), add_numbers),
    Case("recall", {"alphabet": 6}, range(1, 4), recall_values(6)),
    Case("unique_copy", {"alphabet": 5}, range(1, 6), lambda n: [(x, x) for x in permutations(range(5), n)]),
]


@cache
def list_examples(i, length):
    """All examples of a case, by its number, at one length."""
    return CASES[i].enumerate(length)


def score_length_only(examples, metric, same=False):
    """The best rule that knows the length and the place only; with `same`, the length only."""
    return compute_best_share(list_length_only(examples, metric, same))


def score_order_blind(examples, metric, architecture, in_place):
    """The best rule that no permutation of x changes, in the format of an architecture."""
    return compute_best_share(list_order_blind(examples, metric, architecture, in_place))
