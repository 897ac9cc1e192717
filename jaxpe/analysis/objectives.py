"""Two objectives compared by what changed positions cost their models: next-token prediction minus masked LM (claim C4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from jaxpe.analysis.use import Costs
from jaxpe.records.claims import format_estimate
from jaxpe.records.statistics import Estimate, estimate_difference, judge_direction

# From masked to next-token prediction, one step at a time: the mask, the objective, the number of predictions.
CHAIN = ("masked_lm", "causal_masked_lm", "sampled_causal_lm", "causal_lm")
MASKED = "masked_lm"
TEXT_PAIR = (MASKED, "causal_lm")  # the usual objectives of an encoder and of a decoder
PAIRS = {  # what is compared with masked LM: as published, and with every token asked equally often
    "published": ("causal_lm", "causal LM"),
    "equal": ("sampled_causal_lm", "causal LM with a loss on a random 15 % of the tokens"),
}
PAIR_NAMES = {"published": "as published", "equal": "with equally many predictions"}
UNITS = {"share": "shares", "bits": "bits"}
FAR = 32
FAR_NOTE = "Undecided: a shift by 32 meets rows that hardly any window trained, so its numbers describe."
NEW_SEEDS = range(10, 20)  # which chose nothing
NOT_NEW = "Undecided: not run on the seeds 10 to 19. These numbers are of seeds that chose the cell."


class Comparison(NamedTuple):
    """A key of PAIRS in one of UNITS."""

    pair: str
    words: str
    unit: str
    estimate: Estimate
    verdict: str
    note: str


def compare_objectives(
    costs: Costs, unit: str = "share", sizes: Sequence[int] = (), seeds: range | None = None
) -> list[Comparison]:
    """The cost of shifts, of both pairs that were run. `seeds`: those that count; all unless given."""
    comparisons = []
    for pair, (task, words) in PAIRS.items():
        a, b = (costs.average(name, "shift", unit, sizes) for name in (task, MASKED))
        both = [seed for seed in a.index.intersection(b.index) if seeds is None or seed in seeds]
        if both:
            estimate = estimate_difference(a[both].to_numpy(), b[both].to_numpy())
            note = costs.describe_dropped(task, MASKED) if unit == "share" else ""
            verdict = judge_direction(estimate)
            if FAR in sizes:
                verdict, note = "undecided", f"{note} {FAR_NOTE}".strip()
            comparisons.append(Comparison(pair, words, unit, estimate, verdict, note))
    return comparisons


def compare_on_new_seeds(costs: Costs) -> list[Comparison]:
    """Both pairs in both units on NEW_SEEDS; where these were not run in full, on all seeds, and then undecided."""
    is_new = all(
        set(NEW_SEEDS) <= set(costs.average(task, "shift", "bits").index)
        for task in (MASKED, *(task for task, _ in PAIRS.values()))
    )
    seeds = NEW_SEEDS if is_new else None
    comparisons = [one for unit in UNITS for one in compare_objectives(costs, unit, seeds=seeds)]
    if is_new:
        return comparisons
    return [one._replace(verdict="undecided", note=f"{one.note} {NOT_NEW}".strip()) for one in comparisons]


def judge_all(comparisons: Sequence[Comparison]) -> str:
    """'contradicted' where one comparison is, 'supported' where all four are, else 'undecided'."""
    verdicts = [one.verdict for one in comparisons]
    if "contradicted" in verdicts:
        return "contradicted"
    complete = len(verdicts) == len(PAIRS) * len(UNITS)
    return "supported" if complete and set(verdicts) == {"supported"} else "undecided"


def describe_all(comparisons: Sequence[Comparison]) -> str:
    """'As published: +0.059 share (…), +0.024 bits (…). …', whether the seeds were new, and what is left open."""
    parts = [f"{one.pair}, {format_estimate(one.estimate, one.unit)}" for one in comparisons]
    notes = dict.fromkeys(one.note for one in comparisons if one.note)
    left = [f"{PAIR_NAMES[one.pair]}, in {UNITS[one.unit]}" for one in comparisons if one.verdict == "undecided"]
    if left and not notes and judge_all(comparisons) == "undecided":
        notes[
            f"Undecided: all {len(comparisons)} intervals must lie above 0 (next-token prediction minus masked LM, as published and "
            f"with equally many predictions, in shares and in bits); not above 0: {'; '.join(left)}."
        ] = None
    return " ".join([f"{'; '.join(parts)}.", *notes])
