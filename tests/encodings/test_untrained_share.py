"""The share of rows, buckets or angles of a test that training never used."""

import math

import jax
import jax.numpy as jnp
import pytest

from jaxpe import encodings


def build(name, attention="causal", **options):
    context = encodings.Context(16, 4, 200, attention, trained_positions=12)
    return encodings.build_encoding(name, context, key=jax.random.key(0), **options)


@pytest.mark.parametrize("name", ["learned", "random_fixed"])
@pytest.mark.parametrize(("trained", "tested", "share"), [(9, 12, 0.25), (9, 9, 0.0), (9, 8, 0.0), (1, 100, 0.99)])
def test_rows_of_a_table_are_counted_by_position(name, trained, tested, share):
    assert build(name).compute_untrained_share(trained, tested) == pytest.approx(share)


@pytest.mark.parametrize(
    ("trained", "tested", "share"), [(9, 100, 8 / 17), (9, 10, 1 / 10), (16, 100, 1 / 17), (17, 100, 0), (9, 9, 0)]
)
def test_rows_of_shaw_are_counted_by_distance(trained, tested, share):
    """Of the distances 0 … 16: `trained` positions have the distances 0 … trained − 1."""
    assert build("shaw").compute_untrained_share(trained, tested) == pytest.approx(share)


@pytest.mark.parametrize("attention", ["causal", "bidirectional"])
@pytest.mark.parametrize(("trained", "tested"), [(20, 200), (4, 9), (21, 22), (20, 21), (9, 9)])
def test_buckets_of_t5_are_counted(attention, trained, tested):
    t5 = build("t5", attention)

    def list_used(count):
        distances = range(0 if attention == "causal" else 1 - count, count)
        return {int(t5.find_bucket(jnp.float32([[r]]))[0, 0]) for r in distances}

    new = list_used(tested) - list_used(trained)
    assert t5.compute_untrained_share(trained, tested) == pytest.approx(len(new) / len(list_used(tested)))


def test_twenty_positions_leave_the_buckets_of_t5_from_21_on():
    """Positions 0 … 19 have the distances up to 19; with 21 tokens the longest is 20, and 21 begins a bucket."""
    t5 = build("t5")
    shares = [t5.compute_untrained_share(20, tested) for tested in (20, 21, 22)]
    assert shares[:2] == [0, 0] and shares[2] > 0


@pytest.mark.parametrize(("trained", "share"), [(6, 1.0), (7, 0.5), (628, 0.5), (629, 0.0)])
def test_angles_of_rotary_are_those_that_did_not_go_round(trained, share):
    """Of two pairs: they turn by 1 and by 0.01 radians a position, so a turn takes 6.3 and 628.3 of them."""
    assert build("rotary").compute_untrained_share(trained, 2000) == share
    assert trained / (2 * math.pi) >= 1 or share == 1.0


def test_only_the_rotated_pairs_count():
    assert build("rotary", fraction=0.5).compute_untrained_share(7, 200) == 0.0  # the only pair turns by 1 radian


def test_an_encoding_without_rows_or_angles_has_no_share():
    for name in ("none", "alibi", "fire", "sinusoidal"):
        assert build(name).compute_untrained_share(9, 20) is None
