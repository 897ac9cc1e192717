"""Costs: counted operations against hand counts, and times that are compared within a round."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxpe.analysis import cost
from jaxpe.study import presets, run_configs
from jaxpe.study.experiment import load_experiment
from jaxpe.training import parameters


def make_configs(*names):
    size = presets.narrow_grid(load_experiment("scorecard").module.PRESETS["quick"], ["reverse"], names, ["decoder"])
    return {config.encoding: config for config in run_configs.expand_grid(size, {})}


@pytest.mark.parametrize(("m", "k", "n"), [(3, 4, 5), (128, 64, 32)])
def test_operations_of_a_matrix_product(m, k, n):
    a, b = (jax.ShapeDtypeStruct(shape, jnp.float32) for shape in ((m, k), (k, n)))
    assert cost.count_flops(jnp.matmul, a, b) == 2 * m * k * n
    assert cost.count_flops(lambda a, b: a @ b + 1, a, b) == 2 * m * k * n + m * n


def test_parameters_and_operations_by_hand():
    """D² four times for attention and eight for the MLP, two gains a block and one at the end, embedding and head."""
    found = make_configs("none", "learned")
    config, learned = found["none"], found["learned"]
    source = run_configs.open_source(config, {})
    d, layers, v, n = config.width, config.layers, source.stream.vocabulary, config.train_length
    by_hand = 2 * v * d + layers * (12 * d * d + 2 * d) + d
    assert parameters.count_parameters(config, source.stream) == by_hand
    assert parameters.count_parameters(learned, source.stream) == by_hand + learned.table_length * d
    flops, tokens = cost.count_forward_flops(config, source, n)
    assert tokens == max(source.stream.sizes(n))
    products = 2 * tokens * (layers * 12 * d * d + v * d) + layers * 4 * tokens**2 * d
    assert products < flops < 1.3 * products  # the rest: softmax, norms, GELU


def test_times_are_taken_in_turn_and_compared_within_a_round():
    now, order, slow = [0.0], [], iter([1, 1, 1, 5, 5, 5, 2, 2, 2])  # the machine slows down in the second round

    def program(name, seconds):
        def call():
            order.append(name)
            now[0] += seconds * next(slow)

        return call

    calls = [program("a", 3.0), program("b", 2.0), program("c", 6.0)]
    seconds = cost.time_in_turn(calls, rounds=3, clock=lambda: now[0])
    assert "".join(order) == "abc" + "cba" + "abc"
    np.testing.assert_allclose(seconds, [[3, 2, 6], [15, 10, 30], [6, 4, 12]])
    np.testing.assert_allclose(cost.compute_time_ratios(seconds), [1, 1.5, 0.5])
    np.testing.assert_allclose(
        cost.compute_time_ratios(np.array([[1.0, 2], [4, 5], [9, 1]])), [1, 0.8]
    )  # median of .5, .8, 9
