"""Models as `models.json` keeps them, without training, and the same in JAX."""

import base64
import json

import jax.numpy as jnp
import numpy as np

from jaxpe.model import Inputs
from jaxpe.records.json_values import write_json
from jaxpe.report.live import ARCHITECTURE, ENCODINGS, TASK
from jaxpe.study.kept_models import STORED, pack_arrays
from jaxpe.training.config import RunConfig
from jaxpe.training.parameters import flatten_model, init_model, restore_model
from jaxpe.training.sources import load_source

SIZES = {"train_length": 6, "table_length": 60, "width": 16, "layers": 2, "heads": 2}


def make_config(encoding, stored):
    """The config of a model in `models.json`."""
    return RunConfig(TASK, ARCHITECTURE, encoding, **{name: stored[name] for name in SIZES})


def make_file(encodings=ENCODINGS, **sizes):
    """The content of `models.json` for models before training. Gains and tables differ from 1 and from each other."""
    stored = {"task": TASK, "architecture": ARCHITECTURE, "seed": 0, **SIZES, **sizes, "models": {}}
    generator = np.random.default_rng(0)
    for encoding in encodings:
        config = make_config(encoding, stored)
        arrays = flatten_model(init_model(config, load_source(config).stream))
        changed = {name: array * generator.uniform(0.5, 2, array.shape) for name, array in arrays.items()}
        stored["models"][encoding] = pack_arrays(changed)
    return stored


def write_file(results, stored):
    """Writes it into a results folder; returns its path."""
    path = results / "tour" / "models.json"
    write_json(path, stored)
    return path


def restore(path, encoding):
    """The model of an encoding in JAX, with the numbers of the file."""
    stored = json.loads(path.read_text())
    config = make_config(encoding, stored)
    stream = load_source(config).stream
    shapes = {name: array.shape for name, array in flatten_model(init_model(config, stream)).items()}
    packed = stored["models"][encoding]
    numbers = {name: np.frombuffer(base64.b64decode(text), STORED).astype(np.float32) for name, text in packed.items()}
    return restore_model(config, stream, {name: numbers[name].reshape(shape) for name, shape in shapes.items()})


def run(model, tokens):
    """Logits by token, and weights of attention by layer, head, query and key."""
    nothing, length = jnp.zeros((0,), jnp.int32), len(tokens)
    inputs = Inputs(jnp.asarray(tokens), jnp.arange(length), jnp.int32(length), nothing, nothing, jnp.int32(0))
    output = model(inputs, record=True)
    return np.asarray(output.logits), np.stack([np.asarray(one.weights) for one in output.record.attention])
