"""Batches: length buckets, and examples against drawing them one by one."""

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from small_runs import CONFIG, draw_compiled

from jaxpe import positions, streams
from jaxpe.training.batches import make_inputs, make_length_buckets
from jaxpe.training.config import Training
from jaxpe.training.sources import load_source


def test_length_buckets_hold_every_length_once_with_equal_weight():
    stream = load_source(CONFIG).stream
    buckets = make_length_buckets(stream, 6, Training(batch=16, length_buckets=4))
    assert [length for bucket in buckets for length in bucket.lengths] == list(range(1, 7))
    weights = [bucket.examples * bucket.weight / len(bucket.lengths) for bucket in buckets]
    np.testing.assert_allclose(weights, weights[0])


def test_source_and_target_have_random_positions_of_their_own():
    """Drawn from two keys, with the lengths of their own side."""
    stream = load_source(replace(CONFIG, architecture="encoder_decoder")).stream
    sampler, key = positions.build_sampler("randomized", limit=60), jax.random.key(5)
    example = stream.example(jax.random.key(1), 5, 6, {})
    inputs = make_inputs(example, sampler, key)
    sides = [
        (example.tokens, example.length, inputs.positions),
        (example.source, example.source_length, inputs.source_positions),
    ]
    for number, (tokens, length, places) in enumerate(sides):
        expected = sampler(jax.random.fold_in(key, number), tokens, length)
        np.testing.assert_array_equal(places[:length], expected[:length])
    assert set(np.asarray(inputs.positions[:5]).tolist()) != set(np.asarray(inputs.source_positions[:5]).tolist())


def test_every_training_length_is_drawn_equally_often():
    """The shortest and the longest of each range too; over many steps, in the number of examples times their weight."""
    stream = load_source(CONFIG).stream
    buckets = make_length_buckets(stream, 6, Training(batch=8, length_buckets=2))
    batches = draw_compiled(0, jnp.arange(300), {}, stream=stream, sampler=CONFIG.sampler, length_buckets=buckets)
    lengths = [np.asarray(example.length).ravel() // 2 for example, _ in batches]  # tokens of x and of y
    for bucket, drawn in zip(buckets, lengths, strict=True):
        counts = np.bincount(drawn, minlength=7)[list(bucket.lengths)]
        assert counts.sum() == 300 * bucket.examples and stats.chisquare(counts).pvalue > 1e-3
    assert sum(bucket.examples for bucket in buckets) == 8


def test_batches_of_different_steps_and_seeds_differ():
    stream = load_source(CONFIG).stream
    buckets = make_length_buckets(stream, 6, Training(batch=8, length_buckets=1))
    draw = partial(draw_compiled, stream=stream, sampler=CONFIG.sampler, length_buckets=buckets)
    [(first, _)], [(second, _)] = (draw(seed, jnp.arange(40), {}) for seed in (0, 1))
    tokens = np.concatenate([np.asarray(part.tokens).reshape(40, -1) for part in (first, second)])
    assert len(np.unique(tokens, axis=0)) == 80


@pytest.mark.parametrize("architecture", ["encoder", "decoder", "encoder_decoder"])
def test_batches_equal_examples_drawn_one_by_one(architecture):
    """Examples are drawn together in large arrays and cropped; each is the one that its bucket draws by itself."""
    stream = load_source(replace(CONFIG, architecture=architecture)).stream
    buckets = make_length_buckets(stream, 6, Training(batch=6))
    sampler = positions.build_sampler("randomized", limit=60)
    batches = draw_compiled(3, jnp.asarray([7]), {}, stream=stream, sampler=sampler, length_buckets=buckets)

    @partial(jax.jit, static_argnames="longest")
    def draw_alone(key, length, longest):
        data_key, position_key = (jax.random.fold_in(key, streams.STREAMS[name]) for name in ("data", "positions"))
        example = stream.example(data_key, length, longest, {})
        return example, make_inputs(example, sampler, position_key)

    for i, (bucket, batch) in enumerate(zip(buckets, batches, strict=True)):
        for number in range(bucket.examples):
            key = streams.make_key("data", 3)
            for part in (7, i, number):
                key = jax.random.fold_in(key, part)
            example, inputs = jax.tree.map(lambda leaf, n=number: leaf[0, n], batch)
            assert int(inputs.length) == int(example.length)
            length = next(n for n in bucket.lengths if stream.sizes(n)[0] == int(example.length))
            expected, places = draw_alone(key, length, longest=bucket.lengths[-1])
            jax.tree.map(np.testing.assert_array_equal, example, expected)
            n, m = int(expected.length), int(expected.source_length)
            np.testing.assert_array_equal(inputs.positions[:n], places.positions[:n])
            np.testing.assert_array_equal(inputs.source_positions[:m], places.source_positions[:m])
