"""Every hook of every encoding against its slow reference, with noise on the parameters, at near and at far positions."""

import inspect
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxpe.encodings import CATALOGUE, Context, View, build_encoding, get_encoding_class
from jaxpe.encodings.base import Encoding

WIDTH, HEADS, MAX_LENGTH, TRAINED = 32, 4, 500, 24
OPTIONS = {name: getattr(factory, "keywords", {}) for name, factory in CATALOGUE.items()}
POSITIONS = {"near": np.array([0, 1, 2, 3, 4, 6, 9]), "far": np.array([3, 20, 21, 22, 57, 130, 499])}
CAUSAL = np.tri(7, dtype=bool)
CASES = [
    (name, attention)
    for name in CATALOGUE
    for attention in ("causal", "bidirectional")
    if not (attention == "bidirectional" and get_encoding_class(CATALOGUE[name]).causal_only)
]


def build(name, attention):
    """An encoding with noise on every parameter, also on those that start at 0."""
    context = Context(WIDTH, HEADS, MAX_LENGTH, attention, TRAINED)
    encoding = build_encoding(name, context, key=jax.random.key(1))
    leaves, structure = jax.tree.flatten(encoding)
    generator = np.random.default_rng(2)
    noisy = [leaf + jnp.asarray(0.2 * generator.normal(size=leaf.shape), leaf.dtype) for leaf in leaves]
    return jax.tree.unflatten(structure, noisy)


def name_parameters(encoding):
    """The parameters by the names that references use: `base.slope` is base_slope."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(encoding)
    steps = [[getattr(step, "name", getattr(step, "key", "")) for step in path] for path, _ in leaves]
    names = ["_".join(str(step) for step in path if step not in ("value", "")) for path in steps]
    return {name: np.asarray(leaf) for name, (_, leaf) in zip(names, leaves, strict=True)}


def find_reference(name, hook, encoding, attention, seen=None):
    """The reference of a hook with its keyword arguments; None where the encoding does not override the hook."""
    kind = type(encoding)
    if getattr(kind, hook) is getattr(Encoding, hook):
        return None
    function = getattr(sys.modules[kind.__module__], f"reference_{hook}", None)
    if function is None:
        return None
    values = {
        "model_width": WIDTH, "heads": HEADS, "max_length": MAX_LENGTH, "attention": attention,
        "trained_positions": TRAINED, **OPTIONS[name], **name_parameters(encoding), **(seen or {}),
    }  # fmt: skip
    parameters = inspect.signature(function).parameters.values()
    known = [p.name for p in parameters if p.kind == p.KEYWORD_ONLY and p.name in values]
    return lambda *arguments: function(*arguments, **{key: values[key] for key in known})


def draw_inputs():
    generator = np.random.default_rng(3)
    q, k = generator.normal(size=(2, 7, HEADS, WIDTH // HEADS)).astype(np.float32)
    return generator.normal(size=(7, WIDTH)).astype(np.float32), q, k


@pytest.mark.parametrize("places", POSITIONS)
@pytest.mark.parametrize(("name", "attention"), CASES)
def test_hooks_equal_their_references(name, attention, places):
    encoding, positions, (x, q, k) = build(name, attention), POSITIONS[places], draw_inputs()
    mask = CAUSAL if attention == "causal" else np.ones((7, 7), bool)
    as_jax = jnp.asarray(positions)
    compared = []
    if reference := find_reference(name, "embed", encoding, attention):
        result = encoding.embed(jnp.asarray(x), as_jax)
        np.testing.assert_allclose(result, reference(x, positions), atol=2e-4)
        compared.append("embed")
    observed = encoding.observe(jnp.asarray(x))
    if reference := find_reference(name, "observe", encoding, attention):
        np.testing.assert_allclose(observed, reference(x), atol=2e-4)
        compared.append("observe")
    view = View(as_jax, as_jax, jnp.asarray(mask), observed, observed)
    rotated = encoding.rotate(jnp.asarray(q), jnp.asarray(k), view)
    if reference := find_reference(name, "rotate", encoding, attention):
        for result, expected in zip(rotated, reference(q, k, positions, positions), strict=True):
            np.testing.assert_allclose(result, expected, atol=2e-4, rtol=1e-4)
        compared.append("rotate")
    seen = {"q_seen": np.asarray(observed), "k_seen": np.asarray(observed)}
    if reference := find_reference(name, "bias", encoding, attention, seen):
        q, k = (np.asarray(part) for part in rotated)
        result = np.asarray(encoding.bias(*rotated, view))
        expected = reference(q, k, positions, positions, mask)
        result = np.broadcast_to(result, expected.shape)
        np.testing.assert_allclose(result[:, mask], expected[:, mask], atol=2e-4, rtol=1e-4)
        compared.append("bias")
    if reference := find_reference(name, "weights", encoding, attention):
        logits = np.random.default_rng(4).normal(size=(HEADS, 7, 7)).astype(np.float32)
        np.testing.assert_allclose(encoding.weights(jnp.asarray(logits), view), reference(logits, mask), atol=1e-5)
        compared.append("weights")
    assert compared or name == "none"
