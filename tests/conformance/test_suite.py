"""The conformance suite over the catalogue, and how it combines what it measures."""

import pytest
from broken_encodings import name_broken

from jaxpe import encodings
from jaxpe.conformance import suite
from jaxpe.conformance.findings import Finding
from jaxpe.errors import UserError

# One encoding for each hook, and the rows that most experiments use. The others are slow tests.
FAST = ("none", "sinusoidal", "learned", "sinusoidal_paper", "learned_bert", "rotary", "alibi")


def list_cases():
    """Every property of every encoding. All properties of an encoding run in one worker, which shares its programs."""
    for name in encodings.CATALOGUE:
        marks = [pytest.mark.xdist_group(f"conformance-{name}")] + ([] if name in FAST else [pytest.mark.slow])
        for property_name in suite.PROPERTIES:
            yield pytest.param(name, property_name, marks=marks, id=f"{name}-{property_name.replace(' ', '_')}")


@pytest.mark.parametrize(("name", "property_name"), list(list_cases()))
def test_every_encoding_of_the_catalogue_has_every_property(name, property_name):
    subjects = suite.make_subjects(name).subjects
    assert [result.fault for result in suite.measure_properties(subjects, [property_name]) if result.fault] == []


def test_heads_that_do_not_divide_the_width_are_refused():
    with pytest.raises(UserError, match="32 is not divisible by 5 heads"):
        suite.make_subjects("none", 32, 5)


def test_a_refused_attention_is_reported_and_is_no_failure():
    subject_set = suite.make_subjects(name_broken("CausalOnly"))
    assert [subject.attention for subject in subject_set.subjects] == ["causal"]
    assert "use another" in subject_set.refusals["bidirectional"]
    assert "use another" in suite.describe_encoding(subject_set)["no bidirectional attention"]


def test_cross_attention_is_measured_where_the_class_supports_it():
    subjects, _ = suite.make_subjects(name_broken("WithoutReference"))
    assert [subject.attention for subject in subjects] == ["causal", "bidirectional", "cross"]


def test_findings_that_differ_only_in_numbers_are_reported_once():
    result = suite.combine_findings("x", {"causal": Finding("off by 1e-05"), "bidirectional": Finding("off by 2e-06")})
    assert result.measured == "off by 1e-05"
    result = suite.combine_findings("x", {"causal": Finding("yes"), "bidirectional": Finding("no", "wrong")})
    assert result == ("x", "causal: yes; bidirectional: no", "bidirectional: wrong")
