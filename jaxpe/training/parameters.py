"""Models as named arrays, and back: what `parameters.safetensors` of a run holds."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from jaxpe import model as models
from jaxpe.data.examples import Stream
from jaxpe.errors import UserError
from jaxpe.model import Transformer
from jaxpe.training.config import RunConfig


def path_name(path: Any) -> str:
    """'stack.blocks.0.attention.query' for a leaf of a model."""
    steps = [str(getattr(step, "name", getattr(step, "key", getattr(step, "idx", step)))) for step in path]
    return ".".join(step for step in steps if step != "value")


def to_arrays(model: Transformer, prefix: str = "") -> dict[str, np.ndarray]:
    """The leaves of a model by name."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(model)
    return {prefix + path_name(path): np.asarray(leaf) for path, leaf in leaves}


def from_arrays(config: RunConfig, stream: Stream, arrays: dict[str, np.ndarray], prefix: str = "") -> Transformer:
    """The model of a config with stored leaves. Raises UserError where they do not fit."""
    shape = jax.eval_shape(lambda: fresh(config, stream))
    leaves, structure = jax.tree_util.tree_flatten_with_path(shape)
    names = [prefix + path_name(path) for path, _ in leaves]
    for name, (_, leaf) in zip(names, leaves, strict=True):
        if name not in arrays or arrays[name].shape != leaf.shape:
            raise UserError(f"The stored parameters of {config.task} with {config.encoding} lack {name!r} as needed.")
    return jax.tree.unflatten(structure, [arrays[name] for name in names])


def fresh(config: RunConfig, stream: Stream, seed: int = 0) -> Transformer:
    """The model of a config before training."""
    options = dict(config.encoding_options)
    return models.build_model(config.model(stream), config.encoding, options, config.table_length, seed)
