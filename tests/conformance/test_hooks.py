"""Faults of single hooks: shapes, dtypes, norms."""

import pytest
from broken_encodings import assert_fault


@pytest.mark.parametrize(
    ("class_name", "property_name", "message"),
    [
        ("NarrowCode", "shapes and dtypes", r"embed returned the shape \(5, 31\)"),
        ("WrongNumberOfHeads", "shapes and dtypes", r"bias returned the shape \(5, 3, 5\)"),
        ("HalfPrecision", "shapes and dtypes", "embed returned bfloat16"),
        ("MixedTypes", "dtype promotion", r"dtypes are mixed without a cast \(broken_biases.py, line [0-9]+"),
        ("DeclaredNorms", "norms", "declares keeps_norms = True, but norms are changed"),
    ],
)
def test_a_broken_hook_is_named(class_name, property_name, message):
    assert_fault(class_name, property_name, message)
