"""`jaxpe fetch`: downloads into the cache."""

from __future__ import annotations

from collections.abc import Sequence

from jaxpe.data.cache import DOWNLOADS
from jaxpe.pretrained.fetch import fetch


def download_all(names: Sequence[str]) -> int:
    """Downloads what is named; without a name, prints what can be downloaded."""
    if not names:
        for name, download in DOWNLOADS.items():
            print(f"{name:18}  {download.summary} ({download.licence})")
    for name in names:
        print(f"{name} is in {fetch(name)}")
    return 0
