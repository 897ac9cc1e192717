"""Which experiment wrote a folder of results: as far as it can be loaded without trusting the folder."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from pathlib import Path

from jaxpe.records.provenance import read_provenance
from jaxpe.study.experiment import EXPERIMENTS, Experiment, load_experiment
from jaxpe.study.origins import find_packaged, recall_file


def read_experiment_name(folder: Path) -> str:
    """The name of the experiment that wrote a folder, as its provenance says; without one, the folder's name."""
    return str(read_provenance(folder).get("experiment") or folder.name)


def find_experiment(folder: Path, given: Iterable[Experiment] = ()) -> Experiment | None:
    """The experiment that wrote a folder: a given one, jaxpe's, that of an installed package, or the file that wrote it here.

    None where it is not known on this machine: what a folder names is looked up, and never loaded.
    """
    name, provenance = read_experiment_name(folder), read_provenance(folder)
    for experiment in given:
        if experiment.name == name:
            return experiment
    if name in EXPERIMENTS or (provenance.get("package") and name in find_packaged()):
        return load_experiment(name)
    path = recall_file(folder)
    if path is None or not path.is_file():
        return None
    experiment = load_experiment(str(path))
    return experiment if experiment.name == name else None


def describe_unknown(folder: Path, command: str) -> str:
    """How to name the experiment of a folder that is not known here, in a sentence. `command` names its file as {file}."""
    provenance, name = read_provenance(folder), read_experiment_name(folder)
    if package := provenance.get("package"):
        return f"{folder.name} is an experiment of the package {package}, which is not installed: install it first."
    file = shlex.quote(str(provenance.get("file") or f"path/to/{name}.py"))
    gone = f"{path} is gone" if (path := recall_file(folder)) else "its file is not known here"
    return f"{folder.name} is an experiment of your own, and {gone}: {command.format(file=file)}"
