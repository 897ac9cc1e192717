"""Faults of parameters: undeclared arrays, gradients, initialization."""

import pytest
from broken_encodings import assert_fault


@pytest.mark.parametrize(
    ("class_name", "property_name", "message"),
    [
        ("ArrayConstant", "parameters", "`frequencies` is an array but no nnx.Param, so it would be trained unnoticed"),
        ("DeadParameter", "gradients", "`constant` has no gradient"),
        ("NanGradient", "gradients", "the gradient of `power` is not finite"),
        ("GlobalDraw", "initialization", "`table` differs between two instances of the same key"),
    ],
)
def test_a_broken_parameter_is_named(class_name, property_name, message):
    assert_fault(class_name, property_name, message)
