"""What a test may change: the scores of the workspace against one example after the other, for every kind of change."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import pytest
from slow_evaluation import assert_close, evaluate_slowly

from jaxpe.model import ForwardOptions
from jaxpe.positions import build_sampler
from jaxpe.records.results import open_results
from jaxpe.study.scores import EvaluationConfig
from jaxpe.study.workspace import Workspace
from jaxpe.training import parameters
from jaxpe.training.config import RunConfig, Training
from jaxpe.training.sources import load_source

# The encoding acts in the first 60 % of the steps: at the checkpoints of 25 and 50 %, and no more at the end.
CONFIG = RunConfig(
    "copy", "decoder", "drop", 4, 60, width=8, layers=1, encoding_options=(("after", 0.6),),
    training=Training(steps=12, batch=8, length_buckets=1, learning_rate=0.03),
)  # fmt: skip
SEEN = 2 * 4 + 3  # tokens of the longest training example
CASES = {
    "plain": (EvaluationConfig(), {}),
    "a snapshot": (EvaluationConfig(snapshot="50"), {"progress": 0.5}),
    "an early snapshot, shifted": (EvaluationConfig(snapshot="25", shift=9), {"progress": 0.25}),
    "scaled": (EvaluationConfig(scaled=True), {"scaling_length": float(SEEN)}),
    "validation": (EvaluationConfig(part="validation"), {}),
    "another sampler": (EvaluationConfig(snapshot="50", sampler="randomized"), {"progress": 0.5}),
    "another encoding": (EvaluationConfig(encoding="alibi"), {}),
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    work = Workspace(open_results(tmp_path_factory.mktemp("variants") / "results"))
    runs = work.list_runs(CONFIG, range(2))
    work.train(runs)
    return work, runs


def restore(work, run, evaluation):
    """The stored parameters of a run in the model that is tested."""
    config = replace(CONFIG, encoding=evaluation.encoding, encoding_options=()) if evaluation.encoding else CONFIG
    arrays = work.results.read_parameters(run.id)
    model = parameters.restore_model(config, load_source(CONFIG).stream, arrays, f"{evaluation.snapshot}/")
    return config, jax.tree.map(jnp.asarray, model)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("length", [3, 7])
def test_scores_equal_those_of_one_example_after_the_other(trained, case, length):
    """Within and beyond the training length, for both seeds."""
    work, runs = trained
    evaluation, options = CASES[case]
    scores = work.measure_scores(runs, [length], 6, evaluation)
    assert sorted(scores) == [(0, length), (1, length)]
    given = ForwardOptions(**{name: jnp.float32(value) for name, value in ({"progress": 1.0} | options).items()})
    sampler = build_sampler("randomized", limit=60) if evaluation.sampler == "randomized" else None
    name = "copy validation" if evaluation.part == "validation" else "copy"
    for run in runs:
        config, model = restore(work, run, evaluation)
        expected = evaluate_slowly(config, model, length, sampler, evaluation.shift, given, name=name)
        assert_close(scores[run.seed, length], expected)


def test_the_cases_differ(trained):
    work, runs = trained
    nats = [float(work.measure_scores(runs[:1], [7], 6, evaluation)[0, 7].nats) for evaluation, _ in CASES.values()]
    assert len({round(value, 3) for value in nats}) == len(CASES)


def test_a_training_keeps_the_parameters_of_its_quarters(trained):
    """Three sets, which differ, and a history of all steps."""
    work, runs = trained
    arrays = work.results.read_parameters(runs[0].id)
    names = {name.partition("/")[0] for name in arrays}
    assert names == {"25", "50", "100"}
    weight = "stack.blocks.0.attention.query"
    first, half, last = (arrays[f"{name}/{weight}"] for name in ("25", "50", "100"))
    assert not (first == half).all() and not (half == last).all()
    record = work.results.read_record(runs[0].id)
    assert record["history"]["step"] == [10, 12] and record["seed"] == 0
