"""`jaxpe check`: what it prints, and its exit codes."""

import json

import pytest
from broken_encodings import name_broken
from command_line import call_jaxpe

from jaxpe.cli import check
from jaxpe.conformance import suite, task_suite
from jaxpe.encodings import ENCODINGS
from jaxpe.errors import UserError
from jaxpe.tasks import TASKS


def test_a_line_per_property_says_what_was_measured_and_the_last_line_is_the_verdict(capsys):
    assert check.check_object("sinusoidal", None, None, None, False) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.split() == ["active", "hooks", "embed", "ok"] for line in lines)
    assert any(line.startswith("invariance") and "absolute" in line for line in lines)
    assert lines[-1] == f"all {len(suite.PROPERTIES)} properties hold"


def test_a_formula_without_a_reference_is_not_called_right(capsys):
    assert check.check_object(name_broken("WithoutReference"), None, 32, 4, False) == 0
    lines = capsys.readouterr().out.splitlines()
    [row] = [line for line in lines if line.startswith("reference")]
    assert row.endswith("not checked") and lines[-1].startswith(
        "The formula of bias was not checked: write reference_bias"
    )


def test_a_property_that_fails_gives_exit_code_3_and_is_in_the_json(capsys):
    assert check.check_object(name_broken("NarrowCode"), None, None, None, True) == 3
    card = json.loads(capsys.readouterr().out)
    assert not card["holds"] and [row["name"] for row in card["properties"]] == ["shapes and dtypes"]
    assert check.check_object(name_broken("NarrowCode"), None, None, None, False) == 3
    assert "FAILED: embed returned the shape" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("class_name", "code", "message"), [("NarrowCode", 3, "FAILED: embed"), ("RaisesInHook", 2, "NameError")]
)
def test_the_command_exits_with_3_for_a_failed_property_and_with_2_where_nothing_can_be_measured(
    class_name, code, message, capsys
):
    outcome = call_jaxpe(capsys, "check", name_broken(class_name))
    assert outcome.code == code and message in outcome.out + outcome.err
    assert "Traceback" not in outcome.err


def test_a_task_has_a_card_of_its_own_and_its_answers_are_not_called_right_without_a_solver(capsys):
    assert check.check_object("parity_check", None, None, None, False) == 0  # another usual name of `parity`
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("parity: ") and [line.split()[0] for line in lines[-4:-2]] == [
        "order-blind",
        "reference",
    ]
    assert lines[-3].endswith("not checked") and lines[-2] == f"all {len(task_suite.PROPERTIES)} properties hold"
    assert lines[-1].startswith("The answers were not compared with a slow solver: write a method reference(x)")


def test_what_a_name_stands_for_decides_what_is_checked(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(
        "from jaxpe.encodings import Encoding\nfrom jaxpe.tasks import Task\n"
        "class E(Encoding): pass\nclass T(Task): pass\nclass Neither: pass\nclass Both(Encoding, Task): pass\n"
    )
    names = {name: f"{tmp_path / 'mine.py'}:{name}" for name in ("E", "T", "Neither", "Both")}
    assert [check.find_kind(name) for name in (names["E"], names["T"], "rope", "copy", "causal_lm")] == [
        "encoding", "task", "encoding", "task", "task",
    ]  # fmt: skip
    monkeypatch.setitem(TASKS.catalogue, "twice", TASKS.catalogue["copy"])
    monkeypatch.setitem(ENCODINGS.catalogue, "twice", ENCODINGS.catalogue["rotary"])
    for name, says in (
        (
            names["Neither"],
            "neither an encoding nor a task: derive the class from jaxpe.encodings.Encoding or jaxpe.tasks",
        ),
        (names["Both"], "add --kind"),
        ("twice", "is an encoding and a task: add --kind encoding or --kind task"),
        ("revers", "Unknown encoding or task 'revers'. Did you mean 'reverse'"),
    ):
        with pytest.raises(UserError, match=says):
            check.find_kind(name)
    with pytest.raises(UserError, match="--width and --heads are for encodings"):
        check.check_object("copy", None, 16, None, False)
    with pytest.raises(UserError, match="causal_lm is a task on real text"):
        check.check_object("causal_lm", None, None, None, False)


def test_a_name_with_options_is_checked_with_them(capsys):
    assert check.check_object("reverse:alphabet=4", None, None, None, True) == 0
    card = json.loads(capsys.readouterr().out)
    assert "alphabet=4" in json.dumps(card)
