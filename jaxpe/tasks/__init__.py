"""Synthetic tasks: each draws examples (x, y) of a given length, and has two baselines that need no training."""

from jaxpe.tasks.base import Sample, Task
from jaxpe.tasks.registry import CATALOGUE, build_task

__all__ = ["CATALOGUE", "Sample", "Task", "build_task"]
