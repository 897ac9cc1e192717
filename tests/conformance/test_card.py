"""The property card: classes that cannot be built or called, and the limit of time."""

import pytest
from broken_encodings import name_broken

from jaxpe.conformance import card
from jaxpe.errors import UserError


@pytest.mark.parametrize(
    ("class_name", "message"),
    [
        ("FailsInConstructor", r"RuntimeError: no such thing \(broken_classes.py, line [0-9]+\)"),
        ("FailsBidirectional", r"KeyError: 'bidirectional' \(broken_classes.py, line [0-9]+\)"),
        ("WrongSignature", r"takes 2 positional arguments but 3 were given \(broken_classes.py, line [0-9]+\)"),
        ("WrongConstructor", r"TypeError: .*\(broken_classes.py, line [0-9]+\)"),
        ("RaisesInHook", r"NameError: name 'undefined_name' is not defined \(broken_classes.py, line [0-9]+\)"),
    ],
)
def test_a_class_that_cannot_be_built_or_called_is_one_sentence_with_the_line(class_name, message):
    with pytest.raises(UserError, match=message):
        list(card.measure_rows(card.build_subjects(name_broken(class_name)).subjects))


def test_a_constructor_that_hangs_is_stopped_and_its_line_named(monkeypatch):
    monkeypatch.setattr(card, "BUILD_SECONDS", 0.3)
    with pytest.raises(UserError, match=r"took longer than 0.3 s \(broken_classes.py, line [0-9]+\)"):
        card.build_subjects(name_broken("HangsInConstructor"))


def test_the_card_as_json_ends_with_a_verdict():
    made = card.make_encoding_card(name_broken("NarrowCode"))
    result = card.card_to_json(made, list(made.rows))
    assert not result["holds"] and result["about"]["class"].startswith("NarrowCode")
    assert result["encoding"] == made.name
    assert [(row["name"], row["holds"]) for row in result["properties"]] == [("shapes and dtypes", False)]
