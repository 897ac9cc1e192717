"""Encodings against independent implementations: what x-transformers and transformers computed for the same input.

tests/encodings/oracles/make_golden.py made the values. Each comparison is made twice: the encoding agrees, and with one constant
changed it does not, so that no comparison passes whatever the encoding does.
"""

import math
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxpe import encodings
from jaxpe.encodings import Context, View

GOLDEN = dict(np.load(Path(__file__).parent / "oracles" / "golden.npz"))
HEADS, HEAD_WIDTH, WIDTH, LENGTH = 2, 16, 32, 9
POSITIONS = GOLDEN["positions"]
CAUSAL = np.tril(np.ones((LENGTH, LENGTH), bool))
TOLERANCE = 1e-5


def build(name, attention="causal", heads=HEADS, parameters=None, **options):
    context = Context(HEAD_WIDTH * heads, heads, 2000, attention, options.pop("trained_positions", None))
    encoding = encodings.build_encoding(name, context, key=jax.random.key(0), **options)
    for parameter, values in (parameters or {}).items():
        assert getattr(encoding, parameter).shape == values.shape
        getattr(encoding, parameter)[...] = jnp.asarray(values)
    return encoding


def measure_error(result, golden):
    """The largest difference from the golden values."""
    return float(np.abs(np.asarray(result) - golden).max())


def pair_halves(x, width):
    """Coordinates c and width/2 + c, a pair in transformers, moved to 2c and 2c + 1, a pair in jaxpe."""
    pairs = x[..., :width].reshape(*x.shape[:-1], 2, width // 2).swapaxes(-1, -2)
    return np.concatenate([pairs.reshape(*x.shape[:-1], width), x[..., width:]], axis=-1)


def rotate_golden(encoding, halves=0, positions=POSITIONS):
    """The golden queries and keys, stacked; the first `halves` coordinates are put side by side before."""
    q, k = (jnp.asarray(pair_halves(GOLDEN[name][: len(positions)], halves)) for name in "qk")
    return np.stack(encoding.rotate(q, k, View(jnp.asarray(positions), jnp.asarray(positions))))


def compute_bias(encoding, length=LENGTH, mask=None):
    q, k = (jnp.asarray(np.resize(GOLDEN[name], (length, HEADS, HEAD_WIDTH))) for name in "qk")
    view = View(jnp.arange(length), jnp.arange(length), mask if mask is None else jnp.asarray(mask))
    return np.asarray(encoding.bias(q, k, view))


# What the library computed: an encoding, its options, a change that has to be noticed, and the width paired by halves.
ROTATIONS = {
    "x_rotary": ("rotary", {}, {"base": 10_001.0}, 0),
    "x_rotary_half": ("rotary", {"fraction": 0.5}, {"base": 10_001.0}, 0),
    "x_rotary_ntk": ("rotary_ntk", {"factor": 4.0}, {"factor": 4.001}, 0),
    "x_polar": ("pope", {"parameters": {"phase": GOLDEN["polar_phase"]}}, {"base": 10_001.0}, 0),
    "llama": ("rotary", {}, {"base": 10_001.0}, 16),
    "gpt_neox": ("rotary", {"fraction": 0.25}, {"base": 10_001.0}, 4),
    "llama_proportional": ("p_rope", {"kept": 0.75}, {"base": 10_001.0}, 16),
    "llama_dynamic": ("rotary_ntk", {"factor": 5.0}, {"factor": 5.001}, 16),
}


@pytest.mark.parametrize("golden", ROTATIONS)
def test_rotations(golden):
    """x-transformers turns the pairs (2c, 2c+1) as jaxpe does, transformers the pairs (c, K/2 + c).

    `llama_proportional` sets the frequencies of the last quarter of the pairs to 0. `llama_dynamic` multiplies the base
    by (s·n/N − s + 1)^(K/(K−2)) for s = 4, N = 20 trained and n = 40 asked positions, hence the factor 5.
    """
    name, options, change, halves = ROTATIONS[golden]
    expected = pair_halves(GOLDEN[golden], halves)
    result, changed = (rotate_golden(build(name, **given), halves) for given in (options, {**options, **change}))
    assert measure_error(result, expected) <= TOLERANCE < measure_error(changed, expected)


def test_interpolated_positions():
    """transformers divides the frequencies by 4, jaxpe the positions."""
    expected = pair_halves(GOLDEN["llama_linear"], HEAD_WIDTH)
    result, changed = (rotate_golden(build("rotary"), HEAD_WIDTH, POSITIONS / factor) for factor in (4, 4.001))
    assert measure_error(result, expected) <= TOLERANCE < measure_error(changed, expected)


def test_rotary_at_large_positions():
    """An angle is p·θ_c: if two libraries round θ_c to float32 differently, p multiplies the unit in its last place."""
    expected = pair_halves(GOLDEN["llama_far"], HEAD_WIDTH)
    allowed = 2**-23 * GOLDEN["far"] * np.abs(expected).max()
    result, changed = (
        np.abs(rotate_golden(build("rotary", base=base), HEAD_WIDTH, GOLDEN["far"]) - expected).max(axis=(0, 2, 3))
        for base in (10_000.0, 10_001.0)
    )
    assert (result <= allowed).all()
    assert (changed > allowed).all()


@pytest.mark.parametrize("golden", ["llama_yarn", "llama_yarn_truncated"])
def test_yarn_outside_its_ramp(golden):
    """transformers' YaRN keeps the share ln(t)/ln 32 of a frequency that makes t turns in training, 1 < t < 32.

    The paper and jaxpe keep (t − 1)/31; transformers follows the code of the paper's authors, a straight line over the
    number of the pair instead of over t, and by default also rounds its ends to whole pairs. Here the pairs 0-2 turn
    often enough to be kept, 6 and 7 are interpolated, and 3-5 are not comparable.
    """
    same = [coordinate for pair in (0, 1, 2, 6, 7) for coordinate in (2 * pair, 2 * pair + 1)]
    expected = pair_halves(GOLDEN[golden], HEAD_WIDTH)[..., same]
    result, changed = (
        rotate_golden(build("rotary_yarn", factor=factor, trained_positions=2048), HEAD_WIDTH)[..., same]
        for factor in (4.0, 4.001)
    )
    assert measure_error(result, expected) <= TOLERANCE < measure_error(changed, expected)


def test_yarn_in_its_ramp():
    """Llama 3's frequencies with the limits 1 and 32 are those of the paper's YaRN, without its factor 0.1 ln s + 1."""
    expected = pair_halves(GOLDEN["llama_by_turns"], HEAD_WIDTH) * (0.1 * math.log(4) + 1)
    result, changed = (
        rotate_golden(build("rotary_yarn", factor=4.0, trained_positions=trained), HEAD_WIDTH)
        for trained in (2048, 2049)
    )
    assert measure_error(result, expected) <= TOLERANCE < measure_error(changed, expected)


def test_xpos():
    """x-transformers takes powers from (1 + largest)//2, jaxpe from the middle of the keys: logits are the same.

    Here that is 20 against 19. Compared are all logits that a causal mask leaves.
    """

    def compute_logits(rotated):
        return np.einsum("thk,shk->hts", *rotated)[:, np.tril(np.ones((len(POSITIONS),) * 2, bool))] / HEAD_WIDTH**0.5

    result, changed = (compute_logits(rotate_golden(build("xpos", scale_base=base))) for base in (512.0, 513.0))
    expected = compute_logits(GOLDEN["x_xpos"])
    assert measure_error(result, expected) <= TOLERANCE < measure_error(changed, expected)


SINUSOIDS = {  # what the library computed: the amplitude, the base, and the width paired by halves
    "x_sinusoidal": (WIDTH**-0.5, 10_000.0, 32),
    "marian": (1.0, 10_000.0, 32),
    "speecht5": (1.0, 10_000.0, 0),
    "fsmt": (1.0, 10_000.0 ** (16 / 15), 32),
}


@pytest.mark.parametrize("golden", SINUSOIDS)
def test_sinusoids(golden):
    """Only SpeechT5 has sine and cosine side by side, as the paper does; the others have all sines first.

    x-transformers starts its learned scale at D^(-1/2). FSMT, as fairseq and tensor2tensor, has the exponents
    c/(D/2 − 1) where the paper has c/(D/2): a larger base.
    """
    scale, base, halves = SINUSOIDS[golden]
    expected, nothing = pair_halves(GOLDEN[golden], halves), jnp.zeros((len(POSITIONS), WIDTH))
    result, changed = (
        build("sinusoidal", scale=scale / math.sqrt(2), base=b).embed(nothing, jnp.asarray(POSITIONS))
        for b in (base, 1.0001 * base)
    )
    assert measure_error(result, expected) <= TOLERANCE < measure_error(changed, expected)


@pytest.mark.parametrize("heads", [4, 6, 8, 12])
@pytest.mark.parametrize("library", ["x_alibi", "bloom", "mpt"])
def test_alibi(library, heads):
    """x-transformers has −m·|r|. BLOOM has m·j, by m·i more than −m·(i − j): no softmax sees it. MPT has the last row.

    The change: the last key is moved by one place.
    """
    expected = GOLDEN[f"{library}_{heads}"]
    encoding = build("alibi", "bidirectional" if library == "x_alibi" else "causal", heads)
    places = jnp.arange(LENGTH)
    result, changed = (
        np.asarray(encoding.bias(*[jnp.zeros((LENGTH, heads, HEAD_WIDTH))] * 2, View(places, keys)))
        for keys in (places, places.at[-1].add(1))
    )
    compared = {"x_alibi": lambda b: b, "bloom": lambda b: b - b[..., :1], "mpt": lambda b: b[:, -1:]}[library]
    assert measure_error(compared(result), expected) <= TOLERANCE < measure_error(compared(changed), expected)


@pytest.mark.parametrize("attention", ["causal", "bidirectional"])
@pytest.mark.parametrize("library", ["x_t5_buckets", "t5_buckets"])
def test_t5_buckets(library, attention):
    """With the buckets' numbers in the table, the bias is the bucket.

    The changes: one bucket more a side, and a largest distance a quarter further.
    """

    def list_buckets(count, largest):
        numbers = {"table": np.repeat(np.arange(count, dtype=np.float32)[:, None], HEADS, axis=1)}
        encoding = build("t5", attention, parameters=numbers, buckets=count, max_distance=largest)
        nothing = jnp.zeros((1401, HEADS, HEAD_WIDTH))
        return np.asarray(encoding.bias(nothing[:1], nothing, View(jnp.array([700]), jnp.arange(1401))))[0, 0]

    more = 1 if attention == "causal" else 2
    for (count, largest), row in zip(GOLDEN["bucket_sizes"].tolist(), GOLDEN[f"{library}_{attention}"], strict=True):
        np.testing.assert_array_equal(list_buckets(count, largest), row)
        assert (list_buckets(count + more, largest) != row).any()
        assert (list_buckets(count, 5 * largest // 4) != row).any()


@pytest.mark.parametrize("attention", ["causal", "bidirectional"])
@pytest.mark.parametrize("library", ["x_t5", "t5"])
def test_t5(library, attention):
    """transformers adds the table as it is, as jaxpe does, x-transformers √K times the table."""
    table, factor = {"table": GOLDEN["t5_table"]}, HEAD_WIDTH**0.5 if library == "x_t5" else 1.0
    expected = GOLDEN[f"{library}_{attention}"] / factor
    result, changed = (
        compute_bias(build("t5", attention, parameters=table, buckets=8, max_distance=largest), length=40)
        for largest in (20, 25)
    )
    assert measure_error(result, expected) <= TOLERANCE < measure_error(changed, expected)


def test_cope():
    """x-transformers has the paper's CoPE: no 1/√K, gates on masked logits. With 4 rows, counts reach the last."""
    table = {"table": GOLDEN["cope_table"]}
    result, changed = (
        compute_bias(build("cope", parameters=table, positions=4, divided=d), mask=CAUSAL) for d in (False, True)
    )
    assert measure_error(result, GOLDEN["x_cope"]) <= TOLERANCE < measure_error(changed, GOLDEN["x_cope"])


def test_shaw():
    """Wav2Vec2-BERT has one table for all heads, in the order of j − i where jaxpe's is in that of i − j."""
    table = GOLDEN["shaw_table"][:, None]
    result, changed = (
        compute_bias(build("shaw", "bidirectional", parameters={"table": rows}, clip=3, shared_heads=True))
        for rows in (table[::-1], table)
    )
    assert measure_error(result, GOLDEN["shaw"]) <= TOLERANCE < measure_error(changed, GOLDEN["shaw"])


def test_transformer_xl():
    """Wav2Vec2-BERT's logits, the term of positions by shifting as in the paper, are q·k / √K and jaxpe's bias."""
    matrix = GOLDEN["xl_matrix"].T.reshape(WIDTH, HEADS, HEAD_WIDTH)
    parameters = {"matrix": matrix, "content": GOLDEN["xl_content"], "position": GOLDEN["xl_position"]}
    plain = np.einsum("thk,shk->hts", GOLDEN["q"][:LENGTH], GOLDEN["k"][:LENGTH]) / HEAD_WIDTH**0.5
    result, changed = (
        plain + compute_bias(build("transformer_xl", "bidirectional", parameters=parameters, base=base))
        for base in (10_000.0, 10_010.0)
    )
    assert measure_error(result, GOLDEN["xl"]) <= TOLERANCE < measure_error(changed, GOLDEN["xl"])
