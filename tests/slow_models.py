"""A Transformer as slow loops in float64 over the parameters of a model. Only the hooks of encodings are called."""

import math

import jax.numpy as jnp
import numpy as np

from jaxpe.encodings import Encoding, View


def to_float64(parameter):
    return np.asarray(parameter[...], np.float64)


def norm(x, module):
    return x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-6) * to_float64(module.gain)


def gelu(x):
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def attend(attention, x, states, encoding, q_positions, k_positions, sees, scaling_length=None):
    """The mixed values of every query. `sees(i, j)`: whether query i sees key j; the bias is not divided by √K."""
    q = np.einsum("td,dhk->thk", x, to_float64(attention.query))
    k = np.einsum("td,dhk->thk", states, to_float64(attention.key))
    v = np.einsum("td,dhk->thk", states, to_float64(attention.value))
    out, root = to_float64(attention.out), math.sqrt(q.shape[-1])
    visible = np.array([[sees(i, j) for j in range(len(states))] for i in range(len(x))])
    seen = [encoding.observe(jnp.asarray(part, jnp.float32)) for part in (x, states)]
    view = View(jnp.asarray(q_positions), jnp.asarray(k_positions), jnp.asarray(visible), *seen)
    rotated = encoding.rotate(jnp.asarray(q, jnp.float32), jnp.asarray(k, jnp.float32), view)
    bias = encoding.bias(*rotated, view)
    q, k = (np.asarray(part, np.float64) for part in rotated)
    bias = np.zeros(1) if bias is None else np.asarray(bias, np.float64)
    bias = np.broadcast_to(bias, (q.shape[1], len(x), len(states)))
    result = np.zeros((len(x), out.shape[-1]))
    for i in range(len(x)):
        keys = [j for j in range(len(states)) if visible[i, j]]
        factor = 1.0
        if scaling_length is not None and len(keys) > scaling_length:
            factor = math.log(len(keys)) / math.log(scaling_length)
        for h in range(q.shape[1]):
            logits = np.array([(q[i, h] @ k[j, h] / root + bias[h, i, j]) * factor for j in keys])
            if type(encoding).weights is Encoding.weights:
                weights = np.exp(logits - logits.max())
                weights /= weights.sum()
            else:
                every = np.zeros((q.shape[1], len(x), len(states)), np.float32)
                every[h, i, keys] = logits
                weights = np.asarray(encoding.weights(jnp.asarray(every), view), np.float64)[h, i, keys]
            mixed = sum(weight * v[j, h] for weight, j in zip(weights, keys, strict=True))
            result[i] += mixed @ out[h]
    return result


def run_stack(stack, tokens, positions, sees, memory=None, scales=None, scaling_length=None):
    """The normalised states after the last block. `memory`: states, their positions, and whether each is real."""
    x = to_float64(stack.embedding)[tokens]
    embedded = stack.encodings[0].embed(jnp.asarray(x, jnp.float32), jnp.asarray(positions))
    added = np.asarray(embedded, np.float64) - x
    a, b = scales or (1.0, 1.0)
    x = a * x + b * added
    for i, block in enumerate(stack.blocks):
        encoding = stack.encodings[i if len(stack.encodings) > 1 else 0]
        h = norm(x, block.norms[0])
        x = x + attend(block.attention, h, h, encoding, positions, positions, sees, scaling_length)
        if memory is not None:
            states, places, is_real = memory
            cross = stack.cross_encodings[i if len(stack.cross_encodings) > 1 else 0]
            h, reads = norm(x, block.norms[1]), lambda i, j, is_real=is_real: is_real[j]
            x = x + attend(block.cross, h, states, cross, positions, places, reads, scaling_length)
        h = norm(x, block.norms[2 if memory is not None else 1])
        x = x + gelu(h @ to_float64(block.mlp_in)) @ to_float64(block.mlp_out)
    return norm(x, stack.norm)


def forward_slowly(model, inputs, causal, scales=None, scaling_length=None):
    """The logits of every token of one example."""
    length, options = int(inputs.length), {"scales": scales, "scaling_length": scaling_length}
    memory = None
    if model.source is not None:
        count = int(inputs.source_length)
        source, places = np.asarray(inputs.source), np.asarray(inputs.source_positions)
        states = run_stack(model.source, source, places, lambda i, j: j < count, **options)
        memory = states, places, [j < count for j in range(len(source))]
    tokens, positions = np.asarray(inputs.tokens), np.asarray(inputs.positions)
    sees = lambda i, j: j < length and (j <= i or not causal)  # noqa: E731
    return run_stack(model.stack, tokens, positions, sees, memory, **options) @ to_float64(model.unembedding)
