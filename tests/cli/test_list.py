"""`jaxpe list`."""

import json

import pytest
from command_line import call_jaxpe


def test_encodings_are_listed_with_what_they_declare(capsys):
    rows = json.loads(call_jaxpe(capsys, "list", "encodings", "--json").out)
    assert [row["name"] for row in rows][:3] == ["none", "sinusoidal", "learned"]
    rotary = next(row for row in rows if row["name"] == "rotary_scaled")
    assert rotary["invariance"] == "relative" and rotary["preset_options"] == {"base": 100.0}


@pytest.mark.parametrize("kind", ["encodings", "samplers", "tasks", "experiments", "presets"])
def test_every_kind_has_a_line_for_each_name(capsys, kind):
    code, printed, _ = call_jaxpe(capsys, "list", kind)
    lines = printed.splitlines()
    assert code == 0 and len(lines) >= 4 and all(len(line.split()) > 1 for line in lines)
