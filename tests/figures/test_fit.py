"""Text of figures for print, as it is in the PDF."""

import re
import zlib
from itertools import pairwise

import pytest
from example_figures import TABLE, draw_example
from matplotlib.text import Text

from jaxpe.errors import UserError
from jaxpe.figures import draw
from jaxpe.figures.fit import fit_text
from jaxpe.figures.media import COLUMN, MEDIA, TEXT, adapt_paper, use_medium
from jaxpe.figures.save import render_figure, save_figure

PAPER = MEDIA["paper"]
LONG = "a title of so many words that they have no room above a panel of a paper"


def read_font_sizes(pdf):
    """The operand of every Tf operator: the sizes in points of all text."""
    streams = [zlib.decompress(match[1]) for match in re.finditer(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL)]
    return [float(match[1]) for stream in streams for match in re.finditer(rb"/F\d+ ([\d.]+) Tf", stream)]


def draw_names(columns=2, title=LONG):
    """Panels with a long title and many names."""
    figure, axes = draw.make_panels(columns, columns=columns, width=3.2, height=2.4)
    for axis in axes:
        axis.plot(range(6), range(6))
        axis.set_title(title, fontsize="x-small")
        axis.set_xlabel(LONG)
        axis.set_xticks(range(6), [f"encoding_{i}" for i in range(6)], fontsize="xx-small")
    return figure


@pytest.mark.parametrize("medium", [PAPER, adapt_paper("", "column"), adapt_paper("DejaVu Serif", "text")])
@pytest.mark.parametrize("draw_figure", [draw_example, draw_names])
def test_all_text_of_a_pdf_has_eight_points(medium, draw_figure):
    with use_medium(medium):
        sizes = read_font_sizes(render_figure(draw_figure(), "pdf"))
    assert len(sizes) > 20 and set(sizes) == {8.0}


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([1e-7, 1, 1e7], {"10⁻⁷", "0.1", "10⁷"}),
        ([0.01, 0.1, 10], {"0.01", "0.1", "1", "10"}),
        ([2000, 6000], {"2×10³", "6×10³"}),
    ],
)
def test_exponents_have_eight_points_too(values, labels):
    with use_medium(PAPER):
        figure, [axis] = draw.make_panels(1)
        axis.semilogy(range(len(values)), values)
        sizes = read_font_sizes(render_figure(figure, "pdf"))
    written = {label.get_text() for which in ("major", "minor") for label in axis.get_yticklabels(which=which)}
    assert set(sizes) == {8.0} and written >= labels


def test_other_formats_of_an_axis_stay():
    with use_medium(PAPER):
        figure, [axis] = draw.make_panels(1)
        axis.semilogx([1, 2, 4], [1, 2, 3], base=2)
        axis.xaxis.set_major_formatter("{x:g} heads")
        render_figure(figure, "pdf")
    assert "4 heads" in {label.get_text() for label in axis.get_xticklabels()}


def test_titles_labels_and_ticks_have_room():
    with use_medium(PAPER):
        figure = draw_names()
        fit_text(figure, PAPER.text)
        figure.draw_without_rendering()
    for axes in figure.axes:
        for text in (axes.title, axes.xaxis.label):
            assert text.get_window_extent().width < 1.25 * axes.bbox.width
        boxes = [label.get_window_extent() for label in axes.get_xticklabels()]
        assert {label.get_rotation() for label in axes.get_xticklabels()} == {35.0}
        assert all(one.x1 < other.x1 for one, other in pairwise(boxes))
    for text in figure.findobj(Text):
        box = text.get_window_extent()
        assert not text.get_text() or (box.x0 > -2 and box.y0 > -2 and box.x1 < figure.bbox.width + 2)


def test_numbers_that_touch_become_fewer_and_what_has_room_stays():
    with use_medium(PAPER):
        figure, [axis] = draw.make_panels(1, width=1.0)
        axis.plot([0, 1e12], [0, 1])
        axis.ticklabel_format(style="plain")
        fit_text(figure, PAPER.text)
        assert len(axis.get_xticks()) <= 6 and axis.get_xticklabels()[0].get_rotation() == 0
        other = draw_names(1, "short")
        other.axes[0].set_xticks([0, 5], ["a", "b"])
        fit_text(other, PAPER.text)
    assert other.axes[0].get_title() == "short"
    assert {label.get_rotation() for label in other.axes[0].get_xticklabels()} == {0.0}


def test_the_caption_is_a_file_and_not_in_the_figure(tmp_path):
    for name in ("paper", "talk"):
        with use_medium(MEDIA[name]):
            save_figure(draw_example(caption="Ten seeds of a kind."), tmp_path / name, "f")
    assert (tmp_path / "paper" / "f.txt").read_text().startswith("Ten seeds of a kind. Bars: ")
    svg = (tmp_path / "paper" / "f.svg").read_text()
    assert svg.count("Ten seeds") == 1 and "Ten seeds of a kind." in svg.split("</metadata>")[0]
    assert sorted(path.name for path in (tmp_path / "talk").iterdir()) == ["f.png", "f.svg"]
    assert "Ten seeds" in (tmp_path / "talk" / "f.svg").read_text().split("</metadata>")[1]


def count_intervals(figure):
    return sum(one.get_label() == draw.INTERVAL for axes in figure.axes for one in axes.containers)


def test_seeds_have_means_with_intervals_in_print_alone(tmp_path):
    """A bar for each column of seeds and each point of a curve that has three seeds."""
    table = TABLE.loc[TABLE.index.repeat(2)].assign(value=[0.1 * i % 0.9 for i in range(2 * len(TABLE))])
    for medium, bars in ((MEDIA["web"], 0), (PAPER, 6)):
        with use_medium(medium):
            figure, (left, right) = draw.make_panels(2)
            draw.draw_curves(left, table)
            draw.draw_seeds(right, table, ["none", "learned"])
            draw.add_legend(figure, [left, right])
            draw.add_caption(figure, "Seeds.")
            save_figure(figure, tmp_path / medium.name, "f")
        assert count_intervals(figure) == bars
        assert draw.INTERVAL not in {text.get_text() for text in figure.legends[0].get_texts()}
    assert (tmp_path / "paper" / "f.txt").read_text().startswith("Seeds. Bars: means with 95 % t-intervals")


def test_an_interval_is_that_of_the_mean():
    with use_medium(PAPER):
        _, [axis] = draw.make_panels(1)
        draw.draw_interval(axis, 2, [0.1, 0.2, 0.3])
        draw.draw_interval(axis, 2, [0.1, 0.2, 0.3], horizontal=True)
        for values in ([0.1, 0.2], [0.9, 1.0, 1.0], [0.1, float("nan"), 0.2], []):
            draw.draw_interval(axis, 0, values)
    half = 4.302653 * 0.1 / 3**0.5
    ends = [container.lines[2][0].get_segments()[0].round(4).tolist() for container in axis.containers]
    assert ends == [
        [[2, round(0.2 - half, 4)], [2, round(0.2 + half, 4)]],
        [[round(0.2 - half, 4), 2], [round(0.2 + half, 4), 2]],
    ]


@pytest.mark.parametrize(("width", "inches"), [("column", COLUMN), ("text", TEXT), ("5.5", 5.5)])
def test_a_width_is_that_of_the_pdf(width, inches):
    with use_medium(adapt_paper("", width)):
        pdf = render_figure(draw_example(), "pdf")
    assert float(re.search(rb"/MediaBox \[ 0 0 ([\d.]+)", pdf)[1]) == pytest.approx(72 * inches)


def test_a_font_is_embedded_whatever_its_case():
    with use_medium(adapt_paper("dejavu serif", "")):
        pdf = render_figure(draw_example(), "pdf")
    names = set(re.findall(rb"/BaseFont /(?:[A-Z]{6}\+)?([\w-]+)", pdf))
    assert names == {b"DejaVuSerif"}


@pytest.mark.parametrize("width", ["0", "nan", "inf", "-3", "wide", "1e9", "1.5"])
def test_a_width_that_is_none_is_refused(width):
    with pytest.raises(UserError, match="--width takes column, text, or 2 to 20 inches"):
        adapt_paper("", width)


def test_a_font_that_the_system_lacks_is_refused():
    with pytest.raises(UserError, match=r"Unknown font family 'DejaVu Serife'\. Did you mean 'DejaVu Serif'"):
        adapt_paper("DejaVu Serife", "")


def test_panels_that_are_higher_than_a_page_become_narrower():
    with use_medium(PAPER):
        tall, _ = draw.make_panels(20, columns=2, width=4.6, height=2.7)
        short, _ = draw.make_panels(2, columns=2, width=4.6, height=2.7)
    assert tall.axes[0].get_gridspec().ncols == 2 and short.axes[0].get_gridspec().ncols == 1


@pytest.mark.parametrize(("rows", "inches"), [(4, 8.8), (9, None)])
def test_rows_that_are_higher_than_a_page_become_lower_as_long_as_they_are_clear(rows, inches):
    with use_medium(PAPER):
        figure, _ = draw.make_panels(2 * rows, columns=2, width=4.6, height=2.7, grid=True)
        asked = (2.7 * rows + 0.6) * PAPER.scale
    assert asked > 8.8 and figure.get_size_inches()[1] == pytest.approx(inches or 0.8 * asked)
