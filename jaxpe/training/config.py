"""What decides a training: `RunConfig`, all of it but the seed, and the identity of the run that a seed makes of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from functools import cache
from typing import Any, NamedTuple

from jaxpe import encodings, positions, tasks
from jaxpe.data import language
from jaxpe.data.examples import VERSION as FORMATTING_VERSION
from jaxpe.data.examples import Data, Stream
from jaxpe.encodings.validate import validate_encoding
from jaxpe.errors import UnknownName, UserError
from jaxpe.model import ModelConfig
from jaxpe.records.json_values import compute_digest
from jaxpe.records.results import SCHEMA
from jaxpe.tasks.formatting import TaskStream

Options = tuple[tuple[str, Any], ...]  # keyword arguments, hashable
BATCHINGS = ("vmap", "map")
DECAYS = ("cosine", "linear")  # of the learning rate, after the warm-up
PRECISIONS = ("highest", "high", "default")  # of matrix products, as JAX names them


@dataclass(frozen=True)
class Training:
    """AdamW with linear warm-up and a decay to zero, on batches whose lengths are uniform over the training range."""

    steps: int = 1000
    batch: int = 64
    learning_rate: float = 3e-3
    warmup: int = 50  # steps
    weight_decay: float = 0.01  # not on gains, nor on anything of an encoding
    clip: float = 1.0  # global norm of the gradient
    length_buckets: int = 2  # length ranges in every batch, each padded to its own top
    decay: str = "cosine"  # or "linear"
    stop_every: int = 0  # every so many steps a model with only right answers in its last ten batches is done; 0: never

    def __post_init__(self) -> None:
        if self.decay not in DECAYS:
            raise UnknownName("decay", self.decay, DECAYS)
        for name in ("steps", "batch", "length_buckets"):
            if getattr(self, name) < 1:
                raise UserError(f"{name} must be at least 1, got {getattr(self, name)}.")
        if not self.learning_rate > 0:
            raise UserError(f"The learning rate must be above 0, got {self.learning_rate}.")


@dataclass(frozen=True)
class RunConfig:
    """One training but for its seed. Lengths count symbols of x; `table_length` is 1 + the largest position to be met."""

    task: str
    architecture: str
    encoding: str
    train_length: int
    table_length: int
    width: int = 32
    layers: int = 2
    heads: int = 2
    positions: str = "arange"  # the sampler in training
    position_options: Options = ()
    task_options: Options = ()
    encoding_options: Options = ()
    scales: tuple[float, float] | None = (
        None  # (a, b): the embeddings are a·token + b·position; None: as the encoding has it
    )
    training: Training = field(default_factory=Training)
    corpus: str = "kjv"  # language tasks: which text, its tokenizer's size, where a window starts
    vocabulary: int = 512
    starts: str = "packed"
    precision: str = "highest"
    # How the work is cut, which decides the last bits: models per device in one program, how they are mapped, and how many
    # activations (tokens · width · layers) one gradient is taken over.
    replicas_per_device: int = 1
    batching: str = "map"
    activation_budget: int = 2**16

    @property
    def language(self) -> bool:
        return self.task in language.OBJECTIVES

    @property
    def sampler(self) -> positions.Sampler:
        return positions.build(self.positions, **dict(self.position_options))

    def model(self, stream: Stream) -> ModelConfig:
        return ModelConfig(self.architecture, stream.vocabulary, self.width, self.layers, self.heads)

    def program(self) -> RunConfig:
        """The config without what is data to a compiled program: configs with equal `program()` share one."""
        scales = None if self.scales is None else (1.0, 1.0)
        return replace(self, scales=scales, training=replace(self.training, learning_rate=1.0))


class Source(NamedTuple):
    """Where a config's examples come from. `data` holds the arrays of real text; empty for synthetic tasks."""

    stream: Stream
    train: Data
    validation: Data
    digest: str | None


def source_of(config: RunConfig) -> Source:
    """The examples of a config. Raises UserError for an unknown task, or a text that cannot be read."""
    if config.language:
        if language.OBJECTIVES[config.task] != config.architecture:
            raise UserError(
                f"{config.task} is a task for the {language.OBJECTIVES[config.task]}, not the {config.architecture}."
            )
        opened = language.open_text(
            config.task, corpus=config.corpus, vocabulary=config.vocabulary, starts=config.starts
        )
        return Source(opened.stream, opened.train, opened.validation, opened.digest)
    task = task_of(config)
    if config.architecture not in task.architectures:
        raise UserError(
            f"{config.task} is not defined for the {config.architecture}; it is for {', '.join(task.architectures)}."
        )
    return Source(TaskStream(task, config.architecture), {}, {}, None)


def task_of(config: RunConfig) -> tasks.Task:
    return tasks.build_task(config.task, train_length=config.train_length, **dict(config.task_options))


def identity(config: RunConfig, seed: int, source: Source) -> str:
    """SHA-256 of everything that can change a run's numbers; not of presets, folders, test lengths or devices."""
    parts = {
        "schema": SCHEMA,
        "task": config.task,
        "task_version": None if config.language else task_of(config).version,
        "task_options": dict(config.task_options),
        "corpus": {"digest": source.digest, "starts": config.starts} if config.language else None,
        "formatting": FORMATTING_VERSION,
        "train_length": config.train_length,
        "table_length": config.table_length,
        "model": asdict(config.model(source.stream)),
        "encoding": encodings.label_encoding(config.encoding),
        "encoding_options": dict(config.encoding_options),
        "encoding_source": encodings.hash_encoding_source(config.encoding),
        "scales": config.scales,
        "positions": config.positions,
        "position_options": dict(config.position_options),
        "training": asdict(config.training),
        "precision": config.precision,
        "replicas_per_device": config.replicas_per_device,
        "batching": config.batching,
        "activation_budget": config.activation_budget,
        "seed": seed,
    }
    return compute_digest(parts)


@cache
def position_limit(config: RunConfig) -> int | None:
    """How many positions the config's encoding knows; None: all. Raises UserError where a hook is at fault."""
    return validate_encoding(
        config.encoding,
        model_width=config.width,
        heads=config.heads,
        max_length=config.table_length,
        architecture=config.architecture,
        **dict(config.encoding_options),
    )


def check(config: RunConfig, source: Source) -> None:
    """Everything that can be refused before the first compilation. Raises UserError."""
    if config.batching not in BATCHINGS:
        raise UnknownName("batching", config.batching, BATCHINGS)
    if config.precision not in PRECISIONS:
        raise UnknownName("precision", config.precision, PRECISIONS)
    lengths = source.stream.lengths(1, config.train_length)
    if not lengths:
        raise UserError(f"{config.task} has no example of length up to {config.train_length}: train on longer ones.")
    check_positions(config, config.sampler.bound(max(source.stream.sizes(lengths[-1]))), "training")
    check_positions(config, config.table_length, "the longest test")


def check_positions(config: RunConfig, needed: int, what: str) -> None:
    """Refuses what lies beyond a table: inside a compiled program nothing could, and `jnp` clamps silently."""
    limit = position_limit(config)
    if limit is not None and needed > limit:
        raise UserError(
            f"{encodings.label_encoding(config.encoding)} knows {limit} positions, but {what} of {config.task} in the "
            f"{config.architecture} needs {needed}: test shorter inputs, or raise `--set max_length_ratio=…`, which retrains."
        )
