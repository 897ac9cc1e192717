"""How series look: told apart by colour, marker and dashes; fonts for names in all scripts."""

from itertools import combinations, pairwise

import numpy as np
import pytest
from font_files import write_font
from matplotlib import font_manager

from jaxpe import encodings
from jaxpe.figures import draw, save, style


def test_every_encoding_has_its_own_colour_marker_and_dashes():
    """The core of the study differs in each of the three, the whole catalogue in all together."""
    styles = [style.find_style(name) for name in encodings.CATALOGUE]
    for part in range(3):
        assert len({str(one[part]) for one in styles[:7]}) == 7
    assert len({str(one) for one in styles}) == len(styles)
    for one, other in pairwise(styles):
        assert all(str(a) != str(b) for a, b in zip(one, other, strict=True))


def test_an_encoding_of_the_users_own_looks_the_same_by_name_and_by_path():
    assert style.find_style("path/to/mine.py:Mine") == style.find_style("Mine")


# ── fonts ───────────────────────────────────────────────────────────────────────────────────────────────────────────

JAPANESE = "位置表"


@pytest.fixture
def add_fonts(tmp_path, monkeypatch):
    """Makes the system have fonts, and only those that matplotlib brings besides."""
    own = [font for font in font_manager.fontManager.ttflist if "mpl-data" in font.fname]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", own)
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: list(map(str, tmp_path.glob("*.ttf"))))

    def clear():
        style.find_fonts.cache_clear()
        style.list_system_fonts.cache_clear()
        font_manager.fontManager._findfont_cached.cache_clear()

    def add(**fonts):
        for name, letters in fonts.items():
            write_font(tmp_path / f"{name}.ttf", name, letters)
        clear()

    clear()
    yield add
    monkeypatch.undo()
    clear()


def draw_named(name):
    """A figure that shows a name in titles, ticks, legend and caption, whose files are returned."""
    figure, [axes] = draw.make_panels(1)
    axes.plot([1, 2], label=name)
    axes.set_title(f"of {name}"), axes.set_xticks([0, 1], [name, "other"])
    draw.add_legend(figure, [axes]), draw.add_caption(figure, f"{name} and {name}. " * 20)
    return [save.render_figure(figure, kind) for kind in ("svg", "png", "pdf")]


def test_letters_of_other_scripts_are_drawn_in_a_font_that_has_them(add_fonts, recwarn, caplog):
    boxes = draw_named(JAPANESE)
    add_fonts(First="xyz", Japanese=JAPANESE, Wide=JAPANESE[:2])
    assert style.list_fonts(JAPANESE) == ("Japanese",)
    svg, png, pdf = draw_named(JAPANESE)
    assert svg.decode().count("sans-serif, 'Japanese'") >= 5 and JAPANESE in svg.decode()
    assert png != boxes[1] and pdf != boxes[2]
    assert png != draw_named(JAPANESE[::-1])[1]  # letters differ
    assert not recwarn.list and not caplog.records


def test_letters_that_no_font_has_are_boxes_without_a_warning(add_fonts, recwarn, caplog):
    for name in (JAPANESE, "한국", "😀", "עב \u200d", "\U000f0000"):
        svg = draw_named(name)[0].decode()
        assert name in svg and "sans-serif, '" not in svg
    assert not recwarn.list and not caplog.records


def test_several_fonts_share_the_letters_that_one_has_not(add_fonts):
    add_fonts(A="位", B="置表", C="位表")
    assert style.list_fonts(JAPANESE) == ("B", "A")
    assert style.list_fonts(JAPANESE + "国") == ("B", "A")


def test_fonts_of_the_system_change_no_figure_that_needs_none(add_fonts):
    """Greek, accents and arrows are in the usual font."""
    names = ("learned", "déjà α → β ≥ 1", "")
    before = [draw_named(name) for name in names]
    add_fonts(Everything="learned déjà α → β ≥ 1" + JAPANESE)
    assert [draw_named(name) for name in names] == before


def test_a_file_that_is_no_font_does_not_matter(add_fonts, tmp_path):
    (tmp_path / "a.ttf").write_bytes(b"no font")
    (tmp_path / "b.ttf").touch()
    add_fonts(Japanese=JAPANESE)
    assert style.list_fonts(JAPANESE) == ("Japanese",)


# Linear RGB as the eyes of people without one kind of cone see it (Machado, Oliveira and Fernandes 2009, severity 1).
BLINDNESS = {
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def see(colour, blindness):
    """CIELAB of a colour as it is seen."""
    rgb = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    if blindness:
        linear = np.clip(np.array(BLINDNESS[blindness]) @ linear, 0, 1)
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ linear
    scaled = xyz / np.array([0.9505, 1.0, 1.089])
    f = np.where(scaled > 216 / 24389, np.cbrt(scaled), scaled * 841 / 108 + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("blindness", ["", *BLINDNESS])
def test_the_main_encodings_are_told_apart_by_colour_alone(blindness):
    """A difference of 10 in CIELAB is seen at a glance."""
    names = ("none", "sinusoidal", "learned", "concatenated")
    colours = {name: see(style.find_style(name).colour, blindness) for name in names}
    for a, b in combinations(names, 2):
        assert np.linalg.norm(colours[a] - colours[b]) > 10, (a, b)


@pytest.mark.parametrize("blindness", ["", *BLINDNESS])
def test_series_of_like_colours_differ_in_marker_and_dashes(blindness):
    styles = style.list_styles()
    for a, b in combinations(styles, 2):
        distance = np.linalg.norm(see(styles[a].colour, blindness) - see(styles[b].colour, blindness))
        assert distance > 10 or (styles[a].marker, styles[a].dashes) != (styles[b].marker, styles[b].dashes), (a, b)


@pytest.mark.parametrize("blindness", ["", *BLINDNESS])
def test_lines_stand_out_from_white(blindness):
    white = see("#ffffff", blindness)
    for name, one in style.list_styles().items():
        assert np.linalg.norm(see(one.colour, blindness) - white) > 25, name
