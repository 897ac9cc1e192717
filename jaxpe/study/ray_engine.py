"""Rounds of training as tasks of a Ray cluster. Only this process writes the results, so that machines need not share a disk.

A round is one task, which takes a GPU or as many cores as a program has devices. A machine trains it as `jaxpe run` does there,
and sends back the files of its runs and its metrics. A task whose worker dies is tried again; after three times its error is recorded and the
other rounds go on.
"""

from __future__ import annotations

import signal
import socket
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import jax

from jaxpe.devices import describe_settings, prepare_jax
from jaxpe.errors import UserError
from jaxpe.plugins.calls import get_first_line
from jaxpe.records.failures import Failure, forget_failure, write_failure
from jaxpe.records.files import write_bytes
from jaxpe.records.leases import Lease, LeaseLost
from jaxpe.study.engines import Work
from jaxpe.study.evaluators import describe_config
from jaxpe.study.sinks import FOLDER as METRICS
from jaxpe.surroundings import STOP, clean_environment
from jaxpe.training.config import RunConfig
from jaxpe.training.population import count_replicas

if TYPE_CHECKING:
    from collections.abc import Iterator

ATTEMPTS = 3
SECONDS_BETWEEN_LOOKS = 0.5


class Order(NamedTuple):
    """What a machine is asked to train: configs, seeds and ids of the runs of a round, its devices, and what else can change a number."""

    runs: tuple[tuple[RunConfig, int, str], ...]
    devices: int
    environment: Mapping[str, object]  # of `describe_settings`


class Trained(NamedTuple):
    """What a machine sends back: the files of each run by its id, and the files of metrics, all by their names."""

    runs: dict[str, dict[str, bytes]]
    metrics: dict[str, bytes]


class Round(NamedTuple):
    """A round that is being trained."""

    order: Order
    about: str
    lease: Lease
    attempts: int = 1

    @property
    def ids(self) -> list[str]:
        return [identifier for _, _, identifier in self.order.runs]


def train_order(order: Order) -> Trained | str:
    """Trains the runs of a round in a temporary folder and returns its files; a sentence where a user must do something."""
    clean_environment()
    try:
        prepare_jax(order.devices if order.environment["backend"] == "cpu" else None)
        if describe_settings() != order.environment:
            raise UserError(
                f"A machine of the Ray cluster computes with {describe_settings()}, and this one with {order.environment}: start the "
                "command on a machine of the same kind, with one GPU where tasks get one."
            )
        return train_runs(order)
    except UserError as error:
        return str(error)


def train_runs(order: Order) -> Trained:
    """The files of the trained runs of a round, and those of their metrics."""
    from jaxpe.records.results import open_results
    from jaxpe.study.workspace import Run, Workspace

    with tempfile.TemporaryDirectory(prefix="jaxpe-") as folder:
        work = Workspace(open_results(Path(folder)), save_every=float("inf"))
        work.train([Run(*run) for run in order.runs])
        runs = {identifier: work.results.read_files(identifier) for _, _, identifier in order.runs}
        round_name = f"{order.runs[0][2][:8]}-"  # a worker may begin several rounds within a second
        metrics = {round_name + path.name: path.read_bytes() for path in (Path(folder) / METRICS).glob("*.jsonl")}
        return Trained(runs, metrics)


class RayEngine:
    """Trains on a Ray cluster. `address`: of a running cluster, "auto" for the one of this machine, "local" for a new one."""

    def __init__(self, address: str) -> None:
        """Raises UserError where Ray is not installed, or there is no cluster."""
        try:
            import ray
        except ImportError:
            raise UserError("--engine ray needs Ray: install it with pip install 'jaxpe[ray]'.") from None
        self.ray: Any = ray
        with keep_signals(), warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # Ray starts processes by fork, which JAX warns of
            try:
                require_answer(address)
                ray.init(address=address, ignore_reinit_error=True, log_to_driver=False, logging_level="ERROR")
            except (OSError, ValueError, RuntimeError) as error:
                raise UserError(
                    f"There is no Ray cluster at {address} ({get_first_line(error)}): start one with `ray start --head`, give its "
                    "address, or `--ray-address local`."
                ) from error
        gpus = 0 if jax.default_backend() == "cpu" else 1
        cores = 1 if gpus else jax.local_device_count()
        self.resource, self.amount = ("GPU", 1) if gpus else ("CPU", cores)
        self.submit = ray.remote(train_order).options(num_cpus=cores, num_gpus=gpus, max_retries=0).remote

    def train(self, work: Work, groups: Sequence[list[Any]]) -> None:
        """Raises UserError for what is wrong on a machine, KeyboardInterrupt after a signal."""
        running: dict[Any, Round] = {}
        given_up: set[str] = set()
        try:
            while True:
                limit = 1 + int(self.ray.cluster_resources().get(self.resource, 0)) // self.amount
                while len(running) < limit and (one := take_round(work, groups, given_up)):
                    work.reporter.note(f"training {one.about}")
                    running[self.submit(one.order)] = one
                rest = [run for group in groups for run in work.select_missing(group) if run.id not in given_up]
                if not rest:
                    return
                done, _ = self.ray.wait(list(running), timeout=SECONDS_BETWEEN_LOOKS) if running else ([], [])
                for task in done:
                    if again := self.finish(work, running.pop(task), task, given_up):
                        running[self.submit(again.order)] = again
                for group in groups:
                    work.pick_up(group, work.select_missing(group))
                if not running and not done:
                    work.leases.pause()
                STOP.check()
        finally:
            for task, one in running.items():
                self.ray.cancel(task, force=True)
                one.lease.give_back()

    def finish(self, work: Work, one: Round, task: Any, given_up: set[str]) -> Round | None:
        """Stores what a task trained, or gives it up. Returns the round where it is to be tried again."""
        try:
            trained = self.ray.get(task)
        except Exception as error:  # its worker died, or a fault of a library
            if one.attempts < ATTEMPTS:
                return one._replace(attempts=one.attempts + 1)
            reason = f"{type(error).__name__}: {get_first_line(error)}"
            work.failures.append(f"Not trained, after {one.attempts} attempts: {one.about} ({reason}).")
            given_up.update(one.ids)
            write_failure(work.results, Failure(about=one.about, runs=one.ids, error=reason, attempts=one.attempts))
            one.lease.give_back()
            return None
        try:
            if isinstance(trained, str):
                raise UserError(trained)
            for identifier, content in trained.runs.items():
                one.lease.require()
                work.results.write_files(identifier, content)
            with suppress(OSError):  # a full disk costs metrics and no run
                for name, lines in trained.metrics.items():
                    write_bytes(work.results.folder / METRICS / name, lines)
            forget_failure(work.results, one.ids)
        except LeaseLost:
            work.reporter.note(f"another process has taken over {one.about}")
        finally:
            one.lease.give_back()
        return None


def take_round(work: Work, groups: Sequence[list[Any]], given_up: set[str]) -> Round | None:
    """The first round that is missing and that nobody trains, under a lease; None where there is none."""
    taken = given_up | {run for holder in work.leases.list_live() for run in holder.items}
    for group in groups:
        free = [run for run in work.select_missing(group) if run.id not in taken]
        batch = free[: count_replicas(group[0].config, work.mesh)]
        if not batch:
            continue
        about = f"{describe_config(group[0].config)}, seeds {' '.join(str(run.seed) for run in batch)}"
        if lease := work.leases.take([run.id for run in batch], about):
            runs = tuple((run.config, run.seed, run.id) for run in batch)
            return Round(Order(runs, work.mesh.size, describe_settings()), about, lease)
    return None


def require_answer(address: str) -> None:
    """Raises OSError where nothing listens at host:port, for which Ray would wait many minutes."""
    host, colon, port = address.rpartition("//")[2].rpartition(":")
    if colon and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()


@contextmanager
def keep_signals() -> Iterator[None]:
    """Inside, a library may install handlers of signals; afterwards they are as before."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            if signal.getsignal(number) is not handler:
                signal.signal(number, handler)
