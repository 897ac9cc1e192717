"""Small language models: untrained ones, and a workspace with a few trained runs."""

from functools import cache

import jax
import jax.numpy as jnp

from jaxpe.data.language import OBJECTIVES
from jaxpe.study import run_configs
from jaxpe.study.presets import Preset
from jaxpe.training import parameters

PRESET = Preset(
    (), train_length=8, max_length_ratio=2.0, width=16, layers=2, heads=2, steps=20, batch=8, length_buckets=1, examples=24,
)  # fmt: skip
SOURCES = {}


def make_config(task, encoding):
    """A language task in the architecture that it is defined for."""
    return run_configs.make_run_config(PRESET, task, OBJECTIVES[task], encoding, "arange", SOURCES)


@cache
def open_language_model(task, encoding):
    """An untrained model of real text, its config and its source."""
    config = make_config(task, encoding)
    source = run_configs.open_source(config, SOURCES)
    return jax.tree.map(jnp.asarray, parameters.init_model(config, source.stream, 3)), config, source


def train_runs(workspace, task, encoding, seeds=2):
    """Trained runs of a language task."""
    runs = workspace.list_runs(make_config(task, encoding), range(seeds))
    workspace.train(runs)
    return runs
