"""What is refused before anything compiles."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

from jaxpe import encodings
from jaxpe.encodings.base import HOOKS, Encoding
from jaxpe.encodings.validate import PositionNeeds, validate_encoding
from jaxpe.errors import UnknownName, UserError
from jaxpe.plugins.calls import call_user_code
from jaxpe.plugins.registry import split_options
from jaxpe.records.json_values import compute_digest
from jaxpe.tasks.registry import label_task, list_tasks_of_jaxpe
from jaxpe.training.config import RunConfig
from jaxpe.training.sources import Source

BATCHINGS = ("vmap", "map")
PRECISIONS = ("highest", "high", "default", "bfloat16")
R = TypeVar("R")


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
    check_hooks(config.encoding)
    config.make_model_config(source.stream)  # refuses a width that the heads do not divide
    lengths = source.stream.lengths(1, config.train_length)
    if not lengths:
        raise UserError(
            f"{label_task(config.task)} has no example of length up to {config.train_length}: raise train_length."
        )
    check_position_count(config, config.sampler.bound(max(source.stream.sizes(lengths[-1]))), "training")
    check_position_count(config, config.table_length, "the longest test")


def check_hooks(name: str) -> None:
    """Raises UserError for an encoding of the user's own that does nothing: none of its methods is a hook."""
    kind = encodings.ENCODINGS.get_class(name)
    is_own = split_options(name)[0] not in encodings.CATALOGUE
    if is_own and all(getattr(kind, hook) is getattr(Encoding, hook) for hook in (*HOOKS, "at")):
        raise UserError(
            f"encoding {encodings.label_encoding(name)!r} has none of the methods {', '.join(HOOKS)}, so that it does nothing: "
            "is a name misspelt?"
        )


def call_run_code(config: RunConfig, function: Callable[[], R]) -> R:
    """function(), which traces the encoding and the task of a config. Raises UserError if code of the user's own fails."""
    own = [
        *(
            [f"encoding {encodings.label_encoding(config.encoding)!r}"]
            if config.encoding not in encodings.CATALOGUE
            else []
        ),
        *([f"task {label_task(config.task)!r}"] if config.task not in list_tasks_of_jaxpe() else []),
    ]
    return call_user_code(function, " or ".join(own)) if own else function()


def check_position_count(config: RunConfig, needed: int, purpose: str) -> None:
    """Raises UserError if `purpose` needs more positions than the encoding has.

    A compiled program cannot raise, and an index beyond a table is clamped silently.
    """
    limit = find_position_needs(config).limit
    if limit is not None and needed > limit:
        raise UserError(
            f"{encodings.label_encoding(config.encoding)} has {limit} positions, but {purpose} of {label_task(config.task)} with the "
            f"{config.architecture} needs {needed}: test shorter inputs, or raise `--set max_length_ratio=…`, which "
            "trains again."
        )
