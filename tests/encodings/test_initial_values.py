"""The documented start of every parameter of an encoding, and constants that are easy to get wrong by a factor."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from jaxpe.encodings import CATALOGUE, Context, View, build_encoding

WIDTH, HEADS = 96, 6
HEAD = WIDTH // HEADS
CAUSAL_ONLY = ("xpos", "xpos_scaled", "cope", "cope_scaled", "forgetting", "stick_breaking")


def build(name, attention="causal", seed=0, heads=HEADS, width=WIDTH, max_length=400, **options):
    context = Context(width, heads, max_length, attention, options.pop("trained_positions", 24))
    return build_encoding(name, context, key=jax.random.key(seed), **options)


def draw(name, get, seeds=30, **options):
    """A parameter of many instances, as one array."""
    return np.stack([np.asarray(get(build(name, seed=seed, **options))) for seed in range(seeds)])


def softplus(x):
    return np.log1p(np.exp(x))


NORMAL = {  # encoding, parameter: its standard deviation
    ("learned", "table"): 1.0,
    ("learned_bert", "table"): 0.02,
    ("t5", "table"): 1 / math.sqrt(WIDTH),
    ("t5_scaled", "table"): 1 / math.sqrt(WIDTH),
    ("shaw", "table"): math.sqrt(2 / (33 + HEAD)),
    ("shaw_scaled", "table"): math.sqrt(2 / (25 + HEAD)),
    ("transformer_xl", "content"): 0.02,
    ("transformer_xl", "position"): 0.02,
    ("transformer_xl", "matrix"): 1 / math.sqrt(WIDTH),
    ("fire", "out"): 1 / math.sqrt(32),
    ("dape", "weight"): 1 / math.sqrt(2 * HEADS),
    ("dape", "offset"): 0.1,
    ("dape", "out"): 1 / math.sqrt(32),
}
UNIFORM = {("fire", "weight"): (-1.0, 1.0), ("fire", "offset"): (-1.0, 1.0)}
CONSTANT = {
    ("cope", "table"): 0.0,
    ("cope_scaled", "table"): 0.0,
    ("pope", "phase"): 0.0,
    ("fire", "steepness"): 0.1,
    ("fire", "multiplier"): 1.0,
}
SHAPES = {
    ("t5", "table"): (32, HEADS),
    ("t5_scaled", "table"): (24, HEADS),
    ("shaw", "table"): (33, HEADS, HEAD),
    ("shaw_scaled", "table"): (25, HEADS, HEAD),
    ("cope", "table"): (64, HEAD),
    ("cope_scaled", "table"): (24, HEAD),
    ("pope", "phase"): (HEADS, HEAD),
    ("learned", "table"): (400, WIDTH),
    ("transformer_xl", "matrix"): (WIDTH, HEADS, HEAD),
    ("dape", "weight"): (2 * HEADS, 32),
}


@pytest.mark.parametrize(("name", "parameter"), NORMAL)
def test_normal_parameters_start_with_their_deviation(name, parameter):
    std = NORMAL[name, parameter]
    values = draw(name, lambda encoding: getattr(encoding, parameter)[...], seeds=20).ravel()
    assert stats.kstest(values[:5000] / std, "norm").pvalue > 1e-3
    assert values.std() == pytest.approx(std, rel=0.05)


@pytest.mark.parametrize(("name", "parameter"), UNIFORM)
def test_uniform_parameters_fill_their_range(name, parameter):
    low, high = UNIFORM[name, parameter]
    values = draw(name, lambda encoding: getattr(encoding, parameter)[...], seeds=20).ravel()
    assert stats.kstest((values - low) / (high - low), "uniform").pvalue > 1e-3


@pytest.mark.parametrize(("parameter", "high"), [("slope", 2.0), ("rate", 1.0)])
def test_kerple_starts_uniformly(parameter, high):
    """After the softplus; the least value is 0.01."""
    values = softplus(draw("kerple", lambda encoding: getattr(encoding, parameter)[...], seeds=60)).ravel()
    assert stats.kstest((values - 0.01) / (high - 0.01), "uniform").pvalue > 1e-3
    assert values.min() >= 0.0099 and 0.95 * high < values.max() <= high


@pytest.mark.parametrize(("name", "parameter"), CONSTANT)
def test_constant_parameters(name, parameter):
    values = np.asarray(getattr(build(name), parameter)[...])
    np.testing.assert_array_equal(values, np.full(values.shape, np.float32(CONSTANT[name, parameter])))


@pytest.mark.parametrize(("name", "parameter"), SHAPES)
def test_shapes_of_tables(name, parameter):
    """With 24 training positions: N buckets, k = N/2, N rows."""
    assert getattr(build(name), parameter)[...].shape == SHAPES[name, parameter]


@pytest.mark.parametrize(("trained", "buckets"), [(3, 4), (4, 4), (7, 4), (8, 8), (31, 28), (32, 32), (200, 32)])
def test_scaled_t5_has_as_many_buckets_as_positions_up_to_32(trained, buckets):
    """A multiple of four of them, at least four."""
    for attention in ("causal", "bidirectional"):
        if trained > 3 or attention == "bidirectional":
            encoding = build("t5_scaled", attention, trained_positions=trained)
            assert encoding.table[...].shape == (buckets, HEADS)
            far = encoding.find_bucket(jnp.asarray([[float(trained)], [10_000.0]]))
            assert far[0, 0] == far[1, 0] == (buckets if attention == "causal" else buckets // 2) - 1


SCALED = {"fire_scaled": ("length", 6.0), "xpos_scaled": ("scale_base", 6.0), "shaw_scaled": ("clip", 12)}
PAPER = {"fire": ("length", 512.0), "xpos": ("scale_base", 512.0), "shaw": ("clip", 16), "rotary": ("base", 10_000.0)}
PAPER |= {"rotary_scaled": ("base", 100.0), "rotary_quarter": ("width", HEAD // 4), "p_rope": ("pairs", HEAD * 3 // 8)}
PAPER |= {"drop": ("after", 0.7), "interleaved": ("blocks", 4), "interleaved_scaled": ("blocks", 2)}
PAPER |= {"rotary_yarn": ("factor", 4.0), "random_fixed": ("code", 0), "concatenated": ("width", WIDTH // 4)}


@pytest.mark.parametrize("name", SCALED | PAPER)
def test_constants_of_the_paper_and_those_scaled_to_24_positions(name):
    attribute, value = (SCALED | PAPER)[name]
    assert getattr(build(name), attribute) == value


@pytest.mark.parametrize(
    ("heads", "slopes"),
    [
        (1, [2**-8]),
        (2, [2**-4, 2**-8]),
        (3, [2**-4, 2**-8, 2**-2]),
        (4, [2**-2, 2**-4, 2**-6, 2**-8]),
        (6, [2**-2, 2**-4, 2**-6, 2**-8, 2**-1, 2**-3]),
    ],
)
def test_slopes_of_alibi_and_of_its_directed_form(heads, slopes):
    q = jnp.zeros((3, heads, 4))
    places = jnp.asarray([0, 2, 5])
    r = np.asarray(places)[:, None] - np.asarray(places)
    sides = {
        ("alibi", "causal"): r,
        ("alibi", "bidirectional"): abs(r),
        ("alibi_directed", "causal"): r,
        ("alibi_directed", "bidirectional"): abs(r) - 0.5 * (r > 0),
    }
    for (name, attention), distance in sides.items():
        bias = build(name, attention, heads=heads, width=4 * heads).bias(q, q, View(places, places))
        np.testing.assert_allclose(bias, -np.reshape(slopes, (-1, 1, 1)) * distance, rtol=1e-6)


@pytest.mark.parametrize("name", sorted(set(CATALOGUE) - {"none"}))
def test_another_key_draws_other_parameters_and_the_same_key_the_same(name):
    attention = "causal" if name in CAUSAL_ONLY else "bidirectional"
    first, again, other = ([np.asarray(leaf) for leaf in jax.tree.leaves(build(name, attention, s))] for s in (0, 0, 1))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    drawn = [(a, b) for a, b in zip(first, other, strict=True) if a.std() > 0]
    assert not any(np.array_equal(a, b) for a, b in drawn)
