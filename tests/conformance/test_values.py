"""Values that differ from the slow reference, with a guess at the mistake; large positions."""

import pytest
from broken_encodings import assert_fault


@pytest.mark.parametrize(
    ("class_name", "message"),
    [
        ("SwappedSign", "it is the negative of the reference. Is a sign swapped"),
        ("SwappedDistance", "it agrees with r = j − i"),
        ("BeforeScaling", "it is the reference divided by √K"),
        ("DividedTable", "it is the reference divided by √K"),
        ("OtherPairs", "Which pairing is meant"),
        ("CountsFromOne", "Are positions counted from 1"),
        ("HalfTheCode", "it is 0.5 times the reference"),
        ("MinForMax", "bias differs from reference_bias by .* at query position 1, key position 0"),
    ],
)
def test_a_difference_from_the_reference_is_located_and_explained(class_name, message):
    assert_fault(class_name, "reference", message)


def test_rounding_at_large_positions_is_a_fault():
    assert_fault("NarrowDistances", "large positions", "at positions up to 100,000 bias differs from float64 by")
