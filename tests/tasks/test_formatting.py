"""How an architecture sees x and y, and which places are trained and counted, against lists written out."""

from functools import partial

import jax
import numpy as np
import pytest
from task_samples import CHEAP, LONGEST, build, draw_batch

from jaxpe import tasks
from jaxpe.data.examples import BLANK, BOS, EOS, PAD, SEP, SPECIALS
from jaxpe.tasks.evaluation_sets import make_evaluation_key
from jaxpe.tasks.formatting import TaskStream, format_sample

EACH = [(name, architecture) for name in tasks.CATALOGUE for architecture in build(name).architectures]


@partial(jax.jit, static_argnums=(1, 2, 3), compiler_options=CHEAP)
def format_batch(samples, architecture, in_place, sizes):
    return jax.vmap(lambda sample: format_sample(sample, architecture, in_place, sizes))(samples)


def write_out(x, y, architecture, in_place):
    """Tokens, source, and the target at each place with a loss: the answers in order, and perhaps the end."""
    x, y = ([SPECIALS + symbol for symbol in part] for part in (x, y))
    if architecture == "encoder":
        first = 0 if in_place else len(x)
        return x + [BLANK] * (0 if in_place else len(y)), [], dict(enumerate(y, first))
    if architecture == "decoder":
        return [BOS, *x, SEP, *y, EOS], [], dict(enumerate([*y, EOS], len(x) + 1))
    return [BOS, *y, EOS], x, dict(enumerate([*y, EOS]))


def pad(values, size):
    return np.pad(np.asarray(values, int), (0, size - len(values)), constant_values=PAD)


@pytest.mark.parametrize(("name", "architecture"), EACH)
def test_what_is_counted_is_the_answer_and_what_is_trained_besides_is_the_end(name, architecture):
    """At the shortest length and a longer one, in arrays with room for more: padding is never trained or counted."""
    task = build(name)
    sizes = TaskStream(task, architecture).sizes(LONGEST)
    for length in (task.lengths(1, 12)[0], task.lengths(1, 7)[-1]):
        samples = draw_batch(task, make_evaluation_key(name, length), 0, length)
        examples = jax.tree.map(np.asarray, format_batch(samples, architecture, task.in_place, sizes))
        n, m = task.x_size(length), task.y_size(length)
        for i in range(40):
            x, y = (np.asarray(part[i, :size]).tolist() for part, size in ((samples.x, n), (samples.y, m)))
            tokens, source, targets = write_out(x, y, architecture, task.in_place)
            example = jax.tree.map(lambda part, i=i: part[i], examples)
            np.testing.assert_array_equal(example.tokens, pad(tokens, sizes[0]))
            np.testing.assert_array_equal(example.source, pad(source, sizes[1]))
            assert (example.length, example.source_length) == (len(tokens), len(source))
            assert example.targets[example.metric_mask].tolist() == [SPECIALS + symbol for symbol in y]
            assert np.flatnonzero(example.loss_mask).tolist() == list(targets)
            np.testing.assert_array_equal(example.targets, [targets.get(place, PAD) for place in range(sizes[0])])
            besides = example.targets[example.loss_mask & ~example.metric_mask].tolist()
            assert besides == ([] if architecture == "encoder" else [EOS])
            assert (example.metric_mask <= example.loss_mask).all()


@pytest.mark.parametrize(("name", "architecture"), EACH)
def test_sizes_are_those_of_the_longest_example(name, architecture):
    task, length = build(name), build(name).lengths(1, 9)[-1]
    x, y = [0] * task.x_size(length), [0] * task.y_size(length)
    tokens, source, _ = write_out(x, y, architecture, task.in_place)
    assert TaskStream(task, architecture).sizes(length) == (len(tokens), len(source))
    assert TaskStream(task, architecture).vocabulary == SPECIALS + task.symbols


def test_a_histogram_has_no_format_without_places():
    task = build("histogram")
    assert task.architectures == ("encoder", "decoder")
    assert task.order_blind_baseline(4, "token_accuracy", "decoder") is None
