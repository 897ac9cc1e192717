"""The loss of a batch and its gradient."""

import math
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small_runs import CONFIG, draw_compiled

from jaxpe.data.examples import EOS, PAD, Example
from jaxpe.model import Dropout, ForwardOptions
from jaxpe.training.batches import draw_batches, make_length_buckets
from jaxpe.training.loss import choose_group_size, compute_example_sums, compute_gradient
from jaxpe.training.parameters import init_model
from jaxpe.training.sources import load_source


def make_example(targets, trained):
    size = len(targets)
    source = jnp.zeros(0, jnp.int32)
    masks = jnp.asarray(trained), jnp.asarray(trained)
    return Example(jnp.zeros(size, jnp.int32), jnp.int32(size), jnp.asarray(targets), *masks, source, jnp.int32(0))


@pytest.mark.parametrize(("wrong", "weight"), [((), 1.0), ((2,), 0.5), ((3,), 2.0), ((0,), 1.5)])
def test_the_sums_of_an_example_equal_a_slow_loop(wrong, weight):
    """Places 1 to 3 are trained, with the end at 3; what is answered elsewhere does not count."""
    targets, trained = [PAD, 6, 7, EOS, PAD], [False, True, True, True, False]
    logits = np.random.default_rng(1).normal(size=(5, 9)).astype(np.float32)
    for place in (1, 2, 3):
        logits[place, 8 if place in wrong else targets[place]] = 5.0
    model = lambda inputs, options: SimpleNamespace(logits=jnp.asarray(logits))  # noqa: E731
    sums = compute_example_sums(model, make_example(targets, trained), None, weight, ForwardOptions())
    right = [int(logits[place].argmax()) == targets[place] for place in (1, 2, 3)]
    nats = [math.log(np.exp(logits[place].astype(float)).sum()) - logits[place, targets[place]] for place in (1, 2, 3)]
    expected = (sum(nats), 3, sum(right), all(right), 1)
    np.testing.assert_allclose(sums, [weight * value for value in expected], rtol=1e-5)
    assert all(right) == (wrong in ((), (0,)))


@pytest.mark.slow
def test_the_gradient_over_small_groups_equals_the_gradient_over_whole_buckets():
    stream = load_source(CONFIG).stream
    model, buckets = init_model(CONFIG, stream), make_length_buckets(stream, 6, CONFIG.training)
    batches = draw_batches(0, jnp.arange(1), {}, stream=stream, sampler=CONFIG.sampler, length_buckets=buckets)
    batches, options = jax.tree.map(lambda leaf: leaf[0], batches), ForwardOptions(progress=0.0)
    configs = [replace(CONFIG, activation_budget=budget) for budget in (1, 2**20)]
    gradients = [compute_gradient(model, batches, config, buckets, options) for config in configs]
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4), *gradients)
    options = options._replace(dropout=Dropout(0.3, jax.random.key(0)))  # a key for each example, whatever the groups
    dropped = [compute_gradient(model, batches, config, buckets, options) for config in configs]
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4), *dropped)
    assert abs(float(dropped[0][0].loss / gradients[0][0].loss) - 1) > 1e-3


def test_equal_examples_lose_other_numbers():
    stream = load_source(CONFIG).stream
    model, buckets = init_model(CONFIG, stream), make_length_buckets(stream, 6, CONFIG.training)
    batches = draw_compiled(0, jnp.arange(1), {}, stream=stream, sampler=CONFIG.sampler, length_buckets=buckets)
    copied = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf[0][:1], leaf[0].shape), batches)

    @partial(jax.jit, static_argnames="rate")
    def compare(model, copied, rate):
        """The loss divided by that of the first example of every bucket."""
        options = ForwardOptions(dropout=Dropout(rate, jax.random.key(0)))
        sums, _ = compute_gradient(model, copied, CONFIG, buckets, options)
        firsts = [
            compute_example_sums(
                model,
                *jax.tree.map(lambda leaf: leaf[0], batch),
                bucket.weight * bucket.examples,
                options._replace(dropout=options.dropout.select(0)),
            ).loss
            for bucket, batch in zip(buckets, copied, strict=True)
        ]
        return sums.loss / sum(firsts)

    assert float(compare(model, copied, 0.0)) == pytest.approx(1, abs=1e-5)
    assert abs(float(compare(model, copied, 0.3)) - 1) > 1e-3


def test_a_group_is_a_divisor_of_the_examples_within_the_activation_budget():
    assert choose_group_size(replace(CONFIG, activation_budget=1), 12, 8) == 1
    assert choose_group_size(replace(CONFIG, activation_budget=7 * 12 * 16), 12, 8) == 4
    assert choose_group_size(CONFIG, 12, 8) == 8
