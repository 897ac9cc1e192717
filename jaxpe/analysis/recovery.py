"""What a network makes of position by itself: is it blind to order, what can be read beyond training, and is it used?

Claim C9 (Haviv et al. 2022, arXiv:2203.16634; Kazemnejad et al. 2023, arXiv:2305.19466): without encodings an encoder is blind
to order, and a causal decoder recovers position. Position can also be read from untrained causal networks (Zuo et al. 2025,
arXiv:2501.00073). Whether it is *used* is therefore decided by projecting it out, compared with random subspaces of the same
rank. B sequences of T tokens, N real tokens in all, D model width, K directions, R subspaces.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int
from numpy import ndarray

from jaxpe.analysis import probes
from jaxpe.analysis.hidden import ProbeData, ProbeSample, record_hidden_states
from jaxpe.data.examples import Data, Example
from jaxpe.model import Inputs, Transformer
from jaxpe.study.tables import Measurements
from jaxpe.training.scores import measure_token_losses

BINS = 8  # parts of the sequence that the probe tells apart whose directions are projected out
RANDOM = 4  # random subspaces of the same rank
EXAMPLES = 128  # of a loss


@jax.jit
def measure_order_gap(model: Transformer, inputs: Inputs) -> Float[Array, ""]:
    """Largest change of a logit when the tokens of a sequence are permuted, as a share of the largest logit.

    0 (1e-5 in float32) means that the network is equivariant: order is invisible to it. `<bos>` stays first.
    """
    size = inputs.tokens.shape[0]
    place = jnp.arange(size)
    rank = jnp.where(place < inputs.length, jax.random.uniform(jax.random.key(0), (size,)), 1.0 + place)
    order = jnp.argsort(jnp.where(place == 0, -1.0, rank))
    plain, permuted = model(inputs).logits, model(inputs._replace(tokens=inputs.tokens[order])).logits
    gap = jnp.where((place < inputs.length)[:, None], jnp.abs(plain[order] - permuted), 0).max()
    return gap / jnp.abs(plain).max()


def probe_beyond(states: Float[ndarray, "L B T D"], sample: ProbeSample, trained: int) -> Measurements:
    """A probe of position, fitted up to position `trained` and tested at later positions of other sequences; by layer.

    Error as a share of always guessing the median of the later positions. It can exceed 1.
    """
    results = Measurements()
    inside, other = sample.position <= trained, sample.sequence % 2 == 1
    later = sample.position[other & ~inside]
    chance = np.abs(later - np.median(later)).sum()
    for layer, state in enumerate(states):
        x = np.asarray(state, np.float64)[sample.real]
        fit = ~other & inside
        probe = probes.fit_probe(x[fit], sample.position[fit, None].astype(np.float64), sample.sequence[fit])
        error = np.abs(probe(x[other & ~inside])[:, 0] - later).sum()
        results.append(({"metric": "probe_error", "target": "beyond", "layer": layer}, float(error / chance)))
    return results


def find_position_directions(x: Float[ndarray, "N D"], sample: ProbeSample) -> Float[ndarray, "D K"]:
    """An orthonormal basis of what a ridge probe of position reads: the place, and which of eight parts it lies in."""
    place = sample.position.astype(np.float64)
    parts = np.eye(BINS)[(sample.position * BINS // (sample.position.max() + 1)).astype(int)]
    targets = np.concatenate([place[:, None] / place.std(), parts / parts.std(0)], axis=1)
    weights = probes.fit_probe(x, targets, sample.sequence).weights
    basis, size, _ = np.linalg.svd(weights, full_matrices=False)
    return basis[:, size > 1e-6 * size[0]][:, :BINS]


def draw_random_directions(width: int, rank: int, seed: int) -> Float[ndarray, "R D K"]:
    """Orthonormal bases of RANDOM random subspaces."""
    directions = np.random.default_rng((seed, 6)).normal(size=(RANDOM, width, rank))
    return np.linalg.qr(directions)[0]


def forward_projected(
    model: Transformer, inputs: Inputs, layer: Int[Array, ""], basis: Float[Array, "D K"], centre: Float[Array, "D"]
) -> Float[Array, "T V"]:
    """Logits after a subspace of the residual stream before block `layer` is set to its mean; L is before the last norm."""
    stack, view = model.stack, model.make_view(inputs)
    x = stack.embed(inputs.tokens, inputs.positions)
    for i in range(len(stack.blocks) + 1):
        x = jnp.where(layer == i, x - (x - centre) @ basis @ basis.T, x)
        if i < len(stack.blocks):
            x, _, _ = stack.blocks[i](x, stack.encodings[i % len(stack.encodings)], view)
    return model.unembed(stack.norm(x))


@jax.jit
def compute_losses_without(
    model: Transformer,
    batch: tuple[Example, Inputs],
    layer: Int[Array, ""],
    bases: Float[Array, "R D K"],
    centre: Float[Array, "D"],
    data: Data,
) -> Float[Array, "R"]:
    """Bits per character of a batch without each of several subspaces."""

    def compute_one(pair: tuple[Example, Inputs], basis: Array) -> tuple[Array, Array]:
        result = measure_token_losses(forward_projected(model, pair[1], layer, basis, centre), pair[0], data)
        return result.nats.sum(), result.characters.sum()

    def compute(basis: Array) -> Array:
        nats, characters = jax.lax.map(lambda pair: compute_one(pair, basis), batch, batch_size=16)
        bits: Array = nats.sum() / characters.sum() / jnp.log(2.0)
        return bits

    results: Array = jax.lax.map(compute, bases)
    return results


def measure_projections(
    model: Transformer, states: Float[ndarray, "L B T D"], probe_data: ProbeData, seed: int
) -> Measurements:
    """Bits per character lost without the probe's subspace, and without random ones of its rank, after every layer."""
    results, sample = Measurements(), probe_data.sample
    batch = jax.tree.map(lambda leaf: leaf[:EXAMPLES], probe_data.batch)
    for layer in range(1, len(states)):
        x = np.asarray(states[layer], np.float64)[sample.real]
        basis = find_position_directions(x, sample)
        nothing = np.zeros_like(basis)[None]
        bases = np.concatenate([nothing, basis[None], draw_random_directions(len(basis), basis.shape[1], seed + layer)])
        padded = jnp.asarray(np.pad(bases, ((0, 0), (0, 0), (0, BINS - basis.shape[1]))), jnp.float32)
        centre = jnp.asarray(x.mean(0), jnp.float32)
        bits = np.asarray(compute_losses_without(model, batch, jnp.int32(layer), padded, centre, probe_data.data))
        for name, value in (("position", bits[1]), ("random", bits[2:].mean())):
            columns = {"metric": "projected_out", "part": name, "layer": layer, "rank": basis.shape[1]}
            results.append((columns, float(value - bits[0])))
    return results


def measure_recovery(
    model: Transformer,
    untrained: Transformer,
    probe_data: ProbeData,
    beyond: ProbeSample | None,
    train_length: int,
    seed: int,
) -> Measurements:
    """Everything here about one trained model, and the same network untrained for comparison."""
    results = Measurements()
    model, untrained = jax.tree.map(jnp.asarray, (model, untrained))
    window = jax.tree.map(lambda leaf: leaf[0], probe_data.batch[1])
    for network, transformer in (("trained", model), ("untrained", untrained)):
        gap = float(measure_order_gap(transformer, window))
        results.append(({"metric": "order_gap", "network": network}, gap))
        if beyond is not None:
            states = np.asarray(record_hidden_states(transformer, beyond.inputs))
            errors = probe_beyond(states, beyond, train_length)
            results += [({"network": network} | columns, value) for columns, value in errors]
    states = np.asarray(record_hidden_states(model, probe_data.sample.inputs))
    losses_without = measure_projections(model, states, probe_data, seed)
    results += [({"network": "trained"} | columns, value) for columns, value in losses_without]
    return [(columns, round(value, 7)) for columns, value in results if np.isfinite(value)]
