"""The figure of throughput."""

import pandas as pd

from jaxpe.study import experiment

MODULE = experiment.load_experiment("throughput").module


def test_the_figure_is_drawn_from_the_table_and_nothing_is_claimed():
    rows = [
        {"metric": "training_share_of_product", "value": 0.3},
        {"metric": "evaluation_share_of_product", "value": 0.2},
        {"metric": "training_share_of_roofline", "value": 0.5},
    ]
    rows += [
        {"metric": f"milliseconds_per_step_and_replica_{batching}", "value": 1.0 / n, "replicas": n}
        for batching in ("map", "vmap")
        for n in (2, 4)
    ]
    table = pd.DataFrame(rows)
    assert set(MODULE.figures(table)) == {"throughput"} and MODULE.claims(table) == []
