"""How JAX is set up: virtual devices on a CPU, and a cache of compiled programs that is private to the user."""

from __future__ import annotations

import os

from jaxpe.errors import UserError


def prepare_jax(devices: int | None) -> None:
    """Sets JAX up; call it before JAX is first used. `devices`: virtual devices on a CPU; None: one per core, at most 8.

    Raises UserError for fewer than one device.
    """
    import jax

    from jaxpe.data.cache import cache_folder

    if devices is not None and devices < 1:
        raise UserError(f"--devices must be at least 1, got {devices}.")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    jax.config.update("jax_num_cpu_devices", devices or min(cores, 8))
    jax.config.update("jax_compilation_cache_dir", str(cache_folder() / "xla"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 1.0)
