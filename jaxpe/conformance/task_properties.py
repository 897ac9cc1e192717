"""Properties of a task's class and of its examples, one function for each."""

from __future__ import annotations

from dataclasses import fields
from functools import partial

import jax
import numpy as np

from jaxpe.conformance.findings import Finding
from jaxpe.conformance.task_baselines import write_symbols
from jaxpe.conformance.task_examples import (
    BATCH,
    CHEAP,
    LONGEST,
    TaskSubject,
    draw_one,
    make_task_subject,
    write_out,
)
from jaxpe.data.examples import Example
from jaxpe.tasks.base import Sample
from jaxpe.tasks.evaluation_sets import hash_examples, make_evaluation_key
from jaxpe.tasks.formatting import TaskStream, format_sample
from jaxpe.tasks.validate import check_declarations, check_hash, check_lengths, check_shapes

SPREAD = 5  # lengths at which examples are looked at
COMPARED = 40  # examples that are compared one by one


def check_options(subject: TaskSubject) -> Finding:
    """Options are hashable, and two instances with the same options are equal: compiled programs are kept by them."""
    check_hash("the class", subject.task)
    again = make_task_subject(subject.name).task
    if again != subject.task or hash(again) != hash(subject.task):
        return Finding("not equal", "two instances with the same options are not equal: remove __eq__ and __hash__")
    options = [f"{field.name}={getattr(subject.task, field.name)!r}" for field in fields(subject.task)]
    return Finding(", ".join(options) or "none")


def check_class(subject: TaskSubject) -> Finding:
    """What the class must declare is there."""
    task = subject.task
    check_declarations("the class", task)
    return Finding(f"{task.symbols} symbols, {'in place' if task.in_place else 'answers at slots'}")


def check_sizes(subject: TaskSubject) -> Finding:
    """The lengths, and how many symbols x and y have."""
    if not check_lengths("the class", subject.task, LONGEST):
        return Finding("no length", f"it has no length up to {LONGEST}")
    low, high = subject.lengths[0], subject.lengths[-1]
    x, y = ([size(low), size(high)] for size in (subject.task.x_size, subject.task.y_size))
    return Finding(f"{low} to {high}: x of {x[0]} to {x[1]}, y of {y[0]} to {y[1]}")


def check_tracing(subject: TaskSubject) -> Finding:
    """`sample` takes a traced length, under jit and vmap, and returns arrays of the declared sizes."""
    for length in subject.spread_lengths(SPREAD):
        check_shapes("the class", subject.task, length)
    check_shapes("the class", subject.task, subject.lengths[-1])
    subject.draw(subject.lengths[0])
    return Finding(f"{BATCH} examples of any length in one program")


def check_actual_lengths(subject: TaskSubject) -> Finding:
    """x_length and y_length are x_size(length) and y_size(length)."""
    for length in subject.spread_lengths(SPREAD):
        sample = subject.draw(length)
        for part, size in (("x", subject.task.x_size(length)), ("y", subject.task.y_size(length))):
            actual = sorted(set(getattr(sample, f"{part}_length").tolist()))
            if actual != [size]:
                fault = f"{part}_length is {', '.join(map(str, actual))} at length {length}, but {part}_size is {size}"
                return Finding("not those of the sizes", fault, (f"{part}_size", "sample"))
    return Finding("those of the sizes")


def check_symbols(subject: TaskSubject) -> Finding:
    """Every symbol is one of 0 … symbols − 1."""
    seen = set[int]()
    for length in subject.spread_lengths(SPREAD):
        for x, y in subject.draw_pairs(length, BATCH):
            seen |= {*x, *y}
            if min(*x, *y) < 0 or max(*x, *y) >= subject.task.symbols:
                fault = (
                    f"x = {write_symbols(x)}, y = {write_symbols(y)}: symbols must be 0 to {subject.task.symbols - 1}"
                )
                return Finding("outside of the alphabet", fault, ("symbols", "sample"))
    return Finding(f"{min(seen)} to {max(seen)} of 0 to {subject.task.symbols - 1}")


def check_padding(subject: TaskSubject) -> Finding:
    """Entries at or beyond the length are 0."""
    for length in subject.spread_lengths(SPREAD):
        sample = subject.draw(length)
        for part, size in (("x", subject.task.x_size(length)), ("y", subject.task.y_size(length))):
            beyond = getattr(sample, part)[:, size:]
            if beyond.any():
                fault = f"{part} has the symbol {beyond[beyond != 0][0]} beyond its length {size}: write zero_beyond({part}, …)"
                return Finding("not zero", fault, ("sample",))
    return Finding("zeros")


def check_array_size(subject: TaskSubject) -> Finding:
    """An example depends on key and length only: a larger max_length adds padding and changes nothing else."""
    length = min(subject.lengths, key=lambda n: abs(n - 6))
    padded, key = subject.draw(length), make_evaluation_key(subject.name, length)
    for i in range(3):
        plain = draw_one(subject.task, jax.random.fold_in(key, i), length, length)
        for part in ("x", "y"):
            short, long = np.asarray(getattr(plain, part)), getattr(padded, part)[i]
            if not np.array_equal(short, long[: len(short)]):
                fault = (
                    f"{part} of length {length} is {write_symbols(tuple(short))} with max_length {length}, but "
                    f"{write_symbols(tuple(long[: len(short)]))} with max_length {LONGEST}, from the same key"
                )
                return Finding("changes examples", fault, ("sample",))
    return Finding("adds padding only")


def check_keys(subject: TaskSubject) -> Finding:
    """Different keys give different examples."""
    length = subject.lengths[-1]
    distinct = len(set(subject.draw_pairs(length, BATCH)))
    measured = f"{distinct} of {BATCH} examples of length {length} differ"
    return Finding(measured, "every key gives the same example" if distinct == 1 else "", ("sample",))


def check_evaluation_set(subject: TaskSubject) -> Finding:
    """Examples are the same whenever they are drawn: the program that draws them is."""
    task, length = subject.task, min(subject.lengths, key=lambda n: abs(n - 5))
    programs = [jax.make_jaxpr(lambda key: task.sample(key, length, length))(jax.random.key(0)) for _ in range(2)]
    constants = [[np.asarray(value).tobytes() for value in program.consts] for program in programs]
    if str(programs[0]) != str(programs[1]) or constants[0] != constants[1]:
        fault = "`sample` is another program each time: draw with its key alone, from jax.random"
        return Finding("not the same", fault, ("sample",))
    return Finding(f"length {length}: SHA-256 {hash_examples(subject.name, task, length)[:12]}…")


def check_formats(subject: TaskSubject) -> Finding:
    """Every architecture that is named can be shown the examples, and is asked for y."""
    task = subject.task
    for architecture in task.architectures:
        stream = TaskStream(task, architecture)
        for length in subject.spread_lengths(2):
            sample = jax.tree.map(lambda part: part[:COMPARED], subject.draw(length))
            shown = jax.tree.map(np.asarray, format_batch(sample, architecture, task.in_place, stream.sizes(LONGEST)))
            for i, (x, y) in enumerate(subject.draw_pairs(length, COMPARED)):
                tokens, source, targets = write_out(x, y, architecture, task.in_place)
                places = np.flatnonzero(shown.loss_mask[i])
                if not (
                    shown.tokens[i, : len(tokens)].tolist() == tokens
                    and shown.source[i, : len(source)].tolist() == source
                    and dict(zip(places.tolist(), shown.targets[i, places].tolist(), strict=True)) == targets
                    and stream.sizes(length) == (len(tokens), len(source))
                ):
                    fault = f"{architecture}: x = {write_symbols(x)}, y = {write_symbols(y)} is not shown as it is"
                    return Finding("wrong", fault, ("x_size", "y_size"))
    return Finding(", ".join(name.replace("_", "-") for name in task.architectures))


@partial(jax.jit, static_argnums=(1, 2, 3), compiler_options=CHEAP)
def format_batch(samples: Sample, architecture: str, in_place: bool, sizes: tuple[int, int]) -> Example:
    """Samples on a first axis in the format of an architecture."""
    return jax.vmap(lambda sample: format_sample(sample, architecture, in_place, sizes))(samples)


def check_reference(subject: TaskSubject) -> Finding:
    """The answers are those of the slow solver `reference(x)`, from a list to a list."""
    solve = getattr(subject.task, "reference", None)
    if solve is None:
        return Finding("answers not compared")
    count = 0
    for length in subject.lengths[:12]:
        for x, y in subject.draw_pairs(length, COMPARED):
            expected = tuple(int(symbol) for symbol in solve(list(x)))
            if expected != y:
                fault = f"x = {write_symbols(x)}: y = {write_symbols(y)}, but reference gives {write_symbols(expected)}"
                return Finding("differs", fault, ("sample", "reference"))
            count += 1
    return Finding(f"{count} answers equal")
