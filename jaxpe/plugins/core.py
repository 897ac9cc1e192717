"""The code of jaxpe that all runs share, as one digest: an edit there changes the identity of every run."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from jaxpe.plugins.code import PACKAGE, VARIANTS, collect_closure, is_variant

# Training of a population, with what becomes of a text, and how the examples of a task are laid out: what they import is the same
# for all runs.
CORE = ("jaxpe.training.population", "jaxpe.tasks.formatting")
# No number comes from these: what is read from files is part of a text's digest, and the others refuse, or save and resume.
OUTSIDE_CORE = {
    "data/cache.py",
    "data/text_files.py",
    "data/text_tables.py",
    "training/checkpoints.py",
    "training/checks.py",
}
BESIDE_CORE = {"__init__", "errors", "records", "plugins", "surroundings", "devices"}  # no number comes from these


def is_core(path: Path) -> bool:
    """Whether a file of jaxpe is shared by all runs and can change their numbers."""
    if not path.is_relative_to(PACKAGE):
        return False
    inside = path.relative_to(PACKAGE)
    if inside.as_posix() in OUTSIDE_CORE:
        return False
    wing = inside.parts[0].removesuffix(".py")
    in_variants = path.parent in VARIANTS and (is_variant(path) or path.stem not in ("base", "formatting"))
    return wing not in BESIDE_CORE and not in_variants


@cache
def hash_core() -> str:
    """SHA-256 of the code of jaxpe that all runs share: model, loss, optimizer, batches, positions, formats."""
    files = {name: PACKAGE.joinpath(*name.split(".")[1:]).with_suffix(".py") for name in CORE}
    digests = [collect_closure(name, path, is_core).compute_digest() for name, path in files.items()]
    return hashlib.sha256(" ".join(digests).encode()).hexdigest()
