"""The course of training, averaged over seeds."""

import pandas as pd
import pytest

import jaxpe
from jaxpe.study.histories import POINTS, average_histories


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    sizes = {
        "layers": 1,
        "width": 8,
        "batch": 8,
        "train_length": 4,
        "length_buckets": 1,
        "results": tmp_path_factory.mktemp("runs") / "r",
    }
    short = jaxpe.train("copy", "encoder", "none", seeds=2, steps=60, **sizes)
    return short, jaxpe.train("copy", "encoder", "none", seeds=1, steps=400, **sizes)


def test_each_step_has_the_mean_and_the_range_of_the_seeds(runs):
    short, _ = runs
    rows = pd.DataFrame(average_histories("mine", short.runs, short.work))
    history = short.history
    assert set(rows["metric"]) == {"loss", "token_accuracy"} and set(rows["n"]) == {2}
    for row in rows.itertuples():
        values = history.loc[history["step"] == row.step, row.metric]
        assert (row.value, row.least, row.greatest) == (pytest.approx(values.mean()), values.min(), values.max())
    assert set(rows["step"]) == set(history["step"])


def test_a_long_history_is_thinned_and_keeps_its_ends(runs):
    _, long = runs
    rows = pd.DataFrame(average_histories("mine", long.runs, long.work))
    steps = rows.loc[rows["metric"] == "loss", "step"]
    assert len(steps) == POINTS and (steps.min(), steps.max()) == (10, 400)


def test_configs_of_the_same_names_are_told_apart_by_a_number(runs):
    short, long = runs
    rows = pd.DataFrame(average_histories("mine", [*short.runs, *long.runs], short.work))
    assert rows.groupby("config")["step"].max().to_dict() == {0: 60, 1: 400}


def test_a_seed_that_ends_early_counts_up_to_there(runs, monkeypatch):
    short, _ = runs
    read = short.work.read_record

    def cut(run):
        record = read(run)
        if run.seed:
            return record
        return record | {"history": {name: values[:3] for name, values in record["history"].items()}}

    monkeypatch.setattr(short.work, "read_record", cut)
    rows = pd.DataFrame(average_histories("mine", short.runs, short.work))
    assert rows.groupby("step")["n"].first().to_dict() == {10: 2, 20: 2, 30: 2, 40: 1, 50: 1, 60: 1}
