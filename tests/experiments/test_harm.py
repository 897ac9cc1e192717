"""Mixes of token and position, twins, shared directions, and the words of the verdicts."""

from collections import Counter
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

from jaxpe import tasks
from jaxpe.analysis import harm
from jaxpe.model import ForwardOptions
from jaxpe.study import experiment
from jaxpe.tasks import evaluation_sets
from jaxpe.training import parameters, population
from jaxpe.training.batches import make_inputs
from jaxpe.training.config import RunConfig, Training
from jaxpe.training.identity import compute_run_id
from jaxpe.training.mesh import make_mesh
from jaxpe.training.population import ReplicaSpec
from jaxpe.training.sources import load_source

CONFIG = RunConfig("index", "encoder", "sinusoidal", 6, 60, width=16, training=Training(steps=30, batch=16))
MODULE = experiment.load_experiment("harm").module


def outputs(scales, config=CONFIG):
    source = load_source(config)
    model = parameters.init_model(config, source.stream)
    example = source.stream.example(jax.random.key(0), 6, 6, {})
    return model(make_inputs(example, config.sampler, jax.random.key(0)), ForwardOptions(scales)).logits


def test_a_mix_weighs_token_and_position():
    plain, blind = outputs(None), outputs(None, replace(CONFIG, encoding="none"))
    np.testing.assert_allclose(outputs(jnp.asarray([1.0, 1.0])), plain, atol=1e-5)
    np.testing.assert_allclose(outputs(jnp.asarray([1.0, 0.0])), blind, atol=1e-5)
    assert np.abs(outputs(jnp.asarray([1.0, 3.0])) - plain).max() > 1e-2


def test_mixes_are_lanes_of_one_program_and_cells_of_their_own():
    scales = [(1.0, 0.0), (0.5, 2.0)]
    configs = [replace(CONFIG, scales=scales) for scales in scales]
    source = load_source(CONFIG)
    assert configs[0].program_key == configs[1].program_key != CONFIG.program_key
    assert len({compute_run_id(config, 0, source) for config in [*configs, CONFIG]}) == 3
    program = population.compile_program(configs[0].program_key, source, make_mesh())
    found = population.train_round(configs[0], source, program, [ReplicaSpec(0, 3e-3, scales) for scales in scales])
    alone = population.train_round(configs[1], source, program, [ReplicaSpec(0, 3e-3, scales[1])])
    pair = found[1].checkpoints["100"], alone[0].checkpoints["100"]
    jax.tree.map(np.testing.assert_array_equal, *pair)
    blind = replace(CONFIG, encoding="none")
    program = population.compile_program(blind, source, make_mesh())
    none = population.train_round(blind, source, program, [ReplicaSpec(0, 3e-3)])[0].checkpoints["100"]
    for a, b in zip(jax.tree.leaves(none), jax.tree.leaves(found[0].checkpoints["100"]), strict=True):
        np.testing.assert_allclose(a, b, atol=2e-3)


@pytest.mark.parametrize("name", harm.TWINS)
def test_twins_share_their_symbols_and_differ_in_their_answers(name):
    task = tasks.build_task(name, train_length=8)
    sample = evaluation_sets.draw_examples(name, task, 8, 64)
    for x, y in zip(sample.x, sample.y, strict=True):
        np.testing.assert_array_equal(harm.answer(name, x), y)
    pairs = harm.twin_pairs(name, sample.x)
    assert len(pairs) > 55
    for x, twin in pairs:
        assert Counter(x.tolist()) == Counter(twin.tolist())
        assert (harm.answer(name, x) != harm.answer(name, twin)).any()


def test_a_blind_model_never_has_both_twins_right():
    config = replace(CONFIG, encoding="none")
    stream = load_source(config).stream
    pairs = harm.twin_pairs("index", evaluation_sets.draw_examples("index", stream.task, 6, 200).x)
    assert harm.both_right(parameters.init_model(config, stream), stream, "index", pairs) == 0


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


def rows(gains, shuffled=False, encoding_name="sinusoidal"):
    """A table in which an encoding changes the accuracy of a task at N and at 2 N by known amounts."""
    made, generator = [], np.random.default_rng(0)
    for task, (near, far) in gains.items():
        for seed in range(8):
            for encoding in ("none", encoding_name):
                for length, gain in ((8, near), (16, far)):
                    value = 0.7 + 0.005 * generator.normal() + (gain if encoding != "none" else 0)
                    common = {
                        "task": task,
                        "architecture": "encoder",
                        "positions": "arange",
                        "test_positions": "arange",
                    }
                    common |= {"token_factor": 1.0, "position_factor": 1.0}
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


BASE = {
    "architecture": "encoder",
    "positions": "arange",
    "test_positions": "arange",
    "train_length": 8,
    "sweep": "none",
    "width": 32,
    "token_factor": 1.0,
    "position_factor": 1.0,
}


def made_of(*parts):
    """Rows of eight seeds each: (columns, mean value)."""
    generator = np.random.default_rng(3)
    return pd.DataFrame(
        [
            BASE | columns | {"seed": seed, "value": value + 0.005 * generator.normal()}
            for columns, value in parts
            for seed in range(8)
        ]
    )


def verdicts(table):
    return {claim.id: claim.verdict for claim in MODULE.claims(table)}


def shuffled(table):
    return table.assign(value=np.random.default_rng(0).permutation(table["value"]))


def twin_rows(with_position, encoding="sinusoidal"):
    one = {"task": "index", "metric": "twins_both_right", "test_length": 8}
    return made_of((one | {"encoding": encoding}, with_position), (one | {"encoding": "none"}, 0.3))


def test_the_verdict_on_twins_follows_the_rows():
    assert verdicts(twin_rows(0.9))["C8.twins"] == "supported"
    assert verdicts(twin_rows(0.1))["C8.twins"] == "contradicted"
    assert verdicts(shuffled(twin_rows(0.9)))["C8.twins"] == "undecided"
    assert verdicts(twin_rows(0.9, "learned"))["C8.twins"] == "supported"


@pytest.mark.parametrize("task", MODULE.TWO)
def test_the_verdicts_on_adding_follow_the_rows(task):
    def table(gain):
        at = [
            {"task": task, "metric": "token_accuracy", "test_length": n, "encoding": name, "width": width}
            for n in (8, 16)
            for name in ("sinusoidal", "concatenated")
            for width in (32, 40)
        ]
        return made_of(*[(one, 0.6 + (gain if one["encoding"] == "sinusoidal" else 0)) for one in at])

    names = {f"C5.add-{name}-{task}-{where}" for name in MODULE.ADDED for where in MODULE.WHERE}
    for gain, word in ((0.2, "helpful"), (-0.2, "harmful"), (0.0, "harmless")):
        found = verdicts(table(gain))
        assert set(found) == names and set(found.values()) == {word}
    assert set(verdicts(shuffled(table(0.2))).values()) == {"undecided"}
    assert {claim.family for claim in MODULE.claims(table(0.2))} == {"add"}


def swept(count, index, encoding="sinusoidal"):
    """A ratio sweep: accuracy by factor for both tasks."""
    parts = []
    for task, values in (("count", count), ("index", index)):
        for s, value in values.items():
            token, position = MODULE.ratio(s)
            at = {"token_factor": token, "position_factor": position, "sweep": "ratio", "test_length": 8}
            parts.append((at | {"task": task, "metric": "token_accuracy", "encoding": encoding}, value))
    return made_of(*parts)


TURNING = {0.0: 0.98, 0.1: 0.98, 1.0: 0.98, 3.0: 0.5, 10.0: 0.3}, {0.0: 0.2, 0.1: 0.2, 1.0: 0.98, 3.0: 0.4, 10.0: 0.98}


def test_the_turning_point_is_a_claim_that_follows_the_rows():
    plain = rows({"count": (0.0, 0.0), "index": (0.2, 0.1)})
    found = verdicts(pd.concat([plain, swept(*TURNING)]))
    assert found["C5.ratio-count"] == "harmful" and found["C5.ratio-index"] == "helpful"
    flat = dict.fromkeys(TURNING[0], 0.5)
    assert verdicts(pd.concat([plain, swept(flat, flat)]))["C5.ratio-count"] == "harmless"
    assert verdicts(pd.concat([plain, shuffled(swept(*TURNING))]))["C5.ratio-index"] == "undecided"
    assert "C5.ratio-count" not in verdicts(pd.concat([plain, swept(*TURNING, "none")]))


def test_a_range_of_solved_factors_has_no_holes():
    table = swept(*TURNING)
    assert "at s = 0 to 1 at width 32 (at 3: 0.50)" in MODULE.solved_range(table, "count")
    assert "at s = 1 and 10 at width 32" in MODULE.solved_range(table, "index")
    assert MODULE.solved_range(swept(*TURNING, "none"), "index") == "not run"


def answered(table):
    made = {claim.id: claim for claim in MODULE.claims(table)}
    return MODULE.answers(table, made)


@pytest.mark.parametrize("encoding", ["sinusoidal", "learned"])
def test_the_answers_turn_with_the_rows(encoding):
    gains = {"count": (0.0, -0.3), "index": (0.2, -0.1)}
    harm_answer, help_answer = answered(pd.concat([rows(gains, encoding_name=encoding), swept(*TURNING, encoding)]))
    assert "seen no harm," in harm_answer.short and "length harm, -0.3" in harm_answer.short
    assert "count is solved at s = 0 to 1, and" in harm_answer.short and harm_answer.figure == "ratio"
    assert "seen help, +0.2" in help_answer.short and "length harm, -0.1" in help_answer.short
    assert encoding in harm_answer.short
    turned, _ = answered(rows({"count": (-0.2, 0.2), "index": (0.0, 0.0)}, encoding_name=encoding))
    assert "seen harm, -" in turned.short and "length help, +" in turned.short
    unclear, _ = answered(rows(gains, shuffled=True, encoding_name=encoding))
    assert unclear.short.count("undecided") == 2


def test_without_something_to_compare_nothing_is_answered():
    table = rows({"count": (0.0, -0.3), "index": (0.3, 0.2)})
    assert answered(table[table["encoding"] == "none"]) == []
    (only,) = answered(table[table["encoding"] != "none"])
    assert only.short.startswith("Not answered")


def test_a_sweep_of_an_encoding_that_adds_nothing_is_drawn_without_sizes():
    from jaxpe.figures import sweeps

    table = swept(*TURNING, "none").assign(order_blind_baseline=1.0, length_baseline=0.3)
    sizes = table.assign(metric="position_rms_before", value=0.0, test_length=np.nan)
    assert set(sweeps.figures(pd.concat([table, sizes]))) == {"sweep", "ratio"}
