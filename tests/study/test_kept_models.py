"""Models that an experiment keeps: the parameters of its runs, rounded, and nothing of diverged runs."""

import base64
from dataclasses import replace

import numpy as np
import pytest

from jaxpe.records.results import open_results
from jaxpe.study.kept_models import describe_models, write_models
from jaxpe.study.stored_runs import compare_models
from jaxpe.study.workspace import Workspace
from jaxpe.training.config import RunConfig
from jaxpe.training.parameters import flatten_model, init_model

CONFIG = RunConfig("reverse", "encoder", "none", 3, 12, width=8, layers=1)


@pytest.fixture
def work(tmp_path):
    return Workspace(open_results(tmp_path / "r"))


def store(work, seed=0, diverged=False, **changes):
    """A run that was never trained."""
    [run] = work.list_runs(replace(CONFIG, **changes), [seed])
    arrays = flatten_model(init_model(run.config, work.open_source(run.config).stream, seed), "100/")
    work.results.write_run(run.id, {"seed": seed, "diverged": diverged}, arrays)
    return run


def test_the_parameters_are_those_of_the_run_in_half_the_bytes(work):
    run = store(work, seed=3, encoding="learned")
    kept = describe_models([run], work)
    assert kept.items() >= {"task": "reverse", "seed": 3, "width": 8, "table_length": 12}.items()
    arrays = flatten_model(work.load_model(run))
    assert set(kept["models"]["learned"]) == set(arrays)
    for name, text in kept["models"]["learned"].items():
        numbers = np.frombuffer(base64.b64decode(text), "<f2").reshape(arrays[name].shape)
        np.testing.assert_array_equal(numbers, arrays[name].astype(np.float16))


def test_diverged_runs_are_left_out(work):
    runs = [store(work), store(work, encoding="learned", diverged=True)]
    assert set(describe_models(runs, work)["models"]) == {"none"}
    assert describe_models(runs[1:], work) is None and describe_models([], work) is None


@pytest.mark.parametrize(
    "changes", [{"encoding": "learned", "width": 16}, {"encoding": "learned", "seed": 1}, {"positions": "offset"}]
)
def test_models_of_other_sizes_or_seeds_or_of_one_encoding_are_not_mixed(work, changes):
    with pytest.raises(ValueError, match="must"):
        describe_models([store(work), store(work, **changes)], work)


def test_an_edited_file_and_one_that_is_not_due_are_differences(work, tmp_path):
    kept = describe_models([store(work)], work)
    write_models(tmp_path, kept)
    assert compare_models(tmp_path, kept) == []
    for computed in (kept | {"seed": 1}, None):
        [difference] = compare_models(tmp_path, computed)
        assert "models.json does not hold the models of the stored runs" in difference
    write_models(tmp_path, None)
    assert not (tmp_path / "models.json").exists() and compare_models(tmp_path, None) == []
    write_models(tmp_path, None)
