"""One kind of error for everything a user can mend: the command line prints it as one sentence and exits with 2."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """Bad input. The message is one or two sentences that say what is wrong and what to do."""


def unknown(kind: str, name: str, known: Iterable[str], hint: str = "") -> UserError:
    """An error for a name that is not in a catalogue, with the nearest names as a suggestion."""
    known = list(known)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    suggestion = f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(known) or 'none'}."
    return UserError(f"Unknown {kind} {name!r}. {suggestion}{' ' + hint if hint else ''}")
