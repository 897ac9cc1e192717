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


def test_a_headline_claim_is_there_in_every_language_and_in_english_where_it_is_not_translated():
    text = str(Messages().format_claim(Text("A <b>claim</b>", "主張"), Text("what it measures", "")))
    assert '<span lang="en">A &lt;b&gt;claim&lt;/b&gt; (effect: what it measures).</span>' in text
    assert '<span lang="ja">主張（効果：what it measures）。</span>' in text
