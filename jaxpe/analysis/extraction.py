"""Everything that the extraction experiment measures on a model: raw sum, probes by layer, and first-layer attention."""

from __future__ import annotations

import json
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from jaxpe.analysis import readers
from jaxpe.analysis.attention import acts_additively
from jaxpe.analysis.hidden import ProbeData, draw_probe_data, record_hidden_states
from jaxpe.analysis.layer_probes import probe_everywhere, probe_noise
from jaxpe.analysis.logit_parts import measure_attention
from jaxpe.analysis.raw_sum import add_columns, extract_tables, measure_sum, round_measurement
from jaxpe.model import Transformer
from jaxpe.study import tables
from jaxpe.study.presets import Preset
from jaxpe.study.tables import Measurements, TableRow
from jaxpe.study.workspace import Run, Workspace, group_runs
from jaxpe.training import parameters
from jaxpe.training.checks import check_position_count

VERSION = 5  # of stored measurements: increase it when the numbers change
MANY_SEEDS = 5
CONTROLLED = 3  # seeds, 0 to 2, that carry the controls: shuffled labels and Gaussian noise
BY_LAYER = ("probe_error", "order_accuracy", "variance_share")  # metrics with a row for every layer: most of a table


def measure_extraction(model: Transformer, untrained: Transformer, probe_data: ProbeData, seed: int) -> Measurements:
    """Everything about one trained model, and the same network untrained for comparison."""
    results = Measurements()
    model, untrained = jax.tree.map(jnp.asarray, (model, untrained))  # stored parameters are NumPy arrays
    sample = probe_data.sample
    for network, transformer in (("trained", model), ("untrained", untrained)):
        states = np.asarray(record_hidden_states(transformer, sample.inputs))
        results += probe_everywhere(states, sample, network, seed)
        if network == "trained" and seed < CONTROLLED:
            results += probe_everywhere(states, sample, "shuffled", seed)
            results += probe_noise(states.shape[-1], sample, seed)
    if acts_additively(model.stack.encodings[0], sample.inputs.positions[0], states.shape[-1]):
        results += measure_sum(extract_tables(model, sample), seed)
        results += measure_attention(model, untrained, probe_data)
    return [
        (columns, round_measurement(columns["metric"], float(value)))
        for columns, value in results
        if np.isfinite(value)
    ]


def measure_extraction_runs(work: Workspace, runs: Sequence[Run], preset: Preset, primary: TableRow) -> list[TableRow]:
    """The rows of all runs. Runs of another width than the preset's have those of the raw sum alone.

    Values by layer have a row for each seed up to MANY_SEEDS, and for every seed of the encoding that decides the claims;
    controls outside the cell `primary` are averaged over seeds. Both keep the table small.
    """
    rows, cache = list[TableRow](), dict[int, ProbeData]()
    encodings = {run.config.encoding for run in runs}
    deciding = {"learned"} & encodings or encodings
    for config, group in group_runs(runs).items():
        if config.width != preset.width and not config.is_language:
            rows += measure_trained_tables(work, group, preset.examples)
            continue
        n = config.train_length
        baselines = tables.compute_baselines(config, work.open_source(config), n, "token_accuracy")
        accuracy_columns = baselines | {"test_length": n, "n_examples": preset.examples}
        for run in group:
            base = tables.make_base_row("extraction", config, run.seed, None)
            del base["learning_rate"], base["test_positions"]
            by_layer = run.seed < MANY_SEEDS or config.encoding in deciding
            for columns, value in measure_extraction_once(work, run, preset.examples, cache):
                more = accuracy_columns if columns["metric"] == "token_accuracy" else {}
                if by_layer or columns["metric"] not in BY_LAYER:
                    rows.append(base | columns | more | {"value": value})
    return average_controls(rows, primary)


def measure_extraction_once(work: Workspace, run: Run, examples: int, cache: dict[int, ProbeData]) -> Measurements:
    """`measure_extraction` of a run, measured where it is not stored yet.

    `cache` holds the probe data of each source, which all encodings of a task share. Raises UserError where the sequences
    need positions that the encoding does not have.
    """
    config = run.config
    source = work.open_source(config)
    check_position_count(config, source.stream.sizes(config.train_length)[0], "a probe")

    def measure() -> Measurements:
        if id(source) not in cache:
            cache[id(source)] = draw_probe_data(config, source, examples)
        untrained = parameters.init_model(config, source.stream, run.seed)
        return measure_extraction(work.load_model(run), untrained, cache[id(source)], run.seed)

    return work.measure_once(run, {"kind": "extraction", "version": VERSION, "examples": examples}, measure)


def measure_trained_tables(work: Workspace, group: Sequence[Run], examples: int) -> list[TableRow]:
    """The three readers of what the trained models of a run config add up."""
    config = group[0].config
    sample = draw_probe_data(config, work.open_source(config), examples).sample
    base = {"experiment": "extraction", "task": readers.RAW_SUM, "encoding": f"{config.encoding} rows"}
    rows = []
    for run in group:
        results = measure_sum(extract_tables(work.load_model(run), sample), run.seed, ("float32",))
        columns = {"positions": config.positions, "seed": run.seed, "train_length": config.train_length}
        rows += add_columns(base | columns, results)
    return rows


def average_controls(rows: list[TableRow], paired: TableRow) -> list[TableRow]:
    """Rows of controls by layer as means over seeds, without a seed: this halves the table.

    Untrained networks in the rows that have the columns `paired` stay by seed, since claims pair them with trained ones.
    """
    kept, controls = list[TableRow](), dict[str, list[TableRow]]()
    for row in rows:
        network = row.get("network")
        by_seed = network in (None, "trained") or (network == "untrained" and paired.items() <= row.items())
        if by_seed or row["metric"] not in BY_LAYER:
            kept.append(row)
        else:
            columns = {name: value for name, value in row.items() if name not in ("seed", "value")}
            controls.setdefault(json.dumps(columns), []).append(row)
    means = [
        group[0] | {"seed": None, "value": round(float(np.mean([row["value"] for row in group])), 4)}
        for group in controls.values()
    ]
    return kept + means
