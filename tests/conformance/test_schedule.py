"""When an encoding changes during training, and whether it says so."""

import pytest
from broken_encodings import assert_fault, name_broken

from jaxpe.conformance import suite


@pytest.mark.parametrize(
    ("class_name", "message"),
    [
        ("ChangesSilently", r"jumps between 0.688 and 0.719 of training: name that share in changes_at"),
        ("ChangesElsewhere", "changes_at names 0.9, but nothing changes there"),
        ("NeverChanges", "changes_at names shares of training, but `at` is not overridden"),
    ],
)
def test_a_wrong_declaration_is_named(class_name, message):
    assert_fault(class_name, "schedule", message)


@pytest.mark.parametrize(
    ("name", "measured"),
    [
        ("drop", "changes at 0.7 of training"),
        ("interleaved", "the same throughout training"),
        ("alibi", "the same throughout training"),
        (name_broken("ChangesTwice"), "changes at 0.3, 0.6 of training"),
        (name_broken("FadesAway"), "changes little by little"),
    ],
)
def test_the_card_says_when_an_encoding_changes(name, measured):
    (result,) = suite.measure_properties(suite.make_subjects(name).subjects, ["schedule"])
    assert (result.measured, result.fault) == (measured, "")
