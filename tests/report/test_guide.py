"""The data of the guided part."""

import pandas as pd

from jaxpe.report.guide import make_ratio, make_sums


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
    steps = pd.DataFrame(
        {"sweep": "ratio", "metric": "steps_to_95", "encoding": encoding, "width": width, "steps": steps}
        for encoding, width, steps in (("sinusoidal", 32, 400.0), ("sinusoidal", 64, 900.0), ("learned", 32, 800.0))
    )
    assert make_ratio(table)["steps"] is None
    assert make_ratio(pd.concat([table, steps])) == {
        "encoding": "sinusoidal", "width": 32, "length": 8, "seeds": "3", "steps": 400,
        "tasks": {"count": {
            "within": [[1, 0.7]], "within_length_baseline": 0.1, "within_order_blind_baseline": 0.2,
            "beyond": [[1, 0.7]], "beyond_length_baseline": 0.1, "beyond_order_blind_baseline": 0.2,
        }},
    }  # fmt: skip


def test_bars_of_sums_say_how_often_a_random_guess_is_right():
    """Small chances too: two of 128 classes are named once in 8128 guesses."""
    table = pd.DataFrame(
        {"metric": "both_named", "parts": parts, "reader": reader, "encoding": float("nan"), "seed": 0, "value": value, "length_baseline": chance}
        for parts, chance in (("digit + digit", 1 / 45), ("token + position", 2 / (128 * 127)))
        for reader, value in (("never shown sums", 0.3), ("trained on sums", 0.98765))
    )  # fmt: skip
    assert make_sums(table) == {
        "seeds": 1, "rows": [["digit + digit", 0.3, 0.9877, 45], ["token + position", 0.3, 0.9877, 8128]],
    }  # fmt: skip
