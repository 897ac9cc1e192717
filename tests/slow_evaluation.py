"""Scores of a model on an evaluation set, one example after the other and without padding."""

from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np

from jaxpe import streams
from jaxpe.model import ForwardOptions, Inputs
from jaxpe.tasks.evaluation_sets import make_evaluation_key
from jaxpe.training.scores import Scores, measure_scores
from jaxpe.training.sources import load_source


@cache
def compile_measurement(config, sampler, shift):
    """The scores of a model on the example of a key, compiled once for all models of a config."""
    stream = load_source(config).stream

    @partial(jax.jit, static_argnames="length")
    def measure(model, options, key, length):
        example = stream.example(key, length, length, {})
        places = jnp.arange(example.tokens.shape[0]) + shift
        if sampler is not None:
            target = jax.random.fold_in(jax.random.fold_in(key, streams.STREAMS["positions"]), 0)
            places = sampler(target, example.tokens, example.length)
        nothing = jnp.zeros(0, jnp.int32)
        inputs = Inputs(example.tokens, places, example.length, nothing, nothing, jnp.int32(0))
        return measure_scores(model(inputs, options).logits, example, {})

    return measure


def evaluate_slowly(config, model, length, sampler=None, shift=0, options=None, examples=6, name=None):
    """The sums over the evaluation set of a length, of a decoder or an encoder. `name`: of the examples."""
    measure, key = compile_measurement(config, sampler, shift), make_evaluation_key(name or config.task, length)
    keys = [jax.random.fold_in(key, number) for number in range(examples)]
    parts = [measure(model, options or ForwardOptions(), key, length) for key in keys]
    return jax.tree.map(lambda *values: np.sum(values, axis=0), *parts)


def assert_close(scores, expected):
    """Without the output indices that only the padding of one of the two has."""
    for name, value, other in zip(Scores._fields, scores, expected, strict=True):
        size = min(np.size(value), np.size(other))
        np.testing.assert_allclose(np.ravel(value)[:size], np.ravel(other)[:size], rtol=2e-4, atol=1e-4, err_msg=name)
        assert not np.ravel(value)[size:].any()
