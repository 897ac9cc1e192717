"""The prose of the page, in every language at once: one catalogue of messages, `messages.json`.

A message is trusted HTML with places for values, as `str.format` has them; what is filled in is escaped. The page carries all
languages and shows the one that its root element names, so that a reader can switch without a second file.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from markupsafe import Markup

LANGUAGES = {"en": "English", "ja": "日本語"}
FOR_SCRIPTS = "js."  # messages that page.js says


class Messages:
    """The catalogue. It remembers what was said, so that a test finds messages that nobody says."""

    def __init__(self) -> None:
        path = Path(__file__).with_name("messages.json")
        self.catalogue: dict[str, dict[str, str]] = json.loads(path.read_text(encoding="utf-8"))
        self.said: set[str] = set()

    def __call__(self, key: str, **values: Any) -> Markup:
        """A message in every language, each in an element that says which it is. KeyError where there is none."""
        return Markup("").join(
            Markup('<span lang="{}">{}</span>').format(language, self.only(key, language, **values))
            for language in LANGUAGES
        )

    def only(self, key: str, language: str, **values: Any) -> Markup:
        """A message in one language, for titles and labels, which hold no elements."""
        self.said.add(key)
        return Markup(self.catalogue[key][language]).format(**values)

    def labels(self, key: str, **values: Any) -> Markup:
        """Attributes for an element's label: the script sets `aria-label` from them when the language is switched."""
        each = (
            Markup('data-label-{}="{}"').format(language, str(self.only(key, language, **values)))
            for language in LANGUAGES
        )
        return Markup(' aria-label="{}" ').format(str(self.only(key, "en", **values))) + Markup(" ").join(each)

    def for_scripts(self) -> dict[str, dict[str, str]]:
        """What the page's script says."""
        return {
            key.removeprefix(FOR_SCRIPTS): texts for key, texts in self.catalogue.items() if key.startswith(FOR_SCRIPTS)
        }
