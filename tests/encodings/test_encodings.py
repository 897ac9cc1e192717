"""Encodings against slow loops, samplers by their properties, plug-ins and what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxpe import encodings, positions
from jaxpe.encodings import concatenated, learned, random_fixed, sinusoidal
from jaxpe.encodings.validate import validate_encoding
from jaxpe.errors import UserError

SIZES = {"model_width": 8, "heads": 2, "max_length": 50, "attention": "bidirectional"}
REFERENCES = {
    "sinusoidal": sinusoidal.reference_embed,
    "concatenated": concatenated.reference_embed,
    "random_fixed": random_fixed.reference_embed,
}


def build(name, **options):
    return encodings.build_encoding(name, **SIZES, key=jax.random.key(3), **options)


@pytest.mark.parametrize("name", REFERENCES)
def test_embed_equals_a_slow_loop(name):
    x = np.random.default_rng(0).normal(size=(6, 8)).astype(np.float32)
    places = np.array([0, 1, 7, 7, 30, 49])
    found = build(name).embed(jnp.asarray(x), jnp.asarray(places))
    np.testing.assert_allclose(found, REFERENCES[name](x, places), atol=2e-6)


def test_learned_equals_a_slow_loop_over_its_table():
    encoding, x, places = build("learned"), np.ones((3, 8), np.float32), np.array([0, 5, 49])
    table = np.asarray(encoding.table[...])
    expected = learned.reference_embed(x, places, table=table)
    np.testing.assert_allclose(encoding.embed(jnp.asarray(x), jnp.asarray(places)), expected, atol=1e-6)


@pytest.mark.parametrize("name", ["sinusoidal", "learned", "random_fixed"])
def test_additive_codes_have_unit_scale(name):
    code = encodings.build_encoding(name, **{**SIZES, "model_width": 64, "max_length": 200}, key=jax.random.key(0))
    rows = code.embed(jnp.zeros((200, 64)), jnp.arange(200))
    assert float(jnp.sqrt((rows**2).mean())) == pytest.approx(1, abs=0.02)


def test_published_scales():
    paper = build("sinusoidal_paper").embed(jnp.ones((1, 8)), jnp.zeros((1,), int))
    np.testing.assert_allclose(paper[0, :2], [8**0.5, 8**0.5 + 1], rtol=1e-6)
    assert float(build("learned_bert").table[...].std()) == pytest.approx(0.02, rel=0.1)


def test_a_learned_row_does_not_depend_on_the_tables_size():
    small, large = (encodings.build_encoding("learned", **{**SIZES, "max_length": n}, key=jax.random.key(1)) for n in (5, 9))
    np.testing.assert_array_equal(small.table[...], large.table[...][:5])


LIMITED = {"learned": 20, "learned_bert": 20, "binary": 2**16}


@pytest.mark.parametrize("name", encodings.CATALOGUE)
@pytest.mark.parametrize("architecture", ["encoder", "decoder", "encoder_decoder"])
def test_every_encoding_passes_the_check_of_hooks(name, architecture):
    sizes = {"model_width": 16, "heads": 2, "max_length": 20, "architecture": architecture}
    if encodings.get_encoding_class(encodings.resolve_encoding(name)).causal_only and architecture != "decoder":
        assert name.startswith(("xpos", "cope"))
        with pytest.raises(UserError, match="causal attention only, not bidirectional: take"):
            validate_encoding(name, **sizes, **encodings.fill_trained_positions(name, 10))
    else:
        assert validate_encoding(name, **sizes, **encodings.fill_trained_positions(name, 10)) == LIMITED.get(name)


@pytest.mark.parametrize(
    "name", ["t5_scaled", "shaw_scaled", "fire_scaled", "xpos_scaled", "cope_scaled", "rotary_yarn"]
)
def test_a_scale_that_nobody_told_is_asked_for(name):
    with pytest.raises(UserError, match="needs trained_positions"):
        encodings.build_encoding(name, **{**SIZES, "attention": "causal"}, key=jax.random.key(0))


def test_a_drop_acts_until_its_share_of_the_training_and_then_not_at_all():
    q, k = jax.random.normal(jax.random.key(0), (2, 6, 2, 4))
    places = jnp.arange(6)
    for base in ("rotary", "pope", "alibi", "sinusoidal"):
        dropped, plain = build("drop", base=base, after=0.5), build(base)
        on, off = (dropped.at(1, jnp.float32(progress)) for progress in (0.49, 0.5))
        after = dropped.at(1, 1.0)
        assert type(after).__name__ == "NoEncoding" and dropped.at(1, 0.0) is dropped.base
        x = jnp.ones((6, 8))
        np.testing.assert_array_equal(on.embed(x, places), plain.embed(x, places))
        np.testing.assert_array_equal(off.embed(x, places), x)
        np.testing.assert_array_equal(on.rotate(q, k, places, places)[1], plain.rotate(q, k, places, places)[1])
        product = [jnp.einsum("thk,shk->hts", *one.rotate(q, k, places, places)) for one in (off, build("none"))]
        np.testing.assert_allclose(*product, rtol=1e-5)
        bias = off.bias(q, k, places, places)
        assert bias is None or not bias.any()


def test_every_second_block_is_left_without():
    interleaved = build("interleaved", base="alibi", blocks=2)
    q = jnp.ones((3, 2, 4))
    found = [interleaved.at(block, 1.0).bias(q, q, jnp.arange(3), jnp.arange(3)) for block in range(4)]
    assert [bias is None for bias in found] == [False, True, False, True]
    with pytest.raises(UserError, match="sinusoidal must allow"):
        build("interleaved", base="sinusoidal")


PLUGIN = """
import jax.numpy as jnp
from jaxpe.encodings import Encoding

class Wrong(Encoding):
    def embed(self, x, positions):
        return x[:, :-1]

class Raises(Encoding):
    def bias(self, q, k, q_positions, k_positions, mask=None):
        return undefined_name

class Good(Encoding):
    def bias(self, q, k, q_positions, k_positions, mask=None):
        return -jnp.abs(q_positions[:, None] - k_positions)[None] * 1.0

class Whole(Encoding):
    def embed(self, x, positions):
        return x.astype(int)

class Forgets(Encoding):
    def embed(self, x, positions):
        pass

class Leaves(Encoding):
    def embed(self, x, positions):
        raise SystemExit

class Branches(Encoding):
    def embed(self, x, positions):
        return x if positions[0] > 0 else 2 * x

class Hides(Encoding):
    def __init__(self, *sizes, key, **options):
        self.table = jnp.ones(4)

class Unlimited(Encoding):
    position_limit = "many"
"""


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("Whole", r"embed returned the shape \(5, 8, 'int32'\)"),
        ("Forgets", "embed returned the shape .'NoneType'"),
        ("Leaves", "SystemExit"),
        ("Branches", "TracerBoolConversionError.*mine.py, line 31"),
        ("Hides", "attribute table is an array but no nnx.Param"),
        ("Unlimited", "position_limit is 'many'"),
    ],
)
def test_hooks_that_could_not_be_trained_are_refused_before_anything_compiles(tmp_path, name, says):
    (tmp_path / "mine.py").write_text(PLUGIN)
    with pytest.raises(UserError, match=says):
        validate_encoding(f"{tmp_path / 'mine.py'}:{name}", model_width=8, heads=2, max_length=20, architecture="encoder")


def test_a_file_of_the_users_own(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(PLUGIN)
    sizes = {"model_width": 8, "heads": 2, "max_length": 20, "architecture": "encoder"}
    assert validate_encoding(f"{file}:Good", **sizes) is None
    with pytest.raises(UserError, match="embed returned the shape"):
        validate_encoding(f"{file}:Wrong", **sizes)
    with pytest.raises(UserError, match=r"undefined_name.*mine.py, line 11"):
        validate_encoding(f"{file}:Raises", **sizes)
    with pytest.raises(UserError, match="Did you mean 'Good'"):
        encodings.resolve_encoding(f"{file}:Goood")
    before = encodings.hash_encoding_source(f"{file}:Good")
    assert before and encodings.hash_encoding_source("learned") is None


@pytest.mark.parametrize(
    ("content", "says"),
    [("def broken(:", "could not be imported: SyntaxError"), ("import not_there_at_all", "not_there_at_all")],
)
def test_a_file_that_does_not_import(tmp_path, content, says):
    (tmp_path / "bad.py").write_text(content)
    with pytest.raises(UserError, match=says):
        encodings.resolve_encoding(f"{tmp_path / 'bad.py'}:Any")


def test_unknown_names_are_answered_with_a_suggestion():
    with pytest.raises(UserError, match="Did you mean 'sinusoidal'"):
        encodings.resolve_encoding("sinusodal")
    with pytest.raises(UserError, match="option"):
        build("learned", scal=2)
    with pytest.raises(UserError, match="Did you mean 'offset'"):
        positions.build_sampler("ofset")


def sampled(sampler, length, size=12, seeds=200):
    tokens = jnp.zeros((size,), jnp.int32)
    return np.asarray(jax.vmap(lambda s: sampler(jax.random.key(s), tokens, length))(jnp.arange(seeds)))


@pytest.mark.parametrize("name", ["offset", "randomized"])
def test_random_samplers_stay_below_their_limit_and_increase(name):
    drawn = sampled(positions.build_sampler(name, limit=30), 7)[:, :7]
    assert drawn.min() == 0 and drawn.max() == 29 and (np.diff(drawn, axis=1) > 0).all()


@pytest.mark.parametrize("name", ["offset", "randomized"])
def test_padding_does_not_change_the_positions_of_real_tokens(name):
    sampler = positions.build_sampler(name, limit=30)
    np.testing.assert_array_equal(sampled(sampler, 7, 12)[:, :7], sampled(sampler, 7, 25)[:, :7])


def test_shuffled_and_permuted_change_order_inside_windows_or_of_windows():
    local, whole = (sampled(positions.build_sampler(name, window=4), 18, 20) for name in ("shuffled", "permuted"))
    for drawn in (local, whole):
        np.testing.assert_array_equal(np.sort(drawn[:, :18], axis=1), np.broadcast_to(np.arange(18), (200, 18)))
        np.testing.assert_array_equal(drawn[:, 18:], np.broadcast_to([18, 19], (200, 2)))
    np.testing.assert_array_equal(local[:, :18] // 4, np.broadcast_to(np.arange(18) // 4, (200, 18)))
    blocks = whole[:, :16].reshape(200, 4, 4)
    assert (np.diff(blocks, axis=2) == 1).all() and (blocks[:, :, 0] % 4 == 0).all()
    assert (whole[:, 16:18] == [16, 17]).all()
    assert len(np.unique(local, axis=0)) > 150 and len(np.unique(whole, axis=0)) > 20
    for name in ("shuffled", "permuted"):
        sampler = positions.build_sampler(name, window=4)
        np.testing.assert_array_equal(sampled(sampler, 18, 20)[:, :18], sampled(sampler, 18, 40)[:, :18])
    assert (sampled(positions.build_sampler("constant", at=3), 5) == 3).all()


def test_randomized_is_uniform_without_replacement():
    drawn = sampled(positions.build_sampler("randomized", limit=20), 10, seeds=4000)[:, :10]
    share = np.bincount(drawn.ravel(), minlength=20) / 4000
    np.testing.assert_allclose(share, 0.5, atol=0.05)


def test_abacus_and_coupled_number_digits_by_significance():
    """13 + 207 = 022 in tokens: <bos> 3 1 + 7 0 2 <sep> 0 2 2 <eos>, digits lowest first."""
    tokens = jnp.asarray([1, 8, 6, 15, 12, 5, 7, 2, 5, 7, 7, 3])
    plain = {
        "abacus": [0, 1, 2, 0, 1, 2, 3, 0, 1, 2, 3, 0],
        "coupled": [0, 1, 2, 3, 1, 2, 3, 4, 1, 2, 3, 4],
    }
    for name, expected in plain.items():
        drawn = np.stack([positions.build_sampler(name, limit=30)(jax.random.key(s), tokens, 12) for s in range(200)])
        starts = drawn[:, 1] - 1
        zero = np.asarray(expected) == 0
        np.testing.assert_array_equal(drawn, np.where(zero, 0, np.asarray(expected) + starts[:, None]))
        assert starts.min() == 0 and starts.max() == 17
        prefix = positions.build_sampler(name, limit=30)(jax.random.key(3), tokens[:6], 12)
        np.testing.assert_array_equal(prefix, drawn[3, :6])


def test_spread_positions_are_even_and_reach_the_end():
    assert sampled(positions.build_sampler("spread", limit=40), 4, seeds=1)[0, :4].tolist() == [0, 10, 20, 30]
    assert sampled(positions.build_sampler("spread", limit=12), 12, seeds=1)[0].tolist() == list(range(12))


def test_interpolated_positions_stay_in_the_trained_range():
    sampler = positions.build_sampler("interpolated", factor=4.0)
    assert sampled(sampler, 9, seeds=1)[0, :3].tolist() == [0, 0.25, 0.5]
    assert [sampler.bound(n) for n in (1, 2, 5, 6, 40)] == [1, 2, 2, 3, 11]


def test_a_limit_that_cannot_hold_the_tokens_is_refused_with_both_numbers():
    with pytest.raises(UserError, match=r"limit of 10.*holds 12"):
        positions.build_sampler("offset", limit=10).bound(12)
