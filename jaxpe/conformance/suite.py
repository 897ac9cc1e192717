"""The conformance suite: what every encoding must do, measured. `jaxpe check` prints it, and pytest runs it.

Each property is a function of a `Subject`, an encoding in one kind of attention. What a class declares (`invariance`,
`directed`, `keeps_norms`, `position_limit`, `integer_positions`, `changes_at`) is compared with measurements. A file
may define `reference_HOOK`, as `reference_bias`: the hook as a slow NumPy loop, compared value by value. A class may have them as static methods, where a file has several encodings. Without a reference the other
properties are still measured.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from jaxpe.conformance import hooks, options, order, parameters, ranges, schedule, transforms, values
from jaxpe.conformance.findings import Finding, PropertyResult, run_check
from jaxpe.conformance.moments import Moment, find_later_fault, list_distinct_moments, list_moments
from jaxpe.conformance.subject import Subject, make_subject
from jaxpe.encodings.base import Attention
from jaxpe.encodings.registry import ENCODINGS
from jaxpe.errors import UserError
from jaxpe.plugins.calls import locate_error
from jaxpe.plugins.files import locate_class

WIDTH, HEADS = 32, 4
ATTENTIONS: tuple[Attention, ...] = ("causal", "bidirectional", "cross")
SHAPES = "shapes and dtypes"  # the first property: without it no other is measured


ListMoments = Callable[[Subject], Iterable[Moment]]


class Property(NamedTuple):
    """A measurement, and the kinds of attention in which it applies."""

    check: Callable[[Subject], Finding]
    attentions: tuple[Attention, ...] = ATTENTIONS
    once: bool = False  # True: only in the first of them that the encoding supports
    moments: ListMoments | None = None  # where it is measured in later blocks, and later in training


PROPERTIES: dict[str, Property] = {
    SHAPES: Property(hooks.check_shapes, moments=list_moments),
    "dtype promotion": Property(hooks.check_promotion),
    "active hooks": Property(hooks.check_active_hooks),
    "parameters": Property(parameters.check_parameters),
    "initialization": Property(parameters.check_initialization, once=True),
    "reference": Property(values.check_reference),
    "jit": Property(transforms.check_jit),
    "vmap": Property(transforms.check_vmap),
    "gradients": Property(parameters.check_gradients),
    "invariance": Property(order.check_invariance),
    "left and right": Property(order.check_direction, ("bidirectional", "cross")),
    "permutation": Property(order.check_permutation, ("bidirectional", "cross")),
    "causality": Property(order.check_causality, ("causal",), moments=list_distinct_moments),
    "padding": Property(order.check_padding, moments=list_distinct_moments),
    "step-by-step decoding": Property(order.check_decoding, ("causal",), moments=list_distinct_moments),
    "query tiles": Property(transforms.check_tiles),
    "norms": Property(hooks.check_norms),
    "position range": Property(ranges.check_range, moments=list_distinct_moments),
    "fractional positions": Property(ranges.check_fractions),
    "large positions": Property(values.check_precision),
    "schedule": Property(schedule.check_schedule, once=True),
    "options": Property(options.check_options, once=True),
    "lowering": Property(transforms.check_lowering),
}


class SubjectSet(NamedTuple):
    """An encoding in every kind of attention that it supports, and the message of its refusal for the others."""

    subjects: list[Subject]
    refusals: dict[Attention, str]


def make_subjects(name: str, width: int = WIDTH, heads: int = HEADS) -> SubjectSet:
    """The encoding in each kind of attention. Cross-attention is tried only where the class declares it.

    Raises UserError where the class fails, supports no self-attention, or the heads do not divide the width.
    """
    if heads < 1 or width < 1 or width % heads:
        raise UserError(f"The width {width} is not divisible by {heads} heads: change one of them.")
    subjects: list[Subject] = []
    refusals: dict[Attention, str] = {}
    for attention in ATTENTIONS:
        if attention == "cross" and not (subjects and subjects[0].initial.cross):
            continue
        try:
            subjects.append(make_subject(name, attention, width, heads))
        except UserError as error:
            if error.__cause__ is not None:  # an exception of the user's code, not a refusal
                raise UserError(add_location(error, name)) from error
            refusals[attention] = str(error)
    if not subjects:
        raise UserError(next(iter(refusals.values())))
    return SubjectSet(subjects, refusals)


def add_location(error: UserError, name: str) -> str:
    """The message of an error, with the location of the class where the traceback has no line of the user's file."""
    message, cause = str(error), error.__cause__
    if cause is None or locate_error(cause):
        return message
    return f"{message.rstrip('.')} ({locate_class(ENCODINGS.get_class(name))})."


def describe_encoding(subject_set: SubjectSet) -> dict[str, str]:
    """The class, its file, the kinds of attention that it supports, and why it refuses the others."""
    kind = type(subject_set.subjects[0].initial)
    return {
        "class": f"{kind.__name__} ({locate_class(kind).partition(',')[0]})",
        "attention": ", ".join(subject.attention for subject in subject_set.subjects),
        **{f"no {attention} attention": message for attention, message in subject_set.refusals.items()},
    }


def measure_property(subject: Subject, name: str) -> Finding:
    """One property in one kind of attention. An exception of the user's code becomes a fault with its file and line.

    What holds in the first block at the start of training is measured for what `at` gives elsewhere too, where the property
    has such moments. Raises UserError where the hooks cannot be called at all.
    """
    check, _, _, moments = PROPERTIES[name]
    required = name == SHAPES
    finding = run_check(lambda: check(subject), subject.kind, required)
    if finding.fault or moments is None:
        return finding
    return run_check(lambda: find_later_fault(subject, check, moments) or finding, subject.kind, required)


def combine_findings(name: str, findings: dict[Attention, Finding]) -> PropertyResult:
    """One result for all kinds of attention."""
    measured = {attention: finding.measured for attention, finding in findings.items()}
    faults = {attention: finding.fault for attention, finding in findings.items() if finding.fault}
    return PropertyResult(name, join_texts(measured, len(findings)), join_texts(faults, len(findings)))


def join_texts(texts: dict[Attention, str], attentions: int) -> str:
    """'text' where all kinds of attention have the same up to numbers; else 'causal: text; bidirectional: text'."""
    distinct = {re.sub(r"[-+.e\d]+", "#", text) for text in texts.values()}
    if len(texts) == attentions and len(distinct) == 1:
        return next(iter(texts.values()))
    return "; ".join(f"{attention}: {text}" for attention, text in texts.items())


def measure_properties(subjects: list[Subject], names: Iterable[str] = tuple(PROPERTIES)) -> Iterator[PropertyResult]:
    """The results, one after the other. After a wrong shape or dtype nothing else is measured."""
    for name in names:
        chosen = [subject for subject in subjects if subject.attention in PROPERTIES[name].attentions]
        if not chosen:
            continue
        if PROPERTIES[name].once:
            chosen = chosen[:1]
        result = combine_findings(name, {subject.attention: measure_property(subject, name) for subject in chosen})
        yield result
        if name == SHAPES and result.fault:
            return


def list_faults(name: str, properties: Iterable[str] = tuple(PROPERTIES)) -> list[str]:
    """'property: fault' for each property of an encoding that does not hold."""
    results = measure_properties(make_subjects(name).subjects, properties)
    return [f"{result.name}: {result.fault}" for result in results if result.fault]
