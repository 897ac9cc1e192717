"""Tests of models: sums against one example after the other, and exact match against greedy decoding."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from slow_evaluation import assert_close, evaluate_slowly
from small_runs import CONFIG, train_replicas

from jaxpe.data.examples import EOS
from jaxpe.model import ForwardOptions, generate
from jaxpe.positions import build_sampler
from jaxpe.tasks.evaluation_sets import make_evaluation_key
from jaxpe.training.batches import make_inputs
from jaxpe.training.config import Training
from jaxpe.training.evaluate import compile_evaluator, evaluate, make_forward_options
from jaxpe.training.mesh import make_mesh
from jaxpe.training.parameters import init_model
from jaxpe.training.scores import measure_scores
from jaxpe.training.sources import load_source

DROPPED = replace(
    CONFIG, task="copy", architecture="decoder", encoding="drop", encoding_options=(("after", 0.5),), width=8
)


@pytest.fixture(scope="module")
def models():
    """Three models, so that two devices do not share them evenly."""
    stream = load_source(DROPPED).stream
    init = jax.jit(lambda seed: init_model(DROPPED, stream, seed))
    return [init(seed) for seed in range(3)]


@pytest.fixture(scope="module")
def evaluator():
    return compile_evaluator(DROPPED, load_source(DROPPED).stream, {}, make_mesh(), 4, 6, measure_scores)


@pytest.mark.parametrize(
    ("length", "shift", "scaling_length", "progress"), [(4, 0, np.inf, 1.0), (3, 0, 5.0, 0.25), (2, 20, np.inf, 0.5)]
)
def test_sums_equal_those_of_one_example_after_the_other(models, evaluator, length, shift, scaling_length, progress):
    options = make_forward_options(DROPPED, scaling_length, progress)
    results = evaluate(evaluator, models, {}, "copy", length, options, shift)
    given = ForwardOptions(scaling_length=jnp.float32(scaling_length), progress=jnp.float32(progress))
    assert len(results) == 3
    for model, scores in zip(models, results, strict=True):
        assert_close(scores, evaluate_slowly(DROPPED, model, length, shift=shift, options=given))
        assert scores.examples == 6 and scores.answers == 6 * length


def test_what_changes_a_test_changes_its_sums(models, evaluator):
    """The share of training decides whether a dropped encoding acts; without it a shift changes nothing."""

    def measure(**options):
        shift = options.pop("shift", 0)
        return float(
            evaluate(evaluator, models[:1], {}, "copy", 4, make_forward_options(DROPPED, **options), shift)[0].nats
        )

    plain, acting, scaled = measure(), measure(progress=0.25), measure(scaling_length=2.0)
    assert len({plain, acting, scaled}) == 3
    assert measure(shift=9) == pytest.approx(plain, abs=1e-3) and measure(progress=0.5) == plain


def test_a_sampler_draws_the_positions_of_every_example_anew(models):
    sampler, config = build_sampler("randomized", limit=60), DROPPED
    evaluator = compile_evaluator(config, load_source(config).stream, {}, make_mesh(), 4, 6, measure_scores, sampler)
    options = make_forward_options(config, progress=0.25)
    given = ForwardOptions(progress=jnp.float32(0.25))
    [scores] = evaluate(evaluator, models[:1], {}, "copy", 4, options)
    assert_close(scores, evaluate_slowly(config, models[0], 4, sampler, options=given))


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ["decoder", "encoder_decoder"])
def test_exact_match_counts_the_examples_that_greedy_decoding_answers_without_error(architecture):
    training = Training(steps=200, batch=32, learning_rate=1e-2, length_buckets=1)
    config = replace(CONFIG, architecture=architecture, encoding="sinusoidal", train_length=3, training=training)
    stream = load_source(config).stream
    model = jax.tree.map(jnp.asarray, train_replicas(config, (0,), (1e-2,))[0].snapshots["100"])
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
