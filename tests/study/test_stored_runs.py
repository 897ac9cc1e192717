"""Tables against stored runs: row by row, and nothing is trained, compiled or loaded by a name that a folder holds."""

import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from jaxpe.analysis.use import measure_use
from jaxpe.records.json_values import to_json_value, write_json
from jaxpe.records.results import open_results
from jaxpe.study.experiment import EXPERIMENTS, STUDY, load_experiment, plan_experiment, run_experiment
from jaxpe.study.stored_runs import NO_RUNS, NotStored, StoredWorkspace, compare_with_runs, parse_preset
from jaxpe.study.workspace import Run, Workspace
from jaxpe.training.config import RunConfig

HISTORY = {"step": [10, 20], "loss": [2.0, 1.0], "token_accuracy": [0.5, 0.6], "exact_match": [0.0, 0.1]}

FILE = '''"""Is it small?"""
from jaxpe.study.presets import GridRow, Preset
from jaxpe.study.tables import make_base_row

ROW = GridRow(task="reverse", architectures=("encoder",), encodings=("none", "rotary"))
PRESETS = {"quick": Preset((ROW,), seeds=2, train_length=4, max_length_ratio=2.0, width=8, layers=1, steps=4, batch=4)}
CLAIMS = ()


def measure(work, runs, preset):
    rows = []
    for run in runs:
        for columns, value in work.measure_once(run, {"kind": "small"}, lambda: [({"metric": "seed"}, run.seed / 8)]):
            rows.append(make_base_row("small", run.config, run.seed, 4) | columns | {"value": value})
    return rows


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


@pytest.fixture
def results(small, tmp_path, monkeypatch):
    """A results folder after a run whose trainings were made up; from then on nothing can be trained."""

    def write_records(work, runs):
        for run in work.select_missing(runs):
            work.results.write_run(
                run.id, {"seed": run.seed, "diverged": False, "seconds": 2.0, "devices": 2, "history": HISTORY}, {}
            )

    with monkeypatch.context() as patch:
        patch.setattr(Workspace, "train", write_records)
        work = Workspace(open_results(tmp_path / "results"))
        run_experiment(small, plan_experiment(small, small.get_preset("quick"), work), work, "jaxpe run small.py")
    return tmp_path / "results"


def compare(small, results):
    return compare_with_runs(small, results, results / "small")


def test_a_table_agrees_with_the_runs_that_it_was_measured_from(small, results):
    before = {path: path.stat().st_mtime_ns for path in results.rglob("*")}
    assert compare(small, results) == (4, (), ())
    assert {path: path.stat().st_mtime_ns for path in results.rglob("*")} == before


def test_another_course_of_training_than_that_of_the_runs_is_named(small, results):
    history = results / "small" / "history.csv"
    history.write_text(history.read_text().replace("loss,2", "loss,2.5", 1))
    (difference,) = compare(small, results).differences
    assert difference == "small/history.csv does not hold the course of training of the stored runs."
    history.unlink()
    assert compare(small, results).differences == ()  # versions before it wrote none


def test_a_row_that_the_runs_do_not_give_is_named_with_the_one_that_they_give(small, results):
    table = results / "small" / "table.csv"
    table.write_text(table.read_text().replace("seed,0.125", "seed,0.25", 1))
    agreeing, differences, _ = compare(small, results)
    assert agreeing == 3 and len(differences) == 2
    assert "encoding none, " in differences[0] and "value 0.25, learning_rate 0.003: is in the table" in differences[0]
    assert "value 0.125, learning_rate 0.003: follows from the stored runs" in differences[1]


def test_what_is_missing_is_said_and_nothing_is_measured(small, results):
    run = next((results / "runs").iterdir())
    [measurement] = run.glob("small-*.npz")
    measurement.unlink()
    assert "what was measured in reverse, encoder" in compare(small, results).notes[0]
    shutil.rmtree(run)
    assert "the run of reverse, encoder" in compare(small, results).notes[0]
    shutil.rmtree(results / "runs")
    assert compare(small, results) == (0, (), (NO_RUNS,))


def test_changed_positions_are_not_measured_either(results):
    """Losses of models of text, which are stored together and by another function."""
    config = RunConfig("causal_lm", "decoder", "none", 8, 16, width=8, layers=1)
    with pytest.raises(NotStored, match="changing positions of causal_lm, decoder, none"):
        measure_use(StoredWorkspace(open_results(results)), [Run(config, 0, "nothing")], 4)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("grid", 0, "encodings"), ["x.py:Mine"]),
        (("grid", 0, "encodings"), ["mine"]),
        (("grid", 0, "encoding_options"), [["base", "folder/x.py:Mine"]]),
        (("grid", 0, "task"), "my_task"),
        (("grid", 0, "overrides"), {"corpus": "book"}),
        (("encodings",), ["x.py:Mine"]),
        (("corpus",), "book.txt"),
        (("corpus",), "somebody/something"),
        (("options",), {"table": "x.npy"}),
        (("grid",), []),
        (("further",), 1),
        (("grid", 0, "further"), 1),
        (("grid", 0, "overrides"), {"further": 1}),
    ],
)
def test_nothing_is_loaded_by_a_name_in_a_folder(small, path, value):
    """Nor is a preset of another version guessed at."""
    entry = to_json_value(asdict(small.get_preset("quick")))
    place = entry
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(NotStored):
        parse_preset(small, entry)


OPTIONS = """
@dataclass
class OPTIONS:
    times: float = 2.0
    sizes: tuple = ()
    file: str | None = None
"""


def test_options_that_are_numbers_are_read_back_and_others_are_not(tmp_path):
    """Text may name a file."""
    path = tmp_path / "optional.py"
    path.write_text(FILE.replace("CLAIMS =", f"from dataclasses import dataclass\n{OPTIONS}\nCLAIMS ="))
    experiment = load_experiment(str(path))
    entry = to_json_value(asdict(experiment.get_preset("quick")))
    default = {"times": 2.0, "sizes": [], "file": None}
    for change in ({}, {"times": 3.5}, {"sizes": [1, 2]}):
        options = parse_preset(experiment, entry | {"options": default | change}).options
        assert isinstance(options, experiment.module.OPTIONS) and to_json_value(options) == default | change
    for change in ({"file": "x"}, {"sizes": ["x"]}, {"further": 1}):
        with pytest.raises(NotStored, match="its options name"):
            parse_preset(experiment, entry | {"options": default | change})


@pytest.mark.parametrize("name", [name for name in STUDY if name not in ("pretrained", "superposition")])
def test_every_preset_of_the_study_is_read_back_as_it_was(name, tmp_path):
    experiment = load_experiment(name)
    options = getattr(experiment.module, "OPTIONS", lambda: None)()
    for preset in experiment.module.PRESETS.values():
        rows = [row for row in preset.grid if "corpus" not in row.overrides]  # other texts are fetched
        preset = replace(preset, grid=tuple(rows), options=options)
        write_json(tmp_path / "preset.json", preset)
        assert parse_preset(experiment, json.loads(Path(tmp_path / "preset.json").read_text())) == preset


def test_a_preset_without_a_grid_is_none_of_stored_runs():
    assert "superposition" in EXPERIMENTS
    experiment = load_experiment("superposition")
    with pytest.raises(NotStored):
        parse_preset(experiment, to_json_value(asdict(experiment.get_preset("quick"))))
