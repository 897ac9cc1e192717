"""What is measured on trained language models: losses under changed positions, tables, and states."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from language_runs import make_config, train_runs

from jaxpe.analysis import hidden, probes, structure, use
from jaxpe.analysis.model_tables import extract_codes
from jaxpe.analysis.position_table import measure_tables
from jaxpe.records.results import open_results
from jaxpe.study.workspace import Run, Workspace
from jaxpe.training import parameters


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    return Workspace(open_results(tmp_path_factory.mktemp("structure"), write=True))


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["none", "learned"])
def test_losses_under_changed_positions_are_those_of_the_trained_models(workspace, encoding):
    """As trained they are the study's own scores. A model without encodings loses nothing, one with them does."""
    runs = train_runs(workspace, "masked_lm", encoding)
    results, scores = use.measure_use(workspace, runs, 32), workspace.measure_scores(runs, [8], 32)
    for run, losses in zip(runs, results, strict=True):
        assert losses["whole"].nats.sum() == pytest.approx(scores[run.seed, 8].nats, rel=1e-4)
        assert losses["whole"].answers.sum() == scores[run.seed, 8].answers
    stored = use.measure_use(workspace, runs, 32)
    assert [use.compute_position_costs(losses) for losses in stored] == [
        use.compute_position_costs(losses) for losses in results
    ]
    costs = use.compute_position_costs(results[0])
    assert {c.size for c in costs if c.kind == "shift"} == {1}, "no shift beyond the trained rows"
    if encoding == "none":
        assert max(map(abs, costs.values())) < 1e-5
    else:
        assert min(abs(cost) for condition, cost in costs.items() if condition.kind != "shuffle") > 1e-5


def test_only_rows_that_training_changed_are_measured(workspace):
    runs = train_runs(workspace, "masked_lm", "learned")
    before, codes, sentence = extract_codes(workspace, runs)
    assert codes.shape[:2] == (2, 9) and runs[0].config.table_length > 9 and "0-8 " in sentence
    untrained = parameters.init_model(runs[0].config, workspace.open_source(runs[0].config).stream, 0)
    assert np.array_equal(before[0], np.asarray(untrained.stack.encodings[0].table[...])[:9].astype(np.float64))


def test_tables_are_measured_before_training_too():
    generator = np.random.default_rng(0)
    smooth = np.cumsum(generator.normal(size=(1, 120, 4)), axis=1)
    rows = structure.make_before_rows([{"seed": 7}], smooth)
    assert {row["metric"] for row in rows} == {"shift_residual_1_before", "position_error_share_before"}
    assert all(row["seed"] == 7 and (row["rows"], row["width"]) == (120, 4) for row in rows)
    residual = next(row["value"] for row in rows if row["metric"] == "shift_residual_1_before")
    assert residual == pytest.approx(measure_tables(smooth, None)["shift_residual_1"][0], abs=1e-4)


def test_every_row_of_structure_says_that_its_tests_begin_at_0():
    config = make_config("causal_lm", "learned")
    config = replace(config, positions="offset", position_options=(("limit", config.table_length),))
    row = structure.make_structure_row(Run(config, 0, "id"))
    assert (row["positions"], row["test_positions"]) == ("offset", "arange")


@pytest.mark.slow
def test_states_are_those_of_the_trained_model_and_of_the_same_network_untrained(workspace):
    run = train_runs(workspace, "masked_lm", "learned")[0]
    config, source = run.config, workspace.open_source(run.config)
    tests = structure.LanguageProbes(
        hidden.draw_probe_data(config, source, 24), hidden.draw_longer_sequences(config, source, 8)
    )
    results = structure.measure_states(workspace, run, tests)
    errors = {(c["network"], c["layer"]): v for c, v in results if c.get("target") == "position"}
    sample = tests.probe_data.sample
    for network, model in (
        ("trained", workspace.load_model(run)),
        ("untrained", parameters.init_model(config, source.stream, run.seed)),
    ):
        states = np.asarray(hidden.record_hidden_states(jax.tree.map(jnp.asarray, model), sample.inputs))
        for layer, state in enumerate(states):
            x = state.astype(np.float64)[sample.real]
            whole = probes.split_by_sequence(sample.sequence)
            expected = probes.probe_number(x, sample.position, whole).error_share
            assert errors[network, layer] == pytest.approx(expected, abs=1e-4)
    assert errors["trained", 0] != errors["untrained", 0]
