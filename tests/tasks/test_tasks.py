"""Every task against a slow oracle, its padding, and both baselines against simulation."""

import json
from collections import Counter
from pathlib import Path

import jax
import numpy as np
import pytest

from jaxpe import tasks
from jaxpe.errors import UserError
from jaxpe.tasks import evaluation_sets, formatting


def digits(values):
    return sum(int(v) * 10**i for i, v in enumerate(values))


def slow_addition(x):
    at = x.index(10)
    total = digits(x[:at]) + digits(x[at + 1 :])
    return [total // 10**i % 10 for i in range(at + 1)]


def slow_missing(x):
    hole = x.index(2)
    return [x[hole - len(x) // 2]]  # the other half, wherever the hole is


ORACLES = {
    "copy": lambda x: x,
    "reverse": lambda x: x[::-1],
    "sort": sorted,
    "count": lambda x: [16 + min(8, x[:-1].count(x[-1] - 8))],
    "histogram": lambda x: [8 + min(8, x.count(s)) for s in x],
    "majority": lambda x: [min(range(2), key=lambda s: (-x.count(s), s))],
    "majority_26": lambda x: [min(range(26), key=lambda s: (-x.count(s), s))],
    "parity": lambda x: [sum(x) % 2],
    "first": lambda x: [x[0]],
    "last": lambda x: [x[-1]],
    "index": lambda x: [x[x[-1] - 10]],
    "relative_index": lambda x: [x[x.index(10) - 3]],
    "odds_first": lambda x: x[0::2] + x[1::2],
    "missing_duplicate": slow_missing,
    "induction": lambda x: [x[x.index(x[-1]) + 1]],
    "addition": slow_addition,
    "even_pairs": lambda x: [int(x[0] == x[-1])],
    "cycle": lambda x: [sum(s - 1 for s in x) % 5],
    "recall": lambda x: [
        dict(zip(x[0 : 2 * len(x) // 3 : 2], x[1 : 2 * len(x) // 3 : 2], strict=True))[key]
        for key in x[2 * len(x) // 3 :]
    ],
    "unique_copy": lambda x: x,
    "repeat_copy": lambda x: x,
}


def task_of(name):
    return tasks.build_task(name, train_length=10)


def sets(name, length, count=64):
    sample = evaluation_sets.draw_examples(name, task_of(name), length, count)
    return [(x[:n].tolist(), y[:m].tolist()) for x, n, y, m in zip(*sample, strict=True)]


def test_the_oracles_cover_the_catalogue():
    assert set(ORACLES) == set(tasks.CATALOGUE)


@pytest.mark.parametrize("name", tasks.CATALOGUE)
def test_answers_equal_a_slow_oracle(name):
    task = task_of(name)
    for length in task.lengths(1, 12)[::3]:
        for x, y in sets(name, length):
            assert len(x) == task.x_size(length) and len(y) == task.y_size(length)
            assert y == list(ORACLES[name](x))
            assert all(0 <= s < task.symbols for s in x + y)


@pytest.mark.parametrize("name", tasks.CATALOGUE)
def test_a_larger_array_and_a_traced_length_add_padding_only(name):
    task = task_of(name)
    length = task.lengths(6, 9)[0]
    plain = task.sample(jax.random.key(1), length, length)
    padded = jax.jit(task.sample, static_argnums=2)(jax.random.key(1), length, task.lengths(12, 16)[0])
    n, m = int(plain.x_length), int(plain.y_length)
    assert (n, m) == (int(padded.x_length), int(padded.y_length))
    np.testing.assert_array_equal(plain.x[:n], padded.x[:n])
    np.testing.assert_array_equal(plain.y[:m], padded.y[:m])
    assert not np.asarray(padded.x[n:]).any()


def test_induction_repeats_its_last_symbol_exactly_once():
    for x, _ in sets("induction", 9, 500):
        assert Counter(x)[x[-1]] == 2 and x[-2] != x[-1]


@pytest.mark.parametrize("name", tasks.CATALOGUE)
def test_the_floor_is_what_the_best_constant_scores(name):
    """The best fixed answer at every place, found on one half and scored on the other."""
    task, length = task_of(name), task_of(name).lengths(6, 9)[0]
    answers = np.array([y for _, y in sets(name, length, 8000)])
    best = np.array([Counter(column).most_common(1)[0][0] for column in answers[:4000].T])
    if name == "histogram":  # the rule named in its docstring: one and the same count
        best[:] = Counter(answers[:4000].ravel().tolist()).most_common(1)[0][0]
    score = (answers[4000:] == best).mean()
    assert score == pytest.approx(task.length_baseline(length, "token_accuracy"), abs=0.03)


def blind_score(name, length, count=6000):
    """The commonest symbol of x, at every slot: the encoder's rule for rearranging and looking up."""
    total = 0.0
    for x, y in sets(name, length, count):
        content = [s for s in x if s < 10]
        guess = Counter(sorted(content if name != "index" else x[:-1])).most_common(1)[0][0]
        total += np.mean([s == guess for s in y])
    return total / count


@pytest.mark.parametrize(
    "name", ["copy", "repeat_copy", "reverse", "sort", "odds_first", "first", "last", "index", "relative_index"]
)
def test_order_blind_by_simulation(name):
    task = task_of(name)
    assert blind_score(name, 8) == pytest.approx(task.order_blind_baseline(8, "token_accuracy", "encoder"), abs=0.02)


@pytest.mark.parametrize("name", ["recall", "unique_copy"])
def test_symbols_are_distinct_and_keys_are_asked_for_in_a_new_order(name):
    for x, y in sets(name, 9, 300):
        assert len(set(y)) == 9 and min(y) >= 0
        if name == "recall":
            assert len(set(x[:18])) == 18 and sorted(x[18:]) == sorted(x[0:18:2])
    orders = {tuple(x[18:]) == tuple(x[0:18:2]) for x, _ in sets("recall", 9, 300)}
    assert orders == {False}


@pytest.mark.parametrize(("name", "longest"), [("recall", 32), ("unique_copy", 150)])
def test_arrays_may_be_longer_than_the_alphabet_lasts(name, longest):
    task = task_of(name)
    assert task.lengths(longest - 1, longest + 9) == [longest - 1, longest]
    plain, padded = (task.sample(jax.random.key(2), longest, size) for size in (longest, longest + 9))
    for short, long in ((plain.x, padded.x), (plain.y, padded.y)):
        np.testing.assert_array_equal(np.pad(short, (0, len(long) - len(short))), long)


@pytest.mark.parametrize(("name", "alphabet"), [("recall", 8), ("unique_copy", 4)])
def test_the_floor_of_distinct_answers_by_simulation(name, alphabet):
    """Four possible answers, two or three of them asked for: one fixed answer, per place and as a whole."""
    task = tasks.build_task(name, train_length=1, alphabet=alphabet)
    for length in (2, 3):
        answers = evaluation_sets.draw_examples(name, task, length, 8000).y
        same = answers == answers[0]  # all answers are equally likely, so any one will do
        assert same[1:].mean() == pytest.approx(task.length_baseline(length, "token_accuracy"), abs=0.015)
        assert same[1:].all(1).mean() == pytest.approx(task.length_baseline(length, "exact_match"), abs=0.01)


@pytest.mark.parametrize("architecture", ["encoder", "encoder_decoder"])
@pytest.mark.parametrize("name", ["recall", "unique_copy"])
def test_order_blind_of_distinct_answers_by_simulation(name, architecture):
    """The smallest of the answers at every slot; or the smallest of those that were not yet emitted."""
    task, length = task_of(name), 6
    answers = [y for _, y in sets(name, length, 4000)]
    if architecture == "encoder":
        right = [[s == min(y) for s in y] for y in answers]
    else:
        right = [[s == min(y[i:]) for i, s in enumerate(y)] for y in answers]
    expected = {
        metric: task.order_blind_baseline(length, metric, architecture) for metric in ("token_accuracy", "exact_match")
    }
    assert np.mean(right) == pytest.approx(expected["token_accuracy"], abs=0.01)
    assert np.mean([all(row) for row in right]) == pytest.approx(expected["exact_match"], abs=0.003)


def test_order_blind_of_even_pairs_by_brute_force():
    """The best answer for each count of ones, found on the examples."""
    by_count: dict[int, Counter] = {}
    for x, y in sets("even_pairs", 7, 8000):
        by_count.setdefault(sum(x), Counter())[y[0]] += 1
    best = sum(c.most_common(1)[0][1] for c in by_count.values()) / 8000
    assert task_of("even_pairs").order_blind_baseline(7, "token_accuracy", "encoder") == pytest.approx(best, abs=0.012)


@pytest.mark.parametrize(("length", "expected"), [(1, 0.333), (2, 0.333), (3, 0.259), (12, 0.2), (13, 0.2)])
def test_the_floor_of_cycle_by_length(length, expected):
    assert task_of("cycle").length_baseline(length, "token_accuracy") == pytest.approx(expected, abs=0.003)


def test_order_blind_of_an_encoder_decoder_by_simulation():
    """The commonest of what is left of the multiset."""
    right = []
    for _, y in sets("reverse", 10, 4000):
        right += [y[i] == Counter(sorted(y[i:])).most_common(1)[0][0] for i in range(len(y))]
    expected = task_of("reverse").order_blind_baseline(10, "token_accuracy", "encoder_decoder")
    assert np.mean(right) == pytest.approx(expected, abs=0.01) and expected == pytest.approx(0.42, abs=0.01)


def test_order_blind_of_induction_by_brute_force():
    """Bayes over which of the symbols that occur twice is the repeated one, sampled rather than derived."""
    seen: dict[tuple, Counter] = {}
    small = tasks.build_task("induction", train_length=1, alphabet=4)
    sample = evaluation_sets.draw_examples("induction", small, 5, 20_000)
    for x, y in zip(sample.x, sample.y, strict=True):
        seen.setdefault(tuple(sorted(x.tolist())), Counter())[int(y[0])] += 1
    best = sum(c.most_common(1)[0][1] for c in seen.values()) / 20_000
    assert small.order_blind_baseline(5, "token_accuracy", "encoder") == pytest.approx(best, abs=0.02)


@pytest.mark.parametrize(("length", "expected"), [(2, 0.84), (4, 0.70), (8, 0.61)])
def test_the_shortcut_of_addition(length, expected):
    task, right = task_of("addition"), []
    for x, y in sets("addition", length, 3000):
        a, b = x[:length], x[length + 1 :]
        guess = [(p + q) % 10 for p, q in zip(a, b, strict=True)] + [(a[-1] + b[-1]) // 10]
        right.append(np.mean(np.array(guess) == y))
    assert task.shortcut(length, "token_accuracy") == pytest.approx(np.mean(right), abs=0.015)
    assert task.shortcut(length, "token_accuracy") == pytest.approx(expected, abs=0.006)


DIGESTS = Path(tasks.__file__).parent / "digests.json"


@pytest.mark.parametrize("name", tasks.CATALOGUE)
def test_evaluation_sets_are_the_committed_ones(name):
    task, committed = task_of(name), json.loads(DIGESTS.read_text())
    assert committed[name]["version"] == task.version
    for length, digest in committed[name]["digests"].items():
        assert evaluation_sets.hash_examples(name, task, int(length)) == digest


def test_export_writes_what_is_evaluated(tmp_path):
    import datasets

    path = evaluation_sets.export_evaluation_set("reverse", tmp_path, lengths=(4, 6), count=8, train_length=10)
    found = datasets.Dataset.from_parquet(str(path), cache_dir=str(tmp_path))
    assert [(row["x"], row["y"]) for row in found] == sets("reverse", 4, 8) + sets("reverse", 6, 8)
    card = json.loads((tmp_path / "reverse.json").read_text())
    assert card["lengths"][0]["length_baseline"]["token_accuracy"] == 0.1


def test_a_decoder_writes_the_histogram_after_x():
    task = task_of("histogram")
    assert (
        task.architectures == ("encoder", "decoder")
        and task.order_blind_baseline(4, "token_accuracy", "decoder") is None
    )
    sample = task.sample(jax.random.key(3), 4, 6)
    x, y = (formatting.SPECIALS + part[:4] for part in (sample.x, sample.y))
    example = formatting.TaskStream(task, "decoder").example(jax.random.key(3), 4, 6, {})
    assert example.tokens[:11].tolist() == [formatting.BOS, *x, formatting.SEP, *y, formatting.EOS]
    assert example.targets[example.metric_mask].tolist() == y.tolist()


def test_unknown_tasks_and_options():
    with pytest.raises(UserError, match="Did you mean 'reverse'"):
        tasks.build_task("revers", train_length=5)
    with pytest.raises(UserError, match="Did you mean 'alphabet'"):
        tasks.build_task("copy", train_length=5, alphabe=3)
    with pytest.raises(UserError, match="alphabet"):
        tasks.build_task("even_pairs", train_length=5, alphabet=4)  # binary: its baselines know two symbols
