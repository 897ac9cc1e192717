"""jaxpe: positional encodings put to the test.

What a file of your own imports is here: `Encoding`, `Context` and `View` for an encoding, `Task` for a task, `Preset`,
`GridRow` and `Claim` for an experiment. `train` and `load` (`jaxpe.study.api`) give models in Python. Each is imported when it
is first used.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"
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
    """A public name, imported from its place."""
    if name in PLACES:
        return getattr(import_module(PLACES[name]), name)
    raise AttributeError(f"module 'jaxpe' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *PLACES]
