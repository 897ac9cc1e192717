"""Training: length_buckets, pairing, replicas, bits, divergence, resume after kills, and evaluation against generation."""

import json
import subprocess
import sys
from dataclasses import fields, replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxpe import positions, streams
from jaxpe.data.examples import EOS
from jaxpe.model import ForwardOptions, generate
from jaxpe.tasks import evaluation_sets
from jaxpe.training import evaluate, parameters, population, train
from jaxpe.training.config import RunConfig, Training, identity, source_of
from jaxpe.training.population import ReplicaSpec

CONFIG = RunConfig("reverse", "encoder", "learned", 6, 60, width=16, training=Training(steps=40, batch=16))


def trained(config=CONFIG, seeds=(0, 1), learning_rates=None, progress=lambda steps: None, resume=None):
    source = source_of(config)
    program = population.compile_program(config, source, population.runs_mesh())
    specs = [ReplicaSpec(seed, rate) for seed, rate in zip(seeds, learning_rates or [3e-3] * len(seeds), strict=True)]
    return population.train_round(config, source, program, specs, resume, progress)


def leaves(result):
    return [np.asarray(leaf) for leaf in jax.tree.leaves(result.checkpoints["100"])]


def same(a, b):
    return all(np.array_equal(x, y) for x, y in zip(leaves(a), leaves(b), strict=True))


@pytest.fixture(scope="module")
def two():
    return trained()


def test_the_same_seed_gives_the_same_bits_twice_whatever_the_neighbour(two):
    again = trained(seeds=(1, 0))
    assert same(two[0], again[1]) and same(two[1], again[0]) and not same(two[0], two[1])


def test_a_lane_equals_a_plain_loop(two):
    stream = source_of(CONFIG).stream
    replica = train.start(CONFIG, stream, 0, 3e-3)
    length_buckets = train.length_buckets_of(stream, 6, CONFIG.training)
    drawn = evaluate.drawn_batches(
        0, jnp.arange(40), {}, stream=stream, sampler=CONFIG.sampler, length_buckets=length_buckets
    )
    step = jax.jit(lambda number, replica, batches: train.step(number, replica, batches, CONFIG, length_buckets))
    for number in range(40):
        replica = step(jnp.int32(number), replica, jax.tree.map(lambda leaf, number=number: leaf[number], drawn))
    for a, b in zip(jax.tree.leaves(replica.model), leaves(two[0]), strict=True):
        np.testing.assert_allclose(a, b, atol=2e-3)


def test_a_lane_that_diverges_is_frozen_and_its_neighbours_bits_stay(two):
    found = trained(learning_rates=[3e-3, 1e30])
    assert found[1].diverged and not found[0].diverged and same(found[0], two[0])
    assert all(np.isfinite(leaf).all() for leaf in leaves(found[1]))
    assert len(found[1].history["step"]) < len(found[0].history["step"])


def test_strata_keep_every_length_equally_weighted():
    stream = source_of(CONFIG).stream
    length_buckets = train.length_buckets_of(stream, 6, Training(batch=16, length_buckets=4))
    assert [length for bucket in length_buckets for length in bucket.lengths] == list(range(1, 7))
    per_length = [s.examples * s.weight / len(s.lengths) for s in length_buckets]
    np.testing.assert_allclose(per_length, per_length[0])


@pytest.mark.parametrize("architecture", ["encoder", "decoder", "encoder_decoder"])
def test_batches_are_examples_of_the_strata_drawn_one_by_one(architecture):
    """Drawn together and cut, they are what each bucket draws by itself in arrays of its own size."""
    stream = source_of(replace(CONFIG, architecture=architecture)).stream
    length_buckets, sampler = (
        train.length_buckets_of(stream, 6, CONFIG.training),
        positions.build("randomized", limit=60),
    )
    batches = train.batches_of(3, jnp.asarray([7]), {}, stream=stream, sampler=sampler, length_buckets=length_buckets)
    for i, (bucket, (examples, inputs)) in enumerate(zip(length_buckets, batches, strict=True)):
        for number in range(bucket.examples):
            key = streams.stream("data", 3)
            for part in (7, i, number):
                key = jax.random.fold_in(key, part)
            example, given = (jax.tree.map(lambda leaf, n=number: leaf[0, n], part) for part in (examples, inputs))
            assert int(given.length) == int(example.length)
            n = next(n for n in bucket.lengths if stream.sizes(n)[0] == int(example.length))
            own = stream.example(jax.random.fold_in(key, streams.STREAMS["data"]), n, bucket.lengths[-1], {})
            jax.tree.map(np.testing.assert_array_equal, example, own)
            places = train.inputs_of(own, sampler, jax.random.fold_in(key, streams.STREAMS["positions"]))
            seen = slice(int(own.length)), slice(int(own.source_length))
            np.testing.assert_array_equal(given.positions[seen[0]], places.positions[seen[0]])
            np.testing.assert_array_equal(given.source_positions[seen[1]], places.source_positions[seen[1]])


def test_encodings_do_not_decay():
    model = parameters.fresh(CONFIG, source_of(CONFIG).stream)
    flags = parameters.to_arrays(train.decayed(model))
    assert not any(flag for name, flag in flags.items() if "encodings" in name or "gain" in name)
    assert flags["stack.blocks.0.attention.query"]


def test_eight_devices_train_without_collectives():
    """Compiled in a process of its own with eight virtual devices, one replica each."""
    code = (
        "import jax; jax.config.update('jax_num_cpu_devices', 8)\n"
        "from jaxpe.training import population; from jaxpe.training.config import RunConfig, Training, source_of\n"
        "s = RunConfig('reverse', 'encoder', 'learned', 6, 60, width=8, layers=1, training=Training(steps=4, batch=4))\n"
        "p = population.compile_program(s, source_of(s), population.runs_mesh())\n"
        "assert p.replicas == 8\nprint(p.run.as_text())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "num_partitions=8" in done.stdout
    assert not any(word in done.stdout for word in ("all-reduce", "all-gather", "collective-permute", "all-to-all"))


def test_groups_of_examples_add_up_to_the_whole_batch():
    """The gradient over small groups equals the gradient over each bucket at once."""
    stream, model = source_of(CONFIG).stream, parameters.fresh(CONFIG, source_of(CONFIG).stream)
    length_buckets, gradients = train.length_buckets_of(stream, 6, CONFIG.training), []
    drawn = train.batches_of(0, jnp.arange(1), {}, stream=stream, sampler=CONFIG.sampler, length_buckets=length_buckets)
    batches = jax.tree.map(lambda leaf: leaf[0], drawn)
    for activation_budget in (1, 2**20):
        config = replace(CONFIG, activation_budget=activation_budget)
        sums, gradient = train.batch_gradient(model, batches, config, length_buckets, ForwardOptions(progress=0.0))
        gradients.append((sums, gradient))
    assert train.at_once(replace(CONFIG, activation_budget=1), 12, 8) == 1
    assert train.at_once(CONFIG, 12, 8) == 8
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4), *gradients)


def test_a_training_that_may_stop_early_does_so_at_a_look_and_stays_as_it_was():
    """`first` over two symbols is learned at once: from the first look with only right answers on, nothing changes."""
    training = Training(steps=120, batch=8, length_buckets=1, warmup=0, decay="linear", stop_every=30)
    config = RunConfig("first", "encoder", "sinusoidal", 2, 20, width=16, layers=1, training=training)
    config = replace(config, task_options=(("alphabet", 2),))
    source = source_of(config)
    length_buckets = train.length_buckets_of(source.stream, 2, training)

    def ended(config):
        drawn = train.batches_of(
            0, jnp.arange(120), {}, stream=source.stream, sampler=config.sampler, length_buckets=length_buckets
        )
        replica = train.start(config, source.stream, 0, 1e-2)
        run = jax.jit(lambda replica, drawn: train.run(replica, drawn, 0, 0, 120, config, length_buckets))
        return run(replica, drawn)

    stopped, whole = ended(config), ended(replace(config, training=replace(training, stop_every=0)))
    steps = train.history_of(stopped)["step"][-1]
    assert bool(stopped.done) and bool(stopped.alive) and steps in (30, 60, 90)
    assert train.history_of(stopped)["exact_match"][-1] == 1.0
    assert train.history_of(whole)["step"][-1] == 120 and whole.done is None
    np.testing.assert_array_equal(stopped.history[: steps // 10], whole.history[: steps // 10])
    assert np.abs(stopped.model.unembedding[...] - whole.model.unembedding[...]).max() > 0


def test_a_line_and_a_cosine_fall_to_zero():
    for decay, middle in (("linear", 0.5), ("cosine", 0.5)):
        share = [
            float(train.schedule(jnp.int32(n), Training(steps=101, warmup=0, decay=decay))) for n in (0, 25, 50, 100)
        ]
        assert share[0] == 1 and share[2] == pytest.approx(middle, abs=0.01) and share[3] < 0.02
    assert share[1] == pytest.approx(0.86, abs=0.01)


def test_everything_that_can_change_a_number_changes_the_identity():
    """All fields of the config and of its training; the source of a task has no corpus."""
    source = source_of(CONFIG)
    others = {"task": "copy", "architecture": "decoder", "encoding": "none", "positions": "offset", "precision": "high"}
    others |= {"position_options": (("limit", 60),), "task_options": (("alphabet", 5),), "batching": "vmap"}
    others |= {
        "encoding_options": (("scale", 0.5),),
        "scales": (1.0, 2.0),
        "training": replace(CONFIG.training, clip=2.0),
    }
    same = {"corpus", "vocabulary", "starts"}
    identities = {identity(CONFIG, 0, source), identity(CONFIG, 1, source)}
    names = [field.name for field in fields(CONFIG) if field.name not in same]
    for name in names:
        config = replace(CONFIG, **{name: others.get(name) or 2 * getattr(CONFIG, name)})
        identities.add(identity(config, 0, source_of(config)))
    assert len(identities) == 2 + len(names)


def test_what_training_met_is_counted():
    """A stream with few examples is met whole; at twice the training length nothing is."""
    config = replace(CONFIG, training=Training(steps=40, batch=64))
    stream = source_of(config).stream
    shares = evaluate.seen_in_training(config, stream, 0, [1, 6, 12], 64)
    assert shares[0] == 1.0 and shares[1] < 0.1 and shares[2] == 0.0


def test_tops_pad_least():
    assert evaluate.tops([1, 2, 8, 9, 16, 20, 40, 80], 8) == {1: 8, 2: 8, 8: 8, 9: 20, 16: 20, 20: 20, 40: 80, 80: 80}
    tops = evaluate.tops(range(1, 101), shortest=0, programs=6)
    assert len(set(tops.values())) == 6 and all(top >= length for length, top in tops.items())


class Stop:
    """Progress that is interrupted after some chunks."""

    def __init__(self, after):
        self.after = after

    def __call__(self, steps):
        self.after -= 1
        if self.after < 0:
            raise KeyboardInterrupt


def test_resume_gives_the_same_bits_and_an_altered_checkpoint_is_left_out(two, tmp_path):
    from jaxpe.training.checkpoints import Folder

    folder = Folder(tmp_path / "round", "here", every=0)
    with pytest.raises(KeyboardInterrupt):
        trained(progress=Stop(1), resume=folder)
    assert [path.name for path in folder.path.iterdir()] == ["00000020"]
    steps = []
    found = trained(resume=folder, progress=steps.append)
    assert same(found[0], two[0]) and steps[0] == 20
    assert all(name in found[0].checkpoints for name in population.CHECKPOINTS)
    with pytest.raises(KeyboardInterrupt):
        trained(progress=Stop(1), resume=Folder(tmp_path / "other", "here", every=0))
    meta = tmp_path / "other" / "00000020" / "meta.json"
    meta.write_text(json.dumps(json.loads(meta.read_text()) | {"digest": "0"}))
    steps = []
    assert same(trained(resume=Folder(tmp_path / "other", "here"), progress=steps.append)[0], two[0])
    assert steps[0] == 10  # from the start


@pytest.mark.parametrize("architecture", ["decoder", "encoder_decoder"])
def test_exact_match_equals_greedy_generation(architecture):
    config = replace(
        CONFIG,
        architecture=architecture,
        encoding="sinusoidal",
        training=Training(steps=300, batch=32),
        train_length=4,
    )
    source, mesh = source_of(config), population.runs_mesh()
    model = jax.tree.map(jnp.asarray, trained(config)[0].checkpoints["100"])
    evaluator = evaluate.compile_evaluator(config, source.stream, {}, mesh, 4, 32)
    [scores] = evaluate.evaluate(evaluator, [model], {}, "reverse", 3)
    key, right = evaluation_sets.make_evaluation_key("reverse", 3), 0
    complete = jax.jit(lambda inputs: generate(model, inputs, EOS))
    for number in range(32):
        example = source.stream.example(jax.random.fold_in(key, number), 3, 4, {})
        inputs = train.inputs_of(example, config.sampler, key)
        prompt = int(np.argmax(example.loss_mask)) + 1
        generated = complete(inputs._replace(length=jnp.asarray(prompt)))
        right += bool((generated[: example.length] == example.tokens[: example.length]).all())
    assert right == int(scores.exact) and right > 0
