"""Where the examples of a run come from: a synthetic task, or a text."""

from __future__ import annotations

from typing import NamedTuple

from jaxpe import tasks
from jaxpe.data.examples import Data, ExampleStream
from jaxpe.data.text_sources import open_text
from jaxpe.errors import UserError
from jaxpe.tasks.formatting import TaskStream
from jaxpe.tasks.validate import validate_task
from jaxpe.training.config import RunConfig


class Source(NamedTuple):
    """A stream of examples with the arrays it draws from in training and in tests; a synthetic task needs no arrays."""

    stream: ExampleStream
    train: Data
    validation: Data
    digest: str | None  # of the text and its tokenizer


def load_source(config: RunConfig) -> Source:
    """The examples of a config.

    Raises UserError for an unknown or faulty task, an architecture that it does not support, or an unreadable text.
    """
    task = None if config.is_language else make_task(config)
    if task is not None:
        validate_task(config.task, task, config.train_length)
    architectures = tasks.find_task(config.task).architectures if task is None else task.architectures
    if config.architecture not in architectures:
        raise UserError(
            f"{tasks.label_task(config.task)} is not defined for the {config.architecture}; it is for "
            f"{', '.join(architectures)}."
        )
    if task is None:
        text = open_text(
            config.task,
            corpus=config.corpus,
            text_column=config.text_column,
            tokenizer=config.tokenizer,
            vocabulary=config.vocabulary,
            starts=config.starts,
        )
        return Source(text.stream, text.train, text.validation, text.digest)
    return Source(TaskStream(task, config.architecture), {}, {}, None)


def make_task(config: RunConfig) -> tasks.Task:
    """The synthetic task of a config. Raises UserError if its name or an option is unknown."""
    return tasks.build_task(config.task, train_length=config.train_length, **dict(config.task_options))
