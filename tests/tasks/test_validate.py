"""What is refused of a task before anything is compiled."""

import pytest
from support import ROOT

from jaxpe import tasks
from jaxpe.errors import UserError
from jaxpe.tasks.validate import compute_task_baselines, validate_task

FILE = ROOT / "tests" / "conformance" / "broken_tasks.py"


@pytest.mark.parametrize(
    ("class_name", "message"),
    [
        ("ListAsOption", "task 'ListAsOption' has an option that is not hashable"),
        ("NoSummary", "task 'NoSummary': summary is missing"),
        ("OtherArchitecture", "task 'OtherArchitecture': architectures is"),
        ("LengthsBeyond", "must be a list of integers from 1 to 12"),
        ("FractionAsSize", r"y_size\(1\) is 1.0"),
        ("WrongShape", "must have shape"),
        ("BranchesOnLength", r"task 'BranchesOnLength': TracerBoolConversionError: .*\(broken_tasks.py, line"),
        ("Raises", r"task 'Raises': KeyError: 'no such thing' \(broken_tasks.py, line"),
        ("LengthRaises", r"no baseline at length 1: KeyError: 'exact_match' \(broken_tasks.py, line"),
        ("BlindIsNone", "length_baseline is None"),
    ],
)
def test_a_task_that_cannot_be_trained_is_one_sentence(class_name, message):
    name = f"{FILE}:{class_name}"
    with pytest.raises(UserError, match=message):
        validate_task(name, tasks.build_task(name, train_length=5), 12)


@pytest.mark.parametrize("name", ["index", "histogram", "addition", f"{FILE}:Plain"])
def test_a_task_without_a_fault_is_accepted_at_any_length(name):
    for longest in (1, 5, 40):
        validate_task(name, tasks.build_task(name, train_length=5), longest)


def test_a_baseline_that_is_wrong_at_one_length_is_refused_there():
    name = f"{FILE}:LengthAboveOne"
    task = tasks.build_task(name, train_length=5)
    assert compute_task_baselines(name, task, 9, "token_accuracy", "decoder") == (0.5, 0.5)
    with pytest.raises(UserError, match=r"length_baseline is 1.5 \(token_accuracy, length 10\)"):
        compute_task_baselines(name, task, 10, "token_accuracy", "decoder")
