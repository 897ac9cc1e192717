"""Figures and the page: the same bytes when redrawn, series told apart, names shown as text; geometry by its algebra."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from jaxpe import encodings
from jaxpe.analysis import geometry
from jaxpe.figures import style

TABLE = pd.DataFrame(
    [
        {
            "encoding": e,
            "positions": "arange",
            "test_length": n,
            "value": 1 / n,
            "length_baseline": 0.1,
            "order_blind_baseline": 0.2,
            "seed": s,
        }
        for e in ("none", "learned")
        for n in (2, 4)
        for s in range(2)
    ]
)


def draw():
    figure, axes = style.panels(2)
    style.curve(axes[0], TABLE)
    style.baselines(axes[0], TABLE)
    style.train_length(axes[0], 3)
    style.seeds_at(axes[1], TABLE, ["none", "learned"])
    style.legend(figure, axes)
    style.caption(figure, "two seeds")
    return figure


def test_redrawn_figures_have_the_same_bytes(tmp_path):
    for folder in ("a", "b"):
        style.save(draw(), tmp_path / folder, "f")
    for kind in ("svg", "png"):
        assert (tmp_path / "a" / f"f.{kind}").read_bytes() == (tmp_path / "b" / f"f.{kind}").read_bytes()


def test_both_baselines_are_drawn():
    lines = {line.get_label(): line.get_ydata()[0] for line in draw().axes[0].get_lines()}
    assert lines["order-blind rule"] == 0.2 and lines["floor: length only"] == 0.1


def test_every_encoding_has_its_own_colour_marker_and_dashes():
    """The core of the study differs in each of the three, the whole catalogue in all together."""
    looks = [style.style(name) for name in encodings.CATALOGUE]
    for part in range(3):
        assert len({str(look[part]) for look in looks[:7]}) == 7
    assert len({str(look) for look in looks}) == len(looks)
    for one, other in pairwise(looks):
        assert all(str(a) != str(b) for a, b in zip(one, other, strict=True))
    assert style.style("path/to/mine.py:Mine") == style.style("Mine")


def test_a_shift_of_sinusoids_is_linear_and_of_noise_is_not():
    named = geometry.controls(64, 16, seed=0)
    assert geometry.rotation_residual(64, 16, 3) < 1e-20
    assert geometry.shift_residuals(named["control:sinusoidal"][None])[0] < 0.01
    assert 0.8 < geometry.shift_residuals(named["control:gaussian"][None])[0] < 1.3


def test_the_ridge_maps_leave_one_out_error_equals_fits_without_each_row():
    """The chosen penalty is the one that a slow loop over left-out rows chooses."""
    generator = np.random.default_rng(0)
    x = generator.normal(size=(20, 6))
    y = x @ generator.normal(size=(6, 3)) + 2 * generator.normal(size=(20, 3))
    x, y = x - x.mean(0), y - y.mean(0)
    scale = (np.linalg.svd(x, compute_uv=False) ** 2).mean()

    def fit(penalty, rows):
        a, b = x[rows] - x[rows].mean(0), y[rows] - y[rows].mean(0)
        return np.linalg.solve(a.T @ a + penalty * np.eye(6), a.T @ b)

    def slow(penalty):
        total = 0.0
        for i in range(20):
            rows = np.arange(20) != i
            guess = (x[i] - x[rows].mean(0)) @ fit(penalty, rows) + y[rows].mean(0)
            total += ((y[i] - guess) ** 2).sum()
        return total

    best = min(geometry.PENALTIES * scale, key=slow)
    np.testing.assert_allclose(geometry.ridge_map(x, y), fit(best, np.arange(20)), atol=1e-9)


def test_spectrum_and_components_of_one_wave():
    wave = np.outer(np.cos(2 * np.pi * 5 * np.arange(40) / 40), np.ones(3))
    assert geometry.spectrum(wave)[4] == pytest.approx(1)
    assert geometry.principal_components(wave, 2)[1][0] == pytest.approx(1)
    assert geometry.similarity(wave)[0, 0] == pytest.approx(1)


def test_p_values_are_adjusted_over_the_primary_cells_and_over_the_parts_of_a_claim():
    from jaxpe.report import index

    claims = [
        {"id": name, "p": p} for name, p in (("C2", 0.01), ("C8", 0.04), ("C2.a", 0.02), ("C2.b", 0.03), ("C1", None))
    ]
    index.adjust(claims)
    assert [claim.get("adjusted_p") for claim in claims] == pytest.approx([0.02, 0.04, 0.04, 0.04, None])
    parts = [{"id": f"C5.{i}", "p": 0.01, "family": family} for i, family in enumerate(("seen", "seen", "add"))]
    index.adjust(parts)
    assert [part["adjusted_p"] for part in parts] == pytest.approx([0.02, 0.02, 0.01])


@pytest.mark.parametrize("name", style.styles())
def test_a_point_of_every_encoding_can_be_seen(name):
    """Markers without an area are lines, which width 0 would hide."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(2, 2), dpi=60)
    axes = figure.subplots()
    axes.set_axis_off()
    rows = {"encoding": name, "value": 0.5, "length_baseline": float("nan"), "order_blind_baseline": float("nan")}
    style.seeds_at(axes, pd.DataFrame([rows]), [name])
    shown = FigureCanvasAgg(figure)
    shown.draw()
    assert (np.asarray(shown.buffer_rgba())[..., :3] < 250).any()


def test_places_in_an_svg_have_two_decimals_and_scales_keep_theirs():
    svg = b'<path d="M 1.23456 2 L -3.4 5.678901" x="7.125" transform="scale(0.015625) translate(1.23456 2)"/>'
    short = b'<path d="M 1.23 2 L -3.4 5.67" x="7.12" transform="scale(0.015625) translate(1.23456 2)"/>'
    assert style.rounded(svg) == short


def test_room_is_left_above_the_largest_value_however_narrow_the_range():
    (axes,) = style.panels(1)[1]
    axes.scatter([0, 1], [0.98, 1.0])
    style.room(axes)
    assert axes.get_ylim() == pytest.approx((0.0, 1.08))
