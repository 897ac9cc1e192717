"""The conformance suite of tasks: what every task must do, measured. `jaxpe check` prints it, and pytest runs it.

What a class declares (sizes, alphabet, architectures, `order_needed`, both baselines) is compared with examples. A class may
have a slow solver, the method `reference(x)` from the list x to the list y; without one the answers are not checked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial

from jaxpe.conformance import task_baselines, task_properties
from jaxpe.conformance.findings import Finding, PropertyResult, run_check
from jaxpe.conformance.task_examples import TaskSubject
from jaxpe.plugins.files import locate_class

REQUIRED = ("options", "declarations", "lengths", "jit and vmap")  # without one of them nothing else is measured
PROPERTIES: dict[str, Callable[[TaskSubject], Finding]] = {
    "options": task_properties.check_options,
    "declarations": task_properties.check_class,
    "lengths": task_properties.check_sizes,
    "jit and vmap": task_properties.check_tracing,
    "actual lengths": task_properties.check_actual_lengths,
    "symbols": task_properties.check_symbols,
    "padding": task_properties.check_padding,
    "max_length": task_properties.check_array_size,
    "keys": task_properties.check_keys,
    "evaluation set": task_properties.check_evaluation_set,
    "formats": task_properties.check_formats,
    "order": task_baselines.check_order,
    "length-only baseline": task_baselines.check_length_baseline,
    "order-blind baseline": task_baselines.check_order_blind_baseline,
    "reference": task_properties.check_reference,
}


def measure_task(subject: TaskSubject, names: Iterable[str] = tuple(PROPERTIES)) -> Iterator[PropertyResult]:
    """The results, one after the other. An exception of the user's code becomes a fault with its file and line."""
    for name in names:
        finding = run_check(partial(PROPERTIES[name], subject), type(subject.task))
        yield PropertyResult(name, finding.measured, finding.fault)
        if finding.fault and name in REQUIRED:
            return


def describe_task(subject: TaskSubject) -> dict[str, str]:
    """The class, its file, and what it says of itself."""
    kind = type(subject.task)
    return {
        "class": f"{kind.__name__} ({locate_class(kind).partition(',')[0]})",
        "summary": str(getattr(subject.task, "summary", "")),
    }
