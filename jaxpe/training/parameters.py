"""Models as named arrays: what `parameters.safetensors` of a run holds."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import KeyPath
from jaxtyping import Array, Int

from jaxpe.data.examples import ExampleStream
from jaxpe.errors import UserError
from jaxpe.model import Transformer, build_model
from jaxpe.training.config import RunConfig


def init_model(config: RunConfig, stream: ExampleStream, seed: int | Int[Array, ""] = 0) -> Transformer:
    """The model of a config before training."""
    sizes, options = config.make_model_config(stream), dict(config.encoding_options)
    return build_model(sizes, config.encoding, options, config.table_length, seed, config.trained_positions)


def count_parameters(config: RunConfig, stream: ExampleStream) -> int:
    """How many numbers a model holds."""
    shapes = jax.eval_shape(lambda: init_model(config, stream))
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(shapes))


def flatten_model(model: Transformer, prefix: str = "") -> dict[str, np.ndarray]:
    """The parameters of a model by name: 'stack.blocks.0.attention.query' after the prefix."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(model)
    return {prefix + format_path(path): np.asarray(leaf) for path, leaf in leaves}


def restore_model(
    config: RunConfig, stream: ExampleStream, arrays: dict[str, np.ndarray], prefix: str = ""
) -> Transformer:
    """The model of a config with stored parameters. Raises UserError if one is missing or has another shape."""
    shapes = jax.eval_shape(lambda: init_model(config, stream))
    leaves, structure = jax.tree_util.tree_flatten_with_path(shapes)
    names = [prefix + format_path(path) for path, _ in leaves]
    for name, (_, leaf) in zip(names, leaves, strict=True):
        if name not in arrays or (arrays[name].shape, arrays[name].dtype) != (leaf.shape, leaf.dtype):
            raise UserError(
                f"The stored parameters of {config.task} with {config.encoding} do not fit its model: {name!r} is missing, "
                "or has another shape or type. Delete the run, then train again."
            )
    model: Transformer = jax.tree.unflatten(structure, [jnp.asarray(arrays[name]) for name in names])
    return model


def format_path(path: KeyPath) -> str:
    """The name of a leaf: 'stack.blocks.0.attention.query'."""
    steps = [str(getattr(step, "name", getattr(step, "key", getattr(step, "idx", step)))) for step in path]
    return ".".join(steps[:-1] if steps[-1:] == ["value"] else steps)  # the last step of an nnx.Param is its value
