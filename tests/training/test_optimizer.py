"""Optimizers against slow loops, which parameters decay, and the schedule of the learning rate at its borders."""

import math
from dataclasses import replace
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small_runs import CONFIG

from jaxpe.training.config import Training
from jaxpe.training.optimizer import (
    compute_learning_rate_factor,
    compute_progress,
    list_change_steps,
    make_optimizer,
    select_decayed,
)
from jaxpe.training.parameters import flatten_model, init_model
from jaxpe.training.sources import load_source


def test_encodings_and_gains_do_not_decay():
    shapes = jax.eval_shape(lambda: init_model(CONFIG, load_source(CONFIG).stream))
    flags = flatten_model(select_decayed(shapes))
    assert not any(flag for name, flag in flags.items() if "encodings" in name or "gain" in name)
    assert all(flag for name, flag in flags.items() if "encodings" not in name and "gain" not in name)
    assert any("encodings" in name for name in flags) and any("gain" in name for name in flags)


PARAMETERS = {
    "blocks": {"weight": np.array([[1.0, -2.0], [3.0, 0.5]]), "gain": np.array([1.0, 2.0])},
    "encodings": {"table": np.array([[4.0, -1.0]])},
}


def clip_slowly(gradients, most):
    norm = math.sqrt(sum((leaf**2).sum() for leaf in gradients))
    return [leaf * min(1.0, most / norm) for leaf in gradients]


def adamw_slowly(steps, decay, clip):
    """The updates before the factor −learning rate: of the weight, the gain and the table, step by step."""
    parameters, structure = jax.tree.flatten(PARAMETERS)
    means, squares, updates = ([np.zeros_like(leaf) for leaf in parameters] for _ in range(3))
    for count, gradients in enumerate(steps, 1):
        for i, gradient in enumerate(clip_slowly(jax.tree.leaves(gradients), clip)):
            means[i] = 0.9 * means[i] + 0.1 * gradient
            squares[i] = 0.98 * squares[i] + 0.02 * gradient**2
            ratio = means[i] / (1 - 0.9**count) / (np.sqrt(squares[i] / (1 - 0.98**count)) + 1e-8)
            updates[i] = ratio
    updated = jax.tree.unflatten(structure, updates)
    updated["blocks"]["weight"] = updated["blocks"]["weight"] + decay * PARAMETERS["blocks"]["weight"]
    return updated


@pytest.mark.parametrize("size", [0.1, 0.99, 1.01, 50.0])
def test_the_optimizer_is_adamw_with_a_clipped_gradient(size):
    """Gradients of this norm, just below and above the clip of 1 too, and of changing relative size."""
    generator = np.random.default_rng(0)
    drawn = [jax.tree.map(lambda leaf: generator.normal(size=leaf.shape), PARAMETERS) for _ in range(3)]
    norms = [math.sqrt(sum((leaf**2).sum() for leaf in jax.tree.leaves(part))) for part in drawn]
    sizes = (size, 0.5 * size, 2 * size)
    scaled = zip(drawn, norms, sizes, strict=True)
    steps = [jax.tree.map(lambda leaf, f=s / n: f * leaf, part) for part, n, s in scaled]
    optimizer = make_optimizer(Training(weight_decay=0.3, clip=1.0))
    model = jax.tree.map(jnp.asarray, PARAMETERS)
    state = optimizer.init(model)
    for count, gradients in enumerate(steps, 1):
        updates, state = optimizer.update(jax.tree.map(jnp.asarray, gradients), state, model)
        expected = adamw_slowly(steps[:count], 0.3, 1.0)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-4, atol=1e-6), updates, expected)


def scale_slowly(name, steps):
    """Lion (Chen et al. 2023, Algorithm 2) and gradient descent with momentum, of one parameter: the last update."""
    momentum, update = 0.0, 0.0
    for gradient in steps:
        if name == "lion":
            update, momentum = np.sign(0.9 * momentum + 0.1 * gradient), 0.99 * momentum + 0.01 * gradient
        else:
            update = momentum = 0.9 * momentum + gradient
    return update


@pytest.mark.parametrize("name", ["lion", "sgd"])
def test_the_other_optimizers_equal_a_slow_loop_and_decay_the_weight_itself(name):
    steps = [0.3, -0.5, 0.9, -0.1]  # below the clip
    model = {"blocks": {"weight": jnp.full((1, 1), 2.0)}}
    optimizer = make_optimizer(Training(optimizer=name, weight_decay=0.3, clip=1.0))
    state = optimizer.init(model)
    for gradient in steps:
        updates, state = optimizer.update({"blocks": {"weight": jnp.full((1, 1), gradient)}}, state, model)
    assert float(updates["blocks"]["weight"][0, 0]) == pytest.approx(scale_slowly(name, steps) + 0.3 * 2.0, abs=1e-6)


def schedule_slowly(step, steps, warmup, decay):
    warmup = min(warmup, steps // 2)
    if step < warmup:
        return (step + 1) / (warmup + 1)
    passed = (step - warmup) / (steps - warmup)
    return 1 - passed if decay == "linear" else (1 + math.cos(math.pi * passed)) / 2


@pytest.mark.parametrize("decay", ["linear", "cosine"])
@pytest.mark.parametrize(("steps", "warmup"), [(101, 0), (100, 4), (10, 50), (11, 5), (2, 1), (1, 0), (3000, 50)])
def test_the_learning_rate_one_step_before_and_after_each_border(steps, warmup, decay):
    """It rises in equal steps, is whole at the first step after the warm-up, and falls to almost zero at the last."""
    training, end = Training(steps=steps, warmup=warmup, decay=decay), min(warmup, steps // 2)
    borders = sorted({0, 1, end - 1, end, end + 1, steps // 3, steps - 2, steps - 1} & set(range(steps)))
    factors = [float(compute_learning_rate_factor(jnp.int32(step), training)) for step in borders]
    assert factors == pytest.approx([schedule_slowly(step, steps, warmup, decay) for step in borders], abs=2e-6)
    assert factors[borders.index(end)] == 1 and max(factors) == 1 and min(factors) > 0


def test_the_schedules_that_do_not_end_at_zero():
    """Inverse square root: a quarter of the steps after which it is half; constant: the peak to the end."""
    factors = {
        decay: [
            float(compute_learning_rate_factor(jnp.int32(step), Training(steps=500, warmup=24, decay=decay)))
            for step in (0, 24, 99, 224, 499)
        ]
        for decay in ("inverse_sqrt", "constant")
    }
    assert factors["inverse_sqrt"] == pytest.approx([1 / 25, 1, 1 / 2, 1 / 3, math.sqrt(25 / 500)], abs=1e-6)
    assert factors["constant"] == pytest.approx([1 / 25, 1, 1, 1, 1], abs=1e-6)


def test_the_learning_rate_at_a_quarter_and_a_half():
    for decay, quarter in (("linear", 0.75), ("cosine", 0.853553)):
        training = Training(steps=100, warmup=0, decay=decay)
        factors = [float(compute_learning_rate_factor(jnp.int32(step), training)) for step in (25, 50)]
        assert factors == pytest.approx([quarter, 0.5], abs=1e-6)


@pytest.mark.parametrize("decay", ["linear", "cosine"])
@pytest.mark.parametrize(
    ("steps", "warmup", "begin", "second_warmup"),
    [(1000, 50, 700, 15), (100, 50, 30, 35), (100, 3, 90, 1), (20, 0, 10, 0)],
)
def test_the_schedule_starts_again_where_the_encoding_changes(steps, warmup, begin, second_warmup, decay):
    """One step before and after each border; before the change it is the schedule of an encoding that does not change."""
    training, left = Training(steps=steps, warmup=warmup, decay=decay), steps - begin
    end = begin + second_warmup
    borders = sorted({0, begin - 2, begin - 1, begin, begin + 1, end - 1, end, end + 1, steps - 2, steps - 1})
    factors = [float(compute_learning_rate_factor(jnp.int32(step), training, (begin,))) for step in borders]
    expected = [
        schedule_slowly(step, steps, warmup, decay)
        if step < begin
        else schedule_slowly(step - begin, left, second_warmup, decay)
        for step in borders
    ]
    assert factors == pytest.approx(expected, abs=2e-6) and factors[borders.index(end)] == 1


def test_the_schedule_starts_again_at_each_of_two_changes():
    training = Training(steps=100, warmup=10)
    factors = [float(compute_learning_rate_factor(jnp.int32(step), training, (50, 80))) for step in range(100)]
    begins = [(0, 100, 10)] * 50 + [(50, 50, 5)] * 30 + [(80, 20, 2)] * 20
    expected = [
        schedule_slowly(step - begin, steps, warmup, "cosine") for step, (begin, steps, warmup) in enumerate(begins)
    ]
    assert factors == pytest.approx(expected, abs=2e-6)


@pytest.mark.parametrize("steps", [1, 7, 97, 100, 800, 1500, 3000, 10_000])
@pytest.mark.parametrize("after", [0.1, 0.3, 0.57, 0.6, 0.7, 0.875])
def test_the_schedule_starts_again_at_the_first_step_without_the_encoding(steps, after):
    """As exact fractions have it, and as the comparison of a compiled program does."""
    config = replace(CONFIG, encoding="drop", encoding_options=(("after", after),), training=Training(steps=steps))
    first = math.ceil(Fraction(str(after)) * steps)
    assert list_change_steps(config) == ((first,) if first < steps else ())
    acts = jax.jit(jax.vmap(lambda step: compute_progress(step, steps) < after))(jnp.arange(steps))
    np.testing.assert_array_equal(acts, np.arange(steps) < first)


@pytest.mark.parametrize("architecture", ["encoder", "decoder", "encoder_decoder"])
def test_only_encodings_that_change_have_steps_at_which_they_do(architecture):
    config = replace(CONFIG, architecture=architecture, training=Training(steps=100))
    names = ("learned", "none", "rotary", "interleaved_scaled")
    assert [list_change_steps(replace(config, encoding=name)) for name in names] == [(), (), (), ()]
    for base in ("learned", "rotary"):
        dropped = replace(config, encoding="drop", encoding_options=(("base", base), ("after", 0.5)))
        assert list_change_steps(dropped) == (50,)


def test_an_edit_of_an_encoding_changes_where_its_schedule_starts_again(tmp_path):
    """In one process, as in a notebook."""
    path = tmp_path / "mine.py"
    config = replace(CONFIG, encoding=f"{path}:Mine")
    for share in (0.5, 0.25):
        path.write_text(
            "from jaxpe.encodings import Encoding\n"
            f"class Mine(Encoding):\n    def __init__(self, context, *, key):\n        self.changes_at = ({share},)\n"
        )
        assert list_change_steps(config) == (share * CONFIG.training.steps,)
