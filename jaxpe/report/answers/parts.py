"""One sentence about the parts of a claim, in the note of the claim: a supported claim does not hide what its parts say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from jaxpe.records.claims import ClaimResult

COUNTED = ("supported", "harmless", "helpful")  # verdicts of which the number is enough; parts with others are named


def add_parts(results: Sequence[ClaimResult]) -> list[ClaimResult]:
    """The results, those of headline claims with a sentence about their parts in the note. C9.uses is a part of C9."""
    return [
        replace(result, note=f"{result.note} {describe_parts(result, results)}".strip())
        if result.claim.headline
        else result
        for result in results
    ]


def describe_parts(whole: ClaimResult, results: Sequence[ClaimResult]) -> str:
    """'Its parts: 1 supported; contradicted: C9.layer2; undecided: C9.uses.'; '' for a claim without parts."""
    groups: dict[str, list[str]] = {}
    for result in results:
        if result.id.startswith(f"{whole.id}."):
            groups.setdefault(result.verdict if result.n else "not run", []).append(result.id)
    words = [f"{len(groups[verdict])} {verdict}" for verdict in COUNTED if verdict in groups]
    words += [f"{verdict}: {', '.join(names)}" for verdict, names in sorted(groups.items()) if verdict not in COUNTED]
    return f"Its parts: {'; '.join(words)}." if words else ""
