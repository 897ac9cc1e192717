"""Mixes of token and position, twins, shared directions, and the words of the verdicts."""

from collections import Counter
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

from jaxpe import experiment, parameters, population, tasks
from jaxpe.analysis import geometry, harm
from jaxpe.config import Setting, Training, identity, source_of
from jaxpe.population import Member
from jaxpe.tasks import evaluation
from jaxpe.train import inputs_of

SETTING = Setting("index", "encoder", "sinusoidal", 6, 60, width=16, training=Training(steps=30, batch=16))
MODULE = experiment.load("harm").module


def outputs(mix, setting=SETTING):
    source = source_of(setting)
    model = parameters.fresh(setting, source.stream)
    example = source.stream.example(jax.random.key(0), 6, 6, {})
    return model(inputs_of(example, setting.sampler, jax.random.key(0)), mix=mix).logits


def test_a_mix_weighs_token_and_position():
    plain, blind = outputs(None), outputs(None, replace(SETTING, encoding="none"))
    np.testing.assert_allclose(outputs(jnp.asarray([1.0, 1.0])), plain, atol=1e-5)
    np.testing.assert_allclose(outputs(jnp.asarray([1.0, 0.0])), blind, atol=1e-5)
    assert np.abs(outputs(jnp.asarray([1.0, 3.0])) - plain).max() > 1e-2


def test_mixes_are_lanes_of_one_program_and_cells_of_their_own():
    mixes = [(1.0, 0.0), (0.5, 2.0)]
    settings = [replace(SETTING, mix=mix) for mix in mixes]
    source = source_of(SETTING)
    assert settings[0].program() == settings[1].program() != SETTING.program()
    assert len({identity(setting, 0, source) for setting in [*settings, SETTING]}) == 3
    program = population.compile_program(settings[0].program(), source, population.runs_mesh())
    found = population.train_round(settings[0], source, program, [Member(0, 3e-3, mix) for mix in mixes])
    alone = population.train_round(settings[1], source, program, [Member(0, 3e-3, mixes[1])])
    pair = found[1].checkpoints["100"], alone[0].checkpoints["100"]
    jax.tree.map(np.testing.assert_array_equal, *pair)
    blind = replace(SETTING, encoding="none")
    program = population.compile_program(blind, source, population.runs_mesh())
    none = population.train_round(blind, source, program, [Member(0, 3e-3)])[0].checkpoints["100"]
    for a, b in zip(jax.tree.leaves(none), jax.tree.leaves(found[0].checkpoints["100"]), strict=True):
        np.testing.assert_allclose(a, b, atol=2e-3)


@pytest.mark.parametrize("name", harm.TWINS)
def test_twins_share_their_symbols_and_differ_in_their_answers(name):
    task = tasks.build(name, train_length=8)
    sample = evaluation.examples(name, task, 8, 64)
    for x, y in zip(sample.x, sample.y, strict=True):
        np.testing.assert_array_equal(harm.answer(name, x), y)
    pairs = harm.twin_pairs(name, sample.x)
    assert len(pairs) > 55
    for x, twin in pairs:
        assert Counter(x.tolist()) == Counter(twin.tolist())
        assert (harm.answer(name, x) != harm.answer(name, twin)).any()


def test_a_blind_model_never_has_both_twins_right():
    setting = replace(SETTING, encoding="none")
    stream = source_of(setting).stream
    pairs = harm.twin_pairs("index", evaluation.examples("index", stream.task, 6, 200).x)
    assert harm.both_right(parameters.fresh(setting, stream), stream, "index", pairs) == 0


def test_directions_and_their_overlap():
    generator = np.random.default_rng(0)
    basis = np.linalg.qr(generator.normal(size=(24, 24)))[0]
    assert geometry.overlap(basis[:, :3], basis[:, :5]) == pytest.approx(1)
    assert geometry.overlap(basis[:, :3], basis[:, 3:9]) == pytest.approx(0)
    drawn = [np.linalg.qr(generator.normal(size=(24, k)))[0] for k in [3, 7] * 300]
    found = [geometry.overlap(a, b) for a, b in zip(drawn[::2], drawn[1::2], strict=True)]
    assert np.mean(found) == pytest.approx(geometry.random_overlap(drawn[0], drawn[1]), abs=0.01)
    flat = generator.normal(size=(50, 2)) @ generator.normal(size=(2, 24))
    assert geometry.directions(flat, 0.999).shape == (24, 2)


@pytest.mark.parametrize(
    ("shift", "noise", "word"),
    [(0.2, 0.01, "helpful"), (-0.2, 0.01, "harmful"), (0, 1e-4, "harmless"), (0, 0.2, "undecided")],
)
def test_the_words_of_a_verdict(shift, noise, word):
    generator = np.random.default_rng(1)
    base = 0.5 + noise * generator.normal(size=8)
    assert MODULE.judged(base + shift + noise * generator.normal(size=8), base)[0] == word
    assert MODULE.judged(np.ones(8), np.full(8, 0.996))[0] == "harmless"
    assert MODULE.judged(base[:4] + 0.2, base[:4])[0] == "undecided"


def rows(gains, shuffled=False):
    """A table in which sinusoids change the accuracy of a task at N and at 2 N by known amounts."""
    made, generator = [], np.random.default_rng(0)
    for task, (near, far) in gains.items():
        for seed in range(8):
            for encoding in ("none", "sinusoidal"):
                for length, gain in ((8, near), (16, far)):
                    value = 0.7 + 0.005 * generator.normal() + (gain if encoding == "sinusoidal" else 0)
                    common = {
                        "task": task,
                        "architecture": "encoder",
                        "positions": "arange",
                        "test_positions": "arange",
                    }
                    lengths = {"train_length": 8, "test_length": length, "sweep": "none", "width": 32}
                    what = {"metric": "token_accuracy", "encoding": encoding, "seed": seed, "value": value}
                    made.append(common | lengths | what)
    table = pd.DataFrame(made)
    return table.assign(value=generator.permutation(table["value"])) if shuffled else table


def test_verdicts_come_out_of_the_rows():
    found = {claim.id: claim.verdict for claim in MODULE.claims(rows({"count": (0.0, -0.3), "index": (0.3, 0.2)}))}
    assert found["C5"] == "contradicted" and found["C5.count-seen-sinusoidal"] == "harmless"
    assert found["C5.index-seen-sinusoidal"] == "helpful" and found["C5.count-beyond-sinusoidal"] == "harmful"
    assert {c.id: c.verdict for c in MODULE.claims(rows({"count": (0.0, 0.0)}))}["C5"] == "supported"
    shuffled = MODULE.claims(rows({"count": (0.0, -0.3), "index": (0.3, 0.2)}, shuffled=True))
    assert {claim.verdict for claim in shuffled} == {"undecided"}
    blind = rows({"count": (0.0, -0.3)})
    assert MODULE.claims(blind[blind["encoding"] == "none"]) == []
