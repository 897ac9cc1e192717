"""`jaxpe status`: who works on a results folder, and what it holds. Nothing is trained, and JAX is not needed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jaxpe.cli.columns import format_columns
from jaxpe.errors import UserError, escape_unprintable
from jaxpe.plugins.registry import label_name
from jaxpe.records.failures import read_failures
from jaxpe.records.leases import LeaseFolder
from jaxpe.records.provenance import TABLE
from jaxpe.records.results import Results, is_run_id, open_results

COLUMNS = ("state", "host", "process", "since", "last sign", "works on")


def print_status(folder: Path, as_json: bool) -> int:
    """Prints who works on a results folder and what is stored. Returns 0, or 3 where a training failed or a record is damaged."""
    if not folder.is_dir():
        raise UserError(f"There is no folder {folder}: give the --results of a command that was started.")
    status = describe_status(open_results(folder, write=False))
    print(json.dumps(status, indent=1) if as_json else format_status(folder, status))
    return 3 if status["diverged"] or status["damaged"] or status["failed"] else 0


def describe_status(results: Results) -> dict[str, Any]:
    """Leases, stored runs, those that diverged or are damaged, and the experiments that have a table."""
    leases = LeaseFolder(results.folder / "leases")
    holders = leases.list_holders()
    now = leases.read_clock() if holders else 0.0
    rows = [
        {
            "state": "stale" if leases.is_stale(holder, now) else "working",
            "host": holder.host,
            "process": holder.pid,
            "since": holder.started,
            "seconds_since_last_sign": round(max(0.0, now - holder.touched), 1),
            "about": holder.about,
            "runs": list(holder.items),
        }
        for holder in holders
    ]
    tables = sorted(path.parent.name for path in results.folder.glob(f"*/{TABLE}*"))
    return {"leases": rows, **describe_runs(results), "failed": read_failures(results), "experiments": tables}


def describe_runs(results: Results) -> dict[str, Any]:
    """How many runs are stored, and which of them diverged or are damaged, in words."""
    stored, diverged, damaged = 0, list[str](), list[str]()
    for path in sorted((results.folder / "runs").glob("*/record.json")):
        if not is_run_id(path.parent.name) or not results.has_run(path.parent.name):
            continue
        try:
            record = results.read_record(path.parent.name)
            config = record["config"]
            words = label_name(config["task"]), config["architecture"], label_name(config["encoding"])
        except (UserError, KeyError, TypeError):
            damaged.append(path.parent.name)
            continue
        stored += 1
        if record["diverged"]:
            diverged.append(f"{', '.join(words)}, seed {record['seed']}")
    return {"stored": stored, "diverged": diverged, "damaged": damaged}


def format_status(folder: Path, status: dict[str, Any]) -> str:
    """The status in words: a line for each process, and one for each fault."""
    if not any(status.values()):
        return f"{folder} holds no runs, and no process works on it."
    lines = [[str(word) for word in COLUMNS]]
    for row in status["leases"]:
        sign = f"{row['seconds_since_last_sign']:.0f} s ago"
        words = row["state"], row["host"] or "?", row["process"] or "?", row["since"] or "?", sign, row["about"] or "?"
        lines.append([escape_unprintable(str(word)) for word in words])
    who = format_columns(lines) if status["leases"] else "No process works on it."
    tables = ", ".join(status["experiments"]) or "none yet"
    text = [who, f"{folder} holds {status['stored']} runs. Tables: {tables}."]
    if status["diverged"]:
        text.append(f"Trainings that diverged: {'; '.join(map(escape_unprintable, status['diverged']))}.")
    for failure in status["failed"]:
        what = f"{failure['about']} ({failure['error']})"
        text.append(escape_unprintable(f"Not trained, after {failure['attempts']} attempts: {what}."))
    if status["damaged"]:
        names = ", ".join(name[:12] for name in status["damaged"])
        text.append(f"Damaged, to be deleted and trained again: {escape_unprintable(names)}.")
    return "\n".join(text)
