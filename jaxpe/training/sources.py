"""Where the examples of a run come from: a synthetic task, or a text."""

from __future__ import annotations

from typing import NamedTuple

from jaxpe import tasks
from jaxpe.data.examples import Data, ExampleStream
from jaxpe.data.language import OBJECTIVES
from jaxpe.data.text_sources import open_text
from jaxpe.errors import UserError
from jaxpe.tasks.formatting import TaskStream
from jaxpe.training.config import RunConfig


class Source(NamedTuple):
    """A stream of examples with the arrays it draws from in training and in tests; a synthetic task needs no arrays."""

    stream: ExampleStream
    train: Data
    validation: Data
    digest: str | None  # of the text and its tokenizer


def load_source(config: RunConfig) -> Source:
    """The examples of a config.

    Raises UserError for an unknown task, an architecture that the task does not support, or an unreadable text.
    """
    if config.is_language:
        if OBJECTIVES[config.task] != config.architecture:
            raise UserError(
                f"{config.task} is a task for the {OBJECTIVES[config.task]}, not for the {config.architecture}."
            )
        text = open_text(
            config.task,
            corpus=config.corpus,
            text_column=config.text_column,
            tokenizer=config.tokenizer,
            vocabulary=config.vocabulary,
            starts=config.starts,
        )
        return Source(text.stream, text.train, text.validation, text.digest)
    task = make_task(config)
    if config.architecture not in task.architectures:
        raise UserError(
            f"{config.task} is not defined for the {config.architecture}; it is for {', '.join(task.architectures)}."
        )
    return Source(TaskStream(task, config.architecture), {}, {}, None)


def make_task(config: RunConfig) -> tasks.Task:
    """The synthetic task of a config. Raises UserError if its name or an option is unknown."""
    return tasks.build_task(config.task, train_length=config.train_length, **dict(config.task_options))
