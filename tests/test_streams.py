"""Random streams: no two uses of randomness in a grid share a key."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxpe import streams, tasks
from jaxpe.data.language import OBJECTIVES
from jaxpe.study.tuning import SEEDS
from jaxpe.tasks.evaluation_sets import make_evaluation_key

RUN_SEEDS = jnp.asarray([*range(10), *SEEDS])
fold = jax.random.fold_in


def fold_grid(key, *ranges):
    """The keys after folding in one number of each range after the other, for all combinations."""
    for numbers in ranges:
        numbers = jnp.asarray(list(numbers))
        key = jax.vmap(lambda parent, numbers=numbers: jax.vmap(lambda n: fold(parent, n))(numbers))(key.reshape(-1))
    return np.asarray(jax.random.key_data(key.reshape(-1)))


def make_keys(stream, seeds=RUN_SEEDS):
    return jax.vmap(lambda seed: streams.make_key(stream, seed))(seeds)


def count_different(keys):
    return len(np.unique(np.ascontiguousarray(keys).view(np.uint64)))


def test_a_million_keys_of_the_grid_are_all_different():
    """Of training (seed, step, bucket, example, use), of models (seed, side, part) and of tests (task, length, example)."""
    uses = [streams.STREAMS[name] for name in ("length", "data", "positions")]
    steps = [*range(200), *range(9_800, 10_000)]
    training = fold_grid(make_keys("data"), steps, range(2), range(32), uses)
    parts = [*range(12), *range(1000, 1012)]  # embedding, blocks, unembedding; encodings of cross-attention
    models = [fold_grid(make_keys(stream), range(3), parts, range(4)) for stream in ("initialisation", "encoding")]
    names = [*tasks.CATALOGUE, *OBJECTIVES, *[f"{name} validation" for name in (*tasks.CATALOGUE, *OBJECTIVES)], "use"]
    tests = [make_evaluation_key(name, length) for name in names for length in (1, 2, 3, 8, 10, 12, 20, 200)]
    examples = fold_grid(jnp.stack(tests), range(256), [streams.STREAMS["positions"]])
    whole = fold_grid(jnp.stack(tests), range(256))
    keys = np.concatenate([training, *models, examples, whole])
    assert len(keys) > 1_000_000 and count_different(keys) == len(keys)


def test_streams_have_numbers_of_their_own_and_keys_that_a_traced_seed_does_not_change():
    assert len(set(streams.STREAMS.values())) == len(streams.STREAMS)
    keys = jnp.stack([streams.make_key(name, seed) for name in streams.STREAMS for seed in range(200)])
    assert count_different(np.asarray(jax.random.key_data(keys))) == len(keys)
    traced = jax.jit(lambda seed: streams.make_key("data", seed))(7)
    np.testing.assert_array_equal(jax.random.key_data(traced), jax.random.key_data(streams.make_key("data", 7)))
