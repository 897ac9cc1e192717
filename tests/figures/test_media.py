"""Figures for print and slides."""

import html
import io
import re
from itertools import pairwise

import matplotlib
import pytest
from matplotlib.text import Text

from jaxpe.figures import style


def figure(columns=2, width=3.6):
    """Panels with what tends to be too long: names below an axis, a title, a legend and a caption."""
    names = [f"an_encoding_{i}" for i in range(5)]
    drawn, axes = style.panels(columns, columns=columns, width=width, height=2.5)
    for axis in axes:
        for i, name in enumerate(names):
            axis.plot([0, 1], [i, i + 1], label=f"{name} with a long name")
        axis.set_xticks(range(5), names, fontsize=8)
        axis.set_title("reverse, encoder-decoder, with a title that has no room above its panel", fontsize=9.5)
        axis.text(0.5, 0.5, "tiny", fontsize=4)
    style.legend(drawn, axes)
    style.caption(drawn, "A caption of many words, " * 8)
    return drawn


@pytest.mark.parametrize(("columns", "width", "inches"), [(2, 4.6, 6.9), (1, 5.5, 3.3)])
def test_paper_has_the_widths_of_a_page_embedded_fonts_and_the_same_bytes(tmp_path, columns, width, inches):
    for folder in ("a", "b"):
        style.save(figure(columns, width), tmp_path / folder, "f", "paper")
    pdf = (tmp_path / "a" / "f.pdf").read_bytes()
    assert float(re.search(rb"/MediaBox \[ 0 0 ([\d.]+)", pdf)[1]) == pytest.approx(72 * inches)
    assert b"/FontFile2" in pdf and b"/Type3" not in pdf and b"CreationDate" not in pdf
    for kind in ("pdf", "svg"):
        assert (tmp_path / "a" / f"f.{kind}").read_bytes() == (tmp_path / "b" / f"f.{kind}").read_bytes()


@pytest.mark.parametrize("medium", ["paper", "talk"])
@pytest.mark.parametrize("columns", [1, 2])
def test_all_text_is_large_enough_and_inside_the_figure(medium, columns):
    shape, drawn = style.MEDIA[medium], figure(columns)
    style.fit(drawn, shape)
    drawn.draw_without_rendering()
    texts = [text for text in drawn.findobj(Text) if text.get_text() and text.get_visible()]
    assert {shape.smallest} <= {text.get_fontsize() for text in texts} and len(texts) > 15
    assert all(shape.smallest <= text.get_fontsize() <= shape.text for text in texts)
    for text in [*drawn.texts, *drawn.legends[0].get_texts()]:
        box = text.get_window_extent()
        assert box.x0 >= -1 and box.x1 <= drawn.bbox.width + 1
    for axes in drawn.axes:
        names = [label.get_window_extent() for label in axes.get_xticklabels()]
        assert all(one.x1 <= other.x0 for one, other in pairwise(names))
        assert axes.title.get_window_extent().width < 1.2 * axes.bbox.width


def test_a_slide_is_16_to_9_and_lines_grow_with_its_text():
    drawn = figure(2)
    style.fit(drawn, style.MEDIA["talk"])
    width, height = drawn.get_size_inches()
    pixels = width * style.MEDIA["talk"].dpi
    assert width / height == pytest.approx(16 / 9, rel=0.15) and pixels == pytest.approx(1920, rel=0.01)
    points_on_a_slide = style.MEDIA["talk"].text * 13.33 / width
    assert points_on_a_slide > 15


def test_figures_tell_what_they_show(tmp_path):
    """Axes, series and caption in the SVG, for those who hear the page; nothing else than that is added."""
    style.save(figure(1), tmp_path, "f")
    svg, plain, drawn = (tmp_path / "f.svg").read_bytes(), io.BytesIO(), figure(1)
    style.frame(drawn)
    with matplotlib.rc_context(style.RC):
        drawn.savefig(plain, format="svg", metadata={"Date": None, "Creator": None})
    told = re.search(rb" *<dc:description>(.*?)</dc:description>\n", svg, re.DOTALL)
    assert svg.replace(told[0], b"") == style.rounded(plain.getvalue()) and (tmp_path / "f.png").is_file()
    for title in [axis.get_title() for axis in figure(1).axes]:
        assert title and html.escape(title, quote=False).encode() in told[1]


def test_captions_and_legends_stay_inside_their_figure(tmp_path):
    drawn = figure(1)
    wide = [one.get_window_extent().width for one in (*drawn.texts, *drawn.legends)]
    assert all(width > drawn.bbox.width for width in wide) and len(wide) == 2
    style.save(drawn, tmp_path, "f")
    boxes = [one.get_window_extent() for one in (*drawn.texts, *drawn.legends)]
    assert all(box.x0 >= 0 and box.x1 <= drawn.bbox.width for box in boxes)
