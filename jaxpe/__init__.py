"""jaxpe: positional encodings put to the test.

What a file of your own imports is here: `Encoding`, `Context` and `View` for an encoding, `Task` for a task, `Preset`,
`GridRow` and `Claim` for an experiment. `train` and `load` (`jaxpe.study.api`) give models in Python. Each is imported when it
is first used.

By subject:

* train and load in Python: `jaxpe.study.api`, `jaxpe.study.trained` (runs: histories, scores, answers, attention)
* encodings: `jaxpe.encodings.base` (the methods of an encoding), `jaxpe.encodings` (the catalogue), `jaxpe.positions` (samplers)
* the model: `jaxpe.model.transformer`, `jaxpe.model.attention`, `jaxpe.model.decoding`
* tasks and text: `jaxpe.tasks.base`, `jaxpe.tasks` (the catalogue), `jaxpe.data.corpus`, `jaxpe.data.language`
* training and tests: `jaxpe.training.population`, `jaxpe.training.evaluate`, `jaxpe.training.config` (all fields of a run)
* experiments: `jaxpe.study.experiment` (what a file defines), `jaxpe.study.presets`, `jaxpe.study.tables`, `jaxpe.records.claims`
* statistics: `jaxpe.records.statistics`, `jaxpe.analysis.effects`
* looking inside: `jaxpe.analysis.attention`, `jaxpe.analysis.probes`, `jaxpe.analysis.geometry`, `jaxpe.analysis.head_scores`
* published models: `jaxpe.pretrained.models`, `jaxpe.analysis.published`
* is an encoding right?: `jaxpe.conformance.suite`
"""

from importlib import import_module
from importlib.metadata import version
from typing import Any

PLACES = {  # where the public names are; no `__all__`, since documentation would look for them here
    "Claim": "jaxpe.records.claims",
    "Context": "jaxpe.encodings",
    "Encoding": "jaxpe.encodings",
    "GridRow": "jaxpe.study.presets",
    "Preset": "jaxpe.study.presets",
    "Runs": "jaxpe.study.trained",
    "Task": "jaxpe.tasks",
    "View": "jaxpe.encodings",
    "build_encoding": "jaxpe.encodings",
    "load": "jaxpe.study.api",
    "train": "jaxpe.study.api",
}


def __getattr__(name: str) -> Any:
    """A public name, imported from its place; `__version__` is that of the installed package."""
    if name == "__version__":
        return version("jaxpe")
    if name in PLACES:
        return getattr(import_module(PLACES[name]), name)
    raise AttributeError(f"module 'jaxpe' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *PLACES]
