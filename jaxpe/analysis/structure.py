"""Everything that the structure experiment measures: position tables, the use of position, hidden states and heads."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from numpy import ndarray

from jaxpe.analysis import heads
from jaxpe.analysis.hidden import (
    ProbeData,
    ProbeSample,
    draw_longer_sequences,
    draw_probe_data,
    record_hidden_states,
)
from jaxpe.analysis.layer_probes import probe_layers
from jaxpe.analysis.model_tables import extract_codes, make_control_rows, make_table_rows
from jaxpe.analysis.objectives import TEXT_PAIR
from jaxpe.analysis.position_table import measure_tables
from jaxpe.analysis.recovery import measure_recovery
from jaxpe.analysis.use import make_use_rows
from jaxpe.data import corpus
from jaxpe.study import tables
from jaxpe.study.presets import Preset
from jaxpe.study.scores import PLAIN_SAMPLER, EvaluationConfig
from jaxpe.study.tables import Measurements, TableRow
from jaxpe.study.workspace import Run, Workspace, group_runs
from jaxpe.training import parameters
from jaxpe.training.config import RunConfig

BEFORE = "_before"  # suffix of measures of tables before training
VERSION = 3  # of stored measurements: increase it when the numbers change
LONGER = 64  # sequences of twice the training length
FROM_0 = EvaluationConfig(sampler=PLAIN_SAMPLER)
MEASURED_BEFORE = ("shift_residual_1", "position_error_share")
PROBED = 3  # runs of a config whose hidden states are probed; all runs of a decoder without encodings


class LanguageProbes(NamedTuple):
    """What every model of a language task is tested on."""

    probe_data: ProbeData
    beyond: ProbeSample  # sequences of twice the training length


def measure_structure_runs(
    work: Workspace, runs: Sequence[Run], preset: Preset, by_seed: Collection[str]
) -> list[TableRow]:
    """The rows of all runs, and those of control tables. `by_seed`: measures of tables that have a row for each seed."""
    rows, shapes, cache = list[TableRow](), dict[tuple[int, int], None](), dict[int, LanguageProbes]()
    for config, group in group_runs(runs).items():
        is_of_pair = config.task in TEXT_PAIR and (config.starts, config.corpus) == ("packed", preset.corpus)
        bases = [make_structure_row(run) for run in group]
        before, codes, sentence = extract_codes(work, group)
        if codes.any():
            shapes.setdefault((codes.shape[1], codes.shape[2]))
            tokens = np.stack([np.asarray(work.load_model(run).stack.embedding[...], np.float64) for run in group])
            visited = {"metric": "rows_measured", "value": codes.shape[1], "text": sentence}
            rows.append(bases[0] | {"seed": None} | visited)
            with_curves = config.encoding == "learned" and (is_of_pair or not config.is_language)
            rows += make_table_rows(bases, codes, tokens, by_seed, with_curves)
            if (before != codes).any():
                rows += make_before_rows(bases, before)
        if config.is_language:
            rows += make_use_rows(work, group, bases, preset.examples)
        if is_of_pair and config.positions == "arange":
            for run in group if decides_recovery(config) else group[:PROBED]:
                measurements = measure_states_once(work, run, preset.examples, cache)
                rows += [make_structure_row(run) | columns | {"value": value} for columns, value in measurements]
    return rows + make_control_rows(list(shapes), preset.seeds, by_seed)


def make_before_rows(bases: Sequence[TableRow], codes: Float[ndarray, "S P D"]) -> list[TableRow]:
    """How well the tables of each seed hold positions before training: what is learned is the difference."""
    size, measured = {"rows": codes.shape[1], "width": codes.shape[2]}, measure_tables(codes, None)
    return [
        base | size | {"metric": f"{name}{BEFORE}", "value": round(float(value), 5)}
        for name in MEASURED_BEFORE
        for base, value in zip(bases, measured[name], strict=True)
        if np.isfinite(value)
    ]


def make_structure_row(run: Run) -> TableRow:
    """The columns of a run; of text also its corpus and where windows start. Every test begins at position 0."""
    config = run.config
    row = tables.make_base_row("structure", config, run.seed, None, FROM_0)
    return row | ({"starts": config.starts, "corpus": config.corpus} if config.is_language else {})


def decides_recovery(config: RunConfig) -> bool:
    """Whether runs of a config decide claim C9."""
    return config.task == "causal_lm" and config.encoding == "none"


def measure_states_once(work: Workspace, run: Run, examples: int, cache: dict[int, LanguageProbes]) -> Measurements:
    """`measure_states` of a run, measured where it is not stored yet.

    `cache` holds the test data of each source, which all encodings of a task share.
    """
    config = run.config
    source = work.open_source(config)

    def measure() -> Measurements:
        if id(source) not in cache:
            probe_data = draw_probe_data(config, source, examples)
            cache[id(source)] = LanguageProbes(probe_data, draw_longer_sequences(config, source, LONGER))
        return measure_states(work, run, cache[id(source)])

    return work.measure_once(run, {"kind": "structure", "version": VERSION, "examples": examples}, measure)


def measure_states(work: Workspace, run: Run, tests: LanguageProbes) -> Measurements:
    """Probes after every layer, recovery of position, and heads of one trained model and of the same network untrained."""
    config, results = run.config, Measurements()
    probe_data, sample = tests.probe_data, tests.probe_data.sample
    model, untrained = work.load_model(run), parameters.init_model(config, work.open_source(config).stream, run.seed)
    for network, transformer in (("trained", model), ("untrained", untrained)):
        states = np.asarray(record_hidden_states(jax.tree.map(jnp.asarray, transformer), sample.inputs))
        results += probe_layers(states, sample, network, run.seed)
        if network == "trained" and run.seed == 0:
            results += probe_layers(states, sample, "shuffled", run.seed)
    results += measure_recovery(model, untrained, probe_data, tests.beyond, config.train_length, run.seed)
    if config.encoding != "sinusoidal":
        with_maps = run.seed == 0 and config.encoding == "learned"
        text = corpus.load_corpus(config.corpus, config.text_column).train if with_maps else ()
        words = heads.list_words(corpus.train_tokenizer(text, config.vocabulary, config.tokenizer)) if with_maps else ()
        results += heads.measure_heads(model, untrained, probe_data, with_maps=with_maps, words=words)
    return [
        (columns, round(float(value), 5))
        for columns, value in results
        if np.isfinite(value) and columns["metric"] != "variance_share"  # which is a question of extraction
    ]
