"""Small models, built once for all tests of a process, and inputs for them."""

from functools import cache

import jax
import jax.numpy as jnp

from jaxpe.model import DEFAULT_OPTIONS, Inputs, ModelConfig, build_model

ARCHITECTURES = ("encoder", "decoder", "encoder_decoder")
# One for each kind of hook; tests/conformance/test_suite.py covers the whole catalogue.
ENCODINGS = ("none", "sinusoidal", "learned", "concatenated", "rotary", "pope", "t5", "fire", "interleaved_scaled")
ALL_CASES = [(architecture, encoding) for architecture in ARCHITECTURES for encoding in ENCODINGS]
CAUSAL_CASES = [case for case in ALL_CASES if case[0] != "encoder"]
CAUSAL_CASES += [("decoder", encoding) for encoding in ("forgetting", "stick_breaking")]  # of decoders only


@cache
def make_model(architecture, encoding, seed=0):
    """A model of 12 tokens, width 16, and positions up to 39."""
    return build_model(ModelConfig(architecture, 12, width=16), encoding, {}, 40, seed)


def make_inputs(tokens, length=None, source=(6, 7, 8, 9, 10)):
    """Inputs at the positions 0, 1, 2, …; tokens from `length` on are padding, as are source tokens after the fifth."""
    tokens, source = jnp.asarray(tokens), jnp.asarray(source)
    length = jnp.asarray(tokens.shape[0] if length is None else length)
    return Inputs(tokens, jnp.arange(len(tokens)), length, source, jnp.arange(len(source)), jnp.asarray(5))


@jax.jit
def forward(model, inputs, options=DEFAULT_OPTIONS):
    """The logits, compiled."""
    return model(inputs, options).logits
