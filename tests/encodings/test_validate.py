"""The check of an encoding before training: every encoding passes it, and wrong classes are refused."""

import inspect

import jax
import pytest

from jaxpe import encodings
from jaxpe.encodings.validate import call_hooks, validate_encoding
from jaxpe.errors import UserError

LIMITS = {"learned": 20, "learned_bert": 20, "binary": 2**16}
CONTEXT = encodings.Context(8, 2, 20, "bidirectional")
PLUGIN = """
from dataclasses import dataclass
import jax.numpy as jnp
import numpy as np
from jaxpe.encodings import Encoding

class Wrong(Encoding):
    def embed(self, x, positions):
        return x[:, :-1]

class Raises(Encoding):
    def bias(self, q, k, view):
        return undefined_name

class Good(Encoding):
    def bias(self, q, k, view):
        return -jnp.abs(view.q_positions[:, None] - view.k_positions)[None] * 1.0

class Integers(Encoding):
    def embed(self, x, positions):
        return x.astype(int)

class ReturnsNone(Encoding):
    def embed(self, x, positions):
        pass

class Exits(Encoding):
    def embed(self, x, positions):
        raise SystemExit

class Branches(Encoding):
    def embed(self, x, positions):
        return x if positions[0] > 0 else 2 * x

class HidesArray(Encoding):
    def __init__(self, *sizes, key, **options):
        self.table = jnp.ones(4)

class Unlimited(Encoding):
    position_limit = "many"

class OneReturned(Encoding):
    def rotate(self, q, k, view):
        return q

class NumPyInside(Encoding):
    def embed(self, x, positions):
        return jnp.asarray(np.array(x))

@dataclass
class AsDataclass(Encoding):
    scale: float = 1.0

class WithoutTokens(Encoding):
    token_std = 0.0

class WithoutNumber(Encoding):
    token_std = "small"

class ChangesTooLate(Encoding):
    changes_at = (0.5, 1.0)
"""


@pytest.mark.parametrize("name", encodings.CATALOGUE)
@pytest.mark.parametrize("architecture", ["encoder", "decoder", "encoder_decoder"])
def test_every_encoding_passes_or_refuses_the_attention(name, architecture):
    context = encodings.Context(16, 2, 20, "causal", 10)
    if encodings.get_encoding_class(encodings.resolve_encoding(name)).causal_only and architecture != "decoder":
        assert name.startswith(("xpos", "cope", "forgetting", "stick_breaking"))
        with pytest.raises(UserError, match="causal attention only, not bidirectional: use"):
            validate_encoding(name, context, architecture)
    else:
        assert validate_encoding(name, context, architecture).limit == LIMITS.get(name)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(PLUGIN)
    return path


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Integers", r"embed returned the shape \(5, 8, 'int32'\)"),
        ("ReturnsNone", "embed returned the shape .'NoneType'"),
        ("Exits", "SystemExit"),
        ("Branches", "TracerBoolConversionError.*mine.py, line 33"),
        ("HidesArray", "attribute table is an array but no nnx.Param"),
        ("OneReturned", "rotate must return two arrays, those of the queries and of the keys: write return q, k"),
        ("NumPyInside", r"use jax.numpy there in place of numpy \(mine.py, line \d+\)"),
        ("AsDataclass", r"write def __init__\(self, context, \*, key\), with options after key"),
        ("Unlimited", "position_limit is 'many'"),
        ("WithoutTokens", "token_std is 0.0, but must be a number above 0"),
        ("ChangesTooLate", r"changes_at is \(0.5, 1.0\), but must be a tuple of numbers between 0 and 1"),
        ("WithoutNumber", "token_std is 'small', but must be a number above 0"),
        ("Wrong", "embed returned the shape"),
        ("Raises", r"undefined_name.*mine.py, line 13"),
    ],
)
def test_hooks_that_cannot_be_trained_are_refused_before_anything_compiles(file, name, message):
    with pytest.raises(UserError, match=message):
        validate_encoding(f"{file}:{name}", CONTEXT, "encoder")


def test_a_class_in_a_file_passes(file):
    assert validate_encoding(f"{file}:Good", CONTEXT, "encoder") == (None, False)


@pytest.mark.parametrize("base", [0.0, -5.0])
def test_a_base_that_gives_no_frequencies_is_refused_by_every_encoding_that_has_one(base):
    context, tried = encodings.Context(32, 2, 40, "causal", 10), 0
    for name, class_name in encodings.CATALOGUE.items():
        options = inspect.signature(encodings.get_encoding_class(class_name).__init__).parameters
        if "base" not in options or not isinstance(options["base"].default, float):
            continue  # the base of a wrapper is another encoding
        tried += 1
        with pytest.raises(UserError, match="base must be above 0"):
            call_hooks(encodings.build_encoding(name, context, key=jax.random.key(0), base=base), 32, 2)
    assert tried >= 8
