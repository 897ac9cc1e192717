"""Encodings by name: files, suggestions for unknown names, options that the run fills in."""

import json

import jax
import pytest

from jaxpe import encodings
from jaxpe.errors import UserError

FILE = """
from jaxpe.encodings import Encoding

class Good(Encoding):
    pass
"""


def build(name, attention="bidirectional", **options):
    return encodings.build_encoding(name, encodings.Context(8, 2, 50, attention), key=jax.random.key(3), **options)


def test_a_class_in_a_file_has_a_name_and_a_digest(tmp_path):
    (tmp_path / "mine.py").write_text(FILE)
    name = f"{tmp_path / 'mine.py'}:Good"
    assert type(build(name)).__name__ == encodings.label_encoding(name) == "Good"
    assert len({json.dumps(encodings.identify_encoding(one)) for one in (name, "learned", "learned_bert")}) == 3
    with pytest.raises(UserError, match="Did you mean 'Good'"):
        encodings.resolve_encoding(f"{tmp_path / 'mine.py'}:Goood")


@pytest.mark.parametrize(
    ("content", "message"),
    [("def broken(:", "could not be imported: SyntaxError"), ("import not_there_at_all", "not_there_at_all")],
)
def test_a_file_that_cannot_be_imported_is_one_sentence(tmp_path, content, message):
    (tmp_path / "bad.py").write_text(content)
    with pytest.raises(UserError, match=message):
        encodings.resolve_encoding(f"{tmp_path / 'bad.py'}:Any")


def test_unknown_names_and_options_are_answered_with_a_suggestion():
    with pytest.raises(UserError, match="Did you mean 'sinusoidal'"):
        encodings.resolve_encoding("sinusodal")
    with pytest.raises(UserError, match="option of learned 'scal'"):
        build("learned", scal=2)


@pytest.mark.parametrize(
    "name", ["t5_scaled", "shaw_scaled", "fire_scaled", "xpos_scaled", "cope_scaled", "rotary_yarn"]
)
def test_an_encoding_that_depends_on_the_training_positions_asks_for_them(name):
    with pytest.raises(UserError, match="needs trained_positions"):
        build(name, "causal")


def test_other_usual_names_stand_for_encodings_of_the_catalogue():
    from jaxpe.encodings.registry import ALIASES

    assert set(ALIASES.values()) <= set(encodings.CATALOGUE) and not set(ALIASES) & set(encodings.CATALOGUE)
    assert [encodings.replace_alias(name) for name in ("rope", "rotary", "mine.py:Mine")] == [
        "rotary",
        "rotary",
        "mine.py:Mine",
    ]
