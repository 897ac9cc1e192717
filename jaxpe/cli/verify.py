"""`jaxpe verify`: the numbers of a results folder computed again and compared. Nothing is written or trained."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from jaxpe.cli.plot import list_experiments
from jaxpe.devices import prepare_jax
from jaxpe.report.verify import verify_results
from jaxpe.study.experiment import load_experiment


def verify_folder(results: Path, experiments: Sequence[str]) -> int:
    """Prints what differs, a line each. Returns 3 where anything does, else 0 after one line that says what agrees.

    `experiments`: the files of experiments of the user's own. What could not be compared is said on stderr.
    """
    folders = list_experiments(results)
    own = {experiment.name: experiment for experiment in map(load_experiment, experiments)}
    prepare_jax(None)
    verification = verify_results(results, own, Path())
    for note in verification.notes:
        print(note, file=sys.stderr)
    if verification.differences:
        print("\n".join(verification.differences))
        return 3
    count = f"{verification.agreeing:,} values and lines; experiments: {len(folders)}"
    print(f"{results}: everything agrees when it is computed again ({count}).")
    return 0
