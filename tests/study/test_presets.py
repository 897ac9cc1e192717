"""Presets: overrides of their fields, and grids that are narrowed."""

import pytest

from jaxpe.errors import UserError
from jaxpe.study import presets, run_configs
from jaxpe.study.presets import GridRow, Preset

SMALL = Preset((GridRow(task="reverse", architectures=("encoder",), overrides={"steps": 9}),))


def test_an_override_replaces_the_fields_of_rows_too():
    preset = presets.override(SMALL, {"steps": 5, "shift": False, "learning_rates": (0.1, 0.2)})
    assert (preset.steps, preset.shift, preset.learning_rates) == (5, False, (0.1, 0.2))
    assert preset.grid[0].overrides == {} and SMALL.grid[0].overrides == {"steps": 9}


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"widht": 3}, "Did you mean 'width'"),
        ({"grid": ()}, "Unknown preset field 'grid'"),
        ({"options": None}, "Unknown preset field 'options'"),
        ({"seeds": 0}, "seeds must be above 0, got 0"),
        ({"learning_rates": (0.1, -0.2)}, "learning_rates must be above 0"),
    ],
)
def test_an_override_that_cannot_be_is_one_sentence(values, says):
    with pytest.raises(UserError, match=says):
        presets.override(SMALL, values)


def test_a_training_length_without_examples_is_one_sentence():
    preset = presets.narrow_grid(presets.override(SMALL, {"train_length": 1}), ["missing_duplicate"])
    with pytest.raises(UserError, match="no example of length up to 1"):
        run_configs.expand_grid(preset, {})


def test_chosen_architectures_are_trained_at_the_sizes_of_their_own_rows():
    """A row of decoders at other sizes does not become a second encoder, whose results a table would mix with the first."""
    rows = (
        GridRow(task="reverse", architectures=("encoder",)),
        GridRow(task="reverse", architectures=("decoder",), overrides={"steps": 9}),
    )
    preset = Preset((*rows, GridRow(task="index", architectures=("encoder",))))
    grid = presets.narrow_grid(preset, architectures=["encoder", "encoder_decoder"]).grid
    asked = [(row.task, row.architectures, row.overrides) for row in grid]
    assert asked[0] == ("reverse", ("encoder", "encoder_decoder"), {})
    assert asked[1:] == [("index", ("encoder", "encoder_decoder"), {})]
