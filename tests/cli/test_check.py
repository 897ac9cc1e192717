"""`jaxpe check`: what it prints, and its exit codes."""

import json
import subprocess
import sys

import pytest
from broken_encodings import name_broken
from support import ROOT

from jaxpe.cli import check
from jaxpe.conformance import suite


def test_a_line_per_property_says_what_was_measured_and_the_last_line_is_the_verdict(capsys):
    assert check.print_card("sinusoidal", 32, 4, False) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.split() == ["active", "hooks", "embed", "ok"] for line in lines)
    assert any(line.startswith("invariance") and "absolute" in line for line in lines)
    assert lines[-1] == f"all {len(suite.PROPERTIES)} properties hold"


def test_a_formula_without_a_reference_is_not_called_right(capsys):
    assert check.print_card(name_broken("WithoutReference"), 32, 4, False) == 0
    lines = capsys.readouterr().out.splitlines()
    [row] = [line for line in lines if line.startswith("reference")]
    assert row.endswith("not checked") and lines[-1].startswith(
        "The formula of bias was not checked: write reference_bias"
    )


def test_a_property_that_fails_gives_exit_code_3_and_is_in_the_json(capsys):
    assert check.print_card(name_broken("NarrowCode"), 32, 4, True) == 3
    card = json.loads(capsys.readouterr().out)
    assert not card["holds"] and [row["name"] for row in card["properties"]] == ["shapes and dtypes"]
    assert check.print_card(name_broken("NarrowCode"), 32, 4, False) == 3
    assert "FAILED: embed returned the shape" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("class_name", "code", "message"), [("NarrowCode", 3, "FAILED: embed"), ("RaisesInHook", 2, "NameError")]
)
def test_the_command_exits_with_3_for_a_failed_property_and_with_2_where_nothing_can_be_measured(
    class_name, code, message
):
    command = [sys.executable, "-m", "jaxpe", "check", name_broken(class_name)]
    result = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert result.returncode == code and message in result.stdout + result.stderr
    assert "Traceback" not in result.stderr
