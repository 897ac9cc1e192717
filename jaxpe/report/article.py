"""The article: what is added, whether it harms, whether it can be read back and where it helps, with figures to play with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jaxpe.records.statistics import EXPLORATORY
from jaxpe.report import brief, guide
from jaxpe.report.claims import Entry, Key, list_decisions, read_all_claims
from jaxpe.report.messages import Messages
from jaxpe.report.styles import describe_styles
from jaxpe.study.experiment import EXPERIMENTS

PARTS = ("answer", "guide")
SHIFT = "C1"  # the claim, with its parts, that the guide shows next to the clocks


def collect(results: Path, folders: list[Path], messages: Messages) -> dict[str, Any]:
    """What the page shows of the experiments in these folders."""
    claims = read_all_claims(folders)
    parts = guide.read_parts(results)
    sentences = brief.compute_sentences(results, claims, parts)
    return {
        "data": {
            "styles": describe_styles(["sinusoidal", "learned", "none"]),
            "figures": {},
            "guide": parts | {"shift": {}},
        },
        "exploratory": EXPLORATORY,
        "drawings": {},
        "brief": brief.fill_sentences(sentences, messages),
        "brief_missing": sorted({brief.MEASURED_BY[name] for name, values in sentences.items() if values is None}),
        "decisions": list_decisions(claims),
        "shifts": list_shifts(claims),
        "guide": parts,
    }


def list_shifts(claims: Mapping[Key, Entry]) -> list[Entry]:
    """What jaxpe's own experiments found about a shift as a linear map."""
    return [
        entry
        for (experiment, name), entry in claims.items()
        if experiment in EXPERIMENTS and name.partition(".")[0] == SHIFT
    ]
