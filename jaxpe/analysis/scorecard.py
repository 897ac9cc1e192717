"""The measurements of the experiment `scorecard`, as table rows: scores, position read by a probe, costs, equal costs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxpe.analysis import cost, hidden, probes
from jaxpe.analysis.comparisons import COSTS, PLAIN, PRIMARY
from jaxpe.encodings import label_encoding
from jaxpe.errors import UserError
from jaxpe.study.presets import Preset
from jaxpe.study.tables import Measurements, TableRow, make_base_row, make_score_rows
from jaxpe.study.workspace import Run, Workspace
from jaxpe.training import parameters
from jaxpe.training.config import RunConfig
from jaxpe.training.evaluated_lengths import choose_test_lengths

MEASUREMENT = 1  # version of what is read from hidden states, and of costs: raise it when the numbers change
TOLERANCE = 0.01  # relative difference in cost from which two encodings are compared at equal cost
TEXT_LENGTHS = (1, 2, 4)  # test lengths on text, in training lengths


class EqualCost(NamedTuple):
    """A comparison at equal cost: two run configs, one of which was given more steps or more width."""

    kind: str  # "equal FLOPs" or "equal parameters"
    new: RunConfig
    baseline: RunConfig
    how: str


# ── scores and probes ───────────────────────────────────────────────────────────────────────────────────────────────


def measure_runs(work: Workspace, runs: list[Run], preset: Preset) -> list[TableRow]:
    """Scores of the runs of one config by test length, and on the primary task what a probe reads."""
    config, rows = runs[0].config, measure_scores(work, runs, preset)
    if config.task != PRIMARY:
        return rows
    draw = cache(lambda: hidden.draw_probe_data(config, work.open_source(config), preset.examples))
    key = {"kind": "scorecard-probe", "version": MEASUREMENT, "examples": preset.examples}
    for run in runs:
        base = make_base_row("scorecard", config, run.seed, config.train_length) | {"condition": PLAIN}
        values = work.measure_once(run, key, lambda run=run: probe_position(work, run, draw()))  # type: ignore[misc]
        rows += [base | columns | {"value": value} for columns, value in values]
    return rows


def measure_scores(work: Workspace, runs: list[Run], preset: Preset) -> list[TableRow]:
    """Scores up to the training length and beyond it. One program scores all lengths: compiling would cost more."""
    config, rows = runs[0].config, list[TableRow]()
    source, n = work.open_source(config), config.train_length
    columns: dict[str, Any] = {"condition": PLAIN, "steps": config.training.steps, "width": config.width}
    lengths = choose_test_lengths(source.stream, n, preset.max_length_ratio, preset.num_test_lengths)
    if config.is_language:
        lengths = [times * n for times in TEXT_LENGTHS if max(source.stream.sizes(times * n)) <= config.table_length]
    for (seed, length), scores in work.measure_scores(runs, lengths, preset.examples, padding=1.0).items():
        rows += make_score_rows("scorecard", config, source, seed, length, scores, **columns)
    return rows


def probe_position(work: Workspace, run: Run, data: hidden.ProbeData) -> Measurements:
    """The error of position read by ridge regression from the states before the last block, trained and untrained."""
    sample, errors = data.sample, []
    untrained = parameters.init_model(run.config, work.open_source(run.config).stream, run.seed)
    for model in (work.load_model(run), untrained):
        states = hidden.record_hidden_states(jax.tree.map(jnp.asarray, model), sample.inputs)[-2]
        x = np.asarray(states, np.float64)[sample.real]
        splits = probes.split_by_sequence(sample.sequence)
        errors.append(probes.probe_number(x, sample.position, splits).error_share if np.isfinite(x).all() else math.nan)
    return [({"metric": "position_error_trained"}, errors[0]), ({"metric": "position_gained"}, errors[1] - errors[0])]


# ── costs ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def measure_costs(work: Workspace, primary: Mapping[str, RunConfig], name: str) -> list[TableRow]:
    """Costs of every encoding on the primary task. Measured once, also times: stored with a run of the new encoding."""
    configs = {label_encoding(encoding): config for encoding, config in primary.items()}
    runs = {label: work.list_runs(config, [0])[0] for label, config in configs.items()}
    new = label_encoding(name)

    def measure() -> Measurements:
        measurements: Measurements = []
        calls: list[Callable[[], object]] = []
        for label, config in configs.items():
            work.reporter.note(f"counting the cost of {label}")
            source = work.open_source(config)
            flops, tokens = cost.count_forward_flops(config, source, config.train_length)
            call, memory = cost.prepare_training(config, source, work.mesh)
            calls.append(call)
            values = {
                "parameters": parameters.count_parameters(config, source.stream),
                "forward_flops": flops,
                "training_bytes": memory,
            }
            columns = {"encoding": label, "tokens": tokens}
            measurements += [(columns | {"metric": metric}, float(value)) for metric, value in values.items()]
        ratios = dict(zip(configs, cost.compute_time_ratios(cost.time_in_turn(calls)), strict=True))
        columns = {"encoding": new, "metric": "step_time_ratio"}
        return measurements + [(columns | {"rival": label}, float(ratios[label])) for label in configs if label != new]

    rows = []
    key = {"kind": "scorecard-cost", "version": MEASUREMENT, "runs": [run.id for run in runs.values()]}
    for columns, value in work.measure_once(runs[new], key, measure):
        base = make_base_row("scorecard", configs[columns["encoding"]], None, None) | {"condition": PLAIN}
        exact = int(value) if value.is_integer() else value  # tables round numbers that are not whole
        rows.append(base | columns | {"value": exact})
    return rows


# ── equal cost ──────────────────────────────────────────────────────────────────────────────────────────────────────


def pair_at_equal_cost(
    work: Workspace, primary: Mapping[str, RunConfig], name: str, rows: Sequence[TableRow], rivals: int
) -> list[EqualCost]:
    """The comparisons at equal cost, with as many baselines as `rivals`, the best at the training length first."""
    n = primary[name].train_length
    costs = {(row["encoding"], row["metric"]): row["value"] for row in rows if row["metric"] in COSTS}

    def score(encoding: str) -> float:
        where = {"task": PRIMARY, "encoding": label_encoding(encoding), "metric": "token_accuracy", "test_length": n}
        return float(np.mean([row["value"] for row in rows if where.items() <= row.items()]))

    pairs: list[EqualCost] = []
    for other in sorted((encoding for encoding in primary if encoding != name), key=score, reverse=True)[:rivals]:
        for metric, kind, extend in (
            ("forward_flops", "equal FLOPs", train_longer),
            ("parameters", "equal parameters", make_wider),
        ):
            both = {encoding: costs[label_encoding(encoding), metric] for encoding in (name, other)}
            low, high = sorted(both, key=both.__getitem__)
            differ = both[high] > (1 + TOLERANCE) * both[low]  # not if one was not counted (NaN)
            if differ and (changed := extend(work, primary[low], both[low], both[high])):
                configs = {**primary, low: changed[0]}
                pairs.append(EqualCost(kind, configs[name], configs[other], f"{label_encoding(low)} {changed[1]}"))
    return pairs


def train_longer(work: Workspace, config: RunConfig, own: float, other: float) -> tuple[RunConfig, str]:
    """The config trained for as many more steps as its forward pass takes fewer operations."""
    before = config.training
    after = replace(before, steps=round(before.steps * other / own))
    return replace(config, training=after), f"is trained for {after.steps} steps instead of {before.steps}"


def make_wider(work: Workspace, config: RunConfig, own: float, other: float) -> tuple[RunConfig, str] | None:
    """The config at the least width at which it has as many parameters as the other; None if it takes no such width."""
    for width in range(config.width + config.heads, 8 * config.width, config.heads):
        candidate = replace(config, width=width)
        count = parameters.count_parameters(candidate, work.open_source(candidate).stream)
        if count >= other and is_accepted(work, candidate):
            return candidate, f"has width {width} instead of {config.width}: {count} parameters against {other:.0f}"
    return None


def is_accepted(work: Workspace, config: RunConfig) -> bool:
    """Whether the encoding takes the sizes of a config."""
    try:
        work.check_configs([config])
    except UserError:
        return False
    return True
