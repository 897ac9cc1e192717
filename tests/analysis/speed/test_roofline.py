"""Counted work against the operations of the traced program, and rates that a loop measures."""

import math

import jax
import numpy as np
import pytest
from small_models import make_inputs

from jaxpe.analysis.speed import roofline
from jaxpe.analysis.speed.roofline import Rates, Work, count_forward_work, count_step_work, measure_loop
from jaxpe.training.config import RunConfig, Training
from jaxpe.training.mesh import make_mesh
from jaxpe.training.parameters import init_model
from jaxpe.training.sources import load_source

CONFIG = RunConfig("reverse", "encoder", "none", 5, 20, 16, 2, 4, training=Training(1, 6, length_buckets=1))


def count_traced(jaxpr):
    """Operations of matrix products, and numbers that `exp` and `tanh` are computed of, in a traced program."""
    products, exponentials, tanhs = 0, 0, 0
    for equation in jaxpr.eqns:
        inner = [value for value in equation.params.values() if hasattr(value, "eqns") or hasattr(value, "jaxpr")]
        for value in inner:
            counts = count_traced(getattr(value, "jaxpr", value))
            products, exponentials, tanhs = products + counts[0], exponentials + counts[1], tanhs + counts[2]
        size = math.prod(equation.outvars[0].aval.shape)
        if equation.primitive.name == "dot_general":
            (contracted, _), _ = equation.params["dimension_numbers"]
            products += 2 * size * math.prod(equation.invars[0].aval.shape[axis] for axis in contracted)
        exponentials += size if equation.primitive.name == "exp" else 0
        tanhs += size if equation.primitive.name == "tanh" else 0
    return products, exponentials, tanhs


def test_the_work_of_a_forward_pass_is_that_of_the_traced_program():
    source, tokens = load_source(CONFIG), 7
    model = init_model(CONFIG, source.stream)
    inputs = make_inputs(np.full(tokens, 3), source=np.zeros(0, int))
    products, exponentials, tanhs = count_traced(jax.make_jaxpr(lambda model: model(inputs).logits)(model).jaxpr)
    products -= 2 * tokens * CONFIG.width * source.stream.vocabulary  # the logits of the vocabulary
    assert count_forward_work(CONFIG, tokens) == Work(products, exponentials, tanhs)


def test_a_step_is_the_mean_over_the_lengths_of_a_batch_and_moves_parameters_and_moments():
    stream = load_source(CONFIG).stream
    work, lengths = count_step_work(CONFIG, stream), stream.lengths(1, 5)
    each = [count_forward_work(CONFIG, stream.sizes(length)[0]) for length in lengths]
    assert work.products == pytest.approx(3 * 6 * sum(part.products for part in each) / len(each))
    assert work.exponentials == pytest.approx(6 * sum(part.exponentials for part in each) / len(each))
    assert work.gelus == pytest.approx(2 * 6 * sum(part.gelus for part in each) / len(each))
    assert work.moved == 32 * sum(leaf.size for leaf in jax.tree.leaves(init_model(CONFIG, stream)))


def test_the_least_time_is_the_sum_over_all_kinds_of_work():
    assert Work(6, 4, 2, 1).compute_least_seconds(Rates(3, 4, 1, 0.5)) == 2 + 1 + 2 + 2


def test_of_two_measurements_the_better_counts_for_each_kind():
    assert Rates(3, 4, 1, 0.5).take_best(Rates(2, 5, 1, 0.7)) == Rates(3, 5, 1, 0.7)


def test_a_rate_is_that_of_all_devices_together(monkeypatch):
    clock = iter(range(10**9))
    monkeypatch.setattr(roofline.time, "perf_counter", lambda: next(clock))  # every call takes one second
    one, both = (measure_loop(lambda a: a + 1.0, (4,), make_mesh(jax.devices()[:n]), 0.1) for n in (1, 2))
    assert (one, both) == (1.0, 2.0)
