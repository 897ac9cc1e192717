"""Faults of what `at` gives in later blocks, or later in training."""

import pytest
from broken_encodings import assert_fault, name_broken

from jaxpe.conformance import suite
from jaxpe.conformance.moments import Moment, list_distinct_moments, list_moments
from jaxpe.conformance.subject import make_subject
from jaxpe.errors import UserError


@pytest.mark.parametrize(
    ("class_name", "property_name", "message"),
    [
        ("FutureInLaterBlocks", "causality", r"at\(1, 0\) gives, the output of token \d+ depends on the later token"),
        ("FutureLate", "causality", r"at\(0, 0.5\) gives, the output of token \d+ depends on the later token"),
        ("NanInTheSecondBlock", "position range", r"at\(1, 0\) gives, the result of bias is not finite: nan.*bias: "),
        ("NarrowInTheSecondBlock", "shapes and dtypes", r"at\(1, 0\) gives, weights returned the shape \(4, 3, 4\)"),
        ("PaddingAtTheEnd", "padding", r"at\(0, 1\) gives, padding changes the output"),
        ("FutureInLaterBlocks", "step-by-step decoding", r"at\(1, 0\) gives, called with one query at a time"),
    ],
)
def test_a_fault_of_one_block_or_of_later_training_is_named_with_its_line(class_name, property_name, message):
    assert_fault(class_name, property_name, message)


def test_a_block_without_an_encoding_is_refused():
    subjects = suite.make_subjects(name_broken("WithoutEncoding")).subjects
    with pytest.raises(UserError, match=r"WithoutEncoding.at\(2, 0\) returned NoneType: return an encoding"):
        list(suite.measure_properties(subjects))


def test_only_what_acts_in_another_way_is_measured_again():
    """`drop` acts before its share of training, `interleaved` in three of four blocks, and `alibi` always in one way."""
    alibi, drop, interleaved = (make_subject(name, "causal", 32, 4) for name in ("alibi", "drop", "interleaved"))
    assert list_moments(alibi) == list_distinct_moments(alibi) == []
    assert [moment.block for moment in list_distinct_moments(drop)] == [0]
    assert list_distinct_moments(drop)[0].progress == pytest.approx(0.7)
    assert list_distinct_moments(interleaved) == [Moment(3, 0.0)]
