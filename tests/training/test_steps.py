"""One step of a replica with sums and gradients that the test decides: at every border, and after a poisoned batch."""

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small_runs import CONFIG

from jaxpe.encodings import Context, View, build_encoding
from jaxpe.training import train
from jaxpe.training.config import Training
from jaxpe.training.loss import BatchSums
from jaxpe.training.optimizer import compute_learning_rate_factor, make_optimizer

GOOD = {"loss": 8.0, "answers": 4.0, "correct": 3.0, "exact": 2.0, "examples": 2.0, "gradient": 1.0}
STEPS = 60


@pytest.fixture(autouse=True)
def given_gradients(monkeypatch):
    """A batch says what its sums and its gradient are; the share of training that is done is added to its loss."""

    def compute(model, batches, config, buckets, options):
        sums = BatchSums(*(batches[name] for name in BatchSums._fields))
        sums = sums._replace(loss=sums.loss + sums.answers * options.progress)
        return sums, jax.tree.map(lambda leaf: jnp.full_like(leaf, batches["gradient"]) * jnp.sign(leaf), model)

    monkeypatch.setattr(train, "compute_gradient", compute)


def make_config(**training):
    return replace(CONFIG, training=Training(**{"steps": STEPS, "warmup": 4} | training))


def make_replica(config):
    model = {"weight": jnp.array([[1.0, -2.0], [3.0, 0.5]]), "gain": jnp.array([1.0, 2.0])}
    return train.Replica(
        model,
        make_optimizer(config.training).init(model),
        alive=jnp.ones((), bool),
        seed=jnp.int32(0),
        learning_rate=jnp.float32(0.1),
        history=jnp.zeros((STEPS // train.HISTORY_EVERY, 4)),
        stopped=jnp.zeros((), bool) if config.training.stop_every else None,
    )


def make_batches(changes):
    """Good batches for all steps, except for what changes at some."""
    batches = {name: np.full(STEPS, value, np.float32) for name, value in GOOD.items()}
    for step, values in changes.items():
        for name, value in values.items():
            batches[name][step] = value
    return {name: jnp.asarray(values) for name, values in batches.items()}


@partial(jax.jit, static_argnames="config")
def advance(replica, batches, stop, config):
    """Compiled once for a config, with the gradients of the fixture."""
    return train.train_steps(replica, batches, 0, 0, stop, config, ())


def run(config, changes, stop=STEPS):
    """The replica after the first `stop` steps."""
    return advance(make_replica(config), make_batches(changes), stop, config)


def assert_equal_bits(a, b):
    jax.tree.map(np.testing.assert_array_equal, a, b)


POISONED = [
    pytest.param({"loss": np.nan}, id="loss nan"),
    pytest.param({"loss": np.inf}, id="loss inf"),
    pytest.param({"gradient": np.nan}, id="gradient nan"),
    pytest.param({"gradient": np.inf}, id="gradient inf"),
]


@pytest.mark.parametrize("step", [0, 7, 9, 10])
@pytest.mark.parametrize("poison", POISONED)
def test_after_a_poisoned_batch_nothing_moves(poison, step):
    """Neither model, optimizer nor history, however good the batches after it are; before it all is as it was."""
    config, changes = make_config(), {step: poison}
    before = run(config, {}, step)
    assert bool(before.alive)
    for stop in (step + 1, step + 2, STEPS):
        after = run(config, changes, stop)
        assert not bool(after.alive)
        assert_equal_bits(after._replace(alive=before.alive), before)
    ends = train.average_history(after)["step"]
    assert ends == [end for end in (10, 20) if end <= step] + ([step] if step % 10 else [])


def test_a_poisoned_neighbour_changes_no_bit():
    config = make_config()
    pair = jax.tree.map(lambda leaf: jnp.stack([leaf, leaf]), make_replica(config))
    advance = jax.jit(jax.vmap(lambda replica, batches: train.train_steps(replica, batches, 0, 0, 20, config, ())))

    def advance_pair(changes):
        batches = [make_batches({}), make_batches(changes)]
        return advance(pair, jax.tree.map(lambda *leaves: jnp.stack(leaves), *batches))

    calm, poisoned = advance_pair({}), advance_pair({5: {"loss": np.nan}})
    first = partial(jax.tree.map, lambda leaf: leaf[0])
    assert_equal_bits(first(calm), first(poisoned))
    assert poisoned.alive.tolist() == [True, False] and calm.alive.all()


def test_a_step_divides_by_the_answers_and_moves_by_the_learning_rate():
    config = make_config()
    for step in (0, 3, 4, 5, STEPS - 1):
        replica = make_replica(config)
        batch = jax.tree.map(lambda leaf, step=step: leaf[step], make_batches({step: {"gradient": 2.0}}))
        after = train.train_step(jnp.int32(step), replica, batch, config, ())
        gradient = jax.tree.map(lambda leaf: 2.0 / 4.0 * jnp.sign(leaf), replica.model)
        updates, _ = make_optimizer(config.training).update(gradient, replica.optimizer_state, replica.model)
        rate = 0.1 * float(compute_learning_rate_factor(jnp.int32(step), config.training))
        expected = jax.tree.map(lambda p, u, rate=rate: p - rate * u, replica.model, updates)
        jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-6), after.model, expected)
        row = [2.0 + step / STEPS, 0.75, 1.0, 1.0]
        np.testing.assert_allclose(after.history[step // 10], row, rtol=1e-6)
        assert not np.delete(np.asarray(after.history), step // 10, axis=0).any()


def test_the_history_has_the_mean_of_every_ten_steps():
    history = train.average_history(run(make_config(), {12: {"correct": 1.0, "exact": 0.0}}, 25))
    assert history["step"] == [10, 20, 25]
    done = [np.mean([step / STEPS for step in steps]) for steps in (range(10), range(10, 20), range(20, 25))]
    assert history["loss"] == pytest.approx([2 + share for share in done], rel=1e-6)
    assert history["token_accuracy"] == pytest.approx([0.75, 0.7, 0.75])
    assert history["exact_match"] == pytest.approx([1.0, 0.9, 1.0])


@pytest.mark.parametrize(
    ("error", "stops"),
    [(None, 20), (9, 20), (10, 40), (19, 40), (29, 20), (30, 20), ((10, 30), 60), ((19, 39), 60), ((10, 29), 40)],
)
def test_training_stops_where_the_last_ten_batches_had_no_error(error, stops):
    """At multiples of stop_every alone; one step before it still moves, and after it nothing does, even if poisoned."""
    config = make_config(stop_every=20)
    errors = {step: {"exact": 1.0} for step in np.atleast_1d([] if error is None else error)}
    before, at = run(config, errors, stops - 1), run(config, errors, stops)
    assert not bool(before.stopped) and bool(at.stopped) == (stops < STEPS or 59 not in errors) and bool(at.alive)
    assert not np.array_equal(before.model["weight"], at.model["weight"])
    for change in ({"gradient": 3.0}, {"loss": np.nan}, {"exact": 0.0}):
        for step in sorted({min(stops, STEPS - 1), STEPS - 1} - {stops - 1}):
            assert_equal_bits(run(config, errors | {step: change}), at)


@pytest.mark.parametrize("step", [5, 18, 19])
def test_a_replica_that_diverged_never_stops(step):
    after = run(make_config(stop_every=20), {step: {"gradient": np.nan}})
    assert not bool(after.alive) and not bool(after.stopped)


@pytest.mark.parametrize(("steps", "after"), [(10, 0.7), (100, 0.6), (100, 0.7), (40, 0.5), (3000, 0.7), (7, 0.3)])
def test_drop_acts_for_its_share_of_the_steps(steps, after, monkeypatch):
    """The loss of a step is 1 where the encoding acts: the first steps, of which there are `after` times all."""
    config = make_config(steps=steps)
    encoding = build_encoding("drop", Context(8, 2, 9, "causal"), key=jax.random.key(0), after=after)
    q = jnp.ones((2, 2, 4))

    def compute(model, batches, config, buckets, options):
        rotated, _ = encoding.at(0, options.progress).rotate(q, q, View(jnp.arange(2), jnp.arange(2)))
        acts = (rotated != q).any().astype(jnp.float32)
        return BatchSums(acts, *[jnp.ones(())] * 4), jax.tree.map(jnp.zeros_like, model)

    monkeypatch.setattr(train, "compute_gradient", compute)
    replica = make_replica(config)._replace(history=jnp.zeros((-(-steps // train.HISTORY_EVERY), 4)))
    advance = jax.jit(lambda replica: train.train_steps(replica, [jnp.zeros(steps)], 0, 0, steps, config, ()))
    acting = train.average_history(advance(replica))["loss"]
    count = round(after * steps) if abs(after * steps - round(after * steps)) < 1e-6 else int(after * steps) + 1
    whole, part = divmod(count, train.HISTORY_EVERY)
    assert acting[:whole] == [1.0] * whole and not any(acting[whole + 1 :])
    assert acting[whole] == pytest.approx(part / min(train.HISTORY_EVERY, steps - 10 * whole))


@pytest.mark.parametrize(("after", "stops"), [(0.6, 40), (0.65, 40), (0.7, 60), (0.3, 20)])
def test_training_does_not_stop_before_a_step_without_the_dropped_encoding(after, stops):
    """The 60 steps are looked at after 20, 40 and 60: at 0.65 the encoding is dropped from step 39 on, the 40th."""
    config = replace(make_config(stop_every=20), encoding="drop", encoding_options=(("after", after),))
    assert [bool(run(config, {}, stop).stopped) for stop in (stops - 1, stops)] == [False, True]
