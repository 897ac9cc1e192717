"""Figures for print and slides: set in their style before they are drawn."""

import re
from itertools import pairwise

import matplotlib
import pytest
from example_figures import draw_example
from matplotlib.text import Text

from jaxpe.figures import draw
from jaxpe.figures.media import MEDIA, current_medium, use_medium
from jaxpe.figures.save import save_figure

SMALLEST = 0.69  # of the text: "x-small"


@pytest.mark.parametrize(("columns", "width", "inches"), [(2, 4.0, 6.75), (1, 5.5, 3.25)])
def test_paper_has_the_widths_of_a_page_embedded_fonts_and_the_same_bytes(tmp_path, columns, width, inches):
    for folder in ("a", "b"):
        with use_medium(MEDIA["paper"]):
            save_figure(draw_example(columns, width), tmp_path / folder, "f")
    pdf = (tmp_path / "a" / "f.pdf").read_bytes()
    assert float(re.search(rb"/MediaBox \[ 0 0 ([\d.]+)", pdf)[1]) == pytest.approx(72 * inches)
    assert b"/FontFile2" in pdf and b"/Type3" not in pdf and b"CreationDate" not in pdf
    for kind in ("pdf", "svg"):
        assert (tmp_path / "a" / f"f.{kind}").read_bytes() == (tmp_path / "b" / f"f.{kind}").read_bytes()


@pytest.mark.parametrize("medium", ["paper", "talk"])
@pytest.mark.parametrize("columns", [1, 2])
def test_all_text_is_large_enough_and_inside_the_figure(medium, columns):
    """What has room on the web has room on paper and slides: titles, tick labels, legend and caption."""
    with use_medium(MEDIA[medium]) as shape:
        figure = draw_example(columns, name="a series with a long name", caption="A caption of many words, " * 8)
        figure.draw_without_rendering()
    texts = [text for text in figure.findobj(Text) if text.get_text() and text.get_visible()]
    assert all(SMALLEST * shape.text <= text.get_fontsize() <= shape.text for text in texts) and len(texts) > 15
    for text in [*figure.texts, *figure.legends[0].get_texts()]:
        box = text.get_window_extent()
        assert box.x0 >= -1 and box.x1 <= figure.bbox.width + 1
    for axes in figure.axes:
        labels = [label.get_window_extent() for label in axes.get_xticklabels()]
        assert all(one.x1 <= other.x0 for one, other in pairwise(labels))
        assert axes.title.get_window_extent().width < 1.2 * axes.bbox.width


def test_a_slide_is_16_to_9_and_lines_grow_with_its_text():
    with use_medium(MEDIA["talk"]) as shape:
        width, height = draw_example(2).get_size_inches()
    assert width / height == pytest.approx(16 / 9, rel=0.15) and width * shape.dpi == pytest.approx(1920, rel=0.01)
    assert shape.text * 13.33 / width > 15  # points on a slide


def test_panels_that_have_no_room_on_paper_get_another_row_unless_they_are_a_grid():
    with use_medium(MEDIA["paper"]):
        figure, axes = draw.make_panels(3, columns=3, width=3.4)
        grid, _ = draw.make_panels(3, columns=3, width=3.4, grid=True)
    assert axes[0].get_gridspec().get_geometry() == (2, 2) and figure.get_figwidth() == 6.75
    assert grid.axes[0].get_gridspec().get_geometry() == (1, 3)


def test_a_medium_holds_inside_its_block_only():
    before = matplotlib.rcParams["font.size"]
    with use_medium(MEDIA["talk"]):
        assert current_medium() is MEDIA["talk"] and matplotlib.rcParams["font.size"] == MEDIA["talk"].text
    assert current_medium() is MEDIA["web"] and matplotlib.rcParams["font.size"] == before
