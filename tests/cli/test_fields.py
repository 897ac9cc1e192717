"""`jaxpe list fields`."""

from dataclasses import fields

import pytest
from command_line import assert_one_sentence, call_jaxpe

from jaxpe.cli.fields import format_value, list_fields
from jaxpe.cli.overrides import parse_overrides
from jaxpe.study.experiment import EXPERIMENTS
from jaxpe.study.fields import FIELDS
from jaxpe.study.preset_checks import override
from jaxpe.study.presets import NOT_OVERRIDDEN, Preset


def test_every_field_that_can_be_set_is_described_and_no_other():
    assert [*FIELDS] == [field.name for field in fields(Preset) if field.name not in NOT_OVERRIDDEN]
    assert [row["name"] for row in list_fields(None, "quick")] == [*FIELDS]


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_what_is_listed_of_an_experiment_can_be_typed_and_changes_nothing(name):
    """The values of the preset smoke, given back as words after --set."""
    listed = [row for row in list_fields(name, "smoke") if row["name"] in FIELDS]
    words = [f"{row['name']}={row['value']}" for row in listed if row["value"] != "none" or row["type"] == "tuple"]
    values = parse_overrides(words)
    rows = {row["name"]: row for row in list_fields(name, "smoke")}
    for field, value in values.items():
        assert format_value(value) == rows[field]["value"]
    assert override(Preset(()), values)


def test_fields_are_printed_with_value_meaning_and_unit(capsys):
    outcome = call_jaxpe(capsys, "list", "fields")
    lines = {line.split()[0]: line.split() for line in outcome.out.splitlines()}
    assert outcome.code == 0 and lines["steps"][1] == "800" and lines["learning_rate"][1] == "0.003"
    assert lines["warmup"][-1] == "[steps]"
    outcome = call_jaxpe(capsys, "list", "fields", "superposition", "--preset", "standard")
    assert "--photographs" in outcome.out and "some rows" not in lines["steps"]
    assert "(some rows: " in call_jaxpe(capsys, "list", "fields", "accuracy").out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("fields", "acuracy"), "Did you mean 'accuracy'"),
        (("fields", "accuracy", "--preset", "huge"), "Unknown preset 'huge'"),
        (("tasks", "accuracy"), "takes no experiment"),
    ],
)
def test_what_cannot_be_listed_is_one_sentence(capsys, words, says):
    assert_one_sentence(call_jaxpe(capsys, "list", *words), says)
