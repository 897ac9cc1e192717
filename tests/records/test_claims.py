"""Claims: declared as data, judged with an estimate, and read back from claims.json."""

import json
import math

import pytest

from jaxpe.errors import UserError
from jaxpe.records.claims import Claim, Text, format_effect, read_claims
from jaxpe.records.json_values import write_json
from jaxpe.records.statistics import Estimate

CLAIM = Claim("C1.{task}", "It holds on {task}.", "token accuracy", question="harm", figure="curves", family="C1")


def test_one_declaration_stands_for_a_group_of_results():
    results = [CLAIM.judge("supported", Estimate(0.3, 0.2, 0.4, 10), task=task) for task in ("copy", "sort")]
    assert [result.id for result in results] == ["C1.copy", "C1.sort"]
    assert results[1].statement == "It holds on sort." and results[1].claim == CLAIM


def test_a_headline_is_a_claim_with_a_title():
    assert not CLAIM.headline and Claim("C2", "s", "u", title=Text("a", "b")).headline


@pytest.mark.parametrize(("n", "note"), [(10, "seen"), (6, "Exploratory: n is below 10. seen"), (1, "seen")])
def test_few_seeds_are_noted_as_exploratory(n, note):
    entry = CLAIM.judge("supported", Estimate(0.3, None, None, n), " seen ", task="copy").to_json("accuracy")
    assert entry["note"] == note and entry["experiment"] == "accuracy" and entry["family"] == "C1"
    assert entry["effect"] == 0.3 and entry["question"] == "harm" and entry["headline"] is False


def test_what_was_not_run_has_no_effect():
    result = CLAIM.judge("undecided", None, task="copy")
    assert result.n == 0 and math.isnan(result.value) and format_effect(result) == "not run"
    assert result.to_json("accuracy")["effect"] is None


def test_an_effect_is_written_with_interval_unit_and_n():
    assert format_effect(CLAIM.judge("supported", Estimate(0.312, 0.29, 0.334, 6), task="a")) == (
        "+0.312 token accuracy (+0.290 to +0.334, n = 6)"
    )
    assert format_effect(CLAIM.judge("undecided", Estimate(-0.0001, None, None, 2), task="a")) == (
        "+0.000 token accuracy (n = 2)"
    )


def test_claims_are_read_back_and_altered_ones_are_refused(tmp_path):
    assert read_claims(tmp_path) == []
    entry = CLAIM.judge("supported", Estimate(0.3, 0.2, 0.4, 10), task="copy").to_json("accuracy")
    write_json(tmp_path / "claims.json", [entry])
    assert read_claims(tmp_path) == [entry]
    (tmp_path / "claims.json").write_text(json.dumps([{"id": "C1"}]))
    with pytest.raises(UserError, match=r"claims\.json was altered"):
        read_claims(tmp_path)
