"""`jaxpe doctor`: what this installation has, and whether it computes correctly."""

from __future__ import annotations

import json
import platform
from importlib.metadata import version
from typing import Any

from jaxpe import devices
from jaxpe.data.cache import DOWNLOADS, cache_folder, is_fetched

PACKAGES = ("jaxpe", "jax", "flax", "optax", "datasets", "matplotlib", "numpy", "orbax-checkpoint")


def print_installation(as_json: bool) -> int:
    """Prints versions, devices, cache and downloads. Returns 0, or 3 where a matrix product is wrong."""
    facts = inspect_installation()
    print(json.dumps(facts, indent=1) if as_json else "\n".join(format_installation(facts)))
    return 0 if facts["computes"] else 3


def inspect_installation() -> dict[str, Any]:
    """Versions, devices, cache, downloads, and whether a matrix product is right."""
    devices.prepare_jax(None)
    import jax

    total = float(jax.jit(lambda x: (x @ x).sum())(jax.numpy.ones((256, 256))))
    return {
        "versions": {"python": platform.python_version()} | {name: version(name) for name in PACKAGES},
        "backend": jax.default_backend(),
        "devices": jax.device_count(),
        "device": jax.devices()[0].device_kind,
        "cache": cache_folder().as_posix(),
        "fetched": {name: is_fetched(name) for name in DOWNLOADS},
        "computes": total == 256.0**3,
    }


def format_installation(facts: dict[str, Any]) -> list[str]:
    """The facts as lines of text."""
    lines = [f"{name} {number}" for name, number in facts["versions"].items()]
    lines.append(f"backend {facts['backend']}, {facts['devices']} device(s): {facts['device']}")
    if facts["backend"] == "cpu":
        lines.append("no accelerator in use: install 'jaxpe[cuda13]' on an NVIDIA machine, 'jaxpe[tpu]' on a TPU")
    lines.append(f"cache {facts['cache']}, including compiled programs")
    for name, is_here in facts["fetched"].items():
        lines.append(f"download {name}: {'in the cache' if is_here else f'missing; get it with `jaxpe fetch {name}`'}")
    return [*lines, f"a matrix product compiles and is {'right' if facts['computes'] else 'WRONG'}"]
