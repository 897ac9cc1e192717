"""Properties of every task of the catalogue; unknown names and options."""

import inspect
import re

import jax
import numpy as np
import pytest
from task_samples import ORACLES, build, draw_lists

from jaxpe import tasks
from jaxpe.conformance.task_examples import LONGEST, draw_batch, draw_one
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


def test_tasks_on_real_text_are_listed_with_the_others_and_have_no_examples_of_their_own():
    names = tasks.list_task_names()
    assert names[: len(tasks.CATALOGUE)] == list(tasks.CATALOGUE) and names[-1] == "translation"
    assert tasks.find_task("causal_lm") == ("the next token of real text", ("decoder",), None)
    assert tasks.find_task("histogram").architectures == ("encoder", "decoder")
    assert all(tasks.find_task(name).summary for name in names)
    with pytest.raises(UserError, match="causal_lm is a task on real text"):
        tasks.build_task("causal_lm", train_length=5)


def test_a_task_in_a_file_has_options_and_the_examples_of_its_class_name_wherever_it_lies(tmp_path):
    text = "from dataclasses import dataclass\nfrom jaxpe.tasks.copying import Reverse\n@dataclass(frozen=True)\n"
    text += "class Mine(Reverse):\n    train_length: int = 3\n    broken: int = 0\n"
    text += "    def __post_init__(self):\n        assert not self.broken, 'broken'\n"
    keys = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mine.py").write_text(text)
        name = f"{tmp_path / folder / 'mine.py'}:Mine"
        keys.append(jax.random.key_data(make_evaluation_key(name, 5)).tolist())
    assert keys[0] == keys[1] != jax.random.key_data(make_evaluation_key("reverse", 5)).tolist()
    assert tasks.build_task(name, train_length=7, alphabet=4).train_length == 7
    with pytest.raises(
        UserError, match=r"task 'Mine' could not be constructed: AssertionError: broken \(mine.py, line"
    ):
        tasks.build_task(name, train_length=7, broken=1)
    with pytest.raises(UserError, match="Did you mean 'alphabet'"):
        tasks.build_task(name, train_length=5, alphabe=3)
