"""Weight decay and the schedule of the learning rate."""

import jax.numpy as jnp
import pytest
from small_runs import CONFIG

from jaxpe.training.config import Training
from jaxpe.training.optimizer import compute_learning_rate_factor, select_decayed
from jaxpe.training.parameters import flatten_model, init_model
from jaxpe.training.sources import load_source


def test_encodings_and_gains_do_not_decay():
    flags = flatten_model(select_decayed(init_model(CONFIG, load_source(CONFIG).stream)))
    assert not any(flag for name, flag in flags.items() if "encodings" in name or "gain" in name)
    assert flags["stack.blocks.0.attention.query"]


@pytest.mark.parametrize(("decay", "quarter"), [("linear", 0.75), ("cosine", 0.85)])
def test_the_learning_rate_falls_from_one_over_a_half_to_zero(decay, quarter):
    training = Training(steps=101, warmup=0, decay=decay)
    factors = [float(compute_learning_rate_factor(jnp.int32(n), training)) for n in (0, 25, 50, 100)]
    assert factors[0] == 1 and factors[1] == pytest.approx(quarter, abs=0.01)
    assert factors[2] == pytest.approx(0.5, abs=0.01) and factors[3] < 0.02


def test_the_learning_rate_rises_in_equal_steps_during_the_warm_up():
    factors = [float(compute_learning_rate_factor(jnp.int32(n), Training(steps=100, warmup=4))) for n in range(5)]
    assert factors == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
