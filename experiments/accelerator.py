"""Does jaxpe run on an accelerator, is it right there, and how fast is it?

One call of a few minutes on a machine with one accelerator: `python experiments/accelerator.py --output FOLDER`. Six parts, each
of which writes its rows to FOLDER/accelerator.json as they come: (1) what the machine does at best; (2) training at several
sizes, numbers of models and precisions; (3) the same 500 steps as on a CPU of the same machine; (4) the same round twice;
(5) attention in tiles of queries, whole and fused; (6) as much of some large tables as the minutes allow, begun while the programs
of the other parts compile. Without an accelerator it says so and runs every part in a tiny form.

Predicted, before it ran on any accelerator: the cost of a model at the peer's size falls by a factor of at least 8 from 1
to 64 models in a program. Mean losses of ten steps differ from a CPU's by less than .1 % over the first 50 steps, and accuracy
after 500 steps by less than .05 at each length, as means over four seeds. The same program gives the same bits twice. Tiles
cost at most 1.5 times the time of whole attention where both fit.
"""

from __future__ import annotations

import os
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jax
import pandas as pd
import tyro

from jaxpe import cli, devices
from jaxpe.analysis.speed import accelerator
from jaxpe.analysis.speed.accelerator import FULL, TINY, Session
from jaxpe.analysis.speed.attention import FUSED, WAYS, AttentionCase, time_attention
from jaxpe.analysis.speed.timed_tables import GRACE, extend_table
from jaxpe.errors import UserError
from jaxpe.records.files import disk_errors


def start_compiling_attention(session: Session, pool: ThreadPoolExecutor) -> dict[AttentionCase, Future[Any]]:
    """The programs of part 5."""
    cases = [
        AttentionCase(way, encoding, length, session.sizes.width, dtype)
        for length in session.sizes.attention
        for encoding in ("none", "alibi")
        for way in WAYS
        for dtype in ("float32", "bfloat16")
        if way != FUSED or (encoding, dtype) == ("none", "bfloat16")
    ]
    return {case: pool.submit(case.compile) for case in cases}


def measure_attention(session: Session, programs: dict[AttentionCase, Future[Any]]) -> None:
    """Part 5: milliseconds and memory of one layer, forward and backward."""
    for case, program in programs.items():
        with accelerator.reporting(session, "attention", **case._asdict()):
            timed = time_attention(program.result(timeout=session.count_seconds(0.9)), case)
            session.add("attention", "forward and backward", timed.milliseconds, "ms", **case._asdict())
            session.add("attention", "memory", timed.gigabytes, "GB", **case._asdict())


def extend_tables(session: Session, share: float) -> None:
    """Part 6: the tables that are not whole yet, one after the other, until this share of the time is over."""
    folder, began = session.output / "results", time.monotonic()
    fields = [] if session.sizes is TINY else ["replicas_per_device=10"]
    for experiment, preset in session.sizes.tables:
        if session.count_seconds(share) <= GRACE or (experiment, preset) in session.whole_tables:
            continue
        with accelerator.reporting(session, "table", experiment=experiment, preset=preset):
            whole = extend_table(folder, experiment, preset, session.count_seconds(share) - GRACE, fields)
            session.whole_tables |= {(experiment, preset)} if whole else set()
            what, seconds = "whole" if whole else "not whole yet", time.monotonic() - began
            runs = len(list((folder / "runs").glob("*/record.json")))
            session.add("table", what, seconds, "s", experiment=experiment, preset=preset, runs=runs)


def main(
    output: Path = Path("results/accelerator"),
    minutes: float = 8.0,
    tiny: bool = False,
    reference: Path | None = None,
) -> int:
    """Measures this machine's accelerator.

    Args:
        output: Folder for accelerator.json, and for the results of part 6.
        minutes: Time for all parts together.
        tiny: Only show that every part runs; so it is without an accelerator.
        reference: Only train part 3 and write its losses there; used by the script itself.
    """
    if minutes <= 0:
        raise UserError(f"--minutes must be above 0, got {minutes:g}.")
    os.environ.setdefault("XLA_PYTHON_CLIENT_MEM_FRACTION", "0.6")  # the rest is for the processes of part 6
    devices.prepare_jax(4 if reference else None)
    is_cpu = jax.default_backend() == "cpu"
    session = Session(output, TINY if tiny or (is_cpu and reference is None) else FULL, minutes)
    with disk_errors():
        output.mkdir(parents=True, exist_ok=True)
    if reference is not None:
        accelerator.write_reference(session, reference)
        return 0
    if is_cpu:
        print("JAX has no accelerator here: every part runs in a tiny form, and its numbers mean nothing.")
    pool = ThreadPoolExecutor(8)
    rates = accelerator.measure_machine(session)
    accelerator.start_compiling(session, pool)
    attention = start_compiling_attention(session, pool)
    process = accelerator.start_reference(session, Path(__file__))
    extend_tables(session, 0.55)
    configs = list(accelerator.list_configs(session.sizes))
    accelerator.measure_training_speed(session, rates)
    with accelerator.reporting(session, "CPU"):
        accelerator.compare_with_cpu(session, process, configs[0])
    with accelerator.reporting(session, "twice"):
        accelerator.train_twice(session, configs[0], configs[1])
    measure_attention(session, attention)
    extend_tables(session, 1.0)
    print(pd.DataFrame(session.rows).astype(object).fillna("").to_string(index=False), flush=True)
    os._exit(0)  # programs that still compile are not waited for


if __name__ == "__main__":
    cli.exit_with(lambda: tyro.cli(main))
