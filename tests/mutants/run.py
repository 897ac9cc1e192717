"""Small changes that make results wrong, applied one at a time to a copy of this checkout: do the tests notice?

`make mutants`, or `python tests/mutants/run.py [WORD …]` for those whose name or file contains a word. tests/mutants/*.toml lists
them. A mutant is noticed where one of its tests fails. Ends with 1 where fewer than 95 % are noticed, and with 2 where the tests
fail without any change. The checkout itself is never edited.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
LEAST_SHARE = 0.95
TIMEOUT = 300  # seconds for each of the tests of a mutant; a change that makes them hang is noticed too
LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", "__pycache__", "build", "dist", "runs", "checkpoints", "*.egg-info", ".*_cache"
)
PASSED, FAILED = 0, 1  # exit codes of pytest; others mean that tests could not be run


@dataclass(frozen=True)
class Mutant:
    """A change of one file. `old` occurs in it exactly once."""

    name: str
    file: str
    old: str
    new: str
    why: str  # what would be wrong
    tests: tuple[str, ...]  # that should notice: paths, or path::name


def load_mutants(folder: Path = Path(__file__).parent) -> list[Mutant]:
    """The mutants of all tables, in the order of the names of their files."""
    entries = [entry for path in sorted(folder.glob("*.toml")) for entry in tomllib.loads(path.read_text())["mutant"]]
    return [Mutant(**entry | {"tests": tuple(entry["tests"])}) for entry in entries]


def select_mutants(mutants: Sequence[Mutant], words: Sequence[str]) -> list[Mutant]:
    """Those whose name or file contains one of the words; all without a word."""
    return [mutant for mutant in mutants if not words or any(word in f"{mutant.name} {mutant.file}" for word in words)]


def copy_checkout(folder: Path, root: Path = ROOT) -> Path:
    """A copy of the checkout without its environment and its history."""
    return Path(shutil.copytree(root, folder / "checkout", ignore=LEFT_OUT))


@contextmanager
def apply_mutant(checkout: Path, mutant: Mutant) -> Iterator[None]:
    """Changes the file in a copy, and puts it back afterwards. Raises ValueError where the snippet is not unique."""
    path = checkout / mutant.file
    text = path.read_text(encoding="utf-8")
    if text.count(mutant.old) != 1:
        raise ValueError(f"{mutant.name}: its snippet occurs {text.count(mutant.old)} times in {mutant.file}")
    try:
        path.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
        yield
    finally:
        path.write_text(text, encoding="utf-8")


def make_environment(checkout: Path) -> dict[str, str]:
    """The copy comes first on the path, before the installed checkout; compiled programs are kept from mutant to mutant."""
    own = {"PYTHONPATH": str(checkout), "PYTHONDONTWRITEBYTECODE": "1", "JAXPE_CACHE": str(checkout.parent / "cache")}
    return os.environ | own


def run_tests(checkout: Path, tests: Sequence[str]) -> tuple[int, str]:
    """The exit code of pytest in a copy, and its last lines. Tests that hang count as failed."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    try:
        environment = make_environment(checkout)
        result = subprocess.run(
            command, cwd=checkout, env=environment, capture_output=True, text=True, timeout=TIMEOUT * len(tests)
        )
    except subprocess.TimeoutExpired:
        return FAILED, "the tests took too long"
    return result.returncode, "\n".join((result.stdout + result.stderr).strip().splitlines()[-15:])


def try_mutant(checkout: Path, mutant: Mutant) -> str:
    """'noticed', 'survived', or why its tests could not be run."""
    with apply_mutant(checkout, mutant):
        code, last_lines = run_tests(checkout, mutant.tests)
    if code in (PASSED, FAILED):
        return "noticed" if code == FAILED else "survived"
    return f"cannot be run: {last_lines}"


def main(words: Sequence[str], list_only: bool = False) -> int:
    """Tries the selected mutants, prints what became of each, and returns the exit code."""
    mutants = select_mutants(load_mutants(), words)
    if list_only or not mutants:
        print("\n".join(f"{mutant.name:40} {mutant.file}" for mutant in mutants) or "There is no such mutant.")
        return 0 if mutants else 2
    with tempfile.TemporaryDirectory(prefix="jaxpe-mutants-") as folder:
        checkout = copy_checkout(Path(folder))
        needed = sorted({test for mutant in mutants for test in mutant.tests})
        code, last_lines = run_tests(checkout, needed)
        if code != PASSED:
            print(f"Without a change, the tests of these mutants do not pass:\n{last_lines}")
            return 2
        survivors = list[Mutant]()
        for number, mutant in enumerate(mutants, 1):
            began = time.monotonic()
            outcome = try_mutant(checkout, mutant)
            survivors += [mutant] if outcome != "noticed" else []
            seconds = time.monotonic() - began
            print(f"{number:3}/{len(mutants)}  {outcome:9} {seconds:4.0f} s  {mutant.name}", flush=True)
    share = 1 - len(survivors) / len(mutants)
    for mutant in survivors:
        print(f"survived: {mutant.name} ({mutant.file}): {mutant.why}")
    print(f"{len(mutants) - len(survivors)} of {len(mutants)} mutants noticed ({share:.1%}).")
    return 0 if share >= LEAST_SHARE else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("words", nargs="*", help="only mutants whose name or file contains one of these words")
    parser.add_argument("--list", action="store_true", dest="list_only", help="list them, and run nothing")
    arguments = parser.parse_args()
    sys.exit(main(arguments.words, arguments.list_only))
