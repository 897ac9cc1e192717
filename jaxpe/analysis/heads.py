"""What each attention head does, as rows of a table: scores, what is lost without it, curves, and maps of the clearest heads.

`head_scores` says where a head's weight lies. Whether that matters is another question, and is answered by taking it away
(`head_changes`): the whole head, or only the keys of the pattern, beside another visible key for each query.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from jaxpe.analysis.head_changes import (
    ablated_losses,
    losses_with_map,
    losses_without_keys,
    mean_maps,
    other_keys,
    pattern_keys,
    predicts_next,
    repeated_batch,
    whole_loss,
)
from jaxpe.analysis.head_scores import (
    ON_REPEATED,
    Looked,
    Scores,
    attended,
    by_distance,
    by_key,
    clearest,
    head_scores,
    look_at,
    random_halves,
    repeated,
    scores_of,
    text_halves,
)
from jaxpe.analysis.hidden import Look
from jaxpe.data.examples import Example
from jaxpe.model import Inputs, Transformer
from jaxpe.study.tables import Measurements

__all__ = ["ablated_losses", "clearest", "examples", "head_scores", "measured", "words_of"]
BASELINES = ("uniform", "shuffled", "unrepeated")
DRAWN = ("previous", "next", "first", "induction", "positional")  # kinds with an example
SHOWN = 10  # places of an example that is drawn
CURVE = 24  # about how many distances or places of a curve
SPECIAL_WORDS = ("<pad>", "<bos>", "<sep>", "<eos>", "<mask>")


def measured(
    model: Transformer, untrained: Transformer, look: Look, *, whole: bool = False, words: Sequence[str] = ()
) -> Measurements:
    """Scores of a trained model beside the same network untrained, and what each head is needed for.

    `whole`: also the curves and the maps of examples, whose places are labelled by `words` (the text of every token id).
    """
    model, untrained = jax.tree.map(jnp.asarray, (model, untrained))  # stored parameters are NumPy's
    inputs, found = look.batch[1], Measurements()
    looked = look_at(model, inputs)
    for network, one in (("trained", looked), ("untrained", look_at(untrained, inputs))):
        found += score_rows(scores_of(one), network)
    found += ablation_rows(model, look.batch, looked)
    if whole:
        found += curve_rows(looked) + map_rows(examples(model, inputs, looked), words)
    return [(columns, round(float(value), 5)) for columns, value in found if np.isfinite(value)]


def head_rows(columns: dict[str, Any], values: Float[ndarray, "L H"]) -> Measurements:
    """A row for each head. Both count from 1 in rows: layer 1 is the first block, as for hidden states."""
    return [(columns | named(*at), value) for at, value in np.ndenumerate(values)]


def named(layer: int, head: int) -> dict[str, Any]:
    return {"layer": layer + 1, "head": head + 1}


def score_rows(scores: Scores, network: str) -> Measurements:
    """`head_score`, and `head_baseline` with the name of the baseline; uniform is one row, for all heads and networks."""
    found: Measurements = []
    for name, values in scores.items():
        kind, _, baseline = name.rpartition("_")
        if baseline not in BASELINES:
            found += head_rows({"metric": "head_score", "kind": name, "network": network}, values)
            continue
        columns = {"metric": "head_baseline", "kind": kind, "baseline": baseline}
        if baseline != "uniform":
            found += head_rows(columns | {"network": network}, values)
        elif network == "trained":
            found.append((columns, values.flat[0]))
    return found


def ablation_rows(model: Transformer, batch: tuple[Example, Inputs], looked: Looked) -> Measurements:
    """`head_loss` of the whole model, and nats per answer above it: `head_ablation` without a head, `head_knockout` with a change of its weights.

    The changes: "pattern" (its keys removed), "another key" (as many others removed); for the positional kind "mean map"
    (the mean weights over the batch in place of the weights) and "uniform".
    """
    plain = whole_loss(model, batch)
    found: Measurements = [({"metric": "head_loss"}, plain)]
    found += head_rows({"metric": "head_ablation"}, ablated_losses(model, batch) - plain)
    for change, maps in zip(("mean map", "uniform"), mean_maps(looked), strict=True):
        columns = {"metric": "head_knockout", "kind": "positional", "change": change}
        found += head_rows(columns, losses_with_map(model, batch, maps) - plain)
    seen = looked.real.visible == looked.real.visible.max()  # keys that are seen in every sequence
    for kind in ("previous", "first") if model.stack.kind == "causal" else ("previous", "next", "first"):
        found += knockout_rows(model, batch, kind, pattern_keys(kind, seen, looked.half), seen, plain)
    if looked.repeated is not None and predicts_next(batch[0]):
        found += repetition_rows(model, batch[1], looked.half, looked.repeated.visible > 0)
    return found


def repetition_rows(model: Transformer, inputs: Inputs, half: int, seen: Bool[ndarray, "T S"]) -> Measurements:
    """`repeated_loss`: nats per token of a w that stands a second time (`first` "same"), or after another w ("another").

    Without induction, or any other use of the repetition, the two are equal. And the knock-out of single heads there.
    """
    halves = {"random": random_halves(inputs, half), "text": text_halves(inputs, half)}
    found: Measurements = []
    for tokens, own in halves.items():
        for first in ("same", "another"):
            loss = whole_loss(model, repeated_batch(inputs, own, first == "same"))
            found.append(({"metric": "repeated_loss", "tokens": tokens, "first": first}, loss))
    keys = pattern_keys("induction", seen, half)
    return found + knockout_rows(model, repeated_batch(inputs, halves["random"]), "induction", keys, seen, found[0][1])


def knockout_rows(
    model: Transformer,
    batch: tuple[Example, Inputs],
    kind: str,
    keys: Bool[ndarray, "T S"],
    seen: Bool[ndarray, "T S"],
    plain: float,
) -> Measurements:
    found: Measurements = []
    for change, removed in (("pattern", keys), ("another key", other_keys(keys, seen, seed=0))):
        columns = {"metric": "head_knockout", "kind": kind, "change": change}
        found += head_rows(columns, losses_without_keys(model, batch, removed) - plain)
    return found


def curve_rows(looked: Looked) -> Measurements:
    """`attention_by_distance` (offset = query − key) and `attention_by_key` (row = place), uniform as another network."""
    found: Measurements = []
    for metric, column, profile in (
        ("attention_by_distance", "offset", by_distance(looked.real)),
        ("attention_by_key", "row", by_key(looked.real)),
    ):
        for place in thinned(list(profile)):
            columns = {"metric": metric, column: place}
            found += head_rows(columns | {"network": "trained"}, profile[place][:-1].reshape(looked.heads))
            found.append((columns | {"network": "uniform"}, profile[place][-1]))
    return found


def thinned(places: list[int]) -> list[int]:
    """All places near 0, and further out ever fewer, among them the first and the last."""
    steps = {0, *np.geomspace(1, max(map(abs, places)), CURVE).round().astype(int).tolist()}
    return [place for place in places if abs(place) in steps or place in (places[0], places[-1])]


def map_rows(maps: dict[str, Map], words: Sequence[str]) -> Measurements:
    """`head_map`: the weight of query `row` on key `column`. `head_map_token`: the token at a place, its text in `word`."""
    found: Measurements = []
    for kind, one in maps.items():
        columns = {"kind": kind} | named(one.layer, one.head)
        for (t, s), weight in np.ndenumerate(one.weights):
            if weight > 0:
                found.append(({"metric": "head_map", "row": t, "column": s} | columns, weight))
        for t, token in enumerate(one.tokens):
            word = {"word": words[token]} if len(words) else {}
            found.append(({"metric": "head_map_token", "row": t} | columns | word, token))
    return found


# ── the clearest head of each kind ──────────────────────────────────────────────────────────────────────────────────


class Map(NamedTuple):
    """The attention of one head on one sequence."""

    layer: int
    head: int
    tokens: Int[ndarray, T]
    weights: Float[ndarray, "T S"]


def examples(model: Transformer, inputs: Inputs, looked: Looked, shown: int = SHOWN) -> dict[str, Map]:
    """The clearest head of each of DRAWN on the first `shown` places of the first sequence.

    Induction is shown on a short `<bos> w w` instead, on which its keys are known.
    """
    short = repeated(inputs, random_halves(inputs, min(shown // 2, looked.half)))
    maps = {}
    for kind, (layer, head) in clearest(scores_of(looked)).items():
        if kind in DRAWN:
            on_random = kind in ON_REPEATED
            source, part = (short, attended(model, short)) if on_random else (inputs, looked.real)
            stop = min(shown + on_random, int(source.length[0]))
            weights = part.example[layer * looked.heads[1] + head]
            maps[kind] = Map(layer, head, np.asarray(source.tokens[0])[:stop], weights[:stop, :stop])
    return maps


def words_of(tokenizer: Any) -> list[str]:
    """The text of every token id of a model, from the tokenizer that its symbols come from."""
    return [*SPECIAL_WORDS, *(tokenizer.decode([i]) for i in range(tokenizer.get_vocab_size()))]
