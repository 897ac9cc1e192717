"""Properties of every task of the catalogue; unknown names and options."""

import inspect
import re

import jax
import numpy as np
import pytest
from task_samples import LONGEST, ORACLES, build, draw_batch, draw_lists, draw_one

from jaxpe import tasks
from jaxpe.errors import UserError
from jaxpe.tasks.evaluation_sets import make_evaluation_key


def test_the_oracles_cover_the_catalogue():
    assert set(ORACLES) == set(tasks.CATALOGUE)


@pytest.mark.parametrize("name", tasks.CATALOGUE)
def test_answers_equal_a_slow_oracle(name):
    task = build(name)
    for length in task.lengths(1, 12)[::3]:
        for x, y in draw_lists(name, length):
            assert y == list(ORACLES[name](x))
            assert all(0 <= s < task.symbols for s in x + y)


@pytest.mark.parametrize("name", tasks.CATALOGUE)
def test_the_example_in_the_docstring_is_right(name):
    text = " ".join(inspect.getdoc(type(build(name))).split())
    x, y = ([int(s) for s in part.split()] for part in re.search(r"x = ([\d ]+), y = ([\d ]+)\.", text).groups())
    if name in ("repeat_copy", "majority_26"):  # rows of a class with another alphabet
        x, y = ([s % build(name).symbols for s in part] for part in (x, y))
    assert y == list(ORACLES[name](x))
    assert all(0 <= s < build(name).symbols for s in x + y)


@pytest.mark.parametrize("name", tasks.CATALOGUE)
def test_a_larger_array_and_a_traced_length_add_padding_only(name):
    task = build(name)
    length = task.lengths(6, 9)[0]
    key = make_evaluation_key(name, length)
    plain = draw_one(task, jax.random.fold_in(key, 0), length, length)
    padded = jax.tree.map(lambda part: part[0], draw_batch(task, key, 0, length))
    sizes = {"x": (task.x_size(length), task.x_size(LONGEST)), "y": (task.y_size(length), task.y_size(LONGEST))}
    for part, (size, padded_size) in sizes.items():
        short, long = (np.asarray(getattr(sample, part)) for sample in (plain, padded))
        assert short.shape == (size,) and long.shape == (padded_size,)
        np.testing.assert_array_equal(short, long[:size])
        assert part == "y" or not long[size:].any()
        assert {int(getattr(sample, f"{part}_length")) for sample in (plain, padded)} == {size}


def test_unknown_tasks_and_options_are_refused():
    with pytest.raises(UserError, match="Did you mean 'reverse'"):
        tasks.build_task("revers", train_length=5)
    with pytest.raises(UserError, match="Did you mean 'alphabet'"):
        tasks.build_task("copy", train_length=5, alphabe=3)
    with pytest.raises(UserError, match="alphabet"):
        tasks.build_task("even_pairs", train_length=5, alphabet=4)  # binary: its baselines know two symbols
