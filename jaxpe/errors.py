"""The errors that a user can mend. The command line prints their message as one sentence and exits with code 2."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """Bad input. The message says in one or two sentences what is wrong and what to do.

    It is one line of printable characters, whatever the names in it hold: others are escaped.
    """

    def __init__(self, message: str) -> None:
        super().__init__(escape_unprintable(message))


class UnknownName(UserError):
    """A name that is not one of the known names. The message suggests the nearest one, or lists them all."""

    def __init__(self, kind: str, name: str, known: Iterable[str], hint: str = "") -> None:
        known = list(known)
        near = difflib.get_close_matches(str(name), known, n=1, cutoff=0.5)
        suggestion = f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(known) or 'none'}."
        super().__init__(f"Unknown {kind} {name!r}. {suggestion}{' ' + hint if hint else ''}")
        self.name = name


def escape_unprintable(text: str) -> str:
    r"""A text with \n, \x1b and so on in place of what would break a line or change the terminal."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)
