"""Configurations and claims side by side."""

from results_folders import PROVENANCE, SPREAD, make_claim, make_rows

from jaxpe.report.side_by_side import compare_claims, compare_configurations, format_value
from jaxpe.report.sides import read_sides


def test_only_what_differs_in_the_configuration_is_told(write_folder):
    """Of a grid only the rows that one side lacks; times and dates are no configuration."""
    [row, _], preset = PROVENANCE["preset"]["grid"], PROVENANCE["preset"]
    other = PROVENANCE | {
        "date": "2026-02-02", "seconds": 9.0, "devices": 8, "versions": {"jax": "0.12.0", "flax": "0.12.8"},
        "preset": {key: value for key, value in preset.items() if key != "starts"} | {"steps": 3000, "grid": [row]},
    }  # fmt: skip
    a, b = write_folder("a", make_rows(SPREAD)), write_folder("b", make_rows(SPREAD), provenance=other)
    result = {one["field"]: one["values"] for one in compare_configurations(read_sides([a, b]))}
    assert result == {
        "devices": ["2", "8"],
        "versions.jax": ["0.10.2", "0.12.0"],
        "preset.steps": ["800", "3000"],
        "preset.grid": ["count · encoder · none", "–"],
    }
    assert compare_configurations(read_sides([a, write_folder("c", make_rows(SPREAD))])) == []


def test_claims_stand_side_by_side_those_that_turned_first(write_folder):
    a = write_folder(
        "a", make_rows(SPREAD), [make_claim("supported", 0.2) | {"id": "C1"}, make_claim("supported", 0.5)]
    )
    b = write_folder(
        "b", make_rows(SPREAD), [make_claim("supported", 0.1) | {"id": "C1"}, make_claim("undecided", 0.0)]
    )
    result = compare_claims(read_sides([a, b]))
    assert [(one["id"], one["differs"]) for one in result] == [("C3", True), ("C1", False)]
    assert [side["verdict"] for side in result[0]["sides"]] == ["supported", "undecided"]


def test_a_row_of_a_grid_is_one_line():
    """Lists that say nothing are left out; options are pairs, overrides a mapping."""
    row = ["reverse", ["encoder"], ["none", "learned"], ["arange"], {"seeds": 6}, [["base", 100.0]], [], [None]]
    assert format_value(row) == "reverse · encoder · none, learned · seeds=6 · base=100.0"
