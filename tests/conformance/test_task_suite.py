"""The suite of tasks names the fault of every broken task, and finds none in tasks of the catalogue."""

import re

import pytest
from support import ROOT
from task_samples import list_faults

from jaxpe import tasks
from jaxpe.conformance import task_suite
from jaxpe.conformance.task_examples import make_task_subject
from jaxpe.errors import UserError

FILE = ROOT / "tests" / "conformance" / "broken_tasks.py"
BROKEN = [
    ("NotHashable", "options", "an option that is not hashable .*write tuples"),
    ("ListAsOption", "options", "an option that is not hashable"),
    ("NeverEqual", "options", "two instances with the same options are not equal"),
    ("NoSummary", "declarations", "summary is missing, but must be of type str"),
    ("OtherArchitecture", "declarations", r"architectures is \('decodr',\)"),
    ("TextAsOrder", "declarations", "order_needed is 'yes', but must be of type bool"),
    ("CountingNeedsOrder", "declarations", "needs no order"),
    ("LengthsBeyond", "lengths", r"lengths\(1, 20\) must be a list of integers from 1 to 20"),
    ("LengthsFromOne", "lengths", r"lengths\(3, 20\) must be"),
    ("FractionAsSize", "lengths", r"y_size\(1\) is 1.0, but must be an integer"),
    ("ShrinkingSize", "lengths", "a longer input must not have fewer symbols"),
    ("WrongShape", "jit and vmap", r"y of sample\(key, 1, 1\) has shape \(1,\) .*must have shape \(2,\)"),
    ("FloatSymbols", "jit and vmap", "type float32, but must have .*an integer type"),
    ("PairAsSample", "jit and vmap", "must return a jaxpe.tasks.Sample, not tuple"),
    ("BranchesOnLength", "jit and vmap", r"TracerBoolConversionError: .*\(broken_tasks.py, line"),
    ("Raises", "jit and vmap", r"KeyError: 'no such thing' \(broken_tasks.py, line"),
    ("OtherActualLength", "actual lengths", r"y_length is 0 at length 1, but y_size is 1 .*line"),
    ("OutOfRange", "symbols", "symbols must be 0 to 0 .*line"),
    ("NegativeSymbol", "symbols", "symbols must be 0 to 1 .*line"),
    ("NoPadding", "padding", "x has the symbol 1 beyond its length 1: write zero_beyond.*line"),
    ("DependsOnArrays", "max_length", "with max_length 6, but .* with max_length 20, from the same key .*line"),
    ("IgnoresKey", "keys", "every key gives the same example .*line"),
    ("DrawsElsewhere", "evaluation set", "another program each time: draw with its key alone.*line"),
    ("OtherActualLength", "formats", "decoder: x = .* is not shown as it is"),
    ("OrderNotDeclared", "order", "declares order_needed = False, but the answers to x = .* differ"),
    ("OrderDeclared", "order", "declares order_needed = True, but .* have the same answers"),
    ("LengthTooHigh", "length-only baseline", "token_accuracy: 0.6000 is stated, but .* the best rule has .*line"),
    ("LengthTooLow", "length-only baseline", "exact_match: 0.4000 is stated, but .* the best rule has 0.[45]"),
    (
        "LengthAboveOne",
        "length-only baseline",
        "length_baseline is 1.5 .*length 10.*, but must be a number from 0 to 1",
    ),
    ("LengthRaises", "length-only baseline", r"KeyError: 'exact_match' \(broken_tasks.py, line"),
    ("BlindTooHigh", "order-blind baseline", "encoder, length 2, .*: 1.0000 is stated, but .*line"),
    ("BlindTooLow", "order-blind baseline", "encoder, length 1, token_accuracy: 0.9000 is stated, but"),
    ("NoBlindBaseline", "order-blind baseline", "encoder: it is None, as only that of a decoder may be.*line"),
    ("BlindIsNone", "length-only baseline", "length_baseline is None"),
    ("WrongReference", "reference", "but reference gives .*line"),
]


def test_every_property_has_a_broken_task():
    assert {name for _, name, _ in BROKEN} == set(task_suite.PROPERTIES)


@pytest.mark.parametrize(("class_name", "property_name", "message"), BROKEN)
def test_the_fault_of_a_broken_task_is_named(class_name, property_name, message):
    [fault] = list_faults(f"{FILE}:{class_name}", [property_name])
    assert fault.startswith(f"{property_name}: ") and re.search(message, fault), fault


def test_after_a_fault_without_which_nothing_can_be_drawn_the_card_ends():
    rows = list(task_suite.measure_task(make_task_subject(f"{FILE}:Raises")))
    assert [row.name for row in rows] == ["options", "declarations", "lengths", "jit and vmap"] and rows[-1].fault


@pytest.mark.parametrize("name", [f"{FILE}:Plain", f"{FILE}:Blind"])
def test_a_task_without_a_fault_has_none(name):
    assert list_faults(name) == []


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name == "histogram" else pytest.mark.slow) for name in tasks.CATALOGUE]
)
def test_tasks_of_the_catalogue_have_no_fault(name):
    assert list_faults(name) == []


def test_what_is_no_task_is_refused():
    with pytest.raises(UserError, match=r"is not a task: derive the class from jaxpe.tasks.Task"):
        make_task_subject(f"{FILE}:OtherTask")
