"""Figures as files: the same bytes when drawn again, text as text, a description."""

import html
import re

from example_figures import draw_example

from jaxpe.figures.save import render_figure, round_coordinates, save_figure


def test_figures_that_are_drawn_again_have_the_same_bytes(tmp_path):
    for folder in ("a", "b"):
        save_figure(draw_example(), tmp_path / folder, "f")
    for kind in ("svg", "png"):
        assert (tmp_path / "a" / f"f.{kind}").read_bytes() == (tmp_path / "b" / f"f.{kind}").read_bytes()


def test_coordinates_in_an_svg_have_two_decimals_and_scales_keep_theirs():
    svg = b'<path d="M 1.23456 2 L -3.4 5.678901" x="7.125" transform="scale(0.015625) translate(1.23456 2)"/>'
    short = b'<path d="M 1.23 2 L -3.4 5.67" x="7.12" transform="scale(0.015625) translate(1.23456 2)"/>'
    assert round_coordinates(svg) == short


def test_an_svg_describes_what_it_shows():
    """Axes, series and caption, for screen readers."""
    figure = draw_example()
    description = re.search(r"<dc:description>(.*?)</dc:description>", render_figure(figure).decode(), re.DOTALL)[1]
    for axes in figure.axes:
        assert html.escape(axes.get_title(), quote=False) in description
    assert "x: test length" in description and "series: none, learned, order-blind baseline" in description
    assert description.endswith("two seeds.")


def test_text_in_an_svg_is_text_with_fonts_to_fall_back_on():
    svg = render_figure(draw_example()).decode()
    assert ">order-blind baseline</text>" in svg
    families = re.findall(r"font[^;\"]*?'DejaVu Sans'[^;\"]*", svg)
    assert families and all(family.endswith("'Verdana', sans-serif") for family in families)
