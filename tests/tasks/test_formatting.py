"""How an architecture sees x and y, and which places are trained and counted, against lists written out."""

import jax
import numpy as np
import pytest
from task_samples import build, make_subject

from jaxpe import tasks
from jaxpe.conformance.task_examples import LONGEST, write_out
from jaxpe.conformance.task_properties import format_batch
from jaxpe.data.examples import EOS, PAD, SPECIALS
from jaxpe.tasks.formatting import TaskStream

EACH = [(name, architecture) for name in tasks.CATALOGUE for architecture in build(name).architectures]


def pad(values, size):
    return np.pad(np.asarray(values, int), (0, size - len(values)), constant_values=PAD)


@pytest.mark.parametrize(("name", "architecture"), EACH)
def test_what_is_counted_is_the_answer_and_what_is_trained_besides_is_the_end(name, architecture):
    """At the shortest length and a longer one, in arrays with room for more: padding is never trained or counted."""
    task = build(name)
    sizes = TaskStream(task, architecture).sizes(LONGEST)
    for length in (task.lengths(1, 12)[0], task.lengths(1, 7)[-1]):
        samples = make_subject(name).draw(length)
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
