"""Counted operations, and the figure of throughput."""

import pandas as pd

from jaxpe.analysis.throughput import count_example_flops
from jaxpe.study import experiment
from jaxpe.training import parameters
from jaxpe.training.sources import load_source

MODULE = experiment.load_experiment("throughput").module


def test_operations_are_two_for_each_block_parameter_and_token_and_four_for_each_pair_of_tokens():
    config = MODULE.make_config(MODULE.PRESETS["smoke"])
    model = parameters.init_model(config, load_source(config).stream)
    arrays = parameters.flatten_model(model)
    blocks = sum(value.size for name, value in arrays.items() if "blocks" in name and value.ndim > 1)
    tokens = 2 * 7
    expected = 2 * blocks * tokens + 4 * config.layers * config.width * tokens**2
    assert count_example_flops(config, 7) == expected


def test_the_figure_is_drawn_from_the_table_and_nothing_is_claimed():
    rows = [
        {"metric": "training_share_of_product", "value": 0.3},
        {"metric": "evaluation_share_of_product", "value": 0.2},
    ]
    rows += [
        {"metric": f"milliseconds_per_step_and_replica_{batching}", "value": 1.0 / n, "replicas": n}
        for batching in ("map", "vmap")
        for n in (2, 4)
    ]
    table = pd.DataFrame(rows)
    assert set(MODULE.figures(table)) == {"throughput"} and MODULE.claims(table) == []
