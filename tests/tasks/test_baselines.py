"""Both baselines of every task equal the best rule by exhaustive counting, and every example is as likely as it should be."""

from collections import Counter, defaultdict

import numpy as np
import pytest
from scipy import stats
from task_enumerations import CASES, list_examples, score_length_only, score_order_blind
from task_samples import build, draw_lists

from jaxpe import tasks
from jaxpe.tasks.base import METRICS
from jaxpe.tasks.evaluation_sets import draw_examples
from jaxpe.tasks.lookup import RelativeIndex

EACH = [pytest.param(i, length, id=f"{case.id}-{length}") for i, case in enumerate(CASES) for length in case.lengths]
SIMULATED = ("induction",)  # whose order-blind baseline is simulated
BOUNDS = (
    "addition",
    "modular_arithmetic",
)  # whose order-blind baseline is that of the length alone, a lower bound of token accuracy


def build_case(i):
    case = CASES[i]
    return tasks.build_task(case.name, **{"train_length": 10} | case.options)


def test_every_task_is_enumerated_from_its_first_length_on():
    assert {case.name for case in CASES} >= set(tasks.CATALOGUE) - {"majority_26"}
    for i, case in enumerate(CASES):
        defined = build_case(i).lengths(1, case.lengths[-1])
        assert [n for n in defined if n >= case.lengths[0]] == list(case.lengths)
        assert defined[0] == case.lengths[0] or case.name == "unique_copy"


@pytest.mark.parametrize(("i", "length"), EACH)
def test_the_length_only_baseline_is_the_best_rule(i, length):
    examples, case = list_examples(i, length), CASES[i]
    same = case.name == "histogram"  # the rule of its docstring: the same count at every place
    for metric in METRICS:
        expected = score_length_only(examples, metric, same)
        assert build_case(i).length_baseline(length, metric) == pytest.approx(expected, abs=1e-9), metric


@pytest.mark.parametrize(("i", "length"), EACH)
def test_the_order_blind_baseline_is_the_best_rule(i, length):
    examples, case, task = list_examples(i, length), CASES[i], build_case(i)
    for architecture in task.architectures:
        for metric in METRICS:
            baseline = task.order_blind_baseline(length, metric, architecture)
            if architecture == "decoder":
                assert baseline is None
                continue
            expected = score_order_blind(examples, metric, architecture, task.in_place)
            if case.name in BOUNDS:
                assert baseline == task.length_baseline(length, metric)
                assert metric == "exact_match" or baseline <= expected
            else:
                deviation = (expected * (1 - expected) / 40_000) ** 0.5 if case.name in SIMULATED else 0.0
                assert baseline == pytest.approx(expected, abs=4 * deviation + 1e-9), (architecture, metric)


@pytest.mark.parametrize("i", range(len(CASES)), ids=[case.id for case in CASES])
def test_examples_are_drawn_as_often_as_they_are_likely(i):
    """At the longest length with at most 400 different examples: those and no others, by a χ² test."""
    case = CASES[i]
    length = max(n for n in case.lengths if len(set(list_examples(i, n))) <= 400)
    expected = Counter(list_examples(i, length))
    drawn = Counter((tuple(x), tuple(y)) for x, y in draw_lists(case.name, length, 8000, **case.options))
    assert set(drawn) <= set(expected)
    frequencies = [8000 * count / expected.total() for count in expected.values()]
    observed = [drawn[example] for example in expected]
    assert len(expected) == 1 or stats.chisquare(observed, frequencies).pvalue > 1e-4


@pytest.mark.parametrize("i", range(len(CASES)), ids=[case.id for case in CASES])
def test_whether_order_is_needed_is_declared(i):
    """Where it is not, inputs with the same symbols have the same answers; where it is, some have different ones."""
    task, examples = build_case(i), list_examples(i, CASES[i].lengths[-1])
    answers = defaultdict(set)
    for x, y in examples:
        answers[tuple(sorted(x))].add(tuple(sorted(zip(x, y, strict=True))) if task.in_place else y)
    assert task.order_needed == any(len(of_symbols) > 1 for of_symbols in answers.values())
    assert task.counting <= (not task.order_needed) and len(set(examples)) > 1
    assert task.counting == (not task.order_needed and CASES[i].name != "sort")


@pytest.mark.parametrize("name", tasks.CATALOGUE)
def test_a_baseline_lies_between_guessing_and_certainty(name):
    """At the sizes of the catalogue and every length up to 12; the order-blind rule also knows the length."""
    task = build(name)
    for length in task.lengths(1, 12):
        for metric in METRICS:
            low = task.length_baseline(length, metric)
            assert (1 / task.symbols - 1e-9 if metric == "token_accuracy" else 0) < low <= 1 + 1e-9
            for architecture in {"encoder", "encoder_decoder"} & set(task.architectures):
                blind = task.order_blind_baseline(length, metric, architecture)
                assert 0 <= blind <= 1 + 1e-9
                if architecture == "encoder_decoder":  # it may emit any sequence
                    assert blind >= low - 1e-9, (length, metric)


def test_on_its_test_inputs_the_best_order_blind_rule_may_score_more_than_the_baseline():
    """`relative_index` at length 12: 0.266 over all inputs, up to 0.31 on the 512 of the tests, by how ties are broken."""
    task, generator = RelativeIndex(), np.random.default_rng(0)
    examples = draw_examples("relative_index", task, 12, 512)
    counts = np.stack([(np.asarray(examples.x)[:, :12] == symbol).sum(1) for symbol in range(task.alphabet)], axis=1)
    answers = np.asarray(examples.y)[:, 0]
    ties = [(counts + 1e-6 * generator.random(counts.shape)).argmax(1) for _ in range(50)]
    scores = [float((guesses == answers).mean()) for guesses in ties]
    baseline = task.order_blind_baseline(12, "token_accuracy", "encoder")
    assert round(baseline, 3) == 0.266 and baseline < min(scores) < 0.28 and 0.29 < max(scores) < 0.32
