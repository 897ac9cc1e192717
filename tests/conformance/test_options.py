"""Options that have no effect."""

from broken_encodings import assert_fault


def test_an_option_that_is_not_passed_on_is_named():
    assert_fault("BaseNotPassedOn", "options", "option `base` has no effect: is it passed on")
