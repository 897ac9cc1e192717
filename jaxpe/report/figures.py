"""What the workbench says of each figure: a title that says what is seen, a caption, and the claims that refer to it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from markupsafe import Markup

from jaxpe.report.claims import Entry
from jaxpe.report.drawings import Drawing
from jaxpe.report.messages import LANGUAGES, Messages, join_languages

WORDS = ("task", "architecture", "encoding")  # the names that the end of a figure's name may consist of
# Beginnings of the names of figures whose colours are values.
COLOURED = ("map_", "similarity", "head_examples_", "codes")


class FigureText(NamedTuple):
    """The words of a figure. `claims`: the ids of those that refer to it. `coloured`: its colours may not be turned."""

    title: Markup
    caption: Markup | None
    claims: list[str]
    coloured: bool


def describe_figure(drawing: Drawing, claims: Iterable[Entry], messages: Messages) -> FigureText:
    """The words of a figure: its own messages, or those of its family with what it shows of it; else its name and its caption.

    The family of `extraction/mixing_copy_decoder` is `extraction/mixing_*`; what it shows is 'copy, decoder'.
    """
    own = [str(claim["id"]) for claim in claims if drawing.key == f"{claim['experiment']}/{claim['figure']}"]
    coloured = drawing.name.startswith(COLOURED)
    key, what = find_message(drawing, messages)
    if not key:
        caption = (
            Markup('<span lang="en" class="always">{}</span>').format(drawing.caption) if drawing.caption else None
        )
        return FigureText(Markup("{}").format(drawing.name.replace("_", " ")), caption, own, coloured)
    title, described = (
        join_languages(
            {
                code: messages.get_message(f"{part}.{key}", code, what=name_parts(what, code, messages))
                for code in LANGUAGES
            }
        )
        for part in ("figure", "caption")
    )
    return FigureText(title, described, own, coloured)


def find_message(drawing: Drawing, messages: Messages) -> tuple[str, str]:
    """The key of a figure's messages, or of those of all experiments, and the rest of its name; ('', '') where it has none."""
    for key in (drawing.key, f"*/{drawing.name}"):
        if f"figure.{key}" in messages.catalogue:
            return key, ""
    parts = drawing.name.split("_")
    for end in range(len(parts) - 1, 0, -1):
        key = f"{drawing.experiment}/{'_'.join(parts[:end])}_*"
        if f"figure.{key}" in messages.catalogue:
            return key, "_".join(parts[end:])
    return "", ""


def name_parts(what: str, language: str, messages: Messages) -> str:
    """The end of a figure's name in words: 'copy_decoder' as 'copy, decoder'."""
    for kind in WORDS:
        for key, texts in messages.files["names"].items():
            name = key.removeprefix(f"{kind}.")
            if name != key and (what == name or what.startswith(f"{name}_")):
                rest = what[len(name) + 1 :]
                comma = str(messages.get_message("comma", language))
                return texts[language] + (comma + name_parts(rest, language, messages) if rest else "")
    return what.replace("_", " ")
