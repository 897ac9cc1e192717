"""EfficientNet-Lite0 (Tan & Le 2019, arXiv:1905.11946; the variant without squeeze-and-excitation, with ReLU6), forward only.

An ImageNet classifier of 4.65 million parameters: a 3×3 stem, 16 inverted bottlenecks, a 1×1 head, the mean over pixels, a
linear layer. Batch norm is folded into the convolution before it: w·γ/√(var + ε) and β − mean·γ/√(var + ε). Written for one
image of 224×224 pixels in RGB, scaled as (x − 127) / 128. Weights: `jaxpe fetch efficientnet` (Apache-2.0).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from numpy import ndarray
from safetensors.numpy import load_file

from jaxpe.data.cache import explain_damage

Weights = Mapping[str, Array]
CLASSES, STEM, EPSILON = 1000, 32, 1e-3
STAGES = (  # repeats, kernel, stride of the first, expansion, channels
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)


class Block(NamedTuple):
    """An inverted bottleneck: a 1×1 expansion, a depthwise convolution, a 1×1 projection."""

    name: str
    inputs: int
    expanded: int
    outputs: int
    kernel: int
    stride: int


def list_blocks() -> Iterator[Block]:
    """The 16 blocks in order."""
    number, inputs = 0, STEM
    for repeats, kernel, stride, expansion, outputs in STAGES:
        for repeat in range(repeats):
            yield Block(f"blocks.{number}", inputs, inputs * expansion, outputs, kernel, 1 if repeat else stride)
            number, inputs = number + 1, outputs


def convolve_depthwise(x: Float[Array, "H W C"], weight: Float[Array, "k k C"], stride: int) -> Float[Array, "h w C"]:
    """Each channel with its own k×k filter, padded so that h = ⌈H / stride⌉.

    Computed as a sum of k² shifted copies, since XLA has no fast grouped convolution on a CPU.
    """
    kernel, sizes = weight.shape[0], [-(-n // stride) for n in x.shape[:2]]
    margins = [max((m - 1) * stride + kernel - n, 0) for m, n in zip(sizes, x.shape[:2], strict=True)]
    x = jnp.pad(x, [*((margin // 2, margin - margin // 2) for margin in margins), (0, 0)])
    height, width = ((m - 1) * stride + 1 for m in sizes)
    terms = (
        x[i : i + height : stride, j : j + width : stride] * weight[i, j] for i in range(kernel) for j in range(kernel)
    )
    return sum(terms, jnp.zeros((*sizes, x.shape[-1])))


def apply_stem(x: Float[Array, "H W 3"], weights: Weights) -> Float[Array, "h w 32"]:
    """A 3×3 convolution of stride 2 with ReLU6."""
    layout = ("NHWC", "HWIO", "NHWC")
    x = jax.lax.conv_general_dilated(x[None], weights["stem.weight"], (2, 2), "SAME", dimension_numbers=layout)[0]
    return jax.nn.relu6(x + weights["stem.bias"])


def apply_block(x: Float[Array, "H W C"], weights: Weights, block: Block) -> Float[Array, "h w K"]:
    """An inverted bottleneck, with a residual connection where input and output have the same shape."""

    def get(name: str) -> tuple[Array, Array]:
        return weights[f"{block.name}.{name}.weight"], weights[f"{block.name}.{name}.bias"]

    residual = x
    if block.expanded != block.inputs:
        weight, bias = get("expand")
        x = jax.nn.relu6(x @ weight + bias)
    weight, bias = get("filter")
    x = jax.nn.relu6(convolve_depthwise(x, weight, block.stride) + bias)
    weight, bias = get("project")
    x = x @ weight + bias
    return x + residual if block.stride == 1 and block.inputs == block.outputs else x


def forward(weights: Weights, image: Float[Array, "H W 3"]) -> Float[Array, "C"]:
    """Logits of one image with values from 0 to 255."""
    x = apply_stem((image - 127.0) / 128.0, weights)
    for block in list_blocks():
        x = apply_block(x, weights, block)
    x = jax.nn.relu6(x @ weights["head.weight"] + weights["head.bias"])
    return x.mean((0, 1)) @ weights["classifier.weight"] + weights["classifier.bias"]


@jax.jit
def forward_images(weights: Weights, images: Float[Array, "N 224 224 3"]) -> Float[Array, "N 1000"]:
    """Logits of some images, computed one after the other, so that an image's activations fit the processor's cache."""
    logits: Array = jax.lax.map(lambda image: forward(weights, image), images)
    return logits


# ── weights ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def fold_batch_norm(
    weight: Float[ndarray, "O ..."], norm: Mapping[str, ndarray]
) -> tuple[ndarray, Float[ndarray, "O"]]:
    """Weight and bias of a convolution with the batch norm that follows it."""
    scale = norm["weight"] / np.sqrt(norm["running_var"] + EPSILON)
    return weight * scale.reshape(-1, *[1] * (weight.ndim - 1)), norm["bias"] - norm["running_mean"] * scale


def convert_torch(tensors: Mapping[str, ndarray]) -> dict[str, ndarray]:
    """The arrays of the published file (O I k k, batch norm separate) as `forward` takes them."""
    sources = {"stem": ("_conv_stem", "_bn0"), "head": ("_conv_head", "_bn1")}
    for block in list_blocks():
        inside = f"_{block.name}."
        if block.expanded != block.inputs:
            sources[f"{block.name}.expand"] = (f"{inside}_expand_conv", f"{inside}_bn0")
        sources[f"{block.name}.filter"] = (f"{inside}_depthwise_conv", f"{inside}_bn1")
        sources[f"{block.name}.project"] = (f"{inside}_project_conv", f"{inside}_bn2")
    weights = {"classifier.weight": tensors["_fc.weight"].T, "classifier.bias": tensors["_fc.bias"]}
    for name, (convolution, norm) in sources.items():
        statistics = {key: tensors[f"{norm}.{key}"] for key in ("weight", "bias", "running_mean", "running_var")}
        weight, bias = fold_batch_norm(tensors[f"{convolution}.weight"], statistics)
        weight = weight.transpose(2, 3, 1, 0)  # k k I O
        if name.endswith(".filter"):
            weight = weight[:, :, 0]
        elif name != "stem":
            weight = weight[0, 0]
        weights |= {f"{name}.weight": weight, f"{name}.bias": bias}
    return {name: np.ascontiguousarray(array, np.float32) for name, array in weights.items()}


def load_weights(path: Path) -> dict[str, Array]:
    """The weights from the file that `jaxpe fetch efficientnet` stores. Raises UserError if it was damaged."""
    try:
        return {name: jnp.asarray(array) for name, array in load_file(path).items()}
    except Exception as error:
        raise explain_damage("efficientnet") from error
