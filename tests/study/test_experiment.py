"""Experiments: found by name or path, planned before anything compiles, and run into a folder of their own."""

import json
from dataclasses import replace

import pytest

from jaxpe.errors import UserError
from jaxpe.records.csv_tables import read_table
from jaxpe.records.provenance import find_edits
from jaxpe.records.results import open_results
from jaxpe.study import experiment, tuning
from jaxpe.study.experiment import load_experiment, plan_experiment, run_experiment
from jaxpe.study.presets import SIZES
from jaxpe.study.workspace import Workspace

HISTORY = {"step": [10, 20], "loss": [2.0, 1.0], "token_accuracy": [0.5, 0.6], "exact_match": [0.0, 0.1]}

FILE = '''"""Is it small?

Measured: the seed of each run.

Predicted: yes, it
is.

Decided by: nothing.
"""
from jaxpe.errors import UserError
from jaxpe.study.presets import GridRow, Preset
from jaxpe.study.tables import make_base_row

ROW = GridRow(task="reverse", architectures=("encoder",), encodings=("none",), overrides={"learning_rates": (3e-3, 1e-2)})
PRESETS = {"quick": Preset((ROW,), seeds=1, train_length=4, max_length_ratio=2.0, width=8, layers=1, steps=4, batch=4)}
CLAIMS = ()
READS_LEARNING_RATES = True


def check(preset):
    if preset.steps > 4:
        raise UserError("too many steps")


def measure(work, runs, preset):
    return [make_base_row("another", run.config, run.seed, 4) | {"metric": "seed", "value": run.seed} for run in runs]


def figures(table):
    return {}


def claims(table):
    return []
'''


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "small.py"
    path.write_text(FILE)
    return load_experiment(str(path))


def test_every_experiment_of_the_study_has_all_its_parts_and_sizes():
    for name in experiment.EXPERIMENTS:
        loaded = load_experiment(name)
        assert loaded.name == name and loaded.question.endswith("?")
        assert name not in experiment.STUDY or set(loaded.module.PRESETS) >= set(SIZES)


def test_question_and_prediction_are_read_from_the_docstring(small):
    assert small.name == "small" and small.question == "Is it small?" and small.prediction == "Predicted: yes, it is."
    with pytest.raises(UserError, match="Did you mean 'quick'"):
        small.get_preset("quik")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("acuracy", "Did you mean 'accuracy'"),
        ("missing.py", "There is no file 'missing.py'"),
        ("empty.py", "does not define PRESETS, CLAIMS, measure, figures, claims"),
    ],
)
def test_what_is_no_experiment_is_refused(name, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.py").write_text("")
    with pytest.raises(UserError, match=message):
        load_experiment(name)


def test_an_experiment_is_run_at_its_common_rate_and_the_rates_that_it_chose(small, tmp_path, monkeypatch):
    def write_records(work, group, join):
        for run in group:
            diverged = run.seed == 1000 or run.config.training.learning_rate == 1e-2
            work.results.write_run(
                run.id, {"seed": run.seed, "diverged": diverged, "seconds": 2.0, "history": HISTORY}, {}
            )
        return True

    monkeypatch.setattr(Workspace, "train_group", write_records)
    monkeypatch.setattr(
        tuning, "measure_validation_losses", lambda work, config, n: [1 / config.training.learning_rate] * 2
    )
    work = Workspace(open_results(tmp_path / "results"))
    plan = plan_experiment(small, small.get_preset("quick"), work)
    assert len(plan.runs) == 1 and [len(runs) for runs in plan.list_stages(work)] == [1, 2 * 2, 1]
    run_experiment(small, plan, work, "jaxpe run small.py")
    folder = tmp_path / "results" / "small"
    table = read_table(folder / "table.csv")
    assert table["metric"].value_counts().to_dict() == {
        "validation_nats_per_answer": 4,
        "seed": 2,
        "own_learning_rate": 1,
    }
    assert table[table["metric"] == "seed"]["learning_rate"].tolist() == [3e-3, 1e-2]
    provenance = json.loads((folder / "provenance.json").read_text())
    assert provenance["experiment"] == "small" and provenance["prediction"] == small.prediction
    assert provenance["command"] == "jaxpe run small.py" and provenance["training_seconds"] == 4.0
    assert provenance["runs"] == 2 and provenance["diverged"] == 1 and len(work.diverged_runs) == 1
    assert set(table["experiment"]) == {"small"}, "whatever a row says"
    marked = table[table["diverged"].astype(str) == "True"][["metric", "seed", "learning_rate"]].values.tolist()
    assert marked == [
        ["seed", 0, 1e-2],
        ["validation_nats_per_answer", 1000, 3e-3],
        ["validation_nats_per_answer", 1000, 1e-2],
        ["validation_nats_per_answer", 1001, 1e-2],
    ]
    assert find_edits(folder) == [] and provenance["folder"] == "small"


def test_an_experiment_may_refuse_input_and_its_faults_are_named(small, tmp_path):
    work = Workspace(open_results(tmp_path / "results"))
    with pytest.raises(UserError, match="too many steps"):
        plan_experiment(small, replace(small.get_preset("quick"), steps=5), work)
    with pytest.raises(UserError, match=r"small\.py: ZeroDivisionError"):
        experiment.call_experiment(small, lambda: 1 / 0)


def test_an_experiment_is_run_on_the_seeds_that_its_preset_names(small, tmp_path):
    """New seeds that chose nothing must be those that are trained."""
    preset = replace(small.get_preset("quick"), first_seed=6, seeds=4)
    plan = plan_experiment(small, preset, Workspace(open_results(tmp_path / "results")))
    assert [run.seed for run in plan.runs] == [6, 7, 8, 9]


def test_several_learning_rates_are_refused_where_nothing_tells_them_apart(tmp_path):
    path = tmp_path / "one_rate.py"
    path.write_text(FILE.replace("READS_LEARNING_RATES = True", ""))
    experiment = load_experiment(str(path))
    with pytest.raises(UserError, match="one_rate compares runs of one learning rate"):
        plan_experiment(experiment, experiment.get_preset("quick"), Workspace(open_results(tmp_path / "r")))
