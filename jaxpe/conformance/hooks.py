"""Properties of the hooks as programs: shapes, jit, vmap, gradients, parameters, initialisation, lowering."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from jaxpe import model
from jaxpe.conformance import subject as subjects
from jaxpe.conformance.subject import PLACES, TRAINED, Finding, Given, Subject, allowed, difference, see
from jaxpe.encodings.base import Encoding
from jaxpe.encodings.validate import call_hooks, compare_shapes
from jaxpe.errors import UserError
from jaxpe.plugins import get_first_line, locate_class, locate_error

HOOKS = ("embed", "rotate", "bias")


def check_shapes(subject: Subject) -> Finding:
    """Shapes and float32, for 3 queries and 5 keys. Raises UserError where a hook cannot be called."""
    call = partial(call_hooks, subject.initial, subject.width, subject.heads)
    kind = type(subject.initial)
    try:
        shapes = jax.eval_shape(call)
    except UserError:
        raise
    except Exception as error:
        place = subjects.place_of_error(error, kind) or locate_error(error) or f" ({locate_class(kind)})"
        what = f"{kind.__name__} could not be called with {subject.attention} attention"
        raise UserError(f"{what}: {type(error).__name__}: {get_first_line(error)}{place}.") from error
    for hook, returned, wanted in compare_shapes(shapes, subject.width, subject.heads):
        if returned != wanted:
            fault = f"{hook} returned the shape {returned}, but {wanted} is needed"
            return Finding("wrong", f"{fault} for 3 queries, 5 keys and {subject.heads} heads", (hook.split()[0],))
    for hook, returned in zip(("embed", "rotate", "rotate", "bias"), shapes, strict=True):
        if returned.dtype != jnp.float32:
            return Finding(str(returned.dtype), f"{hook} returned {returned.dtype}, but float32 is needed", (hook,))
    return Finding("as asked for, float32")


def check_promotion(subject: Subject) -> Finding:
    """No implicit change of dtype in any hook: positions are whole numbers or float32, all else is float32."""
    call = partial(call_hooks, subject.initial, subject.width, subject.heads)
    try:
        with jax.numpy_dtype_promotion("strict"):
            jax.eval_shape(call)
    except Exception as error:
        place = subjects.place_of_error(error, type(subject.initial)) or locate_error(error)
        fault = f"dtypes are mixed without a cast{place}: write .astype(jnp.float32) where numbers meet floats"
        return Finding("mixed dtypes", fault)
    return Finding("strict")


def check_acting(subject: Subject) -> Finding:
    """The hooks that change anything."""
    return Finding(", ".join(subjects.acting_hooks(subject)) or "nothing")


def check_jit(subject: Subject) -> Finding:
    """jit ≡ no jit."""
    plain = subjects.eager_layer(
        subject.encoding,
        subjects.given(subject.width, subject.heads),
        jnp.asarray(PLACES),
        subjects.visible(subject.attention),
    )
    return same(plain, see(subject), "under jit", "without")


def same(one: Any, other: Any, first: str, second: str) -> Finding:
    """The finding that two ways through the layer agree."""
    worst = 0.0
    for hook, field in (("embed", "embedded"), ("rotate", "turned_q"), ("rotate", "turned_k"), ("bias", "bias")):
        a, b = (np.asarray(getattr(seen, field)) for seen in (one, other))
        apart, place = difference(a, b)
        worst = max(worst, apart)
        if apart > allowed(b, TRAINED):
            fault = f"{hook} differs by {apart:.2g} between a call {first} and one {second}, at {list(place)}"
            return Finding("differs", fault, (hook,))
    return Finding(f"equal to {worst:.0e}" if worst else "equal")


def check_vmap(subject: Subject) -> Finding:
    """Lanes of a vmap, each with a key, tokens and positions of its own, ≡ one instance after the other."""
    inputs, mask = subjects.given(subject.width, subject.heads), subjects.visible(subject.attention)
    keys, positions = jax.random.split(jax.random.key(7), 2), jnp.stack([jnp.asarray(PLACES), jnp.asarray(PLACES) + 3])
    tokens = jnp.stack([jnp.asarray(inputs.x), jnp.flip(jnp.asarray(inputs.x))])

    def build(key: Any) -> Encoding:
        return subjects.construct(subject.name, subject.attention, subject.width, subject.heads, key)

    def replica(key: Any, x: Any, places: Any) -> Any:
        return subjects.eager_layer(build(key), inputs._replace(x=x), places, mask)

    replicas = jax.jit(jax.vmap(replica))(keys, tokens, positions)
    for n in range(2):
        alone = subjects.compiled_layer(build(keys[n]), inputs._replace(x=tokens[n]), positions[n], mask)
        finding = same(jax.tree.map(lambda a, n=n: a[n], replicas), alone, "in a replica of vmap", "alone")
        if finding.fault:
            return finding
    return finding


def check_parameters(subject: Subject) -> Finding:
    """Every leaf is an nnx.Param: any other array would be trained unseen, and counted nowhere."""
    leaves = subjects.leaves_of(subject.initial)
    for name, leaf in leaves:
        if not isinstance(leaf, nnx.Param):
            fault = (
                f"the attribute `{name}` is an array but no nnx.Param, so it would be trained unseen: wrap it in "
                "nnx.Param if that is meant, else keep Python numbers and compute the array where it is used"
            )
            return Finding(f"{name} is none", fault, ("__init__",))
    sizes = sum(int(np.size(leaf[...])) for _, leaf in leaves)
    return Finding(f"{sizes:,} numbers" + (f" in {', '.join(name for name, _ in leaves)}" if leaves else ""))


def layer_loss(encoding: Encoding, x: Any, inputs: Given, positions: Any, mask: Any) -> Any:
    """The attention output in a random direction."""
    return (subjects.eager_layer(encoding, inputs._replace(x=x), positions, mask).out * inputs.cotangent).sum()


gradient_of = jax.jit(jax.grad(layer_loss, argnums=(0, 1), allow_int=True))


def check_gradients(subject: Subject) -> Finding:
    """Each parameter has a finite gradient, non-zero for a short, a usual or a 16 times longer input."""
    inputs, seen = subjects.given(subject.width, subject.heads), subjects.visible(subject.attention)
    short = seen & (PLACES[:, None] < 4) & (PLACES < 4) | np.eye(TRAINED, dtype=bool)
    cases = [(PLACES, seen), (PLACES, short), (subjects.spread_below(subject), seen)]
    largest: dict[str, float] = {}
    for encoding in (subject.initial, subject.encoding):
        for positions, mask in cases:
            of_encoding, of_x = gradient_of(encoding, inputs.x, inputs, jnp.asarray(positions), mask)
            unit = float(np.abs(np.asarray(of_x)).max())
            for name, leaf in subjects.leaves_of(of_encoding):
                value = np.abs(np.asarray(leaf[...], np.float32))
                if not np.isfinite(value).all():
                    fault = f"the gradient of `{name}` is not finite for positions up to {positions.max()}"
                    return Finding("not finite", fault, written(subject))
                largest[name] = max(largest.get(name, 0.0), float(value.max()) / max(unit, 1e-30))
            if not np.isfinite(unit):
                fault = f"the gradient of the tokens is not finite for positions up to {positions.max()}"
                return Finding("not finite", fault, written(subject))
    dead = [name for name, value in largest.items() if value < 1e-5]
    if dead:
        fault = (
            f"`{dead[0]}` has no gradient: nothing that attention puts out depends on it (a constant for each query is "
            "dead in the softmax)"
        )
        return Finding(f"none for {', '.join(dead)}", fault, written(subject))
    return Finding("finite, none is zero" if largest else "no parameters; finite for the tokens")


def written(subject: Subject) -> tuple[str, ...]:
    """The hooks that act."""
    return subjects.acting_hooks(subject) or HOOKS[:1]


def check_initialisation(subject: Subject) -> Finding:
    """The same key gives the same encoding, and a model's blocks and token embeddings start as they do without one."""
    again = subjects.construct(subject.name, subject.attention, subject.width, subject.heads)
    for name, leaf in subjects.leaves_of(again):
        if not np.array_equal(leaf[...], dict(subjects.leaves_of(subject.initial))[name][...], equal_nan=True):
            fault = f"`{name}` differs between two instances of the same key: draw from `key` alone"
            return Finding("not reproducible", fault, ("__init__",))
    architecture = "encoder" if subject.attention == "bidirectional" else "decoder"
    config = model.ModelConfig(architecture, 8, subject.width, 1, subject.heads)

    def with_encoding(kind: Any, key: Any) -> Encoding:
        return subjects.construct(subject.name, kind, subject.width, subject.heads, key)

    with_it = model.Transformer(config, with_encoding, seed=0)
    without = model.build_model(config, "none", {}, 1, 0)
    for part in ("blocks", "embedding"):
        pair = [jax.tree.leaves(getattr(one.stack, part)) for one in (with_it, without)]
        if not all(np.array_equal(a, b) for a, b in zip(*pair, strict=True)):
            fault = f"the model's {part} start otherwise than without an encoding: draw from `key` alone"
            return Finding("blocks touched", fault, ("__init__",))
    return Finding("own key only, blocks untouched")


def check_norms(subject: Subject) -> Finding:
    """`keeps_norms`: rotate changes the length of no query and no key."""
    if "rotate" not in subjects.acting_hooks(subject):
        return Finding("nothing is rotated")
    seen = see(subject)
    pairs = [
        [np.linalg.norm(np.asarray(x, np.float64), axis=-1) for x in pair]
        for pair in ((seen.turned_q, seen.q), (seen.turned_k, seen.k))
    ]
    apart = max(difference(*pair)[0] for pair in pairs)
    kept = apart <= max(allowed(pair[1]) for pair in pairs)
    measured = "kept" if kept else f"changed by up to {apart:.2g}"
    if kept != subject.encoding.keeps_norms:
        fault = f"declared keeps_norms = {subject.encoding.keeps_norms}, measured: norms are {measured}"
        return Finding(measured, fault, ("rotate",))
    return Finding(measured)


def check_lowering(subject: Subject) -> Finding:
    """A training step of the layer lowers for CUDA and TPU (no device is needed)."""
    inputs, mask = subjects.given(subject.width, subject.heads), subjects.visible(subject.attention)
    arguments = (subject.initial, inputs.x, inputs, jnp.asarray(PLACES), mask)
    try:
        jax.export.export(gradient_of, platforms=["cuda", "tpu"])(*arguments)
    except Exception as error:
        return Finding(
            "not everywhere", f"does not lower for an accelerator: {get_first_line(error)}", written(subject)
        )
    return Finding("CUDA, TPU")
