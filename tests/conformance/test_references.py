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


def test_a_reference_of_no_hook_is_named(tmp_path):
    """Misspelt, it would be compared with nothing."""
    (tmp_path / "mine.py").write_text(
        "from jaxpe.encodings import Encoding\n\n\nclass Mine(Encoding):\n    invariance = 'content'\n\n\n"
        "def reference_weight(logits, mask):\n    return logits\n"
    )
    (fault,) = suite.list_faults(f"{tmp_path / 'mine.py'}:Mine", ["reference"])
    assert "reference_weight is the reference of no hook: the hooks are embed, observe" in fault
