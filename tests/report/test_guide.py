"""The data of the guided part."""

import pandas as pd

from jaxpe.report.guide import make_ratio


def test_the_ratio_is_of_one_encoding_at_one_width():
    """In a table with several, those with the most seeds; they are not averaged."""
    table = pd.DataFrame(
        {
            "sweep": "ratio", "metric": "token_accuracy", "task": "count", "encoding": encoding, "width": width,
            "seed": seed, "train_length": 8, "test_length": float(length), "position_factor": 1.0, "token_factor": 1.0,
            "value": value, "length_baseline": 0.1, "order_blind_baseline": 0.2,
        }
        for encoding, width, seeds, value in (("learned", 16, 2, 0.1), ("sinusoidal", 32, 3, 0.7), ("sinusoidal", 64, 1, 0.3))
        for seed in range(seeds) for length in (8, 16)
    )  # fmt: skip
    assert make_ratio(table) == {
        "encoding": "sinusoidal", "width": 32, "length": 8, "seeds": "3",
        "tasks": {"count": {
            "within": [[1, 0.7]], "within_length_baseline": 0.1, "within_order_blind_baseline": 0.2,
            "beyond": [[1, 0.7]], "beyond_length_baseline": 0.1, "beyond_order_blind_baseline": 0.2,
        }},
    }  # fmt: skip
