"""Values as JSON: the canonical text, digests, and files that are read back."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from jaxpe.errors import UserError
from jaxpe.records.json_values import compute_digest, read_json, to_canonical_json, to_json_value, to_tuple, write_json


@dataclass
class Row:
    architectures: tuple[str, ...]
    overrides: dict[str, int] = field(default_factory=dict)


def test_a_digest_does_not_depend_on_order_and_refuses_nan():
    assert compute_digest({"a": 1, "b": (2.0, None)}) == compute_digest({"b": [2.0, None], "a": 1})
    assert compute_digest({"a": 1}) != compute_digest({"a": 2})
    with pytest.raises(UserError, match="nan is not a number"):
        compute_digest({"a": float("nan")})


def test_arrays_paths_and_dataclasses_have_a_form_in_json():
    row = Row(("decoder",), {"steps": 9})
    value = to_json_value({1: np.arange(2), "path": Path("a/b"), "row": row, "nan": np.float32("nan")})
    assert value["1"] == [0, 1] and value["path"] == "a/b" and value["nan"] is None
    assert value["row"]["architectures"] == ["decoder"] and value["row"]["overrides"] == {"steps": 9}
    assert to_canonical_json({"b": 1.5, "a": True}) == '{"a":true,"b":1.5}'
    with pytest.raises(TypeError, match="set has no form in JSON"):
        to_json_value({1, 2})


def test_tuples_come_back_as_tuples():
    value = {"scales": ((1.0, 2.0), None), "overrides": {"names": ("a",)}}
    assert to_tuple(to_json_value(value)) == value


def test_a_file_is_read_back_and_another_kind_of_value_is_refused(tmp_path):
    path = tmp_path / "facts.json"
    assert read_json(path, {"none": 1}) == {"none": 1}
    write_json(path, {"b": "é", "a": [1]})
    assert list(read_json(path, {})) == ["b", "a"] and "é" in path.read_text(encoding="utf-8")
    with pytest.raises(UserError, match=r"facts\.json was altered: a list is due, not an object. Do this"):
        read_json(path, [], advice="Do this.")
    with pytest.raises(UserError, match=r"facts\.json was altered: 'b': a number is due, not 'é'"):
        read_json(path, {}, dict[str, float])
    path.unlink()
    path.mkdir()
    with pytest.raises(UserError, match="is not a file"):
        read_json(path, {})
