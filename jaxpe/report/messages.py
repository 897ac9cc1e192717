"""The prose of the pages, in every language at once: one catalogue of messages, the files in `texts`.

A message is trusted HTML with places for values, as `str.format` has them; the values are escaped. A page holds all
languages and shows the one that its root element names, so that a reader can switch without a second file.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from markupsafe import Markup

from jaxpe.records.claims import Text

LANGUAGES = {"en": "English", "ja": "日本語"}
FOR_SCRIPTS = "js."  # prefix of the messages that scripts use
FOLDER = Path(__file__).with_name("texts")


class Messages:
    """The catalogue. It remembers which messages were used, so that a test finds those that nobody uses."""

    def __init__(self) -> None:
        self.files: dict[str, dict[str, dict[str, str]]] = {
            path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))
        }
        self.catalogue = {key: texts for messages in self.files.values() for key, texts in messages.items()}
        self.used: set[str] = set()

    def __call__(self, key: str, **values: object) -> Markup:
        """A message in every language, each in an element that says which it is. Raises KeyError for an unknown key."""
        return join_languages({language: self.get_message(key, language, **values) for language in LANGUAGES})

    def get_message(self, key: str, language: str, **values: object) -> Markup:
        """A message in one language, for titles and labels, which cannot hold elements."""
        self.used.add(key)
        return Markup(self.catalogue[key][language]).format(**values)

    def make_labels(self, key: str, **values: object) -> Markup:
        """Attributes for an element's label; the script sets `aria-label` from them when the language is switched."""
        each = (
            Markup('data-label-{}="{}"').format(language, str(self.get_message(key, language, **values)))
            for language in LANGUAGES
        )
        label = Markup(' aria-label="{}" ').format(str(self.get_message(key, "en", **values)))
        return label + Markup(" ").join(each)

    def choose(self, text: Text) -> Markup:
        """A text of a claim in every language."""
        return join_languages({language: get_text(text, language) for language in LANGUAGES})

    def select_for_scripts(self, *files: str) -> dict[str, dict[str, str]]:
        """The messages of these files that scripts use, without their prefix."""
        return {
            key.removeprefix(FOR_SCRIPTS): texts
            for file in files
            for key, texts in self.files[file].items()
            if key.startswith(FOR_SCRIPTS)
        }


def fill_sentence(name: str, own: dict[str, Any], messages: Messages, language: str) -> Markup:
    """A sentence in one language, with its opening words where these follow from the numbers."""
    verdicts = {key: f"verdict.{own[key]}" for key in ("seen", "beyond", "verdict") if key in own}
    names = verdicts | ({"task": f"task.{own['task']}"} if "task" in own else {})
    words = {key: messages.get_message(message, language) for key, message in names.items()}
    opening = messages.get_message(f"found.{name}.holds", language, **(own | words)) if own["holds"] else ""
    return messages.get_message(f"found.{name}", language, **(own | words | {"opening": opening}))


def join_languages(texts: dict[str, Any]) -> Markup:
    """Texts by language as elements, of which the page shows one."""
    return Markup("").join(
        Markup('<span lang="{}">{}</span>').format(language, text) for language, text in texts.items()
    )


def get_text(text: Text, language: str) -> str:
    """A text in a language; English where it is not translated."""
    return str(getattr(text, language) or text.en)
