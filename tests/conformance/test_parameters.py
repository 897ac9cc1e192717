"""Faults of parameters: undeclared arrays, gradients, initialization."""

import pytest
from broken_encodings import assert_fault

from jaxpe.conformance import suite


@pytest.mark.parametrize(
    ("class_name", "property_name", "message"),
    [
        ("ArrayConstant", "parameters", "`frequencies` is an array but no nnx.Param, so it would be trained unnoticed"),
        ("DeadParameter", "gradients", "`constant` has no gradient"),
        ("CodeAlone", "gradients", "no output of the layer depends on the tokens: add the code to x"),
        ("NanGradient", "gradients", "the gradient of `power` is not finite"),
        ("GlobalDraw", "initialization", "`table` differs between two instances of the same key"),
    ],
)
def test_a_broken_parameter_is_named(class_name, property_name, message):
    assert_fault(class_name, property_name, message)


@pytest.mark.parametrize(
    ("name", "measured"), [("sinusoidal_paper", "; tokens start as N(0, 0.177²)"), ("learned", "")]
)
def test_the_card_says_how_tokens_start(name, measured):
    (result,) = suite.measure_properties(suite.make_subjects(name).subjects, ["initialization"])
    assert (result.measured, result.fault) == ("depends on the key only" + measured, "")
