"""Where results come from: versions, devices, command and time, but no names of people, hosts or folders."""

from __future__ import annotations

import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any


def collect_versions() -> dict[str, str]:
    """The versions of Python and of the libraries that can change a number."""
    return {"python": platform.python_version()} | {n: version(n) for n in ("jaxpe", "jax", "flax", "optax", "numpy")}


def collect_provenance(command: str, *, devices: int, seconds: float) -> dict[str, Any]:
    """How a result was made: by which command, on which devices, in how many seconds, under which versions."""
    import jax

    return {
        "command": command,
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "versions": collect_versions(),
        "commit": read_commit(),
        "system": f"{platform.system()} {platform.machine()}",
        "backend": jax.default_backend(),
        "device": jax.devices()[0].device_kind,
        "devices": devices,
        "seconds": round(seconds, 1),
    }


def read_commit() -> str | None:
    """The commit of the checkout that jaxpe runs from; None for an installed wheel."""
    root = Path(__file__).parents[2]
    if not (root / ".git").exists():
        return None
    try:
        command = ["git", "-C", str(root), "rev-parse", "HEAD"]
        result = subprocess.run(command, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return result.stdout.strip() or None
