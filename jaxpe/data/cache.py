"""Where downloads and compiled programs are kept."""

from __future__ import annotations

import os
from pathlib import Path

from jaxpe.errors import UserError


def cache_folder() -> Path:
    """Where downloads and compiled programs are kept: $JAXPE_CACHE, else the user's own cache. For the user alone."""
    base = os.environ.get("JAXPE_CACHE")
    path = Path(base) if base else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "jaxpe"
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"Cannot make the cache folder {path}: set JAXPE_CACHE to a folder of your own.") from error
    return path
