"""What figures share: baselines, points that can be seen, legends and captions inside their figure."""

import numpy as np
import pandas as pd
import pytest
from example_figures import TABLE, draw_example
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from jaxpe.figures import draw, style


def test_both_baselines_are_drawn():
    lines = {line.get_label(): line.get_ydata()[0] for line in draw_example().axes[0].get_lines()}
    assert lines["order-blind baseline"] == 0.2 and lines["length-only baseline"] == 0.1


@pytest.mark.parametrize("name", style.list_styles())
def test_a_point_of_every_encoding_can_be_seen(name):
    """Markers without an area are lines, which width 0 would hide."""
    figure = Figure(figsize=(2, 2), dpi=60)
    axes = figure.subplots()
    axes.set_axis_off()
    row = {"encoding": name, "value": 0.5, "length_baseline": float("nan"), "order_blind_baseline": float("nan")}
    draw.draw_seeds(axes, pd.DataFrame([row]), [name])
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    assert (np.asarray(canvas.buffer_rgba())[..., :3] < 250).any()


def test_room_is_left_above_the_largest_value_however_narrow_the_range():
    (axes,) = draw.make_panels(1)[1]
    axes.scatter([0, 1], [0.98, 1.0])
    draw.leave_headroom(axes)
    assert axes.get_ylim() == pytest.approx((0.0, 1.08))


def test_a_legend_has_the_entries_that_are_asked_for_in_their_order():
    figure, axes = draw.make_panels(1)
    draw.draw_curves(axes[0], TABLE)
    draw.add_legend(figure, axes, labels=["learned", "not drawn", "none"])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["learned", "none"]


def test_captions_and_legends_stay_inside_their_figure():
    figure = draw_example(columns=1, name="a series with a long name", caption="A caption of many words, " * 8)
    figure.draw_without_rendering()
    boxes = [part.get_window_extent() for part in (*figure.texts, *figure.legends)]
    assert all(box.x0 >= 0 and box.x1 <= figure.bbox.width for box in boxes) and len(boxes) == 2
    assert "\n" in figure.texts[0].get_text()


def test_a_long_text_is_broken_at_spaces_and_keeps_its_words():
    text = "A caption of many words.\nAnd a second line."
    wrapped = draw.wrap_text(text, 1.0)
    assert wrapped.split() == text.split() and wrapped.count("\n") > 2
    assert draw.wrap_text(text, 100.0) == text
