"""The page's prose: the same places in every language, a name for every unit, figure and verdict."""

import re

from jaxpe.records.claims import Text
from jaxpe.report.claims import list_declared
from jaxpe.report.messages import LANGUAGES, Messages
from jaxpe.study.experiment import EXPERIMENTS, load_experiment


def test_every_message_is_there_in_every_language_with_the_same_places():
    for texts in Messages().catalogue.values():
        assert set(texts) == set(LANGUAGES)
        places = [set(re.findall(r"\{(\w*)\}", text)) for text in texts.values() if text]
        assert all(one == places[0] for one in places)


def test_units_of_headline_claims_are_translated_and_no_others_are_left():
    declared = {claim.unit for name in EXPERIMENTS for claim in load_experiment(name).module.CLAIMS}
    translated = {key.removeprefix("unit.") for key in Messages().catalogue if key.startswith("unit.")}
    assert {claim.unit for claim in list_declared().values()} <= translated <= declared


def test_a_text_of_a_claim_is_escaped_and_english_where_it_is_not_translated():
    text = str(Messages().choose(Text("A <b>claim</b>", "主張")))
    assert text == '<span lang="en">A &lt;b&gt;claim&lt;/b&gt;</span><span lang="ja">主張</span>'
    assert '<span lang="ja">what it measures</span>' in str(Messages().choose(Text("what it measures", "")))
