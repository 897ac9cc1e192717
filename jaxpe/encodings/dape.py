"""DAPE, data-adaptive positional encoding (Zheng et al. 2024, arXiv:2405.14722, §3.2): a bias that looks at the logits.

bias = B + f([S; B]), with B the bias of another encoding (`base`, KERPLE unless given), S_ij = q_i·k_j / √K, and f an MLP
over heads, 2H → 32 → H with LeakyReLU and no output bias (a constant for each head is dead in the softmax), applied to
each pair of query and key alone; the same in all blocks where the base is.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Bool, Float, Key, Num

from jaxpe.encodings.base import Attention, Encoding
from jaxpe.encodings.kerple import reference_bias as kerple_reference
from jaxpe.errors import UserError


class Dape(Encoding):
    """B + f([q·k/√K; B]), f an MLP 2H → hidden → H."""

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
        from jaxpe import encodings

        own, weight, offset, out = (jax.random.fold_in(key, i) for i in range(4))
        sizes = {"model_width": model_width, "heads": heads, "max_length": max_length}
        self.base = encodings.build(
            base, **sizes, attention=attention, key=own, **encodings.told(base, trained_positions)
        )
        if type(self.base).bias is Encoding.bias or type(self.base).rotate is not Encoding.rotate:
            raise UserError(
                f"dape changes the bias of another encoding, and {base} has none: take kerple, alibi or fire."
            )
        self.shared, self.invariance, self.directed = self.base.shared, self.base.invariance, self.base.directed
        self.integer_positions = self.base.integer_positions
        self.root = math.sqrt(model_width // heads)
        self.weight = nnx.Param(jax.random.normal(weight, (2 * heads, hidden)) / math.sqrt(2 * heads))
        self.offset = nnx.Param(0.1 * jax.random.normal(offset, (hidden,)))
        self.out = nnx.Param(jax.random.normal(out, (hidden, heads)) / math.sqrt(hidden))

    @property
    def position_limit(self) -> int | None:
        return self.base.position_limit

    def embed(self, x: Float[Array, "T D"], positions: Num[Array, T]) -> Float[Array, "T D"]:
        return self.base.embed(x, positions)

    def bias(
        self,
        q: Float[Array, "T H K"],
        k: Float[Array, "S H K"],
        q_positions: Num[Array, T],
        k_positions: Num[Array, S],
        mask: Bool[Array, "T S"] | None = None,
    ) -> Float[Array, "H T S"]:
        logits = jnp.einsum("thk,shk->hts", q, k) / self.root
        plain = jnp.broadcast_to(jnp.asarray(self.base.bias(q, k, q_positions, k_positions, mask)), logits.shape)
        both = jnp.concatenate([logits, plain])
        hidden = jax.nn.leaky_relu(jnp.einsum("hts,hn->nts", both, self.weight[...]) + self.offset[...][:, None, None])
        return plain + jnp.einsum("nts,nh->hts", hidden, self.out[...])


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
    """`bias` as a slow loop in float64, on KERPLE."""
    found = kerple_reference(q, k, q_positions, k_positions, mask, slope=base_slope, rate=base_rate)
    for t in range(len(q)):
        for s in range(len(k)):
            logits = [float(q[t, h] @ k[s, h]) / math.sqrt(q.shape[2]) for h in range(q.shape[1])]
            both = np.array([*logits, *found[:, t, s]])
            for n in range(len(offset)):
                raw = float(both @ weight[:, n]) + float(offset[n])
                found[:, t, s] += max(raw, 0.01 * raw) * out[n]
    return found
