"""Slow references: their arguments, and encodings without one."""

from broken_encodings import assert_fault, name_broken

from jaxpe.conformance import suite


def test_an_argument_that_the_class_does_not_provide_is_named():
    assert_fault(
        "ReferenceAsksTooMuch", "reference", "has the argument `slope`, which is neither a parameter, an option"
    )


def test_a_missing_reference_is_reported_and_is_no_fault():
    subjects, _ = suite.make_subjects(name_broken("WithoutReference"))
    (result,) = suite.measure_properties(subjects, ["reference"])
    assert result.measured == "bias not compared: there is no reference" and not result.fault
