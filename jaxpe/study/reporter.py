"""What shows the progress of a workspace."""

from __future__ import annotations

from typing import Protocol


class Reporter(Protocol):
    """What shows the progress of a workspace."""

    def note(self, text: str) -> None:
        """Says what happens next."""

    def begin(self, unit: str, total: int) -> None:
        """Starts counting `total` units."""

    def advance(self, amount: int) -> None:
        """Counts units that are finished."""


class SilentReporter:
    """Shows nothing."""

    def note(self, text: str) -> None: ...
    def begin(self, unit: str, total: int) -> None: ...
    def advance(self, amount: int) -> None: ...
