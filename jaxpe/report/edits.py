"""What readers of a results folder are told of files that were edited since they were written."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from jaxpe.errors import UserError
from jaxpe.records.provenance import EDITED, REMOVED, UNKNOWN, Edit

log = logging.getLogger("jaxpe")


def group_edits(edits: Sequence[Edit]) -> dict[str, list[str]]:
    """The paths of edited files by what happened to them."""
    return {kind: [edit.path for edit in edits if edit.kind == kind] for kind in (EDITED, REMOVED, UNKNOWN)}


@contextmanager
def explain_faults(edits: Sequence[Edit], what: str) -> Iterator[None]:
    """Turns any exception that files of a results folder lead to into a UserError, which names those that were edited.

    The traceback is logged at the level of debugging.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        log.debug(what, exc_info=True)
        fault = f"{type(error).__name__}: {error}".splitlines()[0][:300]
        sentences = [edit.sentence for edit in edits[:3]]
        blame = " ".join(sentences) or "If its files are as jaxpe wrote them, this is a fault of jaxpe."
        raise UserError(f"{what} ({fault}). {blame}") from error
