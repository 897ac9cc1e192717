"""Claims: declared as data, judged with an estimate, and read back from claims.json."""

import json
import math
import re

import pytest

from jaxpe.errors import UserError
from jaxpe.records.claims import (
    Claim,
    RequiredClaimEntry,
    Text,
    format_effect,
    format_entry_effect,
    read_answers,
    read_claims,
    read_summary,
)
from jaxpe.records.json_values import format_json, write_json
from jaxpe.records.statistics import Estimate

REQUIRED = sorted(RequiredClaimEntry.__required_keys__)
CLAIM = Claim("C1.{task}", "It holds on {task}.", "token accuracy", question="harm", figure="curves", family="C1")


def test_one_declaration_stands_for_a_group_of_results():
    results = [CLAIM.make_result("supported", Estimate(0.3, 0.2, 0.4, 10), task=task) for task in ("copy", "sort")]
    assert [result.id for result in results] == ["C1.copy", "C1.sort"]
    assert results[1].statement == "It holds on sort." and results[1].claim == CLAIM


def test_a_headline_is_a_claim_with_a_title():
    assert not CLAIM.headline and Claim("C2", "s", "u", title=Text("a", "b")).headline


@pytest.mark.parametrize(("n", "note"), [(10, "seen"), (6, "Exploratory: n is below 10. seen"), (1, "seen")])
def test_few_seeds_are_noted_as_exploratory(n, note):
    entry = CLAIM.make_result("supported", Estimate(0.3, None, None, n), " seen ", task="copy").to_json("accuracy")
    assert entry["note"] == note and entry["experiment"] == "accuracy" and entry["family"] == "C1"
    assert entry["effect"] == 0.3 and entry["question"] == "harm" and entry["headline"] is False


def test_what_was_not_run_has_no_effect():
    result = CLAIM.make_result("undecided", None, task="copy")
    assert result.n == 0 and math.isnan(result.value) and format_effect(result) == "not run"
    assert result.to_json("accuracy")["effect"] is None


def test_an_effect_is_written_with_interval_unit_and_n():
    assert format_effect(CLAIM.make_result("supported", Estimate(0.312, 0.29, 0.334, 6), task="a")) == (
        "+0.312 token accuracy (+0.290 to +0.334, n = 6)"
    )
    assert format_effect(CLAIM.make_result("undecided", Estimate(-0.0001, None, None, 2), task="a")) == (
        "+0.000 token accuracy (n = 2)"
    )


def test_the_effect_of_an_entry_is_written_with_its_interval_or_as_not_run():
    entry = {"effect": 0.25, "low": 0.125, "high": 0.375, "n": 6, "unit": "accuracy"}
    assert format_entry_effect(entry) == "+0.250 accuracy (+0.125 to +0.375, n = 6)"
    assert format_entry_effect(entry | {"effect": None, "n": 0}) == "not run"


@pytest.mark.parametrize(
    ("verdict", "estimate", "says"),
    [
        ("suported", Estimate(0.5, None, None, 6), "'suported' is no verdict: give one of supported, contradicted"),
        ("supported", None, "cannot be 'supported' without an estimate"),
        ("contradicted", Estimate(math.inf, None, None, 6), "cannot be 'contradicted' without an estimate"),
        ("supported", 0.5, "takes an Estimate, or None"),
        ("undecided", Estimate(0.5, None, None, 0), "n = 0"),
        ("undecided", Estimate(0.5, None, None, -1), "n = -1"),
        ("supported", Estimate(0.5, 0.9, 0.1, 6), "0.5 does not lie in its interval, 0.9 to 0.1"),
        ("supported", Estimate(0.5, 0.6, 0.7, 6), "0.5 does not lie in its interval"),
        ("supported", Estimate(0.5, math.nan, 0.7, 6), "its interval is not whole"),
        ("supported", Estimate(0.5, None, 0.7, 6), "its interval is not whole"),
        ("undecided", Estimate(math.nan, 0.1, 0.7, 6), "its interval is not whole"),
    ],
)
def test_what_is_no_result_is_refused(verdict, estimate, says):
    with pytest.raises(UserError, match=rf"The claim 'C1.copy': .*{says}"):
        CLAIM.make_result(verdict, estimate, task="copy")


def test_a_claim_may_declare_verdicts_of_its_own():
    own = Claim("C2", "It is so.", "points", verdicts=("quite so",))
    assert own.make_result("quite so", Estimate(0.5, None, None, 6)).verdict == "quite so"
    assert own.make_result("supported", Estimate(0.5, None, None, 6)).verdict == "supported"
    with pytest.raises(UserError, match="harmful, quite so, or declare it"):
        own.make_result("quit so", Estimate(0.5, None, None, 6))


def test_the_effect_of_a_diverged_training_has_no_value_and_was_run():
    result = CLAIM.make_result("undecided", Estimate(math.nan, None, None, 6), task="copy")
    assert format_effect(result) == "no value (n = 6)"
    assert format_entry_effect(json.loads(format_json(result.to_json("accuracy")))) == "no value (n = 6)"


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("The share $p_{max}$ is high.", "no value for the field {max}"),
        ("The set {0, 1", "its braces hold no field"),
        ("The first {} is it.", "give it as a keyword, or write {{ and }} for braces"),
        (3, "its id and its statement must be texts, not 3"),
        ("It is {0} of them.", "give it as a keyword, or write {{ and }} for braces"),
    ],
)
def test_a_brace_that_is_no_field_is_named(statement, says):
    with pytest.raises(UserError, match=re.escape(says)):
        Claim("one", statement, "points").make_result("undecided", None)
    assert Claim("one", "The share $p_{{max}}$.", "points").make_result("undecided", None).statement.endswith("{max}$.")


@pytest.fixture
def entry():
    return CLAIM.make_result("supported", Estimate(0.3, 0.2, 0.4, 10), task="copy").to_json("accuracy")


def test_claims_are_read_back(tmp_path, entry):
    assert read_claims(tmp_path) == [] and read_answers(tmp_path) == [] and read_summary(tmp_path) == {}
    write_json(tmp_path / "claims.json", [entry])
    assert read_claims(tmp_path) == [entry]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"effect": "high"}, "entry 2, 'effect': a number is due, not 'high'"),
        ({"n": 2.5}, "entry 2, 'n': a whole number is due"),
        ({"n": True}, "entry 2, 'n': a whole number is due"),
        ({"note": None}, "entry 2, 'note': text is due, not None"),
        ({"title": {"en": "A"}}, "entry 2, 'title', 'ja' is missing"),
        ({"low": None}, "entry 2: its interval is not whole"),
        ({"effect": None}, "entry 2: its interval is not whole"),
        ({"id": "C1.copy"}, "entry 2: the id 'C1.copy' is used twice"),
        ({"headline": "yes"}, "entry 2, 'headline': true or false is due"),
    ],
)
def test_altered_claims_are_refused_by_the_entry(tmp_path, entry, change, says):
    write_json(tmp_path / "claims.json", [entry, entry | {"id": "other"} | change])
    with pytest.raises(UserError, match=rf"claims\.json was altered: {says}") as refusal:
        read_claims(tmp_path)
    assert "jaxpe plot" in str(refusal.value)


@pytest.mark.parametrize("name", REQUIRED)
def test_what_every_claim_has_is_missed(tmp_path, entry, name):
    del entry[name]
    write_json(tmp_path / "claims.json", [entry])
    with pytest.raises(UserError, match=rf"entry 1, '{name}' is missing"):
        read_claims(tmp_path)


def test_answers_and_summaries_are_checked_too(tmp_path):
    write_json(tmp_path / "answers.json", [{"question": "harm", "text": 1, "figure": "", "short": ""}])
    with pytest.raises(UserError, match="entry 1, 'text': text is due, not 1"):
        read_answers(tmp_path)
    write_json(tmp_path / "summary.json", {"title": "Means", "columns": ["a", "b"], "rows": [["1", "2"], ["1"]]})
    with pytest.raises(UserError, match="row 2 has 1 entries for 2 columns"):
        read_summary(tmp_path)
