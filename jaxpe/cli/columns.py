"""Text in columns, as commands print it."""

from __future__ import annotations

from collections.abc import Sequence


def format_columns(lines: Sequence[Sequence[str]]) -> str:
    """Lines of words, the words of a column below each other."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    texts = ["  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)) for line in lines]
    return "\n".join(text.rstrip() for text in texts)
