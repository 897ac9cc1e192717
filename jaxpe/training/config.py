"""What decides a training: `Setting`, all of it but the seed, and the identity of the cell that a seed makes of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from functools import cache
from typing import Any, NamedTuple

from jaxpe import encodings, positions, tasks
from jaxpe.data import language
from jaxpe.encodings.validate import check_hooks
from jaxpe.errors import UserError, unknown
from jaxpe.model import ModelConfig
from jaxpe.records import store
from jaxpe.tasks.formatting import VERSION as FORMATTING_VERSION
from jaxpe.tasks.formatting import Data, Stream, TaskStream

Options = tuple[tuple[str, Any], ...]  # keyword arguments, hashable
MAPPINGS = ("vmap", "map")
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
    strata: int = 2  # length ranges in every batch, each padded to its own top
    decay: str = "cosine"  # or "linear"
    stop_every: int = 0  # every so many steps a model with only right answers in its last ten batches is done; 0: never

    def __post_init__(self) -> None:
        if self.decay not in DECAYS:
            raise unknown("decay", self.decay, DECAYS)
        for name in ("steps", "batch", "strata"):
            if getattr(self, name) < 1:
                raise UserError(f"{name} must be at least 1, got {getattr(self, name)}.")
        if not self.learning_rate > 0:
            raise UserError(f"The learning rate must be above 0, got {self.learning_rate}.")


@dataclass(frozen=True)
class Setting:
    """One training but for its seed. Lengths count symbols of x; `table_length` is 1 + the largest position to be met."""

    task: str
    architecture: str
    encoding: str
    train_length: int
    table_length: int
    width: int = 32
    layers: int = 2
    heads: int = 2
    norm: str = "pre_rms"
    positions: str = "arange"  # the sampler in training
    position_options: Options = ()
    task_options: Options = ()
    encoding_options: Options = ()
    mix: tuple[float, float] | None = (
        None  # (a, b): the embeddings are a·token + b·position; None: as the encoding has it
    )
    training: Training = field(default_factory=Training)
    corpus: str = "kjv"  # language tasks: which text, its tokenizer's size, where a window starts
    vocabulary: int = 512
    starts: str = "packed"
    precision: str = "highest"
    # How the work is cut, which decides the last bits: models per device in one program, how they are mapped, and how many
    # activations (tokens · width · layers) one gradient is taken over.
    lanes: int = 1
    mapping: str = "map"
    working_set: int = 2**16

    @property
    def language(self) -> bool:
        return self.task in language.OBJECTIVES

    @property
    def sampler(self) -> positions.Sampler:
        return positions.build(self.positions, **dict(self.position_options))

    def model(self, stream: Stream) -> ModelConfig:
        return ModelConfig(self.architecture, stream.vocabulary, self.width, self.layers, self.heads, self.norm)

    def program(self) -> Setting:
        """The setting without what is data to a compiled program: settings with equal `program()` share one."""
        mix = None if self.mix is None else (1.0, 1.0)
        return replace(self, mix=mix, training=replace(self.training, learning_rate=1.0))


class Source(NamedTuple):
    """Where a setting's examples come from. `data` holds the arrays of real text; empty for synthetic tasks."""

    stream: Stream
    train: Data
    validation: Data
    digest: str | None


def source_of(setting: Setting) -> Source:
    """The examples of a setting. Raises UserError for an unknown task, or a text that cannot be read."""
    if setting.language:
        if language.OBJECTIVES[setting.task] != setting.architecture:
            raise UserError(
                f"{setting.task} is a task for the {language.OBJECTIVES[setting.task]}, not the {setting.architecture}."
            )
        opened = language.open_text(
            setting.task, corpus=setting.corpus, vocabulary=setting.vocabulary, starts=setting.starts
        )
        return Source(opened.stream, opened.train, opened.validation, opened.digest)
    task = task_of(setting)
    if setting.architecture not in task.architectures:
        raise UserError(
            f"{setting.task} is not defined for the {setting.architecture}; it is for {', '.join(task.architectures)}."
        )
    return Source(TaskStream(task, setting.architecture), {}, {}, None)


def task_of(setting: Setting) -> tasks.Task:
    return tasks.build(setting.task, train_length=setting.train_length, **dict(setting.task_options))


def identity(setting: Setting, seed: int, source: Source) -> str:
    """SHA-256 of everything that can change a cell's numbers; not of presets, folders, test lengths or devices."""
    model = asdict(setting.model(source.stream))
    digest = encodings.source_digest(setting.encoding)
    parts = {
        "schema": store.SCHEMA,
        "task": setting.task,
        "task_version": None if setting.language else task_of(setting).version,
        "task_options": dict(setting.task_options),
        "formatting": FORMATTING_VERSION,
        "train_length": setting.train_length,
        "table_length": setting.table_length,
        "model": model,
        "encoding": encodings.label(setting.encoding),
        "encoding_options": dict(setting.encoding_options) | ({} if setting.mix is None else {"mix": setting.mix}),
        "encoding_source": digest,
        "positions": [setting.positions, dict(setting.position_options)],
        "training": identity_of(setting.training),
        "corpus": [source.digest, setting.starts] if setting.language else None,
        "precision": setting.precision,
        "seed": seed,
        "lanes": [setting.lanes, setting.mapping, setting.working_set],
    }
    return store.identity(parts)


def identity_of(training: Training) -> dict[str, Any]:
    """The fields of a training. Those that came later count where they are used: older cells keep their names."""
    later = {"decay": "cosine", "stop_every": 0}
    return {name: value for name, value in asdict(training).items() if later.get(name, ...) != value}


@cache
def position_limit(setting: Setting) -> int | None:
    """How many positions the setting's encoding knows; None: all. Raises UserError where a hook is at fault."""
    return check_hooks(
        setting.encoding,
        model_width=setting.width,
        heads=setting.heads,
        max_length=setting.table_length,
        architecture=setting.architecture,
        **dict(setting.encoding_options),
    )


def check(setting: Setting, source: Source) -> None:
    """Everything that can be refused before the first compilation. Raises UserError."""
    if setting.mapping not in MAPPINGS:
        raise unknown("mapping", setting.mapping, MAPPINGS)
    if setting.precision not in PRECISIONS:
        raise unknown("precision", setting.precision, PRECISIONS)
    lengths = source.stream.lengths(1, setting.train_length)
    if not lengths:
        raise UserError(f"{setting.task} has no example of length up to {setting.train_length}: train on longer ones.")
    check_positions(setting, setting.sampler.bound(max(source.stream.sizes(lengths[-1]))), "training")
    check_positions(setting, setting.table_length, "the longest test")


def check_positions(setting: Setting, needed: int, what: str) -> None:
    """Refuses what lies beyond a table: inside a compiled program nothing could, and `jnp` clamps silently."""
    limit = position_limit(setting)
    if limit is not None and needed > limit:
        raise UserError(
            f"{encodings.label(setting.encoding)} knows {limit} positions, but {what} of {setting.task} in the "
            f"{setting.architecture} needs {needed}: test shorter inputs, or raise `--set reach=…`, which retrains."
        )
