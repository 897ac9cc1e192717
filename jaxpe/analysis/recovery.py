"""What a network makes of position by itself: is it blind to order, what can be read beyond training, and is it used?

Claim C9 (Haviv et al. 2022, arXiv:2203.16634; Kazemnejad et al. 2023, arXiv:2305.19466): without encodings an encoder is blind
to order, and a causal decoder recovers position. Position can also be read from untrained causal networks (Zuo et al. 2025,
arXiv:2501.00073), so what is *used* is decided by projecting it out, beside random subspaces of the same rank.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int
from numpy import ndarray

from jaxpe.analysis import probes
from jaxpe.analysis.hidden import Look, Sample, hidden_states, sample_of
from jaxpe.data.examples import Example
from jaxpe.model import Inputs, Transformer, View, real
from jaxpe.positions import Arange
from jaxpe.study.tables import Measurements
from jaxpe.tasks.evaluation import evaluation_key
from jaxpe.training.config import RunConfig, Source
from jaxpe.training.evaluate import losses
from jaxpe.training.train import inputs_of

BINS = 8  # of positions, for the probe whose directions are projected out
RANDOM = 4  # random subspaces of the same rank
ASKED = 128  # examples of a loss


@jax.jit
def order_gap(model: Transformer, inputs: Inputs) -> Float[Array, ""]:
    """How far the logits of a window with its words in another order are from its logits in that order, over the largest.

    0 (1e-5 in float32): the network is equivariant, so word order is invisible to it. One window, `<bos>` stays in front.
    """
    size = inputs.tokens.shape[0]
    place = jnp.arange(size)
    drawn = jnp.where(place < inputs.length, jax.random.uniform(jax.random.key(0), (size,)), 1.0 + place)
    order = jnp.argsort(jnp.where(place == 0, -1.0, drawn))
    plain, other = model(inputs).logits, model(inputs._replace(tokens=inputs.tokens[order])).logits
    gap = jnp.where((place < inputs.length)[:, None], jnp.abs(plain[order] - other), 0).max()
    return gap / jnp.abs(plain).max()


# ── beyond the training length ──────────────────────────────────────────────────────────────────────────────────────


def longer(config: RunConfig, source: Source, count: int) -> Sample:
    """Sequences of twice the training length; the same for every encoding and seed."""
    length = 2 * config.train_length

    def one(number: Int[Array, ""]) -> tuple[Example, Inputs]:
        key = jax.random.fold_in(evaluation_key(f"{config.task} probes", length), number)
        example = source.stream.example(key, length, length, source.validation)
        return example, inputs_of(example, Arange(), key)

    return sample_of(jax.jit(jax.vmap(one))(jnp.arange(count))[1])


def read_beyond(states: Float[ndarray, "L B T D"], sample: Sample, trained: int) -> Measurements:
    """A probe of position, fitted on places that training met, read at later places of other sequences; by layer.

    Error as a share of always guessing the middle of the later places: above 1, the reader is lost.
    """
    found: Measurements = []
    inside, other = sample.position <= trained, sample.sequence % 2 == 1
    asked = sample.position[other & ~inside]
    chance = np.abs(asked - np.median(asked)).sum()
    for layer, state in enumerate(states):
        x = np.asarray(state, np.float64)[sample.real]
        fit = ~other & inside
        read = probes.fitted(x[fit], sample.position[fit, None].astype(np.float64), sample.sequence[fit])
        error = np.abs(read(x[other & ~inside])[:, 0] - asked).sum()
        found.append(({"metric": "probe_error", "target": "beyond", "layer": layer}, float(error / chance)))
    return found


# ── projected out ───────────────────────────────────────────────────────────────────────────────────────────────────


def position_directions(x: Float[ndarray, "N D"], sample: Sample) -> Float[ndarray, "D K"]:
    """An orthonormal basis of what a ridge probe of position reads: place, and in which of eight parts of the sequence it is."""
    place = sample.position.astype(np.float64)
    parts = np.eye(BINS)[(sample.position * BINS // (sample.position.max() + 1)).astype(int)]
    wanted = np.concatenate([place[:, None] / place.std(), parts / parts.std(0)], axis=1)
    weights = probes.fitted(x, wanted, sample.sequence).weights
    basis, size, _ = np.linalg.svd(weights, full_matrices=False)
    return basis[:, size > 1e-6 * size[0]][:, :BINS]


def random_directions(width: int, rank: int, seed: int) -> Float[ndarray, "R D K"]:
    drawn = np.random.default_rng((seed, 6)).normal(size=(RANDOM, width, rank))
    return np.linalg.qr(drawn)[0]


def logits_without(
    model: Transformer, inputs: Inputs, layer: Int[Array, ""], basis: Float[Array, "D K"], centre: Float[Array, D]
) -> Float[Array, "T V"]:
    """The model with a subspace of the residual stream before block `layer` set to its mean (`layer` = L: before the last norm)."""
    stack, size = model.stack, inputs.tokens.shape[0]
    mask = jnp.broadcast_to(real(size, inputs.length), (size, size))
    view = View(
        inputs.positions, inputs.positions, mask & jnp.tri(size, dtype=bool) if stack.kind == "causal" else mask
    )
    x = stack.embed(inputs.tokens, inputs.positions)
    for i in range(len(stack.blocks) + 1):
        x = jnp.where(layer == i, x - (x - centre) @ basis @ basis.T, x)
        if i < len(stack.blocks):
            x, _, _ = stack.blocks[i](x, stack.encodings[i % len(stack.encodings)], view)
    return (stack.norm(x) if stack.pre else x) @ model.unembedding[...]


@jax.jit
def losses_without(
    model: Transformer,
    batch: tuple[Example, Inputs],
    layer: Int[Array, ""],
    bases: Float[Array, "R D K"],
    centre: Float[Array, D],
    data: dict[str, Any],
) -> Float[Array, R]:
    """Bits per character of a batch without each of several subspaces."""

    def one(pair: tuple[Example, Inputs], basis: Array) -> tuple[Array, Array]:
        found = losses(logits_without(model, pair[1], layer, basis, centre), pair[0], data)
        return found.nats.sum(), found.characters.sum()

    def whole(basis: Array) -> Array:
        nats, characters = jax.lax.map(lambda pair: one(pair, basis), batch, batch_size=16)
        return nats.sum() / characters.sum() / jnp.log(2.0)

    return jax.lax.map(whole, bases)


def projected_out(model: Transformer, states: Float[ndarray, "L B T D"], look: Look, seed: int) -> Measurements:
    """Bits per character lost without the probe's subspace, and without random ones of its rank, at every layer but the first."""
    found: Measurements = []
    batch = jax.tree.map(lambda leaf: leaf[:ASKED], look.batch)
    for layer in range(1, len(states)):
        x = np.asarray(states[layer], np.float64)[look.sample.real]
        basis = position_directions(x, look.sample)
        nothing = np.zeros_like(basis)[None]
        bases = np.concatenate([nothing, basis[None], random_directions(len(basis), basis.shape[1], seed + layer)])
        centre = jnp.asarray(x.mean(0), jnp.float32)
        padded = np.pad(bases, ((0, 0), (0, 0), (0, BINS - basis.shape[1])))
        bits = np.asarray(
            losses_without(model, batch, jnp.int32(layer), jnp.asarray(padded, jnp.float32), centre, look.data)
        )
        for name, value in (("position", bits[1]), ("random", bits[2:].mean())):
            columns = {"metric": "projected_out", "part": name, "layer": layer, "rank": basis.shape[1]}
            found.append((columns, float(value - bits[0])))
    return found


def recovered(
    model: Transformer, untrained: Transformer, look: Look, beyond: Sample | None, config: RunConfig, seed: int
) -> Measurements:
    """Everything here about one trained model, with the same network untrained beside it."""
    found: Measurements = []
    model, untrained = jax.tree.map(jnp.asarray, (model, untrained))
    window = jax.tree.map(lambda leaf: leaf[0], look.batch[1])
    for network, one in (("trained", model), ("untrained", untrained)):
        found.append(({"metric": "order_gap", "network": network}, float(order_gap(one, window))))
        if beyond is not None:
            more = read_beyond(np.asarray(hidden_states(one, beyond.inputs)), beyond, config.train_length)
            found += [({"network": network} | columns, value) for columns, value in more]
    states = np.asarray(hidden_states(model, look.sample.inputs))
    found += [({"network": "trained"} | c, v) for c, v in projected_out(model, states, look, seed)]
    return [(columns, round(value, 7)) for columns, value in found if np.isfinite(value)]
