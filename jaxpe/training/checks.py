"""What is refused before anything compiles."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache

from jaxpe import encodings
from jaxpe.encodings.validate import PositionNeeds, validate_encoding
from jaxpe.errors import UnknownName, UserError
from jaxpe.records.json_values import compute_digest
from jaxpe.training.config import RunConfig
from jaxpe.training.sources import Source

BATCHINGS = ("vmap", "map")
PRECISIONS = ("highest", "high", "default", "bfloat16")


def find_position_needs(config: RunConfig) -> PositionNeeds:
    """What the encoding of a config needs to know of positions. Raises UserError if a hook of the encoding is faulty."""
    return find_needs_of_code(config, compute_digest(encodings.identify_encoding(config.encoding)))


@lru_cache(maxsize=4096)
def find_needs_of_code(config: RunConfig, code: str) -> PositionNeeds:
    """The same for the code of the encoding that has this digest."""
    return validate_encoding(config.encoding, config.context, config.architecture, **dict(config.encoding_options))


def check_config(config: RunConfig, source: Source) -> None:
    """Raises UserError for a config that cannot be trained or tested."""
    if config.batching not in BATCHINGS:
        raise UnknownName("batching", config.batching, BATCHINGS)
    if config.precision not in PRECISIONS:
        raise UnknownName("precision", config.precision, PRECISIONS)
    config.make_model_config(source.stream)  # refuses a width that the heads do not divide
    lengths = source.stream.lengths(1, config.train_length)
    if not lengths:
        raise UserError(f"{config.task} has no example of length up to {config.train_length}: raise train_length.")
    check_position_count(config, config.sampler.bound(max(source.stream.sizes(lengths[-1]))), "training")
    check_position_count(config, config.table_length, "the longest test")


def check_labels(names: Collection[str]) -> None:
    """Raises UserError where two encodings would have one name in tables and figures, or one has a name of the catalogue."""
    labels: dict[str, str] = {}
    for name in sorted(names):
        label = encodings.label_encoding(name)
        if name not in encodings.CATALOGUE and label in encodings.CATALOGUE:
            raise UserError(f"{name} is called {label} in tables, as an encoding of jaxpe is: rename the class.")
        if label in labels:
            raise UserError(
                f"{labels[label]} and {name} would both be called {label} in tables: rename one of the classes."
            )
        labels[label] = name


def check_position_count(config: RunConfig, needed: int, purpose: str) -> None:
    """Raises UserError if `purpose` needs more positions than the encoding has.

    A compiled program cannot raise, and an index beyond a table is clamped silently.
    """
    limit = find_position_needs(config).limit
    if limit is not None and needed > limit:
        raise UserError(
            f"{encodings.label_encoding(config.encoding)} has {limit} positions, but {purpose} of {config.task} with the "
            f"{config.architecture} needs {needed}: test shorter inputs, or raise `--set max_length_ratio=…`, which "
            "trains again."
        )
