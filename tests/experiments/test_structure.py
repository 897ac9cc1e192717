"""Structure: what position is used for, what is projected out, and verdicts that follow the rows."""

import importlib.util
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from support import ROOT

from jaxpe.analysis import hidden, probes, recovery, use
from jaxpe.data.examples import SPECIALS
from jaxpe.data.language import OBJECTIVES
from jaxpe.records.results import open_results
from jaxpe.study import presets, run_configs
from jaxpe.study import workspace as study
from jaxpe.training import parameters

spec = importlib.util.spec_from_file_location("structure", ROOT / "experiments" / "structure.py")
structure = importlib.util.module_from_spec(spec)
spec.loader.exec_module(structure)
PRESET = presets.Preset(
    (), train_length=8, max_length_ratio=2.0, width=16, layers=2, heads=2, steps=20, batch=8, length_buckets=1
)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    return study.Workspace(open_results(tmp_path_factory.mktemp("structure"), write=True))


def config_of(workspace, task, encoding):
    return run_configs.make_run_config(PRESET, task, OBJECTIVES[task], encoding, "arange", workspace.sources)


def opened(workspace, task, encoding):
    """An untrained model of real text, its config and its source."""
    config = config_of(workspace, task, encoding)
    source = workspace.open_source(config)
    return jax.tree.map(jnp.asarray, parameters.init_model(config, source.stream, 3)), config, source


# ── use ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_positions_of_every_condition_by_their_definition():
    key = jax.random.key(0)
    for condition in use.CONDITIONS:
        found = np.asarray(use.positions_for(key, jnp.arange(40), condition=condition, length=32, size=33))
        place = np.arange(33)
        if condition.kind == "shift":
            np.testing.assert_array_equal(found, np.broadcast_to(place + condition.size, found.shape))
        elif condition.kind == "one id":
            assert (found == 16).all()
        elif condition.kind == "shuffle":
            assert (np.sort(found, 1) == place).all() and (found // condition.size == place // condition.size).all()
            assert len({tuple(row) for row in found}) > 1
        elif condition.kind == "permute":
            starts = found[:, : 33 - 33 % condition.size : condition.size]
            for i in range(condition.size):  # every window stays whole
                np.testing.assert_array_equal(found[:, i : 33 - 33 % condition.size : condition.size], starts + i)
            assert len({tuple(row) for row in found}) > 1


def test_losses_under_changed_positions_on_trained_models(workspace):
    """As trained they are the study's own scores; a model without encodings loses nothing, one with them does."""
    lost = {}
    for encoding in ("none", "learned"):
        config = config_of(workspace, "masked_lm", encoding)
        runs = workspace.list_runs(config, range(2))
        workspace.train(runs)
        found = structure.losses_of(workspace, runs, config, 32)
        scores = workspace.measure_scores(runs, [8], 32)
        for run, one in zip(runs, found, strict=True):
            assert one["whole"].nats.sum() == pytest.approx(scores[run.seed, 8].nats, rel=1e-4)
            assert one["whole"].answers.sum() == scores[run.seed, 8].answers
        again = structure.losses_of(workspace, runs, config, 32)  # as they were stored
        assert [use.costs(one) for one in again] == [use.costs(one) for one in found]
        lost[encoding] = use.costs(found[0])
    codes, sentence = structure.position_codes(workspace, runs)
    assert codes.shape[1] == 9 < config.table_length and "0-8 were trained" in sentence
    assert max(map(abs, lost["none"].values())) < 1e-5
    assert min(abs(cost) for condition, cost in lost["learned"].items() if condition.kind != "shuffle") > 1e-5
    assert {c.size for c in lost["learned"] if c.kind == "shift"} == {1}, "no shift beyond the trained rows"


def test_a_cost_is_what_the_loss_rises_by_in_bits_per_character():
    def losses(nats):
        return use.Losses(np.array([2.0, 2.0]), np.array([nats, nats]), np.array([5.0, 3.0]))

    found = {"as trained": losses(4.0), "shift 8": losses(6.0), "one id": losses(3.0)}
    costs = {use.name_of(condition): cost for condition, cost in use.costs(found).items()}
    assert costs == {"shift 8": pytest.approx(4 / 8 / np.log(2)), "one id": pytest.approx(-2 / 8 / np.log(2))}


def test_the_rule_that_knows_words_but_no_order_against_a_slow_loop():
    random = np.random.default_rng(0)
    tokens = SPECIALS + random.integers(0, 6, (5, 9))
    asked, targets = random.random((5, 9)) < 0.4, np.where(True, SPECIALS + random.integers(0, 6, (5, 9)), 0)
    frequency = np.append(np.zeros(SPECIALS), random.dirichlet(np.ones(6)))
    characters = np.append(np.zeros(SPECIALS), random.integers(1, 4, 6)).astype(float)
    best = np.inf
    for weight in use.GRID:
        nats, letters = 0.0, 0.0
        for i, t in zip(*np.nonzero(asked), strict=True):
            local = sum(token == targets[i, t] for token in tokens[i]) / 9
            nats -= np.log(weight * local + (1 - weight) * frequency[targets[i, t]])
            letters += characters[targets[i, t]]
        best = min(best, nats / letters / np.log(2))
    assert use.bag_bits(tokens, targets, asked, frequency, characters) == pytest.approx(best)


def test_a_run_without_any_position_has_figures_and_claims_nothing_of_use(workspace):
    """`--encodings none`: no table is there to be drawn, and no cost to be shared out."""
    runs = workspace.list_runs(config_of(workspace, "masked_lm", "none"), range(2))
    workspace.train(runs)
    rows = structure.measure(workspace, runs, replace(PRESET, examples=24))
    table = pd.DataFrame(rows)
    drawn, made = structure.figures(table), {claim.id: claim.verdict for claim in structure.claims(table)}
    assert {"use", "costs", "layers", "head_scores_none"} <= set(drawn) and "measures" not in drawn
    assert made == {"C9.equivariant": "supported"} and structure.answers(table, made) == []


# ── recovery ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("task", ["masked_lm", "causal_lm"])
@pytest.mark.parametrize("encoding", ["none", "learned"])
def test_without_nothing_is_the_model_and_without_everything_only_the_mean_is_left(workspace, task, encoding):
    model, config, source = opened(workspace, task, encoding)
    look = hidden.draw_probe_data(config, source, 24)
    inputs = jax.tree.map(lambda leaf: leaf[0], look.sample.inputs)
    nothing, centre = jnp.zeros((16, 4)), jnp.linspace(-1, 1, 16)
    plain = model(inputs).logits
    for layer in range(3):
        np.testing.assert_allclose(recovery.logits_without(model, inputs, layer, nothing, centre), plain, atol=1e-5)
    empty = recovery.logits_without(model, inputs, 2, jnp.eye(16), centre)
    expected = model.stack.norm(centre[None]) @ model.unembedding[...]
    np.testing.assert_allclose(empty, np.broadcast_to(expected, empty.shape), atol=1e-5)


def test_only_an_encoder_without_positions_is_blind_to_order(workspace):
    gaps = {}
    for task in ("masked_lm", "causal_lm"):
        for encoding in ("none", "learned"):
            model, config, source = opened(workspace, task, encoding)
            window = jax.tree.map(lambda leaf: leaf[0], hidden.draw_probe_data(config, source, 24).batch[1])
            gaps[task, encoding] = float(recovery.order_gap(model, window))
    blind = gaps.pop(("masked_lm", "none"))
    assert blind < 1e-5 and min(gaps.values()) > 0.01


def test_directions_of_position_hold_it_and_reading_beyond_is_extrapolation(workspace):
    _, config, source = opened(workspace, "causal_lm", "none")
    sample = recovery.longer(config, source, 24)
    assert sample.position.max() == 16 and (sample.sequence < 24).all()
    random = np.random.default_rng(0)
    x = random.normal(size=(len(sample.position), 16))
    x[:, 5] = sample.position
    basis = recovery.position_directions(x, sample)
    np.testing.assert_allclose(basis.T @ basis, np.eye(basis.shape[1]), atol=1e-9)
    assert np.linalg.norm(basis[5]) > 0.99
    states = np.zeros((2, 24, 17, 16))
    states[0][sample.real] = x
    states[1][sample.real] = random.normal(size=x.shape)
    line, noise = (value for _, value in recovery.read_beyond(states, sample, trained=8))
    assert line < 0.01 and noise > 1


def test_what_is_projected_out_is_told_beside_random_directions(workspace):
    model, config, source = opened(workspace, "causal_lm", "learned")
    untrained = parameters.init_model(config, source.stream, 4)
    look, longer = hidden.draw_probe_data(config, source, 24), recovery.longer(config, source, 8)
    found = recovery.recovered(model, untrained, look, longer, config, 0)
    told = {(c["part"], c["layer"]): v for c, v in found if c["metric"] == "projected_out"}
    assert set(told) == {(part, layer) for part in ("position", "random") for layer in (1, 2)}
    gaps = {c["network"]: v for c, v in found if c["metric"] == "order_gap"}
    window = jax.tree.map(lambda leaf: leaf[0], look.batch[1])
    assert gaps["trained"] == pytest.approx(float(recovery.order_gap(model, window)), rel=1e-5)
    # The same by one example after the other, with the probe's own directions taken out of the last states.
    states = np.asarray(hidden.record_hidden_states(model, look.sample.inputs))
    x = states[2].astype(np.float64)[look.sample.real]
    basis, centre = recovery.position_directions(x, look.sample), x.mean(0)
    bits = []
    for directions in (np.zeros_like(basis), basis):
        nats, characters = 0.0, 0.0
        for number in range(len(look.batch[0].tokens)):
            example, inputs = jax.tree.map(lambda leaf, number=number: leaf[number], look.batch)
            y = np.asarray(model(inputs, record=True).record.hidden[-1], np.float64)
            y = y - (y - centre) @ directions @ directions.T
            logits = np.asarray(model.stack.norm(jnp.asarray(y, jnp.float32)) @ model.unembedding[...], np.float64)
            for t in np.flatnonzero(example.metric_mask):
                nats += np.log(np.exp(logits[t]).sum()) - logits[t, example.targets[t]]
                characters += float(source.validation["characters"][example.targets[t]])
        bits.append(nats / characters / np.log(2))
    assert told["position", 2] == pytest.approx(bits[1] - bits[0], abs=1e-4)
    assert abs(told["random", 2] - told["position", 2]) > 1e-3


def test_states_of_a_cell_are_those_of_its_trained_model_and_of_the_same_network_untrained(workspace):
    config = config_of(workspace, "masked_lm", "learned")
    (run,) = workspace.list_runs(config, range(1))
    workspace.train([run])
    source = workspace.open_source(config)
    look, beyond = hidden.draw_probe_data(config, source, 24), recovery.longer(config, source, 8)
    found = structure.everything(workspace, run, look, beyond)
    told = {(c["network"], c["layer"]): v for c, v in found if c.get("target") == "position"}
    for network, model in (
        ("trained", workspace.load_model(run)),
        ("untrained", parameters.init_model(config, source.stream, run.seed)),
    ):
        states = np.asarray(hidden.record_hidden_states(jax.tree.map(jnp.asarray, model), look.sample.inputs))
        for layer, state in enumerate(states):
            x = state.astype(np.float64)[look.sample.real]
            whole = probes.split_by_sequence(look.sample.sequence)
            expected = probes.probe_number(x, look.sample.position, whole).error_share
            assert told[network, layer] == pytest.approx(expected, abs=1e-4)
    assert told["trained", 0] != told["untrained", 0]


# ── verdicts follow the rows ────────────────────────────────────────────────────────────────────────────────────────

COLUMNS = {"encoding": "learned", "positions": "arange", "starts": "packed", "corpus": "kjv", "metric": "cost"}


def rows_of(task, shift, shuffle, permute, whole=1.0, seeds=10, **more):
    values = {"shift": shift, "shuffle": shuffle, "permute": permute, "one id": whole}
    return [
        COLUMNS | more | {"task": task, "seed": seed, "condition": kind, "size": 8 * (kind != "one id"), "value": value + 0.01 * seed}
        for seed in range(seeds)
        for kind, value in values.items()
    ]  # fmt: skip


def verdicts(rows):
    return {claim.id: claim.verdict for claim in structure.claims(pd.DataFrame(rows))}


def test_verdicts_of_use_turn_with_the_rows():
    local = [row for task in structure.CHAIN[:2] for row in rows_of(task, 0.0, 0.6, 0.2)]
    absolute = [row for task in structure.CHAIN[2:] for row in rows_of(task, 0.7, 0.2, 0.6)]
    found = verdicts(local + absolute)
    assert (found["C4"], found["C4.encoder-absolute"], found["C4.decoder-absolute"]) == (
        "supported",
        "contradicted",
        "supported",
    )
    assert (found["C4.encoder-local"], found["C4.decoder-local"]) == ("supported", "contradicted")
    assert (found["C4.objective"], found["C4.mask"]) == ("supported", "undecided")
    swapped = {"masked_lm": "sampled_causal_lm", "sampled_causal_lm": "masked_lm"}
    turned = verdicts([row | {"task": swapped.get(row["task"], row["task"])} for row in local + absolute])
    assert (turned["C4"], turned["C4.encoder-absolute"]) == ("contradicted", "supported")
    assert verdicts([row | {"seed": row["seed"] % 5} for row in local + absolute])["C4"] == "undecided"


def test_a_model_that_does_not_use_position_has_no_shares():
    rows = [row for task in structure.CHAIN for row in rows_of(task, 0.7, 0.2, 0.6, whole=-0.2)]
    assert "C4" not in verdicts(rows)
    assert "C4" not in verdicts([row | {"encoding": "none"} for row in rows_of("masked_lm", 0.7, 0.2, 0.6)])


def test_verdicts_of_recovery_turn_with_the_rows():
    base = {"task": "causal_lm", "encoding": "none", "positions": "arange", "part": ""}
    base |= {"target": "position", "metric": "probe_error", "layer": 1.0}
    rows = [
        base | {"network": n, "seed": s, "value": v + s / 100}
        for n, v in (("trained", 0.2), ("untrained", 0.6))
        for s in range(8)
    ]
    last = [row | {"layer": 2.0} for row in rows]
    out = {"metric": "projected_out", "network": "trained"}
    used = [
        base | out | {"part": p, "seed": s, "value": v + s / 1000}
        for p, v in (("position", 0.3), ("random", 0.1))
        for s in range(8)
    ]
    found = verdicts(rows + last + used)
    assert (found["C9"], found["C9.uses"]) == ("supported", "supported")
    other = {"trained": "untrained", "untrained": "trained"}
    assert verdicts([row | {"network": other[row["network"]]} for row in rows + last])["C9"] == "contradicted"
    gap = {"task": "masked_lm", "encoding": "none", "metric": "order_gap", "network": "trained"}
    gaps = [gap | {"seed": seed, "value": 1e-7} for seed in range(6)]
    assert verdicts(rows + gaps)["C9.equivariant"] == "supported"
    assert verdicts(rows + [row | {"value": 0.3} for row in gaps])["C9.equivariant"] == "contradicted"


def test_a_smooth_table_is_nearer_to_a_linear_shift_and_a_gaussian_one_is_not():
    base = {
        "task": "causal_lm",
        "encoding": "learned",
        "positions": "offset",
        "metric": "shift_residual_1",
        "rows": 193,
        "width": 64,
    }
    drawn = {"task": "controls", "encoding": "control:gaussian"}
    rows = [base | more | {"seed": s, "value": v + s / 1000} for more, v in (({}, 0.2), (drawn, 1.0)) for s in range(6)]
    assert verdicts(rows)["C1.learned"] == "supported"
    assert verdicts([row | {"value": 1.0 + (row["seed"] % 2) / 100} for row in rows])["C1.learned"] == "undecided"


def test_presets_have_the_cells_that_separate_mask_objective_and_predictions():
    grid = structure.PRESETS["standard"].grid
    seeds = {(row.task, row.encodings, row.positions): row.overrides.get("seeds") for row in grid[:4]}
    assert seeds["masked_lm", ("learned",), ("arange",)] == seeds["sampled_causal_lm", ("learned",), ("arange",)] == 10
    assert all(row.overrides.get("seeds", 10) >= 6 for row in grid), "fewer than six seeds can give no verdict"
    assert replace(structure.PRESETS["smoke"], grid=()).seeds == 1
