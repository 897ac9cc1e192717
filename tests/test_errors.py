"""Errors that a user can mend."""

import pytest

from jaxpe.errors import UnknownName, UserError


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("two\nlines", r"two\nlines"), ("\x1b[31mred", r"\x1b[31mred"), ("bell\a\r\t", r"bell\x07\r\t"), ("\udcff", r"\udcff"),
        ("\u2028", r"\u2028"), ("位置 é ≥ 😀", "位置 é ≥ 😀"), ("C:\\new", "C:\\new"), ("", ""),
    ],
)  # fmt: skip
def test_a_message_is_one_line_of_printable_characters(name, shown):
    message = str(UserError(f"There is no file {name}: give another."))
    assert message == f"There is no file {shown}: give another." and message.isprintable()


def test_an_unknown_name_is_answered_with_the_nearest_or_with_all():
    assert str(UnknownName("task", "revers", ["reverse", "copy"])) == "Unknown task 'revers'. Did you mean 'reverse'?"
    error = UnknownName("task", "\x1b[2J", ["reverse", "copy"], "See `jaxpe list`.")
    assert str(error) == r"Unknown task '\x1b[2J'. Known: reverse, copy. See `jaxpe list`." and error.name == "\x1b[2J"
