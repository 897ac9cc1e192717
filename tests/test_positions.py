"""Samplers of positions, by their properties."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from jaxpe.data.examples import SPECIALS
from jaxpe.errors import UserError
from jaxpe.positions import SAMPLERS, build_sampler, list_sampler_options


def sample(sampler, length, size=12, seeds=200):
    tokens = jnp.zeros((size,), jnp.int32)
    return np.asarray(jax.vmap(lambda s: sampler(jax.random.key(s), tokens, length))(jnp.arange(seeds)))


@pytest.mark.parametrize("name", ["offset", "randomized"])
def test_random_samplers_stay_below_their_limit_and_increase(name):
    sampled = sample(build_sampler(name, limit=30), 7)[:, :7]
    assert sampled.min() == 0 and sampled.max() == 29 and (np.diff(sampled, axis=1) > 0).all()


@pytest.mark.parametrize("name", ["offset", "randomized"])
def test_padding_does_not_change_the_positions_of_real_tokens(name):
    sampler = build_sampler(name, limit=30)
    np.testing.assert_array_equal(sample(sampler, 7, 12)[:, :7], sample(sampler, 7, 25)[:, :7])


def test_shuffled_and_permuted_change_order_inside_windows_or_of_windows():
    local, whole = (sample(build_sampler(name, window=4), 18, 20) for name in ("shuffled", "permuted"))
    for sampled in (local, whole):
        np.testing.assert_array_equal(np.sort(sampled[:, :18], axis=1), np.broadcast_to(np.arange(18), (200, 18)))
        np.testing.assert_array_equal(sampled[:, 18:], np.broadcast_to([18, 19], (200, 2)))
    np.testing.assert_array_equal(local[:, :18] // 4, np.broadcast_to(np.arange(18) // 4, (200, 18)))
    blocks = whole[:, :16].reshape(200, 4, 4)
    assert (np.diff(blocks, axis=2) == 1).all() and (blocks[:, :, 0] % 4 == 0).all()
    assert (whole[:, 16:18] == [16, 17]).all()
    assert len(np.unique(local, axis=0)) > 150 and len(np.unique(whole, axis=0)) > 20
    for name in ("shuffled", "permuted"):
        sampler = build_sampler(name, window=4)
        np.testing.assert_array_equal(sample(sampler, 18, 20)[:, :18], sample(sampler, 18, 40)[:, :18])
    assert (sample(build_sampler("constant", at=3), 5) == 3).all()


def test_randomized_is_uniform_without_replacement():
    sampled = sample(build_sampler("randomized", limit=20), 10, seeds=4000)[:, :10]
    share = np.bincount(sampled.ravel(), minlength=20) / 4000
    np.testing.assert_allclose(share, 0.5, atol=0.05)


def test_abacus_and_coupled_number_digits_by_significance():
    """13 + 207 = 022 in tokens: <bos> 3 1 + 7 0 2 <sep> 0 2 2 <eos>, digits lowest first."""
    tokens = jnp.asarray([1, 8, 6, 15, 12, 5, 7, 2, 5, 7, 7, 3])
    plain = {
        "abacus": [0, 1, 2, 0, 1, 2, 3, 0, 1, 2, 3, 0],
        "coupled": [0, 1, 2, 3, 1, 2, 3, 4, 1, 2, 3, 4],
    }
    for name, expected in plain.items():
        sampled = np.stack([build_sampler(name, limit=30)(jax.random.key(s), tokens, 12) for s in range(200)])
        starts = sampled[:, 1] - 1
        zero = np.asarray(expected) == 0
        np.testing.assert_array_equal(sampled, np.where(zero, 0, np.asarray(expected) + starts[:, None]))
        assert starts.min() == 0 and starts.max() == 17
        prefix = build_sampler(name, limit=30)(jax.random.key(3), tokens[:6], 12)
        np.testing.assert_array_equal(prefix, sampled[3, :6])


def test_spread_positions_are_even_and_reach_the_end():
    assert sample(build_sampler("spread", limit=40), 4, seeds=1)[0, :4].tolist() == [0, 10, 20, 30]
    assert sample(build_sampler("spread", limit=12), 12, seeds=1)[0].tolist() == list(range(12))


def test_interpolated_positions_stay_in_the_trained_range():
    sampler = build_sampler("interpolated", factor=4.0)
    assert sample(sampler, 9, seeds=1)[0, :3].tolist() == [0, 0.25, 0.5]
    assert [sampler.bound(n) for n in (1, 2, 5, 6, 40)] == [1, 2, 2, 3, 11]


def test_a_limit_that_cannot_hold_the_tokens_is_refused_with_both_numbers():
    with pytest.raises(UserError, match=r"limit of 10.*has 12"):
        build_sampler("offset", limit=10).bound(12)


@pytest.mark.parametrize(("limit", "length"), [(12, 12), (13, 12), (16, 12), (30, 1)])
def test_offsets_are_uniform_over_all_starts_that_fit(limit, length):
    """From 0 to limit − length, both ends too; the positions follow the start one by one."""
    sampled = sample(build_sampler("offset", limit=limit), length, seeds=4000)[:, :length]
    assert (np.diff(sampled, axis=1) == 1).all()
    counts = np.bincount(sampled[:, 0], minlength=limit - length + 1)
    assert len(counts) == limit - length + 1 and counts.min() > 0
    assert len(counts) == 1 or stats.chisquare(counts).pvalue > 1e-3


@pytest.mark.parametrize("length", [1, 7, 12])
def test_randomized_is_a_sorted_sample_of_every_size(length):
    """Every set of positions is as likely, the limit itself is never drawn, and a full sample is 0, 1, 2, …"""
    sampled = sample(build_sampler("randomized", limit=12), length, seeds=3000)[:, :length]
    assert (np.diff(sampled, axis=1) > 0).all() and sampled.min() == 0 and sampled.max() == 11
    counts = np.bincount(sampled.ravel(), minlength=12)
    assert length == 12 or stats.chisquare(counts).pvalue > 1e-3


ROUND = {"limit": 40, "by": 7, "factor": 4.0, "window": 4, "at": 5}


@pytest.mark.parametrize("name", SAMPLERS)
def test_the_bound_is_one_more_than_the_largest_position(name):
    """Of 200 draws; `interpolated` positions lie between whole numbers, and a limit may be out of the reach of a sampler."""
    options = {option: ROUND[option] for option in list_sampler_options(name) if option in ROUND}
    sampler, digits = build_sampler(name, **options), jnp.full((12,), SPECIALS, jnp.int32)
    for length in (1, 5, 12):
        sampled = jax.vmap(lambda s, n=length: sampler(jax.random.key(s), digits, n)[:n])(jnp.arange(200))
        largest = float(sampled.max())
        assert sampled.min() >= 0 and largest < sampler.bound(length)
        reached = name in ("arange", "shifted", "shuffled", "permuted", "constant", "interpolated")
        assert np.ceil(largest) == sampler.bound(length) - 1 if reached else length < 12 or largest >= 30
    assert sampled.shape == (200, 12)


def test_shifted_and_spread_positions_of_every_token():
    assert sample(build_sampler("shifted", by=5), 4, seeds=1)[0].tolist() == list(range(5, 17))
    for limit, length in ((40, 7), (41, 12), (5, 12)):
        expected = [min(i * limit // length, limit - 1) for i in range(12)]
        assert sample(build_sampler("spread", limit=limit), length, seeds=1)[0].tolist() == expected


def test_numbers_that_fill_the_limit_start_at_one():
    """Twelve digits below a limit of 13 leave one start; a larger limit by three leaves four."""
    digits = jnp.full((12,), SPECIALS, jnp.int32)
    for name in ("abacus", "coupled"):
        for limit, starts in ((13, 1), (16, 4)):
            sampler = build_sampler(name, limit=limit)
            sampled = np.stack([sampler(jax.random.key(s), digits, 12) for s in range(60)])
            assert (np.diff(sampled, axis=1) == 1).all()
            assert set(sampled[:, 0].tolist()) == set(range(1, starts + 1))


def test_unknown_names_are_answered_with_a_suggestion():
    with pytest.raises(UserError, match="Did you mean 'offset'"):
        build_sampler("ofset")
