"""Order-blind baselines of several tasks, against simulation."""

from collections import Counter

import numpy as np
import pytest
from task_samples import build, draw_lists


def score_commonest_symbol(name, length, count=6000):
    """Accuracy of an encoder that answers with the most frequent symbol of x at every slot."""
    total = 0.0
    for x, y in draw_lists(name, length, count):
        content = x[:-1] if name == "index" else [s for s in x if s < 10]
        guess = Counter(sorted(content)).most_common(1)[0][0]
        total += np.mean([s == guess for s in y])
    return total / count


@pytest.mark.parametrize(
    "name", ["copy", "repeat_copy", "reverse", "sort", "odds_first", "first", "last", "index", "relative_index"]
)
def test_the_most_frequent_symbol_is_the_best_order_blind_answer_of_an_encoder(name):
    expected = build(name).order_blind_baseline(8, "token_accuracy", "encoder")
    assert score_commonest_symbol(name, 8) == pytest.approx(expected, abs=0.02)


def test_an_encoder_decoder_guesses_the_most_frequent_symbol_that_is_left():
    correct = []
    for _, y in draw_lists("reverse", 10, 4000):
        correct += [y[i] == Counter(sorted(y[i:])).most_common(1)[0][0] for i in range(len(y))]
    expected = build("reverse").order_blind_baseline(10, "token_accuracy", "encoder_decoder")
    assert np.mean(correct) == pytest.approx(expected, abs=0.01) and expected == pytest.approx(0.42, abs=0.01)


@pytest.mark.parametrize("architecture", ["encoder", "encoder_decoder"])
@pytest.mark.parametrize("name", ["recall", "unique_copy"])
def test_distinct_answers_are_guessed_among_all_or_among_those_that_are_left(name, architecture):
    """An encoder gives the smallest of the answers at every slot; an encoder-decoder the smallest not yet emitted."""
    task, length = build(name), 6
    answers = [y for _, y in draw_lists(name, length, 4000)]
    if architecture == "encoder":
        correct = [[s == min(y) for s in y] for y in answers]
    else:
        correct = [[s == min(y[i:]) for i, s in enumerate(y)] for y in answers]
    expected = {
        metric: task.order_blind_baseline(length, metric, architecture) for metric in ("token_accuracy", "exact_match")
    }
    assert np.mean(correct) == pytest.approx(expected["token_accuracy"], abs=0.01)
    assert np.mean([all(row) for row in correct]) == pytest.approx(expected["exact_match"], abs=0.003)
