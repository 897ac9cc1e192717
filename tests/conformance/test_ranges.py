"""Faults of the range of positions."""

import pytest
from broken_encodings import assert_fault


@pytest.mark.parametrize(
    ("class_name", "property_name", "message"),
    [
        ("ClampedTable", "position range", "all positions from 39 on share one code. Is an index clamped"),
        ("ShortBiasTable", "position range", "all key positions from 39 on act alike. Is an index clamped"),
        ("ShortQueryTable", "position range", "all query positions from 39 on act alike. Is an index clamped"),
        ("WrongLimit", "position range", "all positions from 99 on"),
        ("TooFewPositions", "position range", "position_limit is 10, but the encoding was built for max_length = 320"),
        ("NotFinite", "position range", "the result of embed is not finite: nan at position 303"),
        ("NarrowAngles", "position range", "positions 256 and 257 share one code. Are positions rounded"),
        ("Rounds", "fractional positions", "Is it rounded"),
    ],
)
def test_positions_that_are_not_defined_or_not_distinct_are_named(class_name, property_name, message):
    assert_fault(class_name, property_name, message)
