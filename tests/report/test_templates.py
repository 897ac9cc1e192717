"""Numbers as people read them."""

from jaxpe.report.templates import format_change, format_short


def test_rounding_errors_are_zero_and_nothing_is_a_dash():
    assert [format_short(value) for value in (None, 1e-12, -1e-31, 0.12345)] == ["–", "0", "0", "0.123"]
    assert [format_change(value) for value in (None, -1e-12, 0.12345, -2.0)] == ["–", "0", "+0.123", "-2"]
