"""`--set field=value`: words as typed values."""

import pytest

from jaxpe.cli.overrides import parse_overrides
from jaxpe.errors import UserError


def test_values_have_the_types_of_their_fields():
    words = ["width=64", "shift=false", "learning_rate=3e-4", "learning_rates=0.1/1", "precision=high"]
    values = {
        "width": 64,
        "shift": False,
        "learning_rate": 3e-4,
        "learning_rates": (0.1, 1.0),
        "precision": "high",
    }
    assert parse_overrides(words) == values
    assert parse_overrides(["learning_rates=none"]) == {"learning_rates": ()}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("widht=3", "Did you mean 'width'"),
        ("width", "--set takes field=value, got 'width'. Fields: seeds, first_seed, train_length"),
        ("width=8 width=16", "width is given more than once"),
        ("width=wide", "width takes a whole number, got 'wide'"),
        ("learning_rate=fast", "learning_rate takes a number, got 'fast'"),
        ("learning_rates=0.1/x", "learning_rates takes numbers separated by /"),
        ("shift=4", "shift takes true or false, got '4'"),
        ("options=x", "Unknown preset field 'options'"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(words, says):
    with pytest.raises(UserError, match=says):
        parse_overrides(words.split())
