"""Places that tests in several folders need."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
