"""DAPE, data-adaptive positional encoding (Zheng et al. 2024, arXiv:2405.14722, §3.2): a bias computed from logits.

bias = B + f([S; B]), where B is the bias of another encoding (`base`, KERPLE by default) and S_ij = q_i·k_j / √K. f is
an MLP that acts on every pair of query and key separately: its inputs are the 2H numbers of all heads, then come
`hidden` units with LeakyReLU and H outputs. It has no output bias, since the softmax ignores a constant for each head.
All blocks share it where they share the base encoding.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float, Key

from jaxpe.encodings.base import Context, Encoding, View, Wrapper
from jaxpe.encodings.kerple import reference_bias as kerple_reference
from jaxpe.encodings.registry import build_encoding
from jaxpe.errors import UserError


class Dape(Wrapper):
    """bias = B + f([q·k / √K; B]), with f an MLP 2H → hidden → H."""

    invariance = "relative"
    directed: bool | None = False

    def __init__(self, context: Context, *, key: Key[Array, ""], base: str = "kerple", hidden: int = 32) -> None:
        base_key, weight, offset, out = (jax.random.fold_in(key, i) for i in range(4))
        super().__init__(build_encoding(base, context, key=base_key))
        if type(self.base).bias is Encoding.bias or type(self.base).rotate is not Encoding.rotate:
            raise UserError(
                f"dape adapts the bias of another encoding, but {base} is not a plain bias: use kerple, alibi or fire."
            )
        self.root = math.sqrt(context.head_width)
        self.weight = nnx.Param(jax.random.normal(weight, (2 * context.heads, hidden)) / math.sqrt(2 * context.heads))
        self.offset = nnx.Param(0.1 * jax.random.normal(offset, (hidden,)))
        self.out = nnx.Param(jax.random.normal(out, (hidden, context.heads)) / math.sqrt(hidden))

    def bias(self, q: Float[Array, "T H K"], k: Float[Array, "S H K"], view: View) -> Float[Array, "H T S"]:
        logits = jnp.einsum("thk,shk->hts", q, k) / self.root
        base = jnp.broadcast_to(jnp.asarray(self.base.bias(q, k, view)), logits.shape)
        both = jnp.concatenate([logits, base])
        hidden = jax.nn.leaky_relu(jnp.einsum("hts,hn->nts", both, self.weight[...]) + self.offset[...][:, None, None])
        return base + jnp.einsum("nts,nh->hts", hidden, self.out[...])


def reference_bias(
    q: np.ndarray,
    k: np.ndarray,
    q_positions: np.ndarray,
    k_positions: np.ndarray,
    mask: np.ndarray | None = None,
    *,
    base_slope: np.ndarray,
    base_rate: np.ndarray,
    weight: np.ndarray,
    offset: np.ndarray,
    out: np.ndarray,
) -> np.ndarray:
    """`bias` as a slow loop in float64, with KERPLE as the base."""
    out_bias = kerple_reference(q, k, q_positions, k_positions, mask, slope=base_slope, rate=base_rate)
    for t in range(len(q)):
        for s in range(len(k)):
            logits = [float(q[t, h] @ k[s, h]) / math.sqrt(q.shape[2]) for h in range(q.shape[1])]
            both = np.array([*logits, *out_bias[:, t, s]])
            for n in range(len(offset)):
                raw = float(both @ weight[:, n]) + float(offset[n])
                out_bias[:, t, s] += max(raw, 0.01 * raw) * out[n]
    return out_bias
