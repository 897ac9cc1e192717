"""Sweeps of the sizes of token and position: their factors, the columns that name them, and the sizes of the parts."""

from dataclasses import replace

import numpy as np
import pytest
from small_runs import CONFIG

from jaxpe.analysis import harm
from jaxpe.data.examples import SPECIALS
from jaxpe.training.parameters import init_model
from jaxpe.training.sources import load_source


@pytest.mark.parametrize("s", harm.FACTORS)
def test_the_ratio_sweep_keeps_the_size_and_the_others_change_it(s):
    token, position = harm.SWEEPS["ratio"](s)
    assert token**2 + position**2 == pytest.approx(1) and position == pytest.approx(s * token)
    assert harm.SWEEPS["position"](s) == (1.0, s) and harm.SWEEPS["both"](s) == (s, s)


def test_a_factor_of_both_is_never_zero_and_no_pair_occurs_twice():
    scales = harm.make_scales([*harm.SWEEPS])
    assert len(set(scales)) == len(scales) and (0.0, 0.0) not in scales
    assert (1.0, 0.0) in scales and (100.0, 100.0) in scales and (1.0, 1.0) in scales


@pytest.mark.parametrize(
    ("scales", "options", "sweep"),
    [
        (None, (), "none"), (harm.SWEEPS["ratio"](3.0), (), "ratio"), ((1.0, 3.0), (), "position"), ((3.0, 3.0), (), "both"),
        (None, (("scale", 0.3),), "initial std"), ((1.0, 0.0), (), "ratio"),
    ],
)  # fmt: skip
def test_the_columns_of_a_config_name_its_sweep(scales, options, sweep):
    row = harm.describe_scales(replace(CONFIG, scales=scales, encoding_options=options))
    token, position = scales or (1.0, 1.0)
    assert (row["sweep"], row["token_factor"], row["position_factor"]) == (sweep, token, position)
    assert row["width"] == 16 and row["initial_std"] == dict(options).get("scale")


def test_the_sizes_of_the_parts_are_those_of_what_is_added():
    """Of the symbols' embeddings, without special tokens, and of the code, each times its factor."""
    model = init_model(CONFIG, load_source(CONFIG).stream)
    code = np.random.default_rng(0).normal(size=(9, 16))
    parts = harm.measure_parts(model, code, (0.5, 3.0))
    tokens = 0.5 * np.asarray(model.stack.embedding[...], float)[SPECIALS:]
    assert parts["token_rms"] == pytest.approx(np.sqrt((tokens**2).mean()))
    assert parts["position_rms"] == pytest.approx(3 * np.sqrt((code**2).mean()))
    assert 0 < parts["subspace_overlap"] <= 1 and 0 < parts["random_overlap"] <= 1
    assert set(harm.measure_parts(model, np.zeros((9, 16)), (1.0, 1.0))) == {"token_rms", "position_rms"}
