"""Numbers as people read them."""

from jaxpe.report.templates import (
    format_alike,
    format_change,
    format_p,
    format_short,
    format_signed,
    list_estimates,
    mark_code,
    set_minus,
)


def test_rounding_errors_are_zero_and_nothing_is_a_dash():
    assert [format_short(value) for value in (None, 1e-12, -1e-31, 0.12345)] == ["–", "0", "0", "0.123"]
    assert [format_change(value) for value in (None, -1e-12, 0.12345, -2.0)] == ["–", "0", "+0.123", "-2"]


def test_numbers_of_one_measure_have_the_decimals_of_the_largest():
    assert [format_alike(value, (0.5, None)) for value in (0.5, -0.0004, 0, None)] == ["0.500", "0.000", "0.000", "–"]
    assert [format_alike(value, (0.004,)) for value in (0.004, -0.0003)] == ["0.0040", "−0.0003"]
    assert [format_alike(value) for value in (-1234.5, 150, -2, 1e-12)] == ["−1234", "150.0", "−2.000", "0.000"]
    assert [format_signed(value, (2e-8,)) for value in (-2e-8, 1e-8, 0.0)] == ["−2.0e−08", "+1.0e−08", "0"]
    assert [format_p(value) for value in (None, 1.5e-5, 0.0019531, 1.0)] == ["–", "< 0.001", "0.002", "1.000"]
    entries = [{"unit": unit, "effect": 1.0, "low": None, "high": 2.0} for unit in ("a", "b")]
    assert list_estimates(entries, "a") == [1.0, None, 2.0]


def test_a_hyphen_becomes_a_minus_only_before_a_negative_number():
    assert set_minus("by -0.5 (-.25 to -1e-05)") == "by −0.5 (−.25 to −1e−05)"
    for same in ("95-99", "C9-2", "a-1", "`--set x=-1` and 2026-01-01", "x=-1", "one - two", "../-1"):
        assert set_minus(same) == same
    assert str(mark_code("`a -1` <-1>")) == "<code>a -1</code> &lt;−1&gt;"
