"""A small run config, and populations of it that share one compiled program."""

from functools import cache

import jax
import numpy as np

from jaxpe.training import population
from jaxpe.training.batches import draw_batches
from jaxpe.training.config import RunConfig, Training
from jaxpe.training.mesh import make_mesh
from jaxpe.training.population import ReplicaSpec
from jaxpe.training.sources import load_source

CONFIG = RunConfig("reverse", "encoder", "learned", 6, 60, width=16, layers=1, training=Training(steps=40, batch=16))

draw_compiled = jax.jit(draw_batches, static_argnames=("stream", "sampler", "length_buckets"))


@cache
def compile_program(config):
    """The compiled training of a config on two devices."""
    return population.compile_program(config, load_source(config), make_mesh())


def train_replicas(config=CONFIG, seeds=(0, 1), learning_rates=(3e-3, 3e-3), **options):
    """Trains replicas that differ in their seeds and learning rates."""
    specs = [ReplicaSpec(seed, rate) for seed, rate in zip(seeds, learning_rates, strict=True)]
    return population.train_round(config, load_source(config), compile_program(config), specs, **options)


def list_leaves(replica):
    """The parameters of a trained replica."""
    return [np.asarray(leaf) for leaf in jax.tree.leaves(replica.snapshots["100"])]


def have_equal_bits(a, b):
    """Whether two trained replicas have the same parameters, bit for bit."""
    return all(np.array_equal(x, y) for x, y in zip(list_leaves(a), list_leaves(b), strict=True))
