"""Compiled evaluations of the models of a workspace: each is compiled once, and the oldest of too many is dropped."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from jax.sharding import Mesh

from jaxpe.encodings import identify_encoding, label_encoding
from jaxpe.model import Transformer
from jaxpe.records.json_values import compute_digest
from jaxpe.study import scores
from jaxpe.study.scores import EvaluationConfig
from jaxpe.tasks import label_task
from jaxpe.training import evaluate, population
from jaxpe.training.checks import call_run_code
from jaxpe.training.config import RunConfig
from jaxpe.training.population import Program
from jaxpe.training.scores import Scores, measure_scores
from jaxpe.training.sources import Source

MAX_EVALUATORS = 32  # compiled programs kept: some hundreds exhaust the memory maps that Linux grants a process


def describe_config(config: RunConfig) -> str:
    """'reverse, encoder, sinusoidal', and the position sampler where it is not arange."""
    words = [label_task(config.task), config.architecture, label_encoding(config.encoding)]
    return ", ".join(words + ([config.positions] if config.positions != "arange" else []))


def name_unusable(config: RunConfig, seeds: Collection[int], results: Mapping[tuple[int, int], Scores]) -> list[str]:
    """A sentence for each length at which the outputs of one of these models are no finite numbers.

    `results` are scores by seed and length.
    """
    faulty = {length for (seed, length), score in results.items() if seed in seeds and not np.isfinite(score.nats)}
    return [
        f"{describe_config(config)}: the outputs are not finite numbers at test length {length}, so that the scores there mean "
        "nothing."
        for length in sorted(faulty)
    ]


def guard_program(config: RunConfig, program: Program) -> Program:
    """The program, whose calls raise UserError where code of the user's own fails: an instance may differ from call to call."""
    compiled: Any = program.compiled
    guarded: Any = lambda *inputs: call_run_code(config, partial(compiled, *inputs))  # noqa: E731
    return program._replace(compiled=guarded)


class EvaluatorCache:
    """The compiled evaluations of some devices. `note` says what is compiled."""

    def __init__(self, mesh: Mesh, note: Callable[[str], None]) -> None:
        self.mesh, self.note = mesh, note
        self.compiled: dict[tuple[object, ...], evaluate.Evaluator[Scores]] = {}

    def get(
        self, config: RunConfig, source: Source, top: int, examples: int, evaluation: EvaluationConfig
    ) -> evaluate.Evaluator[Scores]:
        """The evaluation of lengths up to `top`."""
        code = compute_digest(identify_encoding(config.encoding))
        key = (
            config.program_key,
            code,
            source.stream,
            source.digest,
            top,
            examples,
            evaluation.sampler,
            evaluation.part,
        )
        if key not in self.compiled:
            sampler = scores.build_test_sampler(evaluation.sampler, config.table_length)
            data, _ = scores.select_data(config, source, evaluation.part)
            self.note(f"compiling the evaluation of {describe_config(config)} up to length {top}")
            while len(self.compiled) >= MAX_EVALUATORS:
                del self.compiled[next(iter(self.compiled))]
            compile_it = partial(evaluate.compile_evaluator, config, source.stream, data, self.mesh, top, examples)
            self.compiled[key] = call_run_code(config, lambda: compile_it(measure_scores, sampler))
        return self.compiled[key]


def score_models(
    evaluator: evaluate.Evaluator[Scores],
    config: RunConfig,
    source: Source,
    models: Sequence[Transformer],
    length: int,
    evaluation: EvaluationConfig,
) -> list[Scores]:
    """The scores of each model at one length."""
    data, stream_name = scores.select_data(config, source, evaluation.part)
    limit = scores.find_scaling_length(config, source) if evaluation.scaled else evaluate.NO_LENGTH_SCALING
    options = evaluate.make_forward_options(config, limit, population.SNAPSHOTS[evaluation.snapshot])
    results = evaluate.evaluate(evaluator, models, data, stream_name, length, options, evaluation.shift)
    return [scores.trim_scores(result) for result in results]
