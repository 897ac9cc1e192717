"""What is measured on trained language models: losses under changed positions, tables, and states."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from language_runs import train_runs

from jaxpe.analysis import hidden, probes, structure, use
from jaxpe.analysis.model_tables import extract_codes
from jaxpe.records.results import open_results
from jaxpe.study.workspace import Workspace
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
    codes, sentence = extract_codes(workspace, runs)
    assert codes.shape[:2] == (2, 9) and runs[0].config.table_length > 9 and "0-8 " in sentence


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
