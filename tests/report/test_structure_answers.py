"""The answer of structure in words follows its claims."""

from jaxpe.records.claims import Claim
from jaxpe.records.statistics import Estimate
from jaxpe.report.answers.structure import answer

CLAIM = Claim("C4{part}", "", "share")


def make_results(**verdicts):
    parts = {name.replace("_", "-"): verdict for name, verdict in verdicts.items()}
    results = [CLAIM.make_result("supported", Estimate(0.3, 0.2, 0.4, 10), part="")]
    results += [
        CLAIM.make_result(verdict, Estimate(0.2, 0.1, 0.3, 10), part=f".{name}") for name, verdict in parts.items()
    ]
    return {result.id: result for result in results}


def test_the_answer_follows_the_verdicts():
    (result,) = answer(
        make_results(encoder_local="supported", decoder_local="contradicted", encoder_absolute="undecided")
    )
    assert "+0.300 share (+0.200 to +0.400, n = 10)" in result.short and "does is supported: share" in result.short
    assert "blocks? the encoder: yes (+0.200 share" in result.text and "the decoder: no, the opposite (" in result.text
    assert (
        "more than 0.1 of what position is worth? the encoder: undecided (" in result.text
        and "the decoder: not run." in result.text
    )
    assert "other conditions" not in result.text
    (result,) = answer(make_results(offset_published="supported", published_bits="undecided"))
    assert "under other conditions: random starts: +0.200" in result.text
    assert "minus masked LM: in bits: +0.200 share" in result.text


def test_without_the_contrast_there_is_no_answer():
    assert answer({}) == []
