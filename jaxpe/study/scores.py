"""How trained models are tested: what may differ from the plain test, and how its scores are stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import MISSING, asdict, dataclass, fields, replace
from typing import Any

import numpy as np

from jaxpe import positions
from jaxpe.data.examples import Data
from jaxpe.encodings import identify_encoding
from jaxpe.errors import UserError
from jaxpe.positions import Sampler
from jaxpe.training.checks import check_position_count
from jaxpe.training.config import RunConfig
from jaxpe.training.scores import Scores
from jaxpe.training.sources import Source

VERSION = 1  # raise it when the numbers of `scores` change
PLAIN_SAMPLER = "arange"  # the sampler of 0, 1, 2, …


@dataclass(frozen=True)
class EvaluationConfig:
    """How a test differs from the plain one: positions as in training, and the parameters after the last step."""

    shift: int = 0  # added to the positions 0, 1, 2, …
    scaled: bool = False  # logits times log n / log N for queries that see n > N keys, N the most seen in training
    snapshot: str = "100"  # percent of the training steps
    sampler: str | None = None  # of test positions; None: that of training
    part: str = "test"  # "validation": examples that no result is taken from; for real text, of its training part
    encoding: str | None = None  # takes the place of the trained encoding, with its parameters

    def resolve(self, config: RunConfig) -> EvaluationConfig:
        """The test of a model of this config, with its sampler named.

        Raises ValueError for a shift of other positions than 0, 1, 2, …, which would change nothing.
        """
        resolved = replace(self, sampler=self.sampler or config.positions)
        if resolved.shift and resolved.sampler != PLAIN_SAMPLER:
            raise ValueError(f"only {PLAIN_SAMPLER} positions can be shifted, not those of {resolved.sampler}")
        return resolved

    def name_positions(self, config: RunConfig) -> str:
        """The test positions as tables name them: 'arange', 'randomized', or 'shifted by 12'."""
        resolved = self.resolve(config)
        return f"shifted by {resolved.shift}" if resolved.shift else str(resolved.sampler)

    def make_key(self, length: int, examples: int, table_length: int) -> dict[str, Any]:
        """What identifies the scores of a run at one length in the results folder.

        Without a name, the sampler is that of a model trained with 0, 1, 2, …: `check_test_positions` refuses others. The
        limit of random test positions is the length of the position table. The code of an encoding that takes the place of
        the trained one is no part of the run.
        """
        parts = asdict(self) | {"sampler": self.sampler or PLAIN_SAMPLER}
        parts |= {"encoding_code": identify_encoding(self.encoding)} if self.encoding else {}
        parts |= {"limit": table_length} if is_limited(parts["sampler"]) else {}
        return {"kind": "scores", "version": VERSION, "length": length, "examples": examples, **parts}


def make_published_test(config: RunConfig) -> EvaluationConfig:
    """The plain test, as published: after random starts positions begin at 0 (Huang et al. 2025), else as in training."""
    return EvaluationConfig(sampler=PLAIN_SAMPLER if config.positions == "offset" else None).resolve(config)


def replace_encoding(config: RunConfig, encoding: str | None) -> RunConfig:
    """The config with another encoding, which gets the trained positions of this config; None changes nothing."""
    return config if encoding is None else replace(config, encoding=encoding, encoding_options=())


def check_test_positions(
    config: RunConfig, source: Source, lengths: Sequence[int], evaluation: EvaluationConfig
) -> None:
    """Raises UserError where the longest test reaches positions that the encoding or the sampler of the test does not know.

    Raises ValueError for a model trained with other positions than 0, 1, 2, … whose test names none.
    """
    if evaluation.sampler is None and config.positions != PLAIN_SAMPLER:
        raise ValueError(f"a test of {config.positions} positions must name its own: call `resolve(config)` first")
    if not isinstance(evaluation.shift, int) or evaluation.shift < 0:
        raise UserError(f"shift must be a whole number of at least 0, got {evaluation.shift!r}: positions begin at 0.")
    if lengths:
        longest = max(max(source.stream.sizes(length)) for length in lengths)
        sampler = build_test_sampler(evaluation.sampler, config.table_length)
        reached = longest + evaluation.shift if sampler is None else sampler.bound(longest)
        check_position_count(config, reached, "a test")


def find_scaling_length(config: RunConfig, source: Source) -> float:
    """N of the length scaling: the most keys that a query saw in training."""
    return float(max(source.stream.sizes(source.stream.lengths(1, config.train_length)[-1])))


def select_data(config: RunConfig, source: Source, part: str) -> tuple[Data, str]:
    """The data of a part, and the name of the random stream that draws its examples."""
    return (source.validation, config.task) if part == "test" else (source.train, f"{config.task} {part}")


def build_test_sampler(name: str | None, table_length: int) -> Sampler | None:
    """The sampler of test positions, with the limit of training; None for `arange`, which a test can shift.

    The limit of training is the length of the position table (`jaxpe.study.run_configs.make_run_config`).
    """
    if name is None or name == PLAIN_SAMPLER:
        return None
    return positions.build_sampler(name, **({"limit": table_length} if is_limited(name) else {}))


def list_test_samplers() -> list[str]:
    """The samplers whose positions follow from the length of a test and of the position table."""
    return [
        name
        for name, kind in positions.SAMPLERS.items()
        if all(field.name == "limit" or field.default is not MISSING for field in fields(kind))
    ]


def is_limited(sampler: str) -> bool:
    """Whether the positions of a sampler have a limit."""
    return "limit" in positions.list_sampler_options(sampler)


def trim_scores(scores: Scores) -> Scores:
    """The scores without the output indices that no example has. How many there are depends on the padding."""
    used = int(np.max(np.nonzero(scores.index_answers)[0], initial=-1)) + 1
    return Scores(*(part[:used] if part.ndim else part for part in scores))
