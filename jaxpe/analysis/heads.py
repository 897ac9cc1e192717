"""What each attention head does, as rows of a table: scores, losses without it, curves, and maps of the clearest heads.

`head_scores` says where the weight of a head lies. Whether that matters is decided by removing it (`head_changes`): the whole
head, or only the keys of the pattern, compared with another visible key for each query. L layers, H heads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from tokenizers import Tokenizer

from jaxpe.analysis import head_changes as changes
from jaxpe.analysis.head_scores import (
    HeadAttention,
    Scores,
    average_by_distance,
    average_by_key,
    compute_scores,
    find_clearest_heads,
    measure_head_attention,
    summarize_attention,
)
from jaxpe.analysis.hidden import ProbeData
from jaxpe.analysis.repeated_tokens import (
    ON_REPEATED,
    draw_random_halves,
    make_repeated_batch,
    repeat_tokens,
    take_text_halves,
)
from jaxpe.data.examples import Example
from jaxpe.model import Inputs, Transformer
from jaxpe.study.tables import Measurements

BASELINES = ("uniform", "shuffled", "unrepeated")
WITH_MAP = ("previous", "next", "first", "induction", "positional")  # kinds whose clearest head is shown
SHOWN = 10  # places of a map
CURVE = 24  # about how many distances or places of a curve
SPECIAL_WORDS = ("<pad>", "<bos>", "<sep>", "<eos>", "<mask>")


def measure_heads(
    model: Transformer,
    untrained: Transformer,
    probe_data: ProbeData,
    *,
    with_maps: bool = False,
    words: Sequence[str] = (),
) -> Measurements:
    """Scores of a trained model and of the same network untrained, and what each head is needed for.

    `with_maps`: also the curves, and the maps of the clearest heads, whose places are labelled by `words` (the text of every
    token id).
    """
    model, untrained = jax.tree.map(jnp.asarray, (model, untrained))  # stored parameters are NumPy arrays
    inputs, results = probe_data.batch[1], Measurements()
    attention = measure_head_attention(model, inputs)
    for network, tested in (("trained", attention), ("untrained", measure_head_attention(untrained, inputs))):
        results += make_head_score_rows(compute_scores(tested), network)
    results += measure_ablations(model, probe_data.batch, attention)
    if with_maps:
        results += make_attention_curve_rows(attention) + make_map_rows(select_maps(model, inputs, attention), words)
    return [(columns, round(float(value), 5)) for columns, value in results if np.isfinite(value)]


def make_head_rows(columns: dict[str, Any], values: Float[ndarray, "L H"]) -> Measurements:
    """A row for each head."""
    return [(columns | number_head(*at), value) for at, value in np.ndenumerate(values)]


def number_head(layer: int, head: int) -> dict[str, int]:
    """The columns of a head. Both count from 1: layer 1 is the first block, as for hidden states."""
    return {"layer": layer + 1, "head": head + 1}


def make_head_score_rows(scores: Scores, network: str) -> Measurements:
    """`head_score`, and `head_baseline` with the name of the baseline; uniform is one row, for all heads and networks."""
    results = Measurements()
    for name, values in scores.items():
        kind, _, baseline = name.rpartition("_")
        if baseline not in BASELINES:
            results += make_head_rows({"metric": "head_score", "kind": name, "network": network}, values)
            continue
        columns = {"metric": "head_baseline", "kind": kind, "baseline": baseline}
        if baseline != "uniform":
            results += make_head_rows(columns | {"network": network}, values)
        elif network == "trained":
            results.append((columns, values.flat[0]))
    return results


def measure_ablations(model: Transformer, batch: tuple[Example, Inputs], attention: HeadAttention) -> Measurements:
    """`head_loss` of the whole model, and nats per answer above it for each head.

    `head_ablation` is without the head, `head_knockout` with a change of its weights: "pattern" (its keys removed), "another
    key" (as many others removed); for the positional kind "mean map" (the mean weights over the batch for every sequence) and
    "uniform".
    """
    plain = changes.compute_unchanged_loss(model, batch)
    results: Measurements = [({"metric": "head_loss"}, plain)]
    results += make_head_rows({"metric": "head_ablation"}, changes.compute_ablated_losses(model, batch) - plain)
    for change, maps in zip(("mean map", "uniform"), changes.compute_mean_maps(attention), strict=True):
        columns = {"metric": "head_knockout", "kind": "positional", "change": change}
        results += make_head_rows(columns, changes.compute_losses_with_map(model, batch, maps) - plain)
    visible = attention.real.visible == attention.real.visible.max()  # keys that are visible in every sequence
    for kind in ("previous", "first") if model.stack.kind == "causal" else ("previous", "next", "first"):
        results += measure_knockouts(model, batch, kind, visible, attention.half, plain)
    if attention.repeated is not None and changes.predicts_next(batch[0]):
        results += measure_repetition(model, batch[1], attention.half, attention.repeated.visible > 0)
    return results


def measure_repetition(model: Transformer, inputs: Inputs, half: int, visible: Bool[ndarray, "T S"]) -> Measurements:
    """`repeated_loss`: nats per token of a w that follows itself (`first` "same"), or another w ("another").

    The two are equal for a model without induction or any other use of the repetition. And the knock-out of single heads on
    repeated random tokens.
    """
    halves = {"random": draw_random_halves(inputs, half), "text": take_text_halves(inputs, half)}
    results = Measurements()
    for tokens, pair in halves.items():
        for first in ("same", "another"):
            loss = changes.compute_unchanged_loss(model, make_repeated_batch(inputs, pair, first == "same"))
            results.append(({"metric": "repeated_loss", "tokens": tokens, "first": first}, loss))
    batch, plain = make_repeated_batch(inputs, halves["random"]), results[0][1]
    return results + measure_knockouts(model, batch, "induction", visible, half, plain)


def measure_knockouts(
    model: Transformer,
    batch: tuple[Example, Inputs],
    kind: str,
    visible: Bool[ndarray, "T S"],
    half: int,
    plain: float,
) -> Measurements:
    """`head_knockout` without the keys of a pattern, and without as many others."""
    keys = changes.mark_pattern_keys(kind, visible, half)
    results = Measurements()
    for change, removed in (("pattern", keys), ("another key", changes.draw_other_keys(keys, visible, seed=0))):
        columns = {"metric": "head_knockout", "kind": kind, "change": change}
        results += make_head_rows(columns, changes.compute_losses_without_keys(model, batch, removed) - plain)
    return results


def make_attention_curve_rows(attention: HeadAttention) -> Measurements:
    """`attention_by_distance` (offset = query − key) and `attention_by_key` (row = place), uniform as another network."""
    results = Measurements()
    for metric, column, profile in (
        ("attention_by_distance", "offset", average_by_distance(attention.real)),
        ("attention_by_key", "row", average_by_key(attention.real)),
    ):
        for place in thin_out(list(profile)):
            columns = {"metric": metric, column: place}
            heads = profile[place][:-1].reshape(attention.heads)
            results += make_head_rows(columns | {"network": "trained"}, heads)
            results.append((columns | {"network": "uniform"}, profile[place][-1]))
    return results


def thin_out(places: list[int]) -> list[int]:
    """All places near 0 and ever fewer further out, always with the first and the last."""
    steps = {0, *np.geomspace(1, max(map(abs, places)), CURVE).round().astype(int).tolist()}
    return [place for place in places if abs(place) in steps or place in (places[0], places[-1])]


# ── the clearest head of each kind ──────────────────────────────────────────────────────────────────────────────────


class AttentionMap(NamedTuple):
    """The attention of one head on one sequence."""

    layer: int
    head: int
    tokens: Int[ndarray, "T"]
    weights: Float[ndarray, "T S"]


def select_maps(
    model: Transformer, inputs: Inputs, attention: HeadAttention, shown: int = SHOWN
) -> dict[str, AttentionMap]:
    """The clearest head of each kind of WITH_MAP on the first `shown` places of the first sequence.

    Induction is shown on a short `<bos> w w` instead, on which its keys are known.
    """
    short = repeat_tokens(inputs, draw_random_halves(inputs, min(shown // 2, attention.half)))
    maps = {}
    for kind, (layer, head) in find_clearest_heads(compute_scores(attention)).items():
        if kind in WITH_MAP:
            on_random = kind in ON_REPEATED
            source, summary = (short, summarize_attention(model, short)) if on_random else (inputs, attention.real)
            stop = min(shown + on_random, int(source.length[0]))
            weights = summary.example[layer * attention.heads[1] + head]
            maps[kind] = AttentionMap(layer, head, np.asarray(source.tokens[0])[:stop], weights[:stop, :stop])
    return maps


def make_map_rows(maps: dict[str, AttentionMap], words: Sequence[str]) -> Measurements:
    """`head_map`: the weight of query `row` on key `column`. `head_map_token`: the token at a place, its text in `word`."""
    results = Measurements()
    for kind, example in maps.items():
        columns = {"kind": kind} | number_head(example.layer, example.head)
        for (t, s), weight in np.ndenumerate(example.weights):
            if weight > 0:
                results.append(({"metric": "head_map", "row": t, "column": s} | columns, weight))
        for t, token in enumerate(example.tokens):
            word = {"word": words[token]} if len(words) else {}
            results.append(({"metric": "head_map_token", "row": t} | columns | word, token))
    return results


def list_words(tokenizer: Tokenizer) -> list[str]:
    """The text of every token id of a model, from the tokenizer that its symbols come from."""
    return [*SPECIAL_WORDS, *(tokenizer.decode([i]) for i in range(tokenizer.get_vocab_size()))]
