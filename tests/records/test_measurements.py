"""Measurements under their keys: everything that can change a number names another file, and only its own is read."""

import shutil
from dataclasses import fields

import numpy as np
import pytest

from jaxpe.records.results import open_results
from jaxpe.study.scores import EvaluationConfig

OTHERS = {int: 3, bool: True, str: "other", float: 0.25}  # by the type of a field's default


def make_other_value(name):
    """Another value of a field of EvaluationConfig than its default."""
    if name in (chosen := {"sampler": "offset", "encoding": "rotary_ntk"}):
        return chosen[name]
    default = getattr(EvaluationConfig(), name)
    kind = str if default is None else type(default)
    return OTHERS[kind]


CHANGES = [
    pytest.param({field.name: make_other_value(field.name)}, 4, 16, id=field.name) for field in fields(EvaluationConfig)
] + [pytest.param({}, 5, 16, id="length"), pytest.param({}, 4, 17, id="examples")]


@pytest.fixture
def results(tmp_path):
    """A results folder with two runs."""
    folder = open_results(tmp_path / "results")
    for name in ("a", "b"):
        folder.write_run(name, {"seed": 0}, {"100/x": np.zeros(2)})
    return folder


@pytest.mark.parametrize(("changes", "length", "examples"), CHANGES)
def test_whatever_differs_is_another_file_and_a_copy_under_its_name_is_refused(results, changes, length, examples):
    plain = EvaluationConfig().make_key(4, 16, 60)
    changed = EvaluationConfig(**changes).make_key(length, examples, 60)
    assert changed != plain
    results.write_measurement("a", plain, {"exact": np.float32(2)})
    first, second = (results.locate_measurement("a", key) for key in (plain, changed))
    assert first != second and results.read_measurement("a", changed) is None
    shutil.copy(first, second)
    assert results.read_measurement("a", changed) is None
    assert results.read_measurement("a", plain)["exact"] == 2


def test_all_changes_together_have_names_of_their_own(results):
    keys = [EvaluationConfig(**param.values[0]).make_key(*param.values[1:], 60) for param in CHANGES]
    assert len({results.locate_measurement("a", key) for key in keys}) == len(keys)


def test_the_code_of_an_encoding_that_takes_the_place_of_the_trained_one_is_part_of_the_key(tmp_path):
    path, keys = tmp_path / "mine.py", []
    for base in (10, 20):
        path.write_text(f"from jaxpe.encodings.rotary import Rotary\nclass Mine(Rotary):\n    base = {base}\n")
        keys.append(EvaluationConfig(encoding=f"{path}:Mine").make_key(4, 16, 60))
    assert keys[0] != keys[1]


@pytest.mark.parametrize(
    ("sampler", "counts"), [(None, False), ("arange", False), ("shifted", False), ("randomized", True)]
)
def test_the_length_of_the_table_counts_where_it_is_the_limit_of_random_positions(sampler, counts):
    keys = [EvaluationConfig(sampler=sampler).make_key(4, 16, length) for length in (60, 61)]
    assert (keys[0] != keys[1]) == counts


def test_the_kind_and_the_version_of_a_measurement_are_part_of_its_key(results):
    key = {"kind": "scores", "version": 1, "length": 4}
    results.write_measurement("a", key, {"exact": np.float32(2)})
    for changed in (key | {"kind": "use"}, key | {"version": 2}, key | {"length": 4.5}, key | {"more": 0}):
        assert results.locate_measurement("a", changed) != results.locate_measurement("a", key)
        assert results.read_measurement("a", changed) is None


def test_a_measurement_of_one_run_is_none_of_another(results):
    key = EvaluationConfig().make_key(4, 16, 60)
    results.write_measurement("a", key, {"exact": np.float32(2)})
    assert results.read_measurement("b", key) is None
