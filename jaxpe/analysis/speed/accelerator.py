"""The parts of `experiments/accelerator.py`: rates, the speed of training, the same numbers as on a CPU, and the same twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jaxpe import devices
from jaxpe.analysis.speed.roofline import Rates, measure_rates
from jaxpe.analysis.speed.throughput import time_training
from jaxpe.records.files import write_text
from jaxpe.records.provenance import collect_versions
from jaxpe.training import evaluate, population
from jaxpe.training.config import RunConfig, Training
from jaxpe.training.mesh import make_mesh
from jaxpe.training.population import Program, ReplicaSpec, TrainedReplica
from jaxpe.training.scores import measure_scores
from jaxpe.training.sources import load_source
from jaxpe.training.train import HISTORY_EVERY

PRECISIONS = ("highest", "default", "bfloat16")  # of matrix products; "default" is TF32 on the GPUs that have it
ACTIVATIONS = 2**28  # in the backward pass of all models of a program together: tokens · width · layers


@dataclass(frozen=True)
class Sizes:
    """How much each part does."""

    steps: int  # of a training
    timed: int  # steps, three times
    batch: int
    buckets: int  # of lengths in a batch
    layers: int
    replicas: tuple[int, ...]  # models in a program; the first number is the one compared with a CPU
    seeds: int  # compared with a CPU
    examples: int  # of a test
    test_lengths: tuple[int, ...]
    attention: tuple[int, ...]  # lengths
    width: int  # of attention
    tables: tuple[tuple[str, str], ...]  # experiment and preset


FULL = Sizes(
    500, 30, 128, 8, 5, (16, 64, 256, 1, 4), 4, 512, (10, 20, 40, 41, 60, 80, 100), (512, 1024, 2048, 4096, 8192), 512,
    (("catalogue", "ranking"), ("reproduction", "full")),
)  # fmt: skip
TINY = Sizes(12, 2, 4, 1, 1, (2, 1), 2, 8, (4, 6), (16,), 16, (("reproduction", "smoke"),))


@dataclass
class Session:
    """One call: its sizes, its clock, and the rows so far."""

    output: Path
    sizes: Sizes
    minutes: float
    began: float = field(default_factory=time.monotonic)
    rows: list[dict[str, Any]] = field(default_factory=list)
    programs: dict[RunConfig, Future[Program]] = field(default_factory=dict)
    whole_tables: set[tuple[str, str]] = field(default_factory=set)

    def count_seconds(self, share: float = 1.0) -> float:
        """Seconds until this share of the call's time is over, at least one."""
        return max(1.0, share * 60 * self.minutes - (time.monotonic() - self.began))

    def take(self, config: RunConfig) -> Program:
        """The compiled program of a config. Raises TimeoutError where it is not there when nine tenths of the time are over."""
        return self.programs[config].result(timeout=self.count_seconds(0.9))

    def add(self, part: str, what: str, value: float | str, unit: str, /, **columns: Any) -> None:
        """One more row, written at once."""
        row = {"part": part, **columns, "what": what, "value": value, "unit": unit}
        self.rows.append(row)
        shown = f"{value:.5g}" if isinstance(value, float) else value
        about = ", ".join(f"{name} {entry}" for name, entry in columns.items())
        print(f"{time.monotonic() - self.began:6.1f} s  {part}  {what}: {shown} {unit}  {about}", flush=True)
        content = {"device": devices.describe_device(), "versions": collect_versions(), "rows": self.rows}
        write_text(self.output / "accelerator.json", json.dumps(content, indent=1) + "\n")


def make_peer_config(sizes: Sizes, replicas: int, precision: str = "highest") -> RunConfig:
    """The size of `experiments/throughput.py`: `reverse` in an encoder of width 64 with 8 heads, lengths up to 40."""
    training = Training(sizes.steps, sizes.batch, 1e-3, length_buckets=sizes.buckets)
    return RunConfig(
        "reverse", "encoder", "sinusoidal", 40, 200, 64, sizes.layers, 8, task_options=(("alphabet", 2),),
        training=training, precision=precision, **divide(replicas),
    )  # fmt: skip


def divide(replicas: int) -> dict[str, Any]:
    """How a program of so many models divides its work."""
    return {"replicas_per_device": replicas, "batching": "vmap", "activation_budget": ACTIVATIONS // replicas}


def list_configs(sizes: Sizes) -> dict[RunConfig, str]:
    """What part 2 trains, the most important first, with its name."""
    first = [make_peer_config(sizes, replicas) for replicas in sizes.replicas]
    large = sizes.replicas[1]
    first[3:3] = [make_peer_config(sizes, large, precision) for precision in PRECISIONS[1:]]
    configs = dict.fromkeys(first, "the peer's")
    training = replace(first[0].training, batch=sizes.batch // 2, length_buckets=min(2, sizes.buckets))
    for replicas in (large, max(sizes.replicas)):
        small: dict[str, Any] = {
            "width": 32,
            "layers": min(2, sizes.layers),
            "heads": 2,
            "train_length": 10,
            "table_length": 100,
        }
        configs[replace(first[0], training=training, **small, **divide(replicas))] = "of the preset standard"
    return configs


# ── 1 and 2: rates, and the speed of training ───────────────────────────────────────────────────────────────────────


def measure_machine(session: Session) -> dict[str, Rates]:
    """What the device does at best, by precision of its products."""
    rates = {precision: measure_rates(make_mesh(jax.devices()[:1]), precision) for precision in PRECISIONS}
    for precision, measured in rates.items():
        session.add("rates", "matrix product", measured.products / 1e12, "TFLOP/s", precision=precision)
    session.add("rates", "exponentials", rates["highest"].exponentials / 1e9, "1e9/s")
    session.add("rates", "GELU", rates["highest"].gelus / 1e9, "1e9/s")
    session.add("rates", "copy, read and written", rates["highest"].moved / 1e9, "GB/s")
    return rates


def start_compiling(session: Session, pool: ThreadPoolExecutor) -> None:
    """Compiles the programs of part 2, several at a time."""
    mesh = make_mesh(jax.devices()[:1])
    for config in list_configs(session.sizes):
        session.programs[config] = pool.submit(population.compile_program, config, load_source(config), mesh)


def measure_training_speed(session: Session, rates: dict[str, Rates]) -> None:
    """Milliseconds per step and model, share of the roofline, memory and compilation of each size."""
    for config, size in list_configs(session.sizes).items():
        columns: dict[str, Any] = {"size": size, "models": config.replicas_per_device}
        columns["precision"] = config.precision
        with reporting(session, "training", **columns):
            speed = time_training(config, load_source(config), session.take(config), session.sizes.timed)
            share = speed.work.compute_least_seconds(rates[config.precision])
            session.add("training", "a step of a model", 1000 * speed.replica_seconds, "ms", **columns)
            session.add("training", "steps of models", 1 / speed.replica_seconds, "1/s", **columns)
            session.add("training", "share of the roofline", share, "", **columns)
            session.add("training", "memory of the program", speed.memory / 1e9, "GB", **columns)
            session.add("training", "compilation", speed.compile_seconds, "s", **columns)


@contextmanager
def reporting(session: Session, part: str, **columns: Any) -> Iterator[None]:
    """Inside, an exception becomes a row of its own, and the next measurement follows."""
    try:
        yield
    except Exception as error:
        reason = (str(error).strip() or "no message").splitlines()[0][:200]
        session.add(part, "failed", f"{type(error).__name__}: {reason}", "", **columns)


# ── 3 and 4: the same numbers as on a CPU, and twice ────────────────────────────────────────────────────────────────


def train_and_test(session: Session, config: RunConfig, program: Program) -> tuple[list[TrainedReplica], np.ndarray]:
    """A round of some seeds, and the accuracy of each at each length."""
    source, sizes = load_source(config), session.sizes
    specs = [ReplicaSpec(seed, config.training.learning_rate) for seed in range(sizes.seeds)]
    trained = population.train_round(config, source, program, specs)
    longest = max(sizes.test_lengths)
    evaluator = evaluate.compile_evaluator(
        config, source.stream, {}, program.mesh, longest, sizes.examples, measure_scores
    )
    models = [replica.snapshots["100"] for replica in trained]
    options = evaluate.make_forward_options(config)
    accuracy = [
        [
            float(scores.correct / scores.answers)
            for scores in evaluate.evaluate(evaluator, models, {}, config.task, length, options)
        ]
        for length in sizes.test_lengths
    ]
    return trained, np.array(accuracy, np.float64).T


def write_reference(session: Session, path: Path) -> None:
    """Losses by step and accuracy by length on this process's devices, one model at a time as on a CPU."""
    config = replace(make_peer_config(session.sizes, 1), batching="map", activation_budget=2**16, replicas_per_device=1)
    program = population.compile_program(config, load_source(config), make_mesh(jax.devices()[: session.sizes.seeds]))
    trained, accuracy = train_and_test(session, config, program)
    np.savez(path, loss=np.array([replica.history["loss"] for replica in trained]), accuracy=accuracy)


def start_reference(session: Session, script: Path) -> subprocess.Popen[bytes]:
    """The same training in a process of its own on the CPU of this machine. `script`: `experiments/accelerator.py`."""
    command = [sys.executable, str(script), "--reference", str(session.output / "reference.npz")]
    command += ["--output", str(session.output)] + (["--tiny"] if session.sizes is TINY else [])
    return subprocess.Popen(command, env=os.environ | {"JAX_PLATFORMS": "cpu"})


def compare_with_cpu(session: Session, reference: subprocess.Popen[bytes], config: RunConfig) -> None:
    """Part 3."""
    trained, accuracy = train_and_test(session, config, session.take(config))
    losses = np.array([replica.history["loss"] for replica in trained])
    reference.wait(timeout=session.count_seconds(0.9))
    with np.load(session.output / "reference.npz") as stored:
        cpu_losses, cpu_accuracy = stored["loss"], stored["accuracy"]
    (session.output / "reference.npz").unlink()
    differences = np.abs(losses / cpu_losses - 1).max(axis=0)
    for until in sorted({1, 5, 10, len(differences)}):
        if until <= len(differences):
            steps = min(HISTORY_EVERY * until, config.training.steps)
            session.add("CPU", "loss, largest relative difference", float(differences[:until].max()), "", steps=steps)
    for i, length in enumerate(session.sizes.test_lengths):
        for device, values in (("accelerator", accuracy), ("CPU", cpu_accuracy)):
            session.add("CPU", "token accuracy", float(values[:, i].mean()), "", length=length, device=device)


def train_twice(session: Session, config: RunConfig, other: RunConfig) -> None:
    """Part 4: how far apart two rounds of one program are, and rounds of programs for other numbers of models."""
    source, steps = load_source(config), min(100, session.sizes.steps)
    specs = [ReplicaSpec(0, config.training.learning_rate)]

    def train(config: RunConfig) -> list[np.ndarray]:
        program = session.take(config)
        replicas = population.init_replicas(config, source, program, specs)
        model = population.advance_replicas(program, replicas, 0, steps).model
        return [np.asarray(leaf[0]) for leaf in jax.tree.leaves(model)]

    first = train(config)
    for what, second in (("the same program", train(config)), (f"{other.replicas_per_device} models", train(other))):
        apart = max(float(np.abs(a - b).max()) for a, b in zip(first, second, strict=True))
        session.add("twice", "parameters, largest difference", apart, "", steps=steps, second=what)
