"""Hidden states of a model beside what might be read from them, and everything that is measured on one model.

The sequences have all lengths from half the training length up, so that the place from the front and the place from the
end are two things. Where a format answers at places of its own (an encoder's blank slots, a decoder's after `<sep>`), those
are looked at apart from the places of the input: after the last layer the states of the latter feed nothing. What is
measured comes back as pairs (columns, value): rows of a table without the run's own columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int
from numpy import ndarray

from jaxpe.analysis import attention, probes, readers
from jaxpe.data.examples import SPECIALS, Example
from jaxpe.model import Inputs, Transformer
from jaxpe.positions import Arange
from jaxpe.study.tables import Found
from jaxpe.tasks.evaluation import evaluation_key
from jaxpe.training.config import RunConfig, Source
from jaxpe.training.evaluate import score
from jaxpe.training.train import inputs_of

# The largest gap between parts and logits at which a split counts as exact, as a share of the largest logit (of 1, if that
# is less). A logit is a float32 sum of some hundred products and the parts add them in another order: 4e-7 was the most met.
SPLIT_EXACT = 1e-5
CONTROLLED = 3  # seeds, 0 to 2, that carry the controls: shuffled labels and Gaussian noise
APART = 0.1  # the least share of places without an answer for which input and answers are looked at apart
PRECISE = ("split_error", "smallest_gap", "code_rms", "rotation_residual")  # rounded to three significant digits
MOST = 64  # tokens that the readers of the raw sum tell apart
MOST_POSITIONS = 32  # among which first-layer logits are compared with a rotation
ALL_PARTS = attention.TOGETHER | attention.PARTS
BY_HEAD = ("content-content", "content-position", "position-content", "position-position")


class Look(NamedTuple):
    """What every model of a config is shown: sequences to probe, and examples of the training length to answer."""

    sample: Sample
    batch: tuple[Example, Inputs]
    data: dict[str, Any]


class Sample(NamedTuple):
    """Sequences to look at. The labels are those of the real tokens, one after the other (N of them)."""

    inputs: Inputs
    real: Bool[ndarray, "B T"]
    sequence: Int[ndarray, N]
    position: Int[ndarray, N]
    end: Int[ndarray, N]
    token: Int[ndarray, N]
    neighbour: Int[ndarray, N]  # the token on the left; 0 before the first
    loss_mask: Bool[ndarray, N]  # places whose output has a loss
    answer: Int[ndarray, N]  # what is asked for there


def look_of(config: RunConfig, source: Source, count: int) -> Look:
    """About `count` / 2 sequences to probe and `count` examples to answer; the same for every encoding and seed."""
    stream, n = source.stream, config.train_length
    lengths = stream.lengths((n + 1) // 2, n)
    probed = np.repeat(lengths, max(count // 2, 24) // len(lengths) + 1)

    def one(length: Int[Array, ""], number: Int[Array, ""]) -> tuple[Example, Inputs]:
        key = jax.random.fold_in(evaluation_key(f"{config.task} probes", n), number)
        example = stream.example(key, length, n, source.validation)
        return example, inputs_of(example, Arange(), key)

    asked = np.concatenate([probed, np.full(count, lengths[-1])])
    pairs = jax.jit(jax.vmap(one))(jnp.asarray(asked), jnp.arange(len(asked)))
    first, rest = (
        jax.tree.map(lambda leaf, part=part: leaf[part], pairs)
        for part in (slice(len(probed)), slice(len(probed), None))
    )
    return Look(sample_of(first[1], first[0]), rest, source.validation)


def sample_of(inputs: Inputs, example: Example | None = None) -> Sample:
    """A batch of sequences with the labels of their real tokens. Without examples every place counts as answered."""
    tokens, lengths = np.asarray(inputs.tokens), np.asarray(inputs.length)[:, None]
    place = np.broadcast_to(np.arange(tokens.shape[1]), tokens.shape)
    real = place < lengths
    # Sequences come ordered by length: their numbers are dealt out, so that every fold holds all lengths.
    number = np.random.default_rng(0).permutation(len(tokens))[:, None] + 0 * place
    left = np.pad(tokens[:, :-1], ((0, 0), (1, 0)))
    loss_mask, answer = np.ones_like(real), np.zeros_like(tokens)
    if example is not None:
        loss_mask, answer = np.asarray(example.loss_mask), np.asarray(example.targets)
    labels = (number, place, lengths - 1 - place, tokens, left, loss_mask, answer)
    return Sample(inputs, real, *(part[real] for part in labels))


def measured(model: Transformer, untrained: Transformer, look: Look, seed: int) -> Found:
    """Everything about one trained model, with the same network untrained beside it."""
    found: Found = []
    model, untrained = jax.tree.map(jnp.asarray, (model, untrained))  # stored parameters are NumPy's
    for network, one in (("trained", model), ("untrained", untrained)):
        states = np.asarray(hidden_states(one, look.sample.inputs))
        found += read_everywhere(states, look.sample, network, seed)
        if network == "trained" and seed < CONTROLLED:
            found += read_everywhere(states, look.sample, "shuffled", seed)
            found += read_noise(states.shape[-1], look.sample, seed)
    if attention.adds(model.stack.encodings[0], look.sample.inputs.positions[0], states.shape[-1]):
        found += read_sum(trained_tables(model, look.sample), seed)
        found += attended(model, untrained, look)
    return [(columns, rounded(columns["metric"], float(value))) for columns, value in found if np.isfinite(value)]


def rounded(metric: str, value: float) -> float:
    """Small numbers to three significant digits, shares to four decimals; one error in 50,000 still tells from none."""
    return float(f"{value:.3g}") if metric in PRECISE else round(value, 5 if metric == "recovery" else 4) + 0.0


@jax.jit
def hidden_states(model: Transformer, inputs: Inputs) -> Float[Array, "L B T D"]:
    """The residual stream before each block and after the last, for a batch."""

    def one(single: Inputs) -> Float[Array, "L T D"]:
        record = model(single, record=True).record
        assert record is not None
        return jnp.stack(record.hidden)

    return jax.vmap(one, out_axes=1)(inputs)


# ── what a probe reads, layer by layer ──────────────────────────────────────────────────────────────────────────────


def read_everywhere(states: Float[ndarray, "L B T D"], sample: Sample, network: str, seed: int) -> Found:
    """`read_layers` at all places; where input and answers are places of their own, both apart, and variance there only."""
    apart, found = places_of(sample), list[Any]()
    left_out = {"variance_share"} if apart else set()
    left_out |= {"recovery"} if network != "trained" else set()  # of the controls the error share says enough
    for columns, value in read_layers(states, sample, network, seed):
        if columns["metric"] not in left_out:
            found.append((columns | {"places": "all"}, value))
    shuffle = seed if network == "shuffled" else None
    for (layer, state), (places, among) in product(enumerate(states), apart.items()):
        more = read_at(np.asarray(state, np.float64)[sample.real], sample, places, among, shuffle)
        found += [({"network": network, "layer": layer, "places": places} | columns, value) for columns, value in more]
    return found


def places_of(sample: Sample) -> dict[str, Bool[ndarray, N]]:
    """Symbols of the input that nobody answers at, and the places that answer; empty where (nearly) all places answer."""
    shown = ~sample.loss_mask & (sample.token >= SPECIALS)
    return {"input": shown, "answers": sample.loss_mask} if shown.mean() >= APART else {}


def read_at(
    x: Float[ndarray, "N D"], sample: Sample, places: str, among: Bool[ndarray, N], shuffle: int | None
) -> Found:
    """Position and symbol read at some places alone, and what each explains of the variance there.

    At places that answer the symbol is the answer, and the parts are in the order of a look-up: the place, the distance to
    the end on top of it (both together are the length), the token there, the answer.
    """
    target, label = ("answer", sample.answer) if places == "answers" else ("token", sample.token)
    kept = probes.commonest(label, among)
    position = probes.regressed(x, sample.position, probes.by_sequence(sample.sequence, among), shuffle).error_share
    symbol = probes.classified(x, label, probes.by_sequence(sample.sequence, kept), shuffle).error_share
    found: Found = [({"metric": "probe_error", "target": t}, v) for t, v in (("position", position), (target, symbol))]
    if shuffle is None:
        factors = {"position": sample.position, "end": sample.end, "token": sample.token, "answer": sample.answer}
        if target == "token":
            del factors["end"], factors["answer"]
        elif len(np.unique(sample.token[kept])) == 1:  # an encoder's blank
            del factors["token"]
        own = {name: factor[kept] for name, factor in factors.items()}
        parts = probes.variance_parts(x[kept], own, sample.sequence[kept])
        found += [({"metric": "variance_share", "part": part}, value) for part, value in parts.items()]
    return found


def read_noise(width: int, sample: Sample, seed: int) -> Found:
    """The control of position probes: Gaussian noise in the shape of a layer's states, where there is nothing to read."""
    x = np.random.default_rng((seed, 7)).normal(size=(len(sample.position), width))
    read = probes.regressed(x, sample.position, probes.by_sequence(sample.sequence)).error_share
    found: Found = [({"metric": "probe_error", "target": "position"}, read)]
    found += read_new_positions(x, sample, seed)
    return [({"network": "gaussian", "places": "all"} | columns, value) for columns, value in found]


def read_layers(states: Float[ndarray, "L B T D"], sample: Sample, network: str, seed: int) -> Found:
    """Every probe on every layer, at all places. `seed`: of the order ("shuffled" labels) and the folds."""
    found: Found = []
    shuffle = seed if network == "shuffled" else None
    for layer, state in enumerate(states):
        x = np.asarray(state, np.float64)[sample.real]
        more = read_plainly(x, sample, shuffle) + read_new_positions(x, sample, seed, shuffle)
        more += read_parts(x, sample) if shuffle is None else []
        found += [({"network": network, "layer": layer} | columns, value) for columns, value in more]
    return found


def read_plainly(x: Float[ndarray, "N D"], sample: Sample, shuffle: int | None) -> Found:
    """The four targets with whole sequences held out: error as a share of chance, and how often a position is exact."""
    whole = probes.by_sequence(sample.sequence)
    places = probes.classified(x, sample.position, whole, shuffle)
    found: Found = [({"metric": "recovery", "target": "position"}, places.accuracy)]
    for target, number in (("position", sample.position), ("end", sample.end)):
        share = probes.regressed(x, number, whole, shuffle).error_share
        found.append(({"metric": "probe_error", "target": target}, share))
    for target, label, kept in identities(sample):
        share = probes.classified(x, label, probes.by_sequence(sample.sequence, kept), shuffle).error_share
        found.append(({"metric": "probe_error", "target": target}, share))
    return found


def identities(sample: Sample) -> list[tuple[str, Int[ndarray, N], Bool[ndarray, N]]]:
    """Token and left neighbour, and at which places they are asked for: where they are a common symbol."""
    return [
        (target, label, probes.commonest(label, label >= SPECIALS))
        for target, label in (("token", sample.token), ("neighbour", sample.neighbour))
    ]


def read_new_positions(x: Float[ndarray, "N D"], sample: Sample, seed: int, shuffle: int | None = None) -> Found:
    """Position where positions are held out too, at random and in blocks; and which of two comes first."""
    found: Found = []
    for blocks, target in ((False, "new_random"), (True, "new_blocks")):
        splits = probes.by_position(sample.sequence, sample.position, blocks, seed)
        read = probes.regressed(x, sample.position, splits, shuffle)
        found.append(({"metric": "probe_error", "target": target}, read.error_share))
        if not blocks:
            order = probes.order_accuracy(read.predictions, splits, sample.sequence, sample.position)
            found += [({"metric": "order_accuracy", "target": f"{name} pairs"}, value) for name, value in order.items()]
    return found


def read_parts(x: Float[ndarray, "N D"], sample: Sample) -> Found:
    """How much of the variance position and token explain, each by itself, at the places of common symbols."""
    _, label, kept = identities(sample)[0]
    factors = {"position": sample.position[kept], "token": label[kept]}
    parts = probes.variance_parts(x[kept], factors, sample.sequence[kept])
    return [({"metric": "variance_share", "part": part}, value) for part, value in parts.items()]


# ── the raw sum of a trained model ──────────────────────────────────────────────────────────────────────────────────


def trained_tables(model: Transformer, sample: Sample) -> readers.Tables:
    """The model's own tokens and position rows, those of the sample."""
    positions, tokens = np.unique(sample.position), np.unique(sample.token[sample.token >= SPECIALS])
    embedding = np.asarray(model.stack.embedding[...], np.float64)
    code = attention.code_of(model.stack.encodings[0], jnp.asarray(positions), embedding.shape[1])
    chosen = np.random.default_rng(0).permutation(tokens)[:MOST]
    return readers.Tables(embedding[np.sort(chosen)], np.asarray(code, np.float64))


def read_sum(tables: readers.Tables, seed: int, signals: Sequence[str] = readers.SIGNALS, gap: bool = True) -> Found:
    """The three readers at the width of the tables. `signals`: how the sum reaches the one that knows both."""
    found: Found = [({"metric": "smallest_gap"}, readers.smallest_gap(tables))] if gap else []
    found.append(({"metric": "position_rows"}, len(tables.positions)))
    found.append(({"metric": "code_rms"}, readers.code_rms(tables)))
    rms = float(np.sqrt((tables.tokens**2).mean()))
    found.append(({"metric": "union_bound"}, readers.union_bound(tables.positions, rms)))
    for signal in signals:
        columns = {"metric": "recovery", "reader": "both tables", "signal": signal}
        found.append((columns, readers.knows_both(tables, signal, seed)))
    for reader, value in (
        ("position table", readers.knows_positions(tables)),
        ("neither", readers.knows_neither(tables, seed)),
        ("neither, shuffled labels", readers.knows_neither(tables, seed, shuffled=True)),
    ):
        found.append(({"metric": "recovery", "reader": reader, "signal": "float32"}, value))
    return [({"width": tables.tokens.shape[1]} | columns, value) for columns, value in found]


# ── the first layer's attention ─────────────────────────────────────────────────────────────────────────────────────


def attended(model: Transformer, untrained: Transformer, look: Look) -> Found:
    """Shares of the parts, accuracy without them, and what depends on distance; of a split that is not exact its error only."""
    inputs = look.sample.inputs
    centre = attention.centre_of(model, inputs)
    by_head, gap = map(np.asarray, shares(model, inputs, centre))
    found: Found = [({"metric": "split_error"}, float(gap))]
    if not gap <= SPLIT_EXACT:
        return found
    for part, chosen in attention.PARTS.items():
        share = np.einsum("ab,abh->h", np.asarray(chosen, np.float64), by_head).mean()
        found.append(({"metric": "logit_share", "part": part}, share))
    removed = removals(by_head.shape[-1])
    sets = jnp.asarray(np.stack([chosen for _, chosen in removed]), jnp.float32)
    kept = np.asarray(accuracy_without(model, look.batch, centre, sets, look.data))
    found += [(columns, value) for (columns, _), value in zip(removed, kept, strict=True)]
    return found + distances(model, look.sample, "trained") + distances(untrained, look.sample, "untrained")


def removals(heads: int) -> list[tuple[dict[str, Any], Float[ndarray, "A A H"]]]:
    """What is taken from the first layer's logits: each part in all heads at once, then four of them in one head at a time."""
    everywhere = {name: np.array(part)[..., None] * np.ones(heads) for name, part in ALL_PARTS.items()}
    made: list[tuple[dict[str, Any], Any]] = [
        ({"metric": "token_accuracy", "part": name}, gone) for name, gone in everywhere.items()
    ]
    for head, name in product(range(heads) if heads > 1 else (), BY_HEAD):
        columns = {"metric": "head_accuracy", "part": name, "head": head}
        made.append((columns, everywhere[name] * np.eye(heads)[head]))
    return made


@jax.jit
def shares(model: Transformer, inputs: Inputs, centre: attention.Centre) -> tuple[Float[Array, "A A H"], Array]:
    """Cov(part, total) / Var(total) of the nine parts by head, over all queries of the sample; and how exact the split is.

    That is the largest gap between the sum of the parts and the logits that the model records, over the largest logit.
    """

    def one(single: Inputs) -> tuple[Array, ...]:
        record = model(single, record=True).record
        assert record is not None
        seen, logits = attention.visible_keys(model, single), record.attention[0].logits
        parts = attention.split_logits(model, single, centre)
        gap = jnp.where(seen, jnp.abs(parts.sum((0, 1)) - logits), 0).max()
        return *attention.share_sums(parts, seen), gap, jnp.where(seen, jnp.abs(logits), 0).max()

    covariance, variance, gap, size = jax.lax.map(one, inputs)
    return covariance.sum(0) / jnp.maximum(variance.sum(0), 1e-30), gap.max() / jnp.maximum(size.max(), 1.0)


@jax.jit
def accuracy_without(
    model: Transformer,
    batch: tuple[Example, Inputs],
    centre: attention.Centre,
    removed: Float[Array, "R A A H"],
    data: dict[str, Any],
) -> Float[Array, R]:
    """Token accuracy with each set of first-layer parts removed."""

    def one(pair: tuple[Example, Inputs], gone: Array) -> tuple[Array, Array]:
        scores = score(attention.without(model, pair[1], centre, gone), pair[0], data)
        return scores.correct, scores.answers

    def accuracy(gone: Array) -> Array:
        correct, answers = jax.lax.map(lambda pair: one(pair, gone), batch, batch_size=32)
        return correct.sum() / answers.sum()

    return jax.lax.map(accuracy, removed)


def distances(model: Transformer, sample: Sample, network: str) -> Found:
    """What share of the position-position logits depends on the distance only; on sinusoids, on one rotation."""
    positions = np.unique(sample.position)[:MOST_POSITIONS]
    logits = attention.position_logits(model, jnp.asarray(positions))
    if not np.abs(logits).max() > 1e-12:
        return []
    mean = float(np.mean([attention.distance_share(head) for head in logits]))
    found: Found = [({"metric": "distance_share", "network": network}, mean)]
    width = model.stack.embedding[...].shape[1]
    code = np.asarray(attention.code_of(model.stack.encodings[0], jnp.asarray(positions), width))
    if np.allclose(code, readers.reference_embed(np.zeros(code.shape), positions), atol=1e-4):
        best = max((attention.rotation_share(head, width) for head in logits), key=lambda pair: pair[0])
        columns = {"metric": "rotation_share", "network": network, "offset": best[1], "max_offset": len(positions) - 1}
        found.append((columns, best[0]))
    return found
