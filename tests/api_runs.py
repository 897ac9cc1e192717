"""What the tests of `jaxpe.train` and `jaxpe.load` train: small runs, and an encoding and a task of one's own."""

MINE = """
import jax.numpy as jnp

from jaxpe.encodings import Encoding
from jaxpe.tasks.copying import Reverse


class Backwards(Reverse):
    summary = "y is x backwards"


class Mine(Encoding):
    invariance = "relative"

    def bias(self, q, k, view):
        return -{strength} * jnp.abs(view.distances)[None]
"""
SMALL = {"seeds": 2, "steps": 30, "train_length": 5, "width": 8, "batch": 16, "length_buckets": 1, "layers": 1}
