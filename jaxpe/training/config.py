"""What decides a training run, except its seed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from jaxpe.data.corpus import BPE
from jaxpe.data.examples import ExampleStream
from jaxpe.data.language import OBJECTIVES
from jaxpe.encodings.base import Attention, Context
from jaxpe.errors import UnknownName, UserError
from jaxpe.model import ModelConfig
from jaxpe.positions import Sampler, build_sampler

Options = tuple[tuple[str, Any], ...]  # keyword arguments, hashable
DECAYS = ("cosine", "linear", "inverse_sqrt", "constant")
OPTIMIZERS = ("adamw", "lion", "sgd")


@dataclass(frozen=True)
class Training:
    """An optimizer with a linear warm-up and a decay of the learning rate; both again where the encoding changes.

    The lengths of a batch are uniform over the training lengths. Raises UserError for values outside their range.
    """

    steps: int = 1000
    batch: int = 64
    learning_rate: float = 3e-3
    warmup: int = 50  # steps
    weight_decay: float = 0.01  # of weight matrices only, never of an encoding
    clip: float = 1.0  # global norm of the gradient
    length_buckets: int = 2  # ranges of lengths in every batch, each padded to its longest
    decay: str = (
        "cosine"  # of the learning rate after the warm-up: to zero ("cosine", "linear"), "inverse_sqrt", "constant"
    )
    stop_every: int = 0  # every so many steps, stop if the last ten batches were answered without error; 0: never stop
    optimizer: str = "adamw"
    dropout: float = 0.0  # probability, on the sum of token and position and on what each part of a block adds

    def __post_init__(self) -> None:
        if self.decay not in DECAYS:
            raise UnknownName("decay", self.decay, DECAYS)
        if self.optimizer not in OPTIMIZERS:
            raise UnknownName("optimizer", self.optimizer, OPTIMIZERS)
        if not 0 <= self.dropout < 1:
            raise UserError(f"dropout must be at least 0 and below 1, got {self.dropout:g}.")
        for name in ("steps", "batch", "length_buckets"):
            if getattr(self, name) < 1:
                raise UserError(f"{name} must be at least 1, got {getattr(self, name)}.")
        if not self.learning_rate > 0:
            raise UserError(f"The learning rate must be above 0, got {self.learning_rate}.")


@dataclass(frozen=True)
class RunConfig:
    """One training run except its seed."""

    task: str
    architecture: str
    encoding: str
    train_length: int  # longest in training; lengths count the symbols of a task's input, or the tokens of a text
    table_length: int  # 1 + the largest position that training or any test uses
    width: int = 32
    layers: int = 2
    heads: int = 2
    positions: str = "arange"  # the position sampler in training
    position_options: Options = ()
    task_options: Options = ()
    encoding_options: Options = ()
    trained_positions: int | None = None  # 1 + the largest position of training, for encodings that ask for it
    # (a, b): the first block reads a · token + b · position. None: token and position as the encoding combines them.
    scales: tuple[float, float] | None = None
    training: Training = field(default_factory=Training)
    # Language tasks: the text, its column in a table ("": the rule of `jaxpe.data.text_tables.choose_column`), its tokenizer,
    # the most tokens of the tokenizer "bpe" (of others 0), and where windows start ("packed" or "document").
    corpus: str = "kjv"
    text_column: str = ""
    tokenizer: str = BPE
    vocabulary: int = 512
    starts: str = "packed"
    precision: str = "highest"  # of matrix products: "highest", "high" or "default", as in JAX, or "bfloat16"
    # How the work is divided, which decides the last bits of the result: models per device in one program, whether they are
    # mapped by "vmap" or "map", and the most activations (tokens · width · layers) of one backward pass.
    replicas_per_device: int = 1
    batching: str = "map"
    activation_budget: int = 2**16

    @property
    def context(self) -> Context:
        """What the encoding of the self-attention that gives the answers is built for."""
        attention: Attention = "bidirectional" if self.architecture == "encoder" else "causal"
        return Context(self.width, self.heads, self.table_length, attention, self.trained_positions)

    @property
    def is_language(self) -> bool:
        """Whether the task is one of real text."""
        return self.task in OBJECTIVES

    @property
    def sampler(self) -> Sampler:
        """The position sampler in training."""
        return build_sampler(self.positions, **dict(self.position_options))

    @property
    def program_key(self) -> RunConfig:
        """The config without the values that are data to a compiled program. Configs with equal keys share a program."""
        scales = None if self.scales is None else (1.0, 1.0)
        return replace(self, scales=scales, training=replace(self.training, learning_rate=1.0))

    def make_model_config(self, stream: ExampleStream) -> ModelConfig:
        """The sizes of the model."""
        product_dtype = "bfloat16" if self.precision == "bfloat16" else "float32"
        return ModelConfig(self.architecture, stream.vocabulary, self.width, self.layers, self.heads, product_dtype)
