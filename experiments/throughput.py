"""How fast is it? Everything as a ratio to a plain matrix product measured in the same run.

The config of the closest JAX peer: encoder, 5 layers, D 64, 8 heads, batch 128, `reverse` over 2 symbols, lengths uniform
in 1-40, no dropout. Counted: 6·block parameters·tokens + 12·layers·D·ΣT², real tokens only.

Prediction: training at 35 % of the float32 rate of a 2048-square product on a CPU, evaluation at 30 %; two virtual devices
give 1.3 times the throughput of one; the cost of a model is flat from 2 to 32 replicas.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxpe import cli
from jaxpe.figures import style as draw
from jaxpe.records.claims import Claim, ClaimResult
from jaxpe.study import tables
from jaxpe.study.presets import Preset
from jaxpe.study.tables import TableRow
from jaxpe.study.workspace import Run, Workspace
from jaxpe.training import evaluate, population
from jaxpe.training.config import BATCHINGS, RunConfig, Training, source_of
from jaxpe.training.parameters import fresh
from jaxpe.training.population import ReplicaSpec

PRESETS = {
    "smoke": Preset((), steps=4, train_length=10, examples=32, layers=1, seeds=2),
    "quick": Preset((), steps=10, train_length=40, examples=512, layers=5, seeds=32),
    "standard": Preset((), steps=30, train_length=40, examples=512, layers=5, seeds=32),
}
PRESETS["full"] = PRESETS["standard"]
CLAIMS: tuple[Claim, ...] = ()


def peer(preset: Preset, **changes: Any) -> RunConfig:
    """The peer's config; eight length_buckets of lengths."""
    training = Training(steps=10**6, batch=128, length_buckets=8)
    replicas, batching, activation_budget = population.batching_for()
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


def product_rate(seconds: float = 2.0) -> float:
    """Operations per second of a 2048-square float32 matrix product, the median of many."""
    a = jnp.ones((2048, 2048))
    product = jax.jit(lambda a: a @ a)
    product(a).block_until_ready()
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end:
        began = time.perf_counter()
        product(a).block_until_ready()
        times.append(time.perf_counter() - began)
    return 2 * 2048**3 / float(np.median(times))


def forward_flops(config: RunConfig, length: int) -> float:
    """Operations of one example's forward pass: a third of 6·parameters·T + 12·layers·D·T²."""
    tokens = 2 * length
    return config.layers * (2 * 12 * config.width**2 * tokens + 4 * config.width * tokens**2)


def training_rate(config: RunConfig, devices: int, steps: int) -> dict[str, float]:
    """Compile seconds, operations per second, and seconds per step and replica."""
    source = source_of(config)
    program = population.compile_program(config, source, population.runs_mesh(jax.devices()[:devices]))
    specs = [ReplicaSpec(seed, 1e-3) for seed in range(program.replicas)]
    replicas = population.start(config, source, program, specs)
    replicas = population.advance(program, replicas, 0, 1)
    times = []
    for first in (1, 1 + steps, 1 + 2 * steps):
        began = time.perf_counter()
        replicas = population.advance(program, replicas, first, first + steps)
        times.append(time.perf_counter() - began)
    seconds = min(times) / steps
    lengths = source.stream.lengths(1, config.train_length)
    mean = float(np.mean([forward_flops(config, length) for length in lengths]))
    rate = 3 * mean * config.training.batch * program.replicas / seconds
    memory = program.run.memory_analysis()
    peak = float(memory.temp_size_in_bytes + memory.argument_size_in_bytes) if memory else 0.0
    return {"rate": rate, "compile": program.compile_seconds, "per_replica": seconds / program.replicas, "memory": peak}


def evaluation_rate(config: RunConfig, examples: int, longest: int) -> dict[str, float]:
    """Operations per second over all lengths, compilation apart, and how many programs there were."""
    source, mesh = source_of(config), population.runs_mesh()
    lengths = list(range(1, longest + 1))
    top_of = evaluate.tops(lengths, shortest=0, programs=6)
    compiled = {
        t: evaluate.compile_evaluator(config, source.stream, {}, mesh, t, examples)
        for t in sorted(set(top_of.values()))
    }
    models = [fresh(config, source.stream, seed) for seed in range(mesh.size)]
    began = time.perf_counter()
    for length in lengths:
        evaluate.evaluate(compiled[top_of[length]], models, {}, config.task, length)
    seconds = time.perf_counter() - began
    total = sum(forward_flops(config, length) for length in lengths) * examples * len(models)
    return {"rate": total / seconds, "programs": float(len(compiled))}


def measure(work: Workspace, runs: list[Run], preset: Preset) -> list[TableRow]:
    """All ratios, one row each."""
    base = tables.base_row("throughput", peer(preset), 0, None)
    rows: list[TableRow] = []

    def tell(metric: str, value: float, replicas: int | None = None) -> None:
        work.progress.note(f"{metric}{'' if replicas is None else f' at {replicas} replicas'}: {value:.4g}")
        rows.append(base | {"metric": metric, "value": value, "replicas": replicas})

    product = product_rate()
    tell("matrix_product_gflops", product / 1e9)
    whole = training_rate(peer(preset), len(jax.devices()), preset.steps)
    tell("training_share_of_product", whole["rate"] / product)
    tell("training_compile_seconds", whole["compile"])
    scored = evaluation_rate(peer(preset), preset.examples, round(2.5 * preset.train_length))
    tell("evaluation_share_of_product", scored["rate"] / product)
    tell("evaluation_programs", scored["programs"])
    small = peer(
        preset,
        train_length=10,
        width=32,
        heads=2,
        layers=2,
        training=Training(10**6, 64, length_buckets=1),
        replicas_per_device=8,
    )
    if len(jax.devices()) >= 2:
        one, two = (training_rate(small, devices, 5 * preset.steps) for devices in (1, 2))
        tell("two_devices_over_one", two["rate"] / one["rate"])
    for replicas in (n for n in (2, 4, 8, 16, 32) if n <= preset.seeds):
        for batching in BATCHINGS:
            found = training_rate(replace(small, replicas_per_device=replicas, batching=batching), 1, 2 * preset.steps)
            tell(f"milliseconds_per_step_and_replica_{batching}", 1000 * found["per_replica"], replicas)
            tell(f"megabytes_{batching}", found["memory"] / 1e6, replicas)
    tell("matrix_product_gflops_again", product_rate() / 1e9)
    return rows


def figures(table: Any) -> dict[str, Any]:
    """Shares of the product's rate, and the cost of a replica against the number of replicas."""
    figure, (left, right) = draw.panels(2, columns=2, width=4.4, height=3.0)
    shares = table[table["metric"].str.endswith("share_of_product")]
    left.barh([name.split("_")[0] for name in shares["metric"]], shares["value"], color="#0072B2")
    left.axvline(0.35, color="black", linestyle="--", linewidth=1)
    left.set_xlabel("share of a matrix product's rate (dashed: aim for training)")
    for i, batching in enumerate(("map", "vmap")):
        part = tables.select(table, metric=f"milliseconds_per_step_and_replica_{batching}")
        draw.line(right, part.set_index("replicas")["value"], draw.style_at(i + 1), batching)
    right.set_xscale("log", base=2)
    draw.room(right)
    right.set_xlabel("replicas on one device")
    right.set_ylabel("milliseconds per step and replica")
    right.legend(frameon=False)
    draw.caption(figure, "One run on one machine; compare ratios, not seconds.")
    return {"throughput": figure}


def claims(table: Any) -> list[ClaimResult]:
    """None: speed is no claim about position."""
    return []


if __name__ == "__main__":
    cli.script(__file__)
