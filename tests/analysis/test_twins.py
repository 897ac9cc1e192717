"""Twins: the same symbols, different answers."""

from collections import Counter

import numpy as np
import pytest

from jaxpe import tasks
from jaxpe.analysis import twins
from jaxpe.tasks import evaluation_sets
from jaxpe.training import parameters
from jaxpe.training.config import RunConfig
from jaxpe.training.sources import load_source


@pytest.mark.parametrize("name", twins.TASKS)
def test_twins_share_their_symbols_and_differ_in_their_answers(name):
    task = tasks.build_task(name, train_length=8)
    sample = evaluation_sets.draw_examples(name, task, 8, 64)
    for x, y in zip(sample.x, sample.y, strict=True):
        np.testing.assert_array_equal(twins.read_answer(name, x), y)
    pairs = twins.make_twin_pairs(name, sample.x)
    assert len(pairs) > 55
    for x, twin in pairs:
        assert Counter(x.tolist()) == Counter(twin.tolist())
        assert (twins.read_answer(name, x) != twins.read_answer(name, twin)).any()


def test_a_model_blind_to_order_never_has_both_twins_right():
    stream = load_source(RunConfig("index", "encoder", "none", 6, 60, width=16)).stream
    model = parameters.init_model(RunConfig("index", "encoder", "none", 6, 60, width=16), stream)
    pairs = twins.make_twin_pairs("index", evaluation_sets.draw_examples("index", stream.task, 6, 200).x)
    assert twins.measure_both_right(model, stream, "index", pairs) == 0
