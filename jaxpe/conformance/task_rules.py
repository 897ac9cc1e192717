"""The best rules that know only a part of an input, by counting examples.

A rule answers from what it knows. Examples are listed as pairs (what is known, the right answer), for token accuracy one for
each symbol of the answer, for exact match one for each example; the best rule gives the commonest answer for everything that
may be known.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence

from jaxpe.conformance.task_examples import Pair

Case = tuple[Hashable, Hashable]  # what is known, and the right answer; None where no rule of this kind can give it
Rule = dict[Hashable, Counter[Hashable]]


def list_length_only(examples: Iterable[Pair], metric: str, same: bool = False) -> list[Case]:
    """The cases of a rule that knows the length and the place; with `same` it gives one symbol at every place."""
    if metric == "exact_match":
        return [(0, y if not same or len(set(y)) == 1 else None) for _, y in examples]
    return [(0 if same else i, symbol) for _, y in examples for i, symbol in enumerate(y)]


def list_order_blind(examples: Iterable[Pair], metric: str, architecture: str, in_place: bool) -> list[Case]:
    """The cases of a rule that no permutation of x changes, in the format of an architecture.

    An encoder gives one symbol at all slots, or in place one to each symbol; an encoder-decoder knows the answer so far.
    """
    cases: list[Case] = []
    for x, y in examples:
        known, exact = tuple(sorted(x)), metric == "exact_match"
        if architecture == "encoder_decoder":
            cases += [(known, y)] if exact else [((known, y[:i]), symbol) for i, symbol in enumerate(y)]
        elif in_place and exact:
            given = set(zip(x, y, strict=True))
            cases.append((known, tuple(sorted(given)) if len(given) == len(set(x)) else None))
        elif in_place:
            cases += [((known, x[i]), symbol) for i, symbol in enumerate(y)]
        else:
            cases += [(known, y if len(set(y)) == 1 else None)] if exact else [(known, symbol) for symbol in y]
    return cases


def fit_rule(cases: Iterable[Case]) -> Rule:
    """How often each answer is right, by what is known."""
    rule: Rule = defaultdict(Counter)
    for known, answer in cases:
        if answer is not None:
            rule[known][answer] += 1
    return rule


def compute_best_share(cases: Sequence[Case]) -> float:
    """The score of the best rule on the examples that it is taken from."""
    return sum(counter.most_common(1)[0][1] for counter in fit_rule(cases).values()) / len(cases)


def compute_held_out_share(cases: Sequence[Case], others: Sequence[Case]) -> float:
    """The score on other examples, so that it is not too high by chance."""
    best = {known: counter.most_common(1)[0][0] for known, counter in fit_rule(cases).items()}
    return sum(answer is not None and best.get(known) == answer for known, answer in others) / len(others)
