"""The article: one idea and one figure a section, from a panda plus a banana to which encoding to use.

Every number comes from claims and tables. A figure or a sentence that this folder's results do not give is left out, and the page
says which experiment gives it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from markupsafe import Markup

from jaxpe.analysis.effects import MARGIN
from jaxpe.analysis.readers import POSITIONS
from jaxpe.records.provenance import read_provenance
from jaxpe.records.statistics import EXPLORATORY
from jaxpe.report import brief, facts, guide, recommendations
from jaxpe.report.claims import (
    Entry,
    Headline,
    Key,
    count_fragile,
    list_declared,
    list_headlines,
    list_verdicts,
    read_all_claims,
)
from jaxpe.report.drawings import Drawing, read_drawing
from jaxpe.report.live import read_models
from jaxpe.report.messages import LANGUAGES, Messages, fill_sentence, join_languages
from jaxpe.report.sections import list_missing, read_section
from jaxpe.report.styles import describe_styles
from jaxpe.study.experiment import EXPERIMENTS

ALWAYS = ("split", "adding", "order", "pile", "shift")  # figures that compute what they show


class Section(NamedTuple):
    """A section: its figure, the experiment that gives its results, its sentences, and the figure shown without scripts."""

    name: str  # of its messages: article.NAME.title, .text, .caption and, where it has one, .note
    figure: str = ""
    experiment: str = ""
    sentences: tuple[str, ...] = ()  # of `brief` and `facts`
    drawing: str = ""


class Further(NamedTuple):
    """An experiment that is not jaxpe's own: what it asked and predicted, its claims, and the figures that these name."""

    name: str
    question: str
    prediction: str
    claims: list[Entry]
    figures: list[Drawing]


SECTIONS = (
    Section("adding", "adding"),
    Section("order", "order", "superposition", ("swap",)),
    Section("pile", "pile", "extraction", ("pile", "read"), "extraction/readers"),
    Section("layers", "layers", "extraction", ("inside",), "extraction/mixing_reverse_encoder"),
    Section("harm", "ratio", "harm", ("harm", "concatenated", "spaced", "histogram", "size"), "harm/ratio"),
    Section("panda", "sums", "superposition", ("sums",), "superposition/bridge"),
    Section("help", "help", "harm", ("help",), "accuracy/accuracy"),
    Section("ends", "lengths", "extrapolation", ("ends", "random", "text"), "extrapolation/overview"),
    Section("models", "models", "structure", ("models", "absent"), "structure/use"),
    Section("which"),
    Section("sure"),
)


class Reference(NamedTuple):
    """A paper, and the name of the message that says what it has to do with the page."""

    text: str
    arxiv: str
    message: str


REFERENCES = (
    Reference("Vaswani et al. (2017). Attention Is All You Need.", "1706.03762", "vaswani"),
    Reference("Wang & Chen (2020). What Do Position Embeddings Learn? An Empirical Study of Pre-Trained Language Model Positional Encoding.", "2010.04903", "wang"),
    Reference("Kazemnejad et al. (2023). The Impact of Positional Encoding on Length Generalization in Transformers.", "2305.19466", "kazemnejad"),
    Reference("Ruoss et al. (2023). Randomized Positional Encodings Boost Length Generalization of Transformers.", "2305.16843", "ruoss"),
    Reference("Press, Smith & Lewis (2022). Train Short, Test Long: Attention with Linear Biases Enables Input Length Extrapolation.", "2108.12409", "press"),
    Reference("Su et al. (2021). RoFormer: Enhanced Transformer with Rotary Position Embedding.", "2104.09864", "su"),
    Reference("Raffel et al. (2020). Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer.", "1910.10683", "raffel"),
    Reference("Zheng et al. (2024). DAPE: Data-Adaptive Positional Encoding for Length Extrapolation.", "2405.14722", "zheng"),
)  # fmt: skip
PARTS = ("start", *(section.name for section in SECTIONS))


def collect(results: Path, folders: list[Path], messages: Messages) -> dict[str, Any]:
    """What the page shows of the experiments in these folders."""
    claims = read_all_claims(folders)
    parts = guide.read_parts(results)
    values = brief.compute_sentences(results, claims, parts) | facts.compute_facts(results, claims, parts)
    if models := read_models(results):
        parts["live"] = models
    headlines = list_headlines(claims)
    recommended = recommendations.make_recommendations(results)
    return {
        "data": {
            "styles": describe_styles(["sinusoidal", "learned", "none", "concatenated"]),
            "guide": parts,
            "claims": [pack_claim(headline.entry) for headline in headlines if headline.entry and headline.was_run],
        },
        "sections": SECTIONS,
        "always": ALWAYS,
        "guide": parts,
        "found": fill_sentences(values, messages),
        "values": values,
        "drawings": read_fallbacks(results),
        "recommended": recommended,
        "best": recommendations.list_best(recommended),
        "longest": recommendations.find_longest_copier(results),
        "further": read_further(folders, claims),
        "headlines": headlines,
        "groups": group_headlines(headlines),
        "ruled": list(list_declared()),
        "verdicts": count_verdicts(list_verdicts(claims)) | {"fragile": count_fragile(claims)},
        "seeds": list_seed_counts(parts, recommended),
        "missing": list_missing(results),
        "references": REFERENCES,
        "version": version("jaxpe"),
        "dates": format_dates(folders),
        "made": format_versions(folders),
        "exploratory": EXPLORATORY,
        "margin": f"{100 * MARGIN:g}",
        "places": POSITIONS,
    }


def group_headlines(headlines: Sequence[Headline]) -> dict[str, list[Headline]]:
    """The headline claims that held up, that turned out wrong, and that are open."""
    groups: dict[str, list[Headline]] = {"held": [], "wrong": [], "open": []}
    for headline in headlines:
        verdict = headline.entry["verdict"] if headline.entry and headline.was_run else ""
        groups[{"supported": "held", "contradicted": "wrong"}.get(verdict, "open")].append(headline)
    return groups


def count_verdicts(verdicts: Iterable[str]) -> dict[str, int]:
    """How many claims were supported, contradicted, left undecided, or got a word of their own such as 'harmful'."""
    counts = Counter(verdicts)
    named = {name: counts.pop(name, 0) for name in ("supported", "contradicted", "undecided")}
    return named | {"effects": counts.total(), "count": counts.total() + sum(named.values())}


def list_seed_counts(parts: Mapping[str, Any], recommended: Sequence[Mapping[str, Any]]) -> list[int]:
    """From how many trainings the numbers of the figures and of the table of recommendations are, in rising order."""
    shown = [str(part["seeds"]) for part in parts.values() if isinstance(part, Mapping) and "seeds" in part]
    shown += [str(row["seeds"]) for row in parts.get("models", {"rows": []})["rows"]]
    shown += [str(cell[1]) for row in recommended for _, cell, _ in row["cells"] if cell]
    return sorted({int(count) for text in shown for count in text.split("–")})


def fill_sentences(values: Mapping[str, brief.Values | None], messages: Messages) -> dict[str, Markup]:
    """The sentences that have values, in every language."""
    return {
        name: join_languages({language: fill_sentence(name, own, messages, language) for language in LANGUAGES})
        for name, own in values.items()
        if own is not None and f"found.{name}" in messages.catalogue
    }


def read_further(folders: Sequence[Path], claims: Mapping[Key, Entry]) -> list[Further]:
    """The experiments that are not jaxpe's own."""
    sections = [read_section(folder, claims) for folder in folders if folder.name not in EXPERIMENTS]
    further = []
    for one in sections:
        named = [claim["figure"] for claim in one.claims]
        shown = [drawing for drawing in one.figures if drawing.name in named]
        further.append(Further(one.name, one.provenance["question"], one.provenance["prediction"], one.claims, shown))
    return further


def read_fallbacks(results: Path) -> dict[str, Drawing]:
    """The stored figures that stand for those of the scripts."""
    drawings = {}
    for key in {section.drawing for section in SECTIONS if section.drawing}:
        experiment, _, name = key.partition("/")
        path = results / experiment / "figures" / f"{name}.svg"
        if path.is_file():
            drawings[key] = read_drawing(experiment, path, "")
    return drawings


def list_origins(folders: Sequence[Path]) -> list[Mapping[str, Any]]:
    """What is recorded of each run of the experiments in these folders, and of what was added to their tables later."""
    return [entry for one in map(read_provenance, folders) for entry in (one, *one.get("added", []))]


def format_versions(folders: Sequence[Path]) -> str:
    """'0.1.0, 0.2.0': the versions of jaxpe that the experiments in these folders were run with."""
    versions = {str(entry.get("versions", {}).get("jaxpe", "")) for entry in list_origins(folders)}
    return ", ".join(sorted(versions - {""})) or "–"


def format_dates(folders: Sequence[Path]) -> str:
    """'2026-11-24 – 2026-11-27': when the experiments in these folders were run, with what was added later."""
    dates = sorted({str(date) for entry in list_origins(folders) if (date := entry.get("date"))})
    return " – ".join(dict.fromkeys((dates[0], dates[-1]))) if dates else "–"


def pack_claim(entry: Entry) -> dict[str, Any]:
    """What the forest plot draws of a claim."""
    return {key: entry[key] for key in ("experiment", "id", "effect", "low", "high", "n", "verdict")}
