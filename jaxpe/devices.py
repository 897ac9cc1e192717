"""How JAX is set up: settings that numbers depend on, virtual devices on a CPU, and a private cache of compiled programs."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from jaxpe.errors import UserError

# A program for one device differs in last bits from one for several, which are alike however many they are.
FEWEST_CPU_DEVICES = 2
# Settings of JAX that can change a number. `prepare_jax` sets them, `require_settings` refuses others. Not every version
# of JAX has each.
PINNED: dict[str, object] = {
    "jax_enable_x64": False,
    "jax_default_prng_impl": "threefry2x32",
    "jax_threefry_partitionable": True,
    "jax_threefry_gpu_kernel_lowering": False,
    "jax_random_seed_offset": 0,
    "jax_high_dynamic_range_gumbel": False,
    "jax_default_matmul_precision": None,
    "jax_allow_f16_reductions": True,
    "jax_numpy_dtype_promotion": "standard",
    "jax_softmax_custom_jvp": False,
    "jax_disable_jit": False,
    "jax_disable_most_optimizations": False,
    "jax_optimization_level": "UNKNOWN",
    "jax_exec_time_optimization_effort": 0.0,
    "jax_memory_fitting_effort": 0.0,
    "jax_memory_fitting_level": "O2",
    "jax_compiler_enable_remat_pass": True,
    "jax_use_shardy_partitioner": True,
    "jax_use_direct_linearize": True,
    "jax_no_execution": False,
}
KEPT_FROM = 1.0  # seconds of compilation from which a program is kept in the cache
PRECISION_IS_OURS: ContextVar[bool] = ContextVar("precision_is_ours", default=False)  # inside `use_precision`
# Flags of XLA that no number depends on; all others are part of the identity of a run.
HARMLESS_FLAG = re.compile(
    r"--xla_(dump_|force_host_platform_device_count|hlo_profile|gpu_autotune_cache|cpu_use_thunk_runtime_log)"
)


def prepare_jax(devices: int | None) -> None:
    """Sets JAX up; call it before JAX is first used. `devices`: virtual devices on a CPU; None: one per core, at most 8.

    A CPU has at least two, so that numbers do not depend on how many. Raises UserError for fewer than one device, for a
    platform that is not there, and where JAX is in use already with other settings.
    """
    import jax

    from jaxpe.data.cache import cache_folder

    if devices is not None and devices < 1:
        raise UserError(f"--devices must be at least 1, got {devices}.")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    count = max(devices or min(cores, 8), FEWEST_CPU_DEVICES)
    for name, value in PINNED.items():
        if name in jax.config.values:
            jax.config.update(name, value)
    jax.config.update("jax_compilation_cache_dir", str(cache_folder() / "xla"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", KEPT_FROM)
    try:
        jax.config.update("jax_num_cpu_devices", count)
    except RuntimeError:  # JAX is in use already
        if devices is not None and jax.local_device_count() != count:
            raise UserError(
                f"JAX is already in use with {jax.local_device_count()} device(s): start a new process for --devices {devices}."
            ) from None
    require_platform()


def require_platform() -> None:
    """Raises UserError where JAX cannot start on the platform that it was asked for."""
    import jax

    try:
        jax.devices()
    except (RuntimeError, AssertionError) as error:  # JAX asserts that it has one
        wanted = os.environ.get("JAX_PLATFORMS") or os.environ.get("JAX_PLATFORM_NAME")
        reason = (str(error).strip().splitlines() or ["no message"])[0][:200].rstrip(".")
        problem = f"JAX_PLATFORMS is {wanted!r}, which JAX cannot use here" if wanted else "JAX finds no device"
        raise UserError(f"{problem} ({reason}): unset JAX_PLATFORMS, or install JAX for that platform.") from error


@contextmanager
def use_precision(precision: str) -> Iterator[None]:
    """Inside, matrix products have a precision of JAX: "highest", "high" or "default".

    Products of factors in bfloat16 ("bfloat16", `jaxpe.model.products`) are exact up to their sum: "highest".
    """
    import jax

    token = PRECISION_IS_OURS.set(True)
    try:
        with jax.default_matmul_precision("highest" if precision == "bfloat16" else precision):
            yield
    finally:
        PRECISION_IS_OURS.reset(token)


def require_settings() -> None:
    """Raises UserError where a setting of JAX that can change a number is another than the one of all results."""
    import jax

    for name, value in PINNED.items():
        is_ours = name == "jax_default_matmul_precision" and PRECISION_IS_OURS.get()
        if name in jax.config.values and not is_ours:
            value_now = getattr(jax.config.values[name], "value", jax.config.values[name])
            if value_now != value:
                raise UserError(
                    f"{name} is {value_now!r}, but results of jaxpe are made with {value!r}: call jaxpe.devices.prepare_jax(None) "
                    "before they are computed, or set it back."
                )


def describe_settings() -> dict[str, object]:
    """What else can change a number and differs between machines, for the identity of a run.

    Backend, whether programs are divided over devices, and the flags of XLA. Raises UserError for settings of JAX other
    than those of all results.
    """
    import jax

    require_settings()
    flags = [flag for flag in os.environ.get("XLA_FLAGS", "").split() if not HARMLESS_FLAG.match(flag)]
    return {"backend": jax.default_backend(), "divided": jax.local_device_count() > 1, "xla_flags": sorted(flags)}


def describe_device() -> str:
    """The kind of device: last bits differ between processors too. 'cpu (Intel Xeon …)', or the name of an accelerator."""
    import jax

    kind = str(jax.local_devices()[0].device_kind)
    return f"{kind} ({name_processor()})" if kind.lower() == "cpu" else kind


def name_processor() -> str:
    """The model of the processor, as far as the system names it."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    names = re.findall(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return " ".join((names[0] if names else platform.processor() or platform.machine()).split())
