"""The note of a claim says what its parts say."""

from jaxpe.records.claims import Claim, Text
from jaxpe.records.statistics import Estimate
from jaxpe.report.answers.parts import add_parts

WHOLE, PART = Claim("C9", "", "share", title=Text("a", "b")), Claim("C9.{name}", "", "share")
OTHER = Claim("C90.{name}", "", "share")
ESTIMATE = Estimate(0.3, 0.2, 0.4, 10)


def test_what_is_not_supported_among_the_parts_is_named_in_the_note_of_the_claim():
    parts = {"a": "supported", "b": "harmless", "uses": "undecided", "layer2": "contradicted", "worse": "harmful"}
    results = [WHOLE.make_result("supported", ESTIMATE, "First.")]
    results += [PART.make_result(verdict, ESTIMATE, name=name) for name, verdict in parts.items()]
    results += [PART.make_result("undecided", None, name="far"), OTHER.make_result("contradicted", ESTIMATE, name="x")]
    noted = add_parts(results)
    assert noted[0].note == (
        "First. Its parts: 1 supported; 1 harmless; contradicted: C9.layer2; harmful: C9.worse; not run: C9.far; "
        "undecided: C9.uses."
    )
    assert noted[1:] == results[1:] and noted[0].verdict == "supported"


def test_a_claim_without_parts_keeps_its_note():
    results = [
        WHOLE.make_result("supported", ESTIMATE, "First."),
        OTHER.make_result("contradicted", ESTIMATE, name="x"),
    ]
    assert add_parts(results) == results
