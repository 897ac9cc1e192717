"""Parameters as named arrays."""

from dataclasses import replace

import jax
import numpy as np
import pytest
from small_runs import CONFIG

from jaxpe.errors import UserError
from jaxpe.training.parameters import flatten_model, init_model, restore_model
from jaxpe.training.sources import load_source


def test_a_model_is_restored_from_its_arrays():
    stream = load_source(CONFIG).stream
    model = init_model(CONFIG, stream, 3)
    arrays = flatten_model(model, "100/")
    assert arrays["100/stack.embedding"].shape == (stream.vocabulary, CONFIG.width)
    jax.tree.map(np.testing.assert_array_equal, model, restore_model(CONFIG, stream, arrays, "100/"))


def test_arrays_of_another_model_are_refused():
    stream = load_source(CONFIG).stream
    arrays = flatten_model(init_model(CONFIG, stream))
    with pytest.raises(UserError, match=r"stack.*is missing, or has another shape or type"):
        restore_model(replace(CONFIG, width=8), stream, arrays)
    with pytest.raises(UserError, match=r"stack\.blocks\.1.*is missing"):
        restore_model(replace(CONFIG, layers=2), stream, arrays)
