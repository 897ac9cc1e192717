"""Faults of `observe` and `weights`: each is named under the property that it breaks."""

import pytest
from broken_encodings import assert_fault, name_broken

from jaxpe.conformance import suite


@pytest.mark.parametrize(
    ("class_name", "property_name", "message"),
    [
        ("ObservesTheFuture", "causality", "depends on the later token"),
        ("ObservesTheFuture", "step-by-step decoding", "called with one query at a time"),
        ("SumFromTheWrongSide", "reference", "bias differs from reference_bias"),
        ("RemembersTheTokenBefore", "step-by-step decoding", "called with one query at a time"),
        ("WeightsIgnoreTheMask", "causality", "depends on the later token"),
        ("WeightsIgnoreTheMask", "padding", "or keys that the mask hides"),
        ("WeightsOfHalf", "reference", r"weights differs from reference_weights .* it is 0\.5 times the reference"),
        ("WeightsTooFew", "shapes and dtypes", r"weights returned the shape \(4, 3, 4\)"),
        ("ObservesOneVector", "shapes and dtypes", r"observe returned the shape \(32,\), but must return \(3,\)"),
    ],
)
def test_a_broken_observer_is_named(class_name, property_name, message):
    assert_fault(class_name, property_name, message)


def test_only_decoding_finds_what_remembers_the_token_before():
    assert suite.list_faults(name_broken("RemembersTheTokenBefore"), ["reference", "causality", "padding"]) == []
