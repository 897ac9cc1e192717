"""Attention weights that follow a rule for each head, and their summary."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxpe.analysis import head_scores


def make_mask(length, size, causal):
    """The keys that each query of a sequence sees."""
    real = np.arange(size)[:, None] < length
    return real & real.T & (np.tri(size, dtype=bool) if causal else True)


def plant_weights(rules, lengths, size, causal):
    """Weights of one head for each rule and of a uniform last head, and the visible keys.

    A rule is (query, number of visible keys, generator) -> weights of the keys.
    """
    generator = np.random.default_rng(0)
    weights = np.zeros((len(lengths), len(rules) + 1, size, size), np.float32)
    visible = np.stack([make_mask(n, size, causal) for n in lengths])
    for b, t in np.argwhere(visible.any(-1)):
        n = int(visible[b, t].sum())
        for i, rule in enumerate([*rules, lambda t, n, generator: np.ones(n)]):
            row = rule(t, n, generator)
            weights[b, i, t, :n] = row / row.sum()
    return weights, visible


def plant_attention(rules, lengths, size, causal):
    """The same with the summary of the weights."""
    weights, visible = plant_weights(rules, lengths, size, causal)
    summary = sum_weights(weights, visible, jnp.asarray(lengths))
    return weights, visible, head_scores.AttentionSummary(*map(np.asarray, summary))


@jax.jit
def sum_weights(weights, visible, lengths):
    patterns = jax.vmap(head_scores.mark_patterns)(visible, lengths)
    return head_scores.sum_weights(weights, visible, patterns)


def attend_to(place):
    """A rule: all weight on the key `place(query, number of visible keys)`, or on the query itself if that is no key."""
    return lambda t, n, generator: np.arange(n) == (place(t, n) if 0 <= place(t, n) < n else t)


def attend_randomly(t, n, generator):
    """A rule: random weights."""
    return generator.exponential(size=n)
