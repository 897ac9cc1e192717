"""Matrix products of the model, in float32 or with factors in bfloat16.

With bfloat16, both factors are rounded to 8 bits of precision and their products are added in float32. All else stays in
float32: parameters, the residual stream, softmax, and everything an encoding computes from positions. (A position above 256
has no exact value in bfloat16, so that codes of neighbours would coincide.)
"""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float


def contract(spec: str, a: Float[Array, "..."], b: Float[Array, "..."], dtype: str = "float32") -> Float[Array, "..."]:
    """einsum(spec, a, b) with factors of this dtype, "float32" or "bfloat16", as float32."""
    if dtype == "float32":
        return jnp.einsum(spec, a, b)
    return jnp.einsum(spec, a.astype(dtype), b.astype(dtype), preferred_element_type=jnp.float32)
