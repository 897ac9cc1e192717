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
from jaxtyping import Array, Bool, Float, Key, Num

from jaxpe.encodings.base import Attention, Encoding, copy_declarations
from jaxpe.encodings.kerple import reference_bias as kerple_reference
from jaxpe.encodings.registry import build_encoding, fill_trained_positions
from jaxpe.errors import UserError


class Dape(Encoding):
    """bias = B + f([q·k / √K; B]), with f an MLP 2H → hidden → H."""

    invariance = "relative"
    directed: bool | None = False

    def __init__(
        self,
        model_width: int,
        heads: int,
        max_length: int,
        attention: Attention,
        *,
        key: Key[Array, ""],
        base: str = "kerple",
        hidden: int = 32,
        trained_positions: int | None = None,
    ) -> None:
        base_key, weight, offset, out = (jax.random.fold_in(key, i) for i in range(4))
        sizes = {"model_width": model_width, "heads": heads, "max_length": max_length}
        options = fill_trained_positions(base, trained_positions)
        self.base = build_encoding(base, **sizes, attention=attention, key=base_key, **options)
        if type(self.base).bias is Encoding.bias or type(self.base).rotate is not Encoding.rotate:
            raise UserError(
                f"dape adapts the bias of another encoding, but {base} is not a plain bias: use kerple, alibi or fire."
            )
        copy_declarations(self, self.base)
        self.root = math.sqrt(model_width // heads)
        self.weight = nnx.Param(jax.random.normal(weight, (2 * heads, hidden)) / math.sqrt(2 * heads))
        self.offset = nnx.Param(0.1 * jax.random.normal(offset, (hidden,)))
        self.out = nnx.Param(jax.random.normal(out, (hidden, heads)) / math.sqrt(hidden))

    @property
    def position_limit(self) -> int | None:
        return self.base.position_limit

    def embed(self, x: Float[Array, "T D"], positions: Num[Array, "T"]) -> Float[Array, "T D"]:
        return self.base.embed(x, positions)

    def bias(
        self,
        q: Float[Array, "T H K"],
        k: Float[Array, "S H K"],
        q_positions: Num[Array, "T"],
        k_positions: Num[Array, "S"],
        mask: Bool[Array, "T S"] | None = None,
    ) -> Float[Array, "H T S"]:
        logits = jnp.einsum("thk,shk->hts", q, k) / self.root
        base = jnp.broadcast_to(jnp.asarray(self.base.bias(q, k, q_positions, k_positions, mask)), logits.shape)
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
