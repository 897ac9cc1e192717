"""Training: strata, pairing, lanes, bits, divergence, resume after kills, and evaluation against generation."""

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxpe import positions, streams
from jaxpe.records import store
from jaxpe.study import workspace as study
from jaxpe.tasks import evaluation
from jaxpe.tasks.formatting import EOS
from jaxpe.training import evaluate, parameters, population, train
from jaxpe.training.config import Setting, Training, identity_of, source_of
from jaxpe.training.population import Member

SETTING = Setting("reverse", "encoder", "learned", 6, 60, width=16, training=Training(steps=40, batch=16))


def trained(setting=SETTING, seeds=(0, 1), rates=None, progress=lambda steps: None, resume=None):
    source = source_of(setting)
    program = population.compile_program(setting, source, population.runs_mesh())
    members = [Member(seed, rate) for seed, rate in zip(seeds, rates or [3e-3] * len(seeds), strict=True)]
    return population.train_round(setting, source, program, members, resume, progress)


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
    stream = source_of(SETTING).stream
    lane = train.start(SETTING, stream, 0, 3e-3)
    strata = train.strata_of(stream, 6, SETTING.training)
    drawn = evaluate.drawn_batches(0, jnp.arange(40), {}, stream=stream, sampler=SETTING.sampler, strata=strata)
    step = jax.jit(lambda number, lane, batches: train.step(number, lane, batches, SETTING, strata))
    for number in range(40):
        lane = step(jnp.int32(number), lane, jax.tree.map(lambda leaf, number=number: leaf[number], drawn))
    for a, b in zip(jax.tree.leaves(lane.model), leaves(two[0]), strict=True):
        np.testing.assert_allclose(a, b, atol=2e-3)


def test_a_lane_that_diverges_is_frozen_and_its_neighbours_bits_stay(two):
    found = trained(rates=[3e-3, 1e30])
    assert found[1].diverged and not found[0].diverged and same(found[0], two[0])
    assert all(np.isfinite(leaf).all() for leaf in leaves(found[1]))
    assert len(found[1].history["step"]) < len(found[0].history["step"])


def test_strata_keep_every_length_equally_weighted():
    stream = source_of(SETTING).stream
    strata = train.strata_of(stream, 6, Training(batch=16, strata=4))
    assert [length for stratum in strata for length in stratum.lengths] == list(range(1, 7))
    per_length = [s.examples * s.weight / len(s.lengths) for s in strata]
    np.testing.assert_allclose(per_length, per_length[0])


@pytest.mark.parametrize("architecture", ["encoder", "decoder", "encoder_decoder"])
def test_batches_are_examples_of_the_strata_drawn_one_by_one(architecture):
    """Drawn together and cut, they are what each stratum draws by itself in arrays of its own size."""
    stream = source_of(replace(SETTING, architecture=architecture)).stream
    strata, sampler = train.strata_of(stream, 6, SETTING.training), positions.build("randomized", limit=60)
    batches = train.batches_of(3, jnp.asarray([7]), {}, stream=stream, sampler=sampler, strata=strata)
    for i, (stratum, (examples, inputs)) in enumerate(zip(strata, batches, strict=True)):
        for number in range(stratum.examples):
            key = streams.stream("data", 3)
            for part in (7, i, number):
                key = jax.random.fold_in(key, part)
            example, given = (jax.tree.map(lambda leaf, n=number: leaf[0, n], part) for part in (examples, inputs))
            assert int(given.length) == int(example.length)
            n = next(n for n in stratum.lengths if stream.sizes(n)[0] == int(example.length))
            own = stream.example(jax.random.fold_in(key, streams.STREAMS["data"]), n, stratum.lengths[-1], {})
            jax.tree.map(np.testing.assert_array_equal, example, own)
            places = train.inputs_of(own, sampler, jax.random.fold_in(key, streams.STREAMS["positions"]))
            seen = slice(int(own.length)), slice(int(own.source_length))
            np.testing.assert_array_equal(given.positions[seen[0]], places.positions[seen[0]])
            np.testing.assert_array_equal(given.source_positions[seen[1]], places.source_positions[seen[1]])


def test_encodings_do_not_decay():
    model = parameters.fresh(SETTING, source_of(SETTING).stream)
    flags = parameters.to_arrays(train.decayed(model))
    assert not any(flag for name, flag in flags.items() if "encodings" in name or "gain" in name)
    assert flags["stack.blocks.0.attention.query"]


def test_eight_devices_train_without_collectives():
    """Compiled in a process of its own with eight virtual devices, one lane each."""
    code = (
        "import jax; jax.config.update('jax_num_cpu_devices', 8)\n"
        "from jaxpe.training import population; from jaxpe.training.config import Setting, Training, source_of\n"
        "s = Setting('reverse', 'encoder', 'learned', 6, 60, width=8, layers=1, training=Training(steps=4, batch=4))\n"
        "p = population.compile_program(s, source_of(s), population.runs_mesh())\n"
        "assert p.lanes == 8\nprint(p.run.as_text())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "num_partitions=8" in done.stdout
    assert not any(word in done.stdout for word in ("all-reduce", "all-gather", "collective-permute", "all-to-all"))


def test_groups_of_examples_add_up_to_the_whole_batch():
    """The gradient over small groups equals the gradient over each stratum at once."""
    stream, model = source_of(SETTING).stream, parameters.fresh(SETTING, source_of(SETTING).stream)
    strata, gradients = train.strata_of(stream, 6, SETTING.training), []
    drawn = train.batches_of(0, jnp.arange(1), {}, stream=stream, sampler=SETTING.sampler, strata=strata)
    batches = jax.tree.map(lambda leaf: leaf[0], drawn)
    for working_set in (1, 2**20):
        setting = replace(SETTING, working_set=working_set)
        sums, gradient = train.batch_gradient(model, batches, setting, strata)
        gradients.append((sums, gradient))
    assert train.at_once(replace(SETTING, working_set=1), 12, 8) == 1
    assert train.at_once(SETTING, 12, 8) == 8
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4), *gradients)


def test_a_training_that_may_stop_early_does_so_at_a_look_and_stays_as_it_was():
    """`first` over two symbols is learned at once: from the first look with only right answers on, nothing changes."""
    training = Training(steps=120, batch=8, strata=1, warmup=0, decay="linear", stop_every=30)
    setting = Setting("first", "encoder", "sinusoidal", 2, 20, width=16, layers=1, training=training)
    setting = replace(setting, task_options=(("alphabet", 2),))
    source = source_of(setting)
    strata = train.strata_of(source.stream, 2, training)

    def ended(setting):
        drawn = train.batches_of(0, jnp.arange(120), {}, stream=source.stream, sampler=setting.sampler, strata=strata)
        lane = train.start(setting, source.stream, 0, 1e-2)
        run = jax.jit(lambda lane, drawn: train.run(lane, drawn, 0, 0, 120, setting, strata))
        return run(lane, drawn)

    stopped, whole = ended(setting), ended(replace(setting, training=replace(training, stop_every=0)))
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


def test_fields_that_came_later_leave_older_cells_their_names():
    plain, later = Training(), Training(decay="linear", stop_every=30)
    assert set(identity_of(later)) - set(identity_of(plain)) == {"decay", "stop_every"}


def test_what_training_met_is_counted():
    """A stream with few examples is met whole; at twice the training length nothing is."""
    setting = replace(SETTING, training=Training(steps=40, batch=64))
    stream = source_of(setting).stream
    shares = evaluate.seen_in_training(setting, stream, 0, [1, 6, 12], 64)
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
    setting = replace(
        SETTING,
        architecture=architecture,
        encoding="sinusoidal",
        training=Training(steps=300, batch=32),
        train_length=4,
    )
    source, mesh = source_of(setting), population.runs_mesh()
    model = jax.tree.map(jnp.asarray, trained(setting)[0].checkpoints["100"])
    evaluator = evaluate.compile_evaluator(setting, source.stream, {}, mesh, 4, 32)
    [scores] = evaluate.evaluate(evaluator, [model], {}, "reverse", 3)
    key, right = evaluation.evaluation_key("reverse", 3), 0
    generate = jax.jit(lambda inputs: model.generate(inputs, EOS))
    for number in range(32):
        example = source.stream.example(jax.random.fold_in(key, number), 3, 4, {})
        inputs = train.inputs_of(example, setting.sampler, key)
        prompt = int(np.argmax(example.answered)) + 1
        generated = generate(inputs._replace(length=jnp.asarray(prompt)))
        right += bool((generated[: example.length] == example.tokens[: example.length]).all())
    assert right == int(scores.exact) and right > 0


def workspace(folder):
    return study.Workspace(store.open_results(folder))


def test_scores_are_stored_and_longer_tests_do_not_retrain(tmp_path):
    work = workspace(tmp_path / "results")
    cells = work.cells(SETTING, [0])
    work.train(cells)
    first = work.scores(cells, [3, 6], 16)
    again = workspace(tmp_path / "results")
    again.evaluator = again.train_group = None  # neither is to be called
    again.train(cells)
    found = again.scores(cells, [3, 6], 16)
    np.testing.assert_array_equal(first[0, 6].index_correct, found[0, 6].index_correct)
    record = work.results.read_record(cells[0].id)
    assert not record["diverged"] and record["history"]["step"][-1] == 40


def test_only_so_many_evaluations_stay_compiled(tmp_path, monkeypatch):
    """Each holds memory maps, of which a process has a limited number."""
    monkeypatch.setattr(study, "EVALUATORS", 2)
    work = workspace(tmp_path / "results")
    cells = work.cells(SETTING, [0])
    work.train(cells)
    for examples in (4, 6, 8):
        work.scores(cells, [3], examples)
        assert examples in [key[2] for key in work.evaluators] and len(work.evaluators) <= 2


def test_a_test_beyond_the_learned_table_is_refused(tmp_path):
    from jaxpe.errors import UserError

    work = workspace(tmp_path / "results")
    with pytest.raises(UserError, match=r"knows 60 positions.*needs 80"):
        work.scores(work.cells(SETTING, [0]), [40], 16)


@pytest.mark.slow
def test_twenty_kills_change_no_bit(tmp_path):
    """A process is killed with SIGKILL at random moments; what is trained in the end has the bits of a calm run."""
    code = (
        "import jax; jax.config.update('jax_num_cpu_devices', 2)\n"
        "import sys; from pathlib import Path\n"
        "from jaxpe.records import store; from jaxpe.study import workspace as study; from jaxpe.training.config import Setting, Training\n"
        "class Told(study.Quiet):\n"
        "    def advance(self, amount): print('chunk', flush=True)\n"
        "s = Setting('reverse', 'encoder', 'learned', 6, 60, width=16, training=Training(steps=15000, batch=16))\n"
        "w = study.Workspace(store.open_results(Path(sys.argv[1])), Told(), save_every=0)\n"
        "w.train(w.cells(s, range(2)))\n"
    )
    generator = np.random.default_rng(0)

    def begin(folder):
        return subprocess.Popen([sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE, text=True)

    assert begin(tmp_path / "calm").wait() == 0
    for kill in range(20):
        process = begin(tmp_path / "killed")
        if kill % 4:  # while training and writing checkpoints
            for _ in range(generator.integers(1, 4)):
                assert process.stdout.readline() == "chunk\n"
            time.sleep(float(generator.uniform(0, 0.2)))
        else:  # at any moment: importing, compiling, reading a checkpoint
            time.sleep(float(generator.uniform(0.5, 4)))
        assert process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert list((tmp_path / "killed" / "checkpoints").glob("*/*"))
    assert begin(tmp_path / "killed").wait() == 0
    for cell in sorted((tmp_path / "calm" / "cells").iterdir()):
        other = tmp_path / "killed" / "cells" / cell.name
        assert (cell / "parameters.safetensors").read_bytes() == (other / "parameters.safetensors").read_bytes()
