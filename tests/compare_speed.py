"""How fast are two versions of jaxpe? Whole processes with empty caches, one after the other on this machine, as ratios.

    python tests/compare_speed.py BEFORE [AFTER]        commits; AFTER is HEAD unless it is given

Each version gets a clone and an environment of its own. Timed are the installation; `make study`, up to its first page and to its
end; and the job of the closest comparable codebase: ten encoders that reverse (5 layers, width 64, 8 heads, batch 128, 500 steps
with lengths up to 40), then tested at the lengths 1 to 100 with 512 examples each. The rate of a matrix product is measured before
each, since machines are shared. Nothing else should run. Takes half an hour on two cores.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
SIZES = {
    "seeds": 10,
    "layers": 5, "width": 64, "heads": 8, "batch": 128, "steps": 500, "train_length": 40, "length_buckets": 8,
    "max_length_ratio": 2.5, "num_test_lengths": 100, "examples": 512,
}  # fmt: skip
JOB = (
    "run", "catalogue", "--tasks", "reverse", "--architectures", "encoder", "--encodings", "sinusoidal",
    "--set", *(f"{name}={value}" for name, value in SIZES.items()),
)  # fmt: skip
INSTALL, FIRST, STUDY, CORES, TEN, PRODUCT = (
    "installation, s", "make study, to its first page, s", "make study, s", "make study, cores busy",
    "ten models of the comparable job, s", "matrix product, GFLOP/s",
)  # fmt: skip
Numbers = dict[str, float]


def measure_product(size: int = 2048, seconds: float = 3.0) -> float:
    """GFLOP/s of a float32 matrix product: the fastest of those that fit into the time."""
    a, fastest, end = np.ones((size, size), np.float32), float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        began = time.perf_counter()
        a @ a
        fastest = min(fastest, time.perf_counter() - began)
    return 2 * size**3 / fastest / 1e9


def run_timed(
    command: Sequence[str], folder: Path, cache: Path, shown: Path | None = None
) -> tuple[float, float, float]:
    """Seconds of a command, seconds of its processors, and seconds until the file `shown` is there (NaN where it never is)."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    began, first = time.perf_counter(), float("nan")
    process = subprocess.Popen(
        command, cwd=folder, env=os.environ | {"JAXPE_CACHE": str(cache)}, stdout=subprocess.DEVNULL
    )
    while process.poll() is None:
        if shown is not None and first != first and shown.is_file() and shown.stat().st_mtime_ns > 0:
            first = time.perf_counter() - began
        time.sleep(0.1)
    seconds = time.perf_counter() - began
    if process.returncode not in (0, 3):  # 3: a training diverged, and the rest was done
        sys.exit(f"`{' '.join(command)}` ended with {process.returncode}.")
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime, first


def measure_version(commit: str, folder: Path) -> Numbers:
    """All times of a version."""
    clone = folder / "clone"
    subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
    subprocess.run(["git", "-C", clone, "checkout", "--quiet", commit], check=True)
    product = measure_product()
    install, _, _ = run_timed(["make", ".venv/study", f"PYTHON={sys.executable}"], clone, folder / "cache")
    page = clone / "results" / "index.html"  # no page is committed there
    study, processor, first = run_timed(["make", "study"], clone, folder / "cache", page)
    jaxpe = str(clone / ".venv" / "bin" / "jaxpe")
    ten, _, _ = run_timed([jaxpe, *JOB, "--results", str(folder / "ten")], clone, folder / "empty")
    return {PRODUCT: product, INSTALL: install, FIRST: first, STUDY: study, CORES: processor / study, TEN: ten}


def format_table(before: Numbers, after: Numbers) -> str:
    """A Markdown table with the ratio of both."""
    lines = ["| | before | after | before / after |", "|---|---|---|---|"]
    lines += [f"| {name} | {old:.4g} | {after[name]:.4g} | {old / after[name]:.2f} |" for name, old in before.items()]
    return "\n".join(lines)


def main(before: str, after: str) -> None:
    """Measures both and prints the table."""
    measured = []
    commits = [
        subprocess.check_output(["git", "-C", ROOT, "rev-parse", "--short", one], text=True).strip()
        for one in (before, after)
    ]
    for commit in commits:
        with tempfile.TemporaryDirectory(prefix="jaxpe-speed-") as folder:
            measured.append(measure_version(commit, Path(folder)))
        print(commit, measured[-1], flush=True)
    print(format_table(*measured))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("before")
    parser.add_argument("after", nargs="?", default="HEAD")
    arguments = parser.parse_args()
    main(arguments.before, arguments.after)
