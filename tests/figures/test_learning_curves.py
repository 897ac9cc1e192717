"""The course of training as a figure."""

import pandas as pd
from matplotlib.text import Text

from jaxpe.figures.learning_curves import MOST_PANELS, draw_learning_curves


def make_history(tasks=("copy",), encodings=("none", "rotary"), configs=1):
    return pd.DataFrame(
        [
            {
                "task": task, "architecture": "encoder", "encoding": encoding, "positions": "arange", "metric": metric,
                "step": step, "value": 1 / step + config, "least": 0.5 / step, "greatest": 2 / step, "config": config, "n": 3, "train_length": 8,
            }
            for task in tasks for encoding in encodings for config in range(configs)
            for metric in ("loss", "token_accuracy") for step in (10, 20, 30)
        ]
    )  # fmt: skip


def test_every_series_is_a_line_of_its_losses():
    figure = draw_learning_curves(make_history(configs=2))
    assert any(
        "inputs up to 8: mean over 3 seeds" in text.get_text().replace("\n", " ") for text in figure.findobj(Text)
    )
    [axis] = figure.axes
    assert [line.get_label() for line in axis.lines] == ["none", "rotary"]
    assert list(axis.lines[0].get_ydata()) == [1 / 10, 1 / 20, 1 / 30] and len(axis.collections) == 2


def test_a_panel_for_each_task_up_to_a_number():
    figure = draw_learning_curves(make_history([f"task{i}" for i in range(MOST_PANELS + 3)]))
    shown = [axis.get_title() for axis in figure.axes if axis.get_visible()]
    assert len(shown) == MOST_PANELS and shown[0] == "task0, encoder"
