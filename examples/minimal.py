"""The whole idea on one page: an encoder learns to reverse a sequence with sinusoids, and cannot without them.

Without an encoding, an encoder gives the same answer to every order of the same symbols. Run `python examples/minimal.py`.
"""

import jax
import jax.numpy as jnp
import optax

from jaxpe.data.examples import Example
from jaxpe.model import Inputs, ModelConfig, Transformer, build_model
from jaxpe.tasks import build_task
from jaxpe.tasks.formatting import TaskStream

LENGTH, BATCH, STEPS = 8, 64, 800
STREAM = TaskStream(build_task("reverse", train_length=LENGTH), architecture="encoder")
CONFIG = ModelConfig(architecture="encoder", vocabulary=STREAM.vocabulary, width=32, layers=2, heads=2)


def draw_batch(key: jax.Array) -> Example:
    """Random sequences of LENGTH symbols; the targets are the same symbols in reverse order."""
    return jax.vmap(lambda key: STREAM.example(key, LENGTH, LENGTH, {}))(jax.random.split(key, BATCH))


def compute_logits(model: Transformer, example: Example) -> jax.Array:
    """Logits of one example, at positions 0, 1, 2, …"""
    positions = jnp.arange(example.tokens.shape[0])
    no_source = jnp.zeros(0, jnp.int32)  # only an encoder-decoder reads a source
    inputs = Inputs(example.tokens, positions, example.length, no_source, no_source, jnp.int32(0))
    return model(inputs).logits


def compute_loss(model: Transformer, batch: Example) -> tuple[jax.Array, jax.Array]:
    """Mean cross-entropy over the answers, and the share of answers that are right."""
    logits = jax.vmap(compute_logits, (None, 0))(model, batch)
    losses = optax.softmax_cross_entropy_with_integer_labels(logits, batch.targets)
    right = logits.argmax(-1) == batch.targets
    answers = batch.loss_mask.sum()
    return (losses * batch.loss_mask).sum() / answers, (right & batch.metric_mask).sum() / answers


def train(encoding: str, seed: int = 0) -> float:
    """Trains one model; returns its token accuracy on new sequences."""
    model = build_model(CONFIG, encoding, {}, max_length=2 * LENGTH, seed=seed)
    optimizer = optax.adamw(optax.warmup_cosine_decay_schedule(0.0, 3e-3, 50, STEPS))
    state = optimizer.init(model)

    @jax.jit
    def step(model: Transformer, state: optax.OptState, key: jax.Array) -> tuple[Transformer, optax.OptState]:
        gradient, _ = jax.grad(compute_loss, has_aux=True)(model, draw_batch(key))
        updates, state = optimizer.update(gradient, state, model)
        return optax.apply_updates(model, updates), state

    for key in jax.random.split(jax.random.key(seed), STEPS):
        model, state = step(model, state, key)
    return float(compute_loss(model, draw_batch(jax.random.key(1_000_000)))[1])


if __name__ == "__main__":
    for name in ("none", "sinusoidal"):
        print(f"{name:12}{train(name):.2f} of the symbols right")
