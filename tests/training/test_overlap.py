"""How many test examples were in a training batch."""

from dataclasses import replace

from small_runs import CONFIG

from jaxpe.training.config import Training
from jaxpe.training.mesh import make_mesh
from jaxpe.training.overlap import compute_seen_shares
from jaxpe.training.sources import load_source


def test_all_of_few_examples_are_seen_and_none_beyond_the_training_length():
    config = replace(CONFIG, training=Training(steps=40, batch=64))
    shares, padded = (
        compute_seen_shares(config, load_source(config), make_mesh(), 0, [1, 6, 12], 64, longest)
        for longest in (12, 20)
    )
    assert shares == padded
    assert shares[0] == 1.0 and shares[1] < 0.1 and shares[2] == 0.0
