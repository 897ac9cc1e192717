"""JAX as jaxpe needs it: virtual devices on a CPU, and a private cache of compiled programs."""

from __future__ import annotations

import os

from jaxpe.errors import UserError


def prepare(devices: int | None) -> None:
    """Sets JAX up before its first use: virtual devices on a CPU, and a private compilation cache."""
    import jax

    from jaxpe.data.cache import cache_folder

    if devices is not None and devices < 1:
        raise UserError(f"--devices must be at least 1, got {devices}.")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    jax.config.update("jax_num_cpu_devices", devices or min(cores, 8))
    jax.config.update("jax_compilation_cache_dir", str(cache_folder() / "xla"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 1.0)
