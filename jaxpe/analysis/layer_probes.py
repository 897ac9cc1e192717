"""What linear probes read from the hidden states after every layer, and what the variance of the states consists of.

Where a format has places of its own for answers (an encoder's blank slots, a decoder's tokens after `<sep>`), these are also
probed apart from the places of the input, whose states after the last layer feed nothing. Results are pairs (columns, value):
rows of a table without the columns of the run. N tokens, D model width.
"""

from __future__ import annotations

from itertools import product

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from jaxpe.analysis import probes
from jaxpe.analysis.hidden import ProbeSample
from jaxpe.data.examples import SPECIALS
from jaxpe.study.tables import Measurements

APART = 0.1  # smallest share of places without an answer at which input and answers are probed apart


def probe_everywhere(states: Float[ndarray, "L B T D"], sample: ProbeSample, network: str, seed: int) -> Measurements:
    """`probe_layers` at all places, and input and answers apart where they are places of their own.

    Where they are, the variance is split there only. Controls have no `recovery`: their error says enough.
    """
    apart, results = split_places(sample), Measurements()
    left_out = {"variance_share"} if apart else set()
    left_out |= {"recovery"} if network != "trained" else set()
    for columns, value in probe_layers(states, sample, network, seed):
        if columns["metric"] not in left_out:
            results.append((columns | {"places": "all"}, value))
    shuffle = seed if network == "shuffled" else None
    for (layer, state), (places, among) in product(enumerate(states), apart.items()):
        rows = probe_places(np.asarray(state, np.float64)[sample.real], sample, places, among, shuffle)
        base = {"network": network, "layer": layer, "places": places}
        results += [(base | columns, value) for columns, value in rows]
    return results


def split_places(sample: ProbeSample) -> dict[str, Bool[ndarray, "N"]]:
    """ "input": symbols without an answer; "answers": places with one. Empty where (nearly) all places have an answer."""
    given = ~sample.loss_mask & (sample.token >= SPECIALS)
    return {"input": given, "answers": sample.loss_mask} if given.mean() >= APART else {}


def probe_places(
    x: Float[ndarray, "N D"], sample: ProbeSample, places: str, among: Bool[ndarray, "N"], shuffle: int | None
) -> Measurements:
    """Errors of position and symbol at some places alone, and what each explains of the variance there.

    At answers the symbol is the answer, and the factors have the order of a look-up: the place, the distance to the end on
    top of it (both together are the length), the token there, the answer.
    """
    target, label = ("answer", sample.answer) if places == "answers" else ("token", sample.token)
    kept = probes.select_commonest(label, among)
    position = probes.probe_number(
        x, sample.position, probes.split_by_sequence(sample.sequence, among), shuffle
    ).error_share
    symbol = probes.probe_class(x, label, probes.split_by_sequence(sample.sequence, kept), shuffle).error_share
    results: Measurements = [
        ({"metric": "probe_error", "target": name}, error) for name, error in (("position", position), (target, symbol))
    ]
    if shuffle is None:
        factors = {"position": sample.position, "end": sample.end, "token": sample.token, "answer": sample.answer}
        if target == "token":
            del factors["end"], factors["answer"]
        elif len(np.unique(sample.token[kept])) == 1:  # an encoder's blank
            del factors["token"]
        labels = {name: factor[kept] for name, factor in factors.items()}
        parts = probes.split_variance(x[kept], labels, sample.sequence[kept])
        results += [({"metric": "variance_share", "part": part}, value) for part, value in parts.items()]
    return results


def probe_noise(width: int, sample: ProbeSample, seed: int) -> Measurements:
    """A control of position probes: Gaussian noise in the shape of a layer's states, which holds no position."""
    x = np.random.default_rng((seed, 7)).normal(size=(len(sample.position), width))
    error = probes.probe_number(x, sample.position, probes.split_by_sequence(sample.sequence)).error_share
    results: Measurements = [({"metric": "probe_error", "target": "position"}, error)]
    results += probe_new_positions(x, sample, seed)
    return [({"network": "gaussian", "places": "all"} | columns, value) for columns, value in results]


def probe_layers(states: Float[ndarray, "L B T D"], sample: ProbeSample, network: str, seed: int) -> Measurements:
    """Every probe on every layer, at all places. `seed` is that of the folds, and of the labels of network "shuffled"."""
    results = Measurements()
    shuffle = seed if network == "shuffled" else None
    for layer, state in enumerate(states):
        x = np.asarray(state, np.float64)[sample.real]
        rows = probe_targets(x, sample, shuffle) + probe_new_positions(x, sample, seed, shuffle)
        rows += measure_variance_parts(x, sample) if shuffle is None else []
        results += [({"network": network, "layer": layer} | columns, value) for columns, value in rows]
    return results


def probe_targets(x: Float[ndarray, "N D"], sample: ProbeSample, shuffle: int | None) -> Measurements:
    """The four targets, whole sequences held out: error as a share of chance, and how often a position is read exactly."""
    whole = probes.split_by_sequence(sample.sequence)
    places = probes.probe_class(x, sample.position, whole, shuffle)
    results: Measurements = [({"metric": "recovery", "target": "position"}, places.accuracy)]
    for target, number in (("position", sample.position), ("end", sample.end)):
        share = probes.probe_number(x, number, whole, shuffle).error_share
        results.append(({"metric": "probe_error", "target": target}, share))
    for target, label, kept in select_symbols(sample):
        share = probes.probe_class(x, label, probes.split_by_sequence(sample.sequence, kept), shuffle).error_share
        results.append(({"metric": "probe_error", "target": target}, share))
    return results


def select_symbols(sample: ProbeSample) -> list[tuple[str, Int[ndarray, "N"], Bool[ndarray, "N"]]]:
    """Token and left neighbour, each with the places where it is a common symbol."""
    return [
        (target, label, probes.select_commonest(label, label >= SPECIALS))
        for target, label in (("token", sample.token), ("neighbour", sample.neighbour))
    ]


def probe_new_positions(
    x: Float[ndarray, "N D"], sample: ProbeSample, seed: int, shuffle: int | None = None
) -> Measurements:
    """Position where positions are held out too, at random and in blocks; and which of two positions comes first."""
    results = Measurements()
    for blocks, target in ((False, "new_random"), (True, "new_blocks")):
        splits = probes.split_by_position(sample.sequence, sample.position, blocks, seed)
        probe = probes.probe_number(x, sample.position, splits, shuffle)
        results.append(({"metric": "probe_error", "target": target}, probe.error_share))
        if not blocks:
            order = probes.measure_order_accuracy(probe.predictions, splits, sample.sequence, sample.position)
            results += [
                ({"metric": "order_accuracy", "target": f"{kind} pairs"}, value) for kind, value in order.items()
            ]
    return results


def measure_variance_parts(x: Float[ndarray, "N D"], sample: ProbeSample) -> Measurements:
    """How much of the variance position and token explain, each by itself, at the places of common symbols."""
    _, label, kept = select_symbols(sample)[0]
    factors = {"position": sample.position[kept], "token": label[kept]}
    parts = probes.split_variance(x[kept], factors, sample.sequence[kept])
    return [({"metric": "variance_share", "part": part}, value) for part, value in parts.items()]
