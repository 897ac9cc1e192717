"""How fast are training and evaluation, compared with a plain matrix product in the same run?

Measured: the config of the closest comparable JAX codebase: `reverse` over 2 symbols in an encoder of 5 layers, width 64, 8
heads, batch 128, lengths uniform in 1 to 40, no dropout. Operations counted: 6·block parameters·tokens + 12·layers·D·ΣT², for
real tokens only. The roofline is the least time for these products, the exponentials, the GELUs and the optimizer's memory at
the rates that this machine reaches in the same run (`jaxpe.analysis.speed.roofline`). Two devices are compared with one, and
batches of 2 to 32 replicas with each other, on a smaller model.

Predicted: training reaches 35 % of the float32 rate of a 2048-square product on a CPU, evaluation 30 %. Two virtual devices give
1.3 times the throughput of one. The cost of a model is the same from 2 to 32 replicas.

Decided by: nothing. Speed makes no claim about positions.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax
import pandas as pd

from jaxpe import cli
from jaxpe.analysis.speed.roofline import measure_rates
from jaxpe.analysis.speed.throughput import measure_evaluation, measure_training
from jaxpe.figures.throughput import draw_all
from jaxpe.records.claims import Claim, ClaimResult
from jaxpe.study import tables
from jaxpe.study.presets import Preset
from jaxpe.study.tables import TableRow
from jaxpe.study.workspace import Run, Workspace
from jaxpe.training.checks import BATCHINGS
from jaxpe.training.config import RunConfig, Training
from jaxpe.training.mesh import get_batching

PRESETS = {
    "smoke": Preset((), steps=4, train_length=10, examples=32, layers=1, seeds=2),
    "quick": Preset((), steps=10, train_length=40, examples=512, layers=5, seeds=32),
    "standard": Preset((), steps=30, train_length=40, examples=512, layers=5, seeds=32),
}
PRESETS["full"] = PRESETS["standard"]
CLAIMS: tuple[Claim, ...] = ()
PRESET_FIELDS = ("seeds", "examples", "train_length", "layers", "steps")
REPLICAS = (2, 4, 8, 16, 32)


def make_config(preset: Preset, **changes: Any) -> RunConfig:
    """The config that is timed; `changes` replace its fields."""
    training = Training(steps=10**6, batch=128, length_buckets=8)
    replicas, batching, activation_budget = get_batching()
    options: Any = {
        "task_options": (("alphabet", 2),),
        "layers": preset.layers,
        "width": 64,
        "heads": 8,
        "training": training,
        "replicas_per_device": replicas,
        "batching": batching,
        "activation_budget": activation_budget,
    }
    config = RunConfig("reverse", "encoder", "sinusoidal", preset.train_length, 5 * preset.train_length, **options)
    return replace(config, **changes)


def measure(work: Workspace, runs: list[Run], preset: Preset) -> list[TableRow]:
    """All speeds, a row for each."""
    base = tables.make_base_row("throughput", make_config(preset), 0, None)
    rows: list[TableRow] = []

    def add(metric: str, value: float, replicas: int | None = None) -> None:
        work.reporter.note(f"{metric}{'' if replicas is None else f' at {replicas} replicas'}: {value:.4g}")
        rows.append(base | {"metric": metric, "value": value, "replicas": replicas})

    rates = measure_rates(work.mesh)
    training = measure_training(make_config(preset), len(jax.devices()), preset.steps)
    evaluation, programs = measure_evaluation(make_config(preset), preset.examples, round(2.5 * preset.train_length))
    rates = rates.take_best(measure_rates(work.mesh))
    add("matrix_product_gflops", rates.products / 1e9)
    add("gigaexponentials_per_second", rates.exponentials / 1e9)
    add("gigagelus_per_second", rates.gelus / 1e9)
    add("gigabytes_per_second", rates.moved / 1e9)
    add("training_share_of_product", training.work.products / rates.products)
    add("training_share_of_roofline", training.work.compute_least_seconds(rates))
    add("training_compile_seconds", training.compile_seconds)
    add("evaluation_share_of_product", evaluation.products / rates.products)
    add("evaluation_share_of_roofline", evaluation.compute_least_seconds(rates))
    add("evaluation_programs", float(programs))
    sizes = {"train_length": 10, "width": 32, "heads": 2, "layers": 2, "replicas_per_device": 8}
    small = make_config(preset, training=Training(10**6, 64, length_buckets=1), **sizes)
    if len(jax.devices()) >= 2:
        one, two = (measure_training(small, devices, 5 * preset.steps) for devices in (1, 2))
        add("two_devices_over_one", two.work.products / one.work.products)
    for replicas in (number for number in REPLICAS if number <= preset.seeds):
        for batching in BATCHINGS:
            config = replace(small, replicas_per_device=replicas, batching=batching)
            speed = measure_training(config, 1, 2 * preset.steps)
            add(f"milliseconds_per_step_and_replica_{batching}", 1000 * speed.replica_seconds, replicas)
            add(f"megabytes_{batching}", speed.memory / 1e6, replicas)
    add("matrix_product_gflops_again", measure_rates(work.mesh).products / 1e9)
    return rows


figures = draw_all


def claims(table: pd.DataFrame) -> list[ClaimResult]:
    """None."""
    return []


if __name__ == "__main__":
    cli.script(__file__)
