"""Faults that show under jit and vmap, and on accelerators."""

import pytest
from broken_encodings import assert_fault


@pytest.mark.parametrize(
    ("class_name", "property_name", "message"),
    [
        ("CountsCalls", "jit", "bias gives different results with and without jit"),
        ("CannotBeMapped", "vmap", "ConcretizationTypeError"),
        ("ComparesQueries", "query tiles", "called with 7 of 20 queries, the output of token"),
        ("OnlyOnCPU", "lowering", "cannot be lowered for an accelerator"),
    ],
)
def test_what_a_transformation_breaks_is_named(class_name, property_name, message):
    assert_fault(class_name, property_name, message)
