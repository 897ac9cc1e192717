"""MiniLM-L6, a sentence encoder of six BERT layers, forward only. Written for one example; positions are an input.

BERT (Devlin et al. 2019, arXiv:1810.04805) with post-norm: x ← LN(x + attention(x)), x ← LN(x + W₂ gelu(W₁ x)), all with
biases and the exact gelu, after the embeddings LN(token + position + type). MiniLM (Wang et al. 2020, arXiv:2002.10957) has width
384 and 12 heads; as a sentence encoder (Reimers & Gurevych 2019, arXiv:1908.10084) it returns the normalized mean over the
tokens. Weights: `jaxpe fetch minilm` (Apache-2.0), or any BERT in safetensors, for which `heads` may differ.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int
from tokenizers import Tokenizer

from jaxpe.errors import UserError
from jaxpe.pretrained.models import Pretrained
from jaxpe.pretrained.weight_files import open_weights, read_array

Weights = Mapping[str, Float[Array, "*shape"]]
HEADS, EPSILON = 12, 1e-12
QUERY = "encoder.layer.0.attention.self.query"
NEEDED = re.compile(r"encoder\.layer\.|embeddings\.(token_type_embeddings|LayerNorm)\.")


def apply_linear(x: Float[Array, "T D"], weights: Weights, name: str) -> Float[Array, "T K"]:
    """x Wᵀ + b: PyTorch stores W as (outputs, inputs). In full float32 on every device."""
    product = jnp.einsum("td,kd->tk", x, weights[f"{name}.weight"], precision="highest")
    return product + weights[f"{name}.bias"]


def apply_layer_norm(x: Float[Array, "T D"], weights: Weights, name: str) -> Float[Array, "T D"]:
    """(x − mean) / √(variance + ε) · weight + bias."""
    centred = x - x.mean(-1, keepdims=True)
    scaled = centred * jax.lax.rsqrt((centred**2).mean(-1, keepdims=True) + EPSILON)
    return scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def embed(weights: Weights, ids: Int[Array, "T"], positions: Int[Array, "T"] | None) -> Float[Array, "T D"]:
    """LN(token + position + type 0). `positions` None: nothing is added for them. A position beyond the table gives NaN."""
    x = weights["tokens"][ids] + weights["embeddings.token_type_embeddings.weight"][0]
    if positions is not None:
        x = x + weights["positions"].at[positions].get(mode="fill", fill_value=jnp.nan)
    return apply_layer_norm(x, weights, "embeddings.LayerNorm")


def attend(
    x: Float[Array, "T D"], weights: Weights, name: str, mask: Bool[Array, "T"], heads: int
) -> Float[Array, "T D"]:
    """softmax(q·k / √K) v in every head, over the keys where `mask` is True."""
    q, k, v = (
        apply_linear(x, weights, f"{name}.self.{part}").reshape(len(x), heads, -1) for part in ("query", "key", "value")
    )
    logits = jnp.einsum("thk,shk->hts", q, k, precision="highest") / q.shape[-1] ** 0.5
    shares = jax.nn.softmax(jnp.where(mask, logits, -jnp.inf))
    mixed = jnp.einsum("hts,shk->thk", shares, v, precision="highest")
    return apply_linear(mixed.reshape(x.shape), weights, f"{name}.output.dense")


def apply_layer(
    x: Float[Array, "T D"], weights: Weights, name: str, mask: Bool[Array, "T"], heads: int
) -> Float[Array, "T D"]:
    """x ← LN(x + attention(x)), x ← LN(x + W₂ gelu(W₁ x))."""
    attended = attend(x, weights, f"{name}.attention", mask, heads)
    x = apply_layer_norm(x + attended, weights, f"{name}.attention.output.LayerNorm")
    inner = jax.nn.gelu(apply_linear(x, weights, f"{name}.intermediate.dense"), approximate=False)
    return apply_layer_norm(
        x + apply_linear(inner, weights, f"{name}.output.dense"), weights, f"{name}.output.LayerNorm"
    )


def compute_hidden_states(
    weights: Weights,
    ids: Int[Array, "T"],
    positions: Int[Array, "T"] | None,
    mask: Bool[Array, "T"],
    heads: int = HEADS,
) -> list[Float[Array, "T D"]]:
    """The embeddings, then the output of each layer. `mask` is False at padding."""
    states = [embed(weights, ids, positions)]
    while f"encoder.layer.{len(states) - 1}.output.dense.weight" in weights:
        states.append(apply_layer(states[-1], weights, f"encoder.layer.{len(states) - 1}", mask, heads))
    return states


def pool_sentence(hidden: Float[Array, "T D"], mask: Bool[Array, "T"]) -> Float[Array, "D"]:
    """The mean over the tokens of a sentence, scaled to length 1."""
    mean = jnp.where(mask[:, None], hidden, 0).sum(0) / mask.sum()
    embedding: Array = mean / jnp.linalg.norm(mean)
    return embedding


# ── files ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def load_weights(model: Pretrained) -> Weights:
    """All weights of a model as `compute_hidden_states` takes them. Raises UserError if it is not a BERT."""
    file = open_weights(model.path)
    names = {normalize_name(name): name for name in file.arrays}
    if model.positions is None or model.tokens is None or f"{QUERY}.weight" not in names:
        raise UserError(f"{model.name} does not have the weights of a BERT encoder: use minilm (`jaxpe fetch minilm`).")
    weights = {short: read_array(file, name) for short, name in names.items() if NEEDED.match(short)}
    weights |= {"positions": model.positions, "tokens": model.tokens}
    return {name: jnp.asarray(array) for name, array in weights.items()}


def normalize_name(name: str) -> str:
    """An array's name as in MiniLM's file: without the prefix `bert.`, with weight and bias for the older gamma and beta."""
    short = re.sub(r"^.*?(?=(embeddings|encoder)\.)", "", name, count=1)
    return short.replace("LayerNorm.gamma", "LayerNorm.weight").replace("LayerNorm.beta", "LayerNorm.bias")


def load_tokenizer(model: Pretrained) -> Tokenizer:
    """The tokenizer of a model, which neither pads nor cuts. Raises UserError where there is none that can be read."""
    if model.tokenizer is None:
        raise UserError(f"{model.name} has no tokenizer: put its tokenizer.json next to {model.path.name}.")
    try:
        tokenizer = Tokenizer.from_str(model.tokenizer)
    except Exception as error:
        raise UserError(f"The tokenizer.json of {model.name} cannot be read ({error}): download it again.") from error
    tokenizer.no_padding()  # a published tokenizer may pad all texts to one length
    tokenizer.no_truncation()
    return tokenizer


@partial(jax.jit, static_argnames="heads")
def embed_sentences(
    weights: Weights, ids: Int[Array, "N T"], positions: Int[Array, "T"], mask: Bool[Array, "N T"], heads: int = HEADS
) -> Float[Array, "N D"]:
    """Sentence embeddings, one after the other, with the same positions for all."""

    def embed_one(example: tuple[Int[Array, "T"], Bool[Array, "T"]]) -> Float[Array, "D"]:
        states = compute_hidden_states(weights, example[0], positions, example[1], heads)
        return pool_sentence(states[-1], example[1])

    embeddings: Array = jax.lax.map(embed_one, (ids, mask))
    return embeddings
