"""Presets: overrides of their fields, and grids that are narrowed."""

import pytest
from command_line import call_jaxpe

from jaxpe.errors import UserError
from jaxpe.study import grids, presets
from jaxpe.study.preset_checks import override
from jaxpe.study.presets import GridRow, Preset

SMALL = Preset((GridRow(task="reverse", architectures=("encoder",), overrides={"steps": 9}),))


def test_an_override_replaces_the_fields_of_rows_too():
    preset = override(SMALL, {"steps": 5, "shift": False, "learning_rates": (0.1, 0.2)})
    assert (preset.steps, preset.shift, preset.learning_rates) == (5, False, (0.1, 0.2))
    assert preset.grid[0].overrides == {} and SMALL.grid[0].overrides == {"steps": 9}


def test_tests_share_a_program_where_a_preset_says_so():
    assert SMALL.test_padding == 0.0
    assert override(SMALL, {"share_tests": True, "max_length_ratio": 3.0}).test_padding == 3.0


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"widht": 3}, "Did you mean 'width'"),
        ({"grid": ()}, "Unknown preset field 'grid'"),
        ({"options": None}, "Unknown preset field 'options'"),
        ({"seeds": 0}, "seeds must be above 0, got 0"),
        ({"learning_rates": (0.1, -0.2)}, "learning_rates must be above 0"),
        ({"first_seed": -1}, "first_seed must be at least 0, got -1"),
    ],
)
def test_an_impossible_override_is_refused(values, message):
    with pytest.raises(UserError, match=message):
        override(SMALL, values)


def test_seeds_begin_at_the_first_one():
    assert list(Preset((), seeds=3).list_seeds()) == [0, 1, 2]
    assert list(override(SMALL, {"first_seed": 10, "seeds": 2}).list_seeds()) == [10, 11]
    assert override(SMALL, {"first_seed": 0}).first_seed == 0


def test_a_row_with_an_unknown_field_is_refused_and_rows_can_be_compared_and_hashed():
    with pytest.raises(UserError, match="Did you mean 'steps'"):
        GridRow(task="reverse", architectures=("encoder",), overrides={"stesp": 9})
    rows = [GridRow(task="copy", architectures=("decoder",), overrides=sizes) for sizes in ({"steps": 9}, {"steps": 8})]
    assert len({*rows, *rows}) == 2 and rows[0] != rows[1]


def test_of_two_merged_overrides_the_second_counts():
    row = grids.text_row(task="causal_lm", overrides=grids.QUICK_TEXT | grids.SIX)
    assert row.architectures == ("decoder",) and presets.apply_overrides(SMALL, row).seeds == 6


def test_a_grid_is_narrowed_to_tasks_and_encodings_and_a_new_task_is_added():
    rows = (GridRow(task="reverse", architectures=("encoder",)), GridRow(task="copy", architectures=("decoder",)))
    grid = presets.narrow_grid(Preset(rows), ["copy", "index"], ["rotary"]).grid
    assert [(row.task, row.encodings) for row in grid] == [("copy", ("rotary",)), ("index", ("rotary",))]
    assert grid[1].architectures == rows[0].architectures
    grid = presets.narrow_grid(Preset(rows), ["causal_lm"]).grid  # which is for decoders alone
    assert (grid[0].architectures, grid[0].encodings) == (("decoder",), rows[0].encodings)


def test_named_architectures_are_trained_at_the_sizes_of_their_own_rows():
    """A row of decoders at other sizes does not become a second encoder, whose results a table would mix with the first."""
    rows = (
        GridRow(task="reverse", architectures=("encoder",)),
        GridRow(task="reverse", architectures=("decoder",), overrides={"steps": 9}),
    )
    preset = Preset((*rows, GridRow(task="index", architectures=("encoder",))))
    grid = presets.narrow_grid(preset, architectures=["encoder", "encoder_decoder"]).grid
    kept = [(row.task, row.architectures, row.overrides) for row in grid]
    assert kept[0] == ("reverse", ("encoder", "encoder_decoder"), {})
    assert kept[1:] == [("index", ("encoder", "encoder_decoder"), {})]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (([], [], ["encodr"]), "Did you mean 'encoder'"),
        (([], ["sinusodial"], []), "Did you mean 'sinusoidal'"),
        ((["revers"], [], []), "Did you mean 'reverse'"),
        (([], ["a.py:Mine", "b.py:Mine"], []), "would both be called Mine in tables"),
        ((["a.py:Mine", "b.py:Mine"], [], []), "would both be called Mine in tables"),
        ((["a.py:reverse"], [], []), "as a task of jaxpe is"),
        ((["a.py:causal_lm"], [], []), "as a task of jaxpe is"),
        ((["causal_lm"], [], ["encoder"]), "Nothing is left to run"),
    ],
)
def test_names_that_no_grid_can_have_are_refused(names, message):
    with pytest.raises(UserError, match=message):
        presets.narrow_grid(SMALL, *names)


def test_without_a_grid_the_encodings_are_kept_for_the_experiment():
    assert presets.narrow_grid(Preset(()), encoding_names=["rotary"]).encodings == ("rotary",)


def test_a_row_that_sets_options_of_its_encodings_is_not_given_to_others():
    """`share` is an option of concatenated: no other encoding has it."""
    rows = (GridRow(task="count", architectures=("encoder",)), GridRow(task="count", architectures=("encoder",), encodings=("concatenated",), encoding_options=(("share", 0.2),)))  # fmt: skip
    narrowed = presets.narrow_grid(Preset(rows), (), ["none", "rotary"])
    assert [row.encodings for row in narrowed.grid] == [("none", "rotary")]
    narrowed = presets.narrow_grid(Preset(rows), (), ["none", "concatenated"])
    assert [row.encodings for row in narrowed.grid] == [("none", "concatenated"), ("concatenated",)]


def test_an_encoding_for_decoders_is_left_out_elsewhere_and_that_is_said(tmp_path, capsys):
    row = GridRow(task="copy", architectures=("encoder", "decoder"), encodings=("none",))
    grid = presets.narrow_grid(Preset((row,)), encoding_names=["none", "forgetting"]).grid
    assert [(part.architectures, part.encodings) for part in grid] == [
        (("encoder", "decoder"), ("none",)),
        (("decoder",), ("forgetting",)),
    ]
    assert presets.list_left_out(grid, ["none", "forgetting", "cope"]) == ["forgetting in encoder", "cope in encoder"]
    with pytest.raises(UserError, match=r"forgetting in encoder\. Give `--architectures decoder`"):
        presets.narrow_grid(Preset((row,)), ["copy"], ["forgetting"], ["encoder"])
    words = ("run", "accuracy", "--preset", "smoke", "--tasks", "reverse", "--dry-run", "--results", tmp_path)
    outcome = call_jaxpe(capsys, *words, "--encodings", "none", "stick_breaking")
    assert outcome.code == 0 and "Left out, for causal attention only: stick_breaking in encoder." in outcome.err
    assert "stick_breaking" not in outcome.out
