"""Exact match with teacher forcing against greedy decoding."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small_runs import CONFIG, train_replicas

from jaxpe.data.examples import EOS
from jaxpe.model import generate
from jaxpe.tasks.evaluation_sets import make_evaluation_key
from jaxpe.training.batches import make_inputs
from jaxpe.training.config import Training
from jaxpe.training.evaluate import compile_evaluator, evaluate, make_forward_options
from jaxpe.training.mesh import make_mesh
from jaxpe.training.scores import measure_scores
from jaxpe.training.sources import load_source


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ["decoder", "encoder_decoder"])
def test_exact_match_counts_the_examples_that_greedy_decoding_answers_without_error(architecture):
    training = Training(steps=200, batch=32, learning_rate=1e-2, length_buckets=1)
    config = replace(CONFIG, architecture=architecture, encoding="sinusoidal", train_length=3, training=training)
    stream = load_source(config).stream
    model = jax.tree.map(jnp.asarray, train_replicas(config, (0,), (1e-2,))[0].checkpoints["100"])
    evaluator = compile_evaluator(config, stream, {}, make_mesh(), 3, 32, measure_scores)
    [scores] = evaluate(evaluator, [model], {}, "reverse", 3, make_forward_options(config))

    @jax.jit
    def answers_without_error(key):
        example = stream.example(key, 3, 3, {})
        prompt = make_inputs(example, config.sampler, key)._replace(length=jnp.argmax(example.loss_mask) + 1)
        generated = generate(model, prompt, EOS)
        return ((generated == example.tokens) | (jnp.arange(len(generated)) >= example.length)).all()

    key = make_evaluation_key("reverse", 3)
    right = [answers_without_error(jax.random.fold_in(key, number)) for number in range(32)]
    assert np.sum(right) == int(scores.exact) > 0
