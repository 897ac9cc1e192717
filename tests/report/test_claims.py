"""Claims of a results folder: known by experiment and id, in their order, adjusted within their family."""

import json

import pytest
from command_line import call_jaxpe
from page_folders import make_entry, write_folder

from jaxpe.report.claims import (
    adjust_claims,
    count_fragile,
    list_declared,
    list_headlines,
    list_verdicts,
    read_all_claims,
)
from jaxpe.report.page import write_pages
from jaxpe.report.sections import list_folders
from jaxpe.study.experiment import EXPERIMENTS

OWN_EXPERIMENT = '''"""Does anything differ?

Predicted: no.
"""

from jaxpe.figures.draw import make_panels
from jaxpe.records.claims import Claim, Text
from jaxpe.records.statistics import Estimate
from jaxpe.study.presets import Preset

PRESETS = {"quick": Preset(())}
FIRST = Claim(
    "C5", "My own fifth claim.", "points", question="Is it mine?", figure="mine", family="primary",
    title=Text("My headline", "私の主張"), effect=Text("my effect", "私の効果"),
)
SECOND = Claim("M2.{part}", "A claim about {part}.", "points", question="harm", verdicts=("quite so",))
CLAIMS = (FIRST, SECOND)


def measure(work, runs, preset):
    return [{"experiment": "mine", "task": "none", "encoding": "none", "metric": "points", "seed": i, "value": i} for i in range(6)]


def figures(table):
    return {"mine": make_panels(1)[0]}


def claims(table):
    estimate = Estimate(float(table["value"].mean()), 1.0, 4.0, 6, 0.04)
    return [FIRST.make_result("supported", estimate), SECOND.make_result("quite so", estimate, part="parts")]
'''


def test_p_values_are_adjusted_within_families():
    """The headline claims are one family, whichever experiment they belong to; parts name theirs."""
    entries = [
        make_entry(name, p=p, family=family) | {"experiment": experiment}
        for experiment, name, p, family in (
            ("accuracy", "C2", 0.01, "primary"), ("harm", "C8", 0.04, "primary"), ("accuracy", "C2.a", 0.02, "C2"),
            ("harm", "C2.b", 0.03, "C2"), ("structure", "C1", None, "primary"), ("harm", "C5.a", 0.01, "C5.seen"),
            ("harm", "C5.b", 0.01, "C5.seen"), ("harm", "C5.c", 0.01, "C5.add"),
        )
    ]  # fmt: skip
    adjust_claims(entries)
    expected = [0.02, 0.04, 0.04, 0.04, None, 0.02, 0.02, 0.01]
    assert [entry.get("adjusted_p") for entry in entries] == pytest.approx(expected)


def test_families_of_another_experiment_are_its_own():
    entries = [make_entry(name, p=0.01, family="primary") | {"experiment": name} for name in ("harm", "mine", "yours")]
    entries += [make_entry("b", p=0.02) | {"experiment": "mine"}, make_entry("c", p=0.03) | {"experiment": "mine"}]
    adjust_claims(entries)
    assert [entry["adjusted_p"] for entry in entries] == pytest.approx([0.01, 0.01, 0.01, 0.04, 0.04])


def test_the_declared_headlines_are_c1_to_c12_in_their_order():
    assert [name for _, name in list_declared()] == [f"C{i}" for i in range(1, 13)]
    for (experiment, _), claim in list_declared().items():
        assert (
            experiment in EXPERIMENTS and claim.figure and claim.family == "primary" and claim.title.ja and claim.effect
        )


def test_a_claim_that_repeats_its_wholes_numbers_counts_once():
    claims = {
        ("harm", "C5"): make_entry("C5"), ("harm", "C5.again"): make_entry("C5.again"),
        ("harm", "C5.other"): make_entry("C5.other", effect=0.4, verdict="undecided"),
        ("mine", "C5.again"): make_entry("C5.again"), ("mine", "C2"): make_entry("C2", n=0),
    }  # fmt: skip
    assert list_verdicts(claims) == ["supported", "undecided", "supported"]


def test_a_claim_is_known_by_its_experiment_and_its_id(tmp_path):
    """A folder of another experiment cannot overwrite C5, nor list itself among jaxpe's own headlines."""
    texts = {"title": {"en": "Mine", "ja": ""}, "measure": {"en": "points", "ja": ""}}
    folder = write_folder(tmp_path / "r", claims=[make_entry("C5", verdict="contradicted", headline=True, **texts)])
    write_folder(folder, "harm", claims=[make_entry("C5", headline=True)])
    claims = read_all_claims(list_folders(folder))
    headlines = list_headlines(claims)
    assert [(one.experiment, one.id) for one in headlines][-1] == ("mine", "C5") and len(headlines) == 13
    [own] = [one for one in headlines if one.experiment == "harm"]
    assert own.entry["verdict"] == "supported" and headlines[-1].entry["verdict"] == "contradicted"
    assert headlines[-1].title.en == "Mine" and not next(one for one in headlines if one.id == "C3").was_run


def test_an_experiment_of_the_users_own_claims_under_its_own_ids(tmp_path, capsys):
    """Both claims are in claims.json and on the page; those of other experiments stay as they were."""
    results = write_folder(tmp_path / "results", "accuracy", claims=[make_entry("C8", headline=True, question="help")])
    write_pages(results)
    before = (results / "accuracy" / "claims.json").read_bytes()
    others = read_all_claims(list_folders(results))
    (tmp_path / "mine.py").write_text(OWN_EXPERIMENT)
    assert call_jaxpe(capsys, "run", tmp_path / "mine.py", "--results", results, "--quiet").code == 0
    entries = {entry["id"]: entry for entry in json.loads((results / "mine" / "claims.json").read_text())}
    assert set(entries) == {"C5", "M2.parts"} and entries["C5"]["headline"] and not entries["M2.parts"]["headline"]
    assert entries["C5"]["experiment"] == "mine" and entries["C5"]["effect"] == 2.5
    page = (results / "compare.html").read_text()
    claims = page[page.index('<section id="claims">') : page.index('<section id="figures">')]
    assert "My headline" in claims and "私の主張" in claims and "my effect" in claims
    assert "A claim about parts." in claims and "quite so" in claims
    assert '<summary><span lang="en" class="always">Is it mine?' in claims
    assert (results / "accuracy" / "claims.json").read_bytes() == before
    claims = read_all_claims(list_folders(results))
    assert {key: entry for key, entry in claims.items() if key[0] == "accuracy"} == others


@pytest.mark.parametrize(("verdict", "counts"), [("supported", 1), ("harmful", 1), ("harmless", 0), ("undecided", 0)])
def test_verdicts_of_a_difference_that_would_fall_with_many_claims_are_counted(verdict, counts):
    entry = {"n": 10, "verdict": verdict, "adjusted_p": 0.2}
    assert (
        count_fragile(
            {("a", "X"): entry, ("a", "Y"): entry | {"adjusted_p": 0.01}, ("a", "Z"): entry | {"adjusted_p": None}}
        )
        == counts
    )
