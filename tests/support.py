"""Places that tests in several folders need."""

from pathlib import Path

ROOT = Path(__file__).parents[1]


def list_tables(folder):
    """The tables of a committed results folder, compressed or not, as their readers name them."""
    folders = {path.parent for path in (ROOT / folder).glob("*/table.csv*")}
    return [path / "table.csv" for path in sorted(folders)]
