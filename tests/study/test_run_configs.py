"""From grids to run configs: sizes of rows, position tables, and what is asked for more than once."""

import pytest

from jaxpe.errors import UserError
from jaxpe.study import presets, scores
from jaxpe.study.presets import GridRow, Preset
from jaxpe.study.run_configs import expand_grid


def make_preset(*rows, **fields):
    return Preset(rows, **{"seeds": 3, "train_length": 6, "max_length_ratio": 2.0} | fields)


def test_a_config_that_two_rows_ask_for_gets_the_most_seeds_and_the_rates_of_either():
    row = {"task": "reverse", "architectures": ("encoder",), "encodings": ("none",)}
    preset = make_preset(
        GridRow(**row, overrides={"seeds": 5}), GridRow(**row, overrides={"learning_rates": (0.1, 0.2)}), GridRow(**row)
    )
    [(config, request)] = expand_grid(preset, {}).items()
    assert config.encoding == "none" and request.seeds == 5 and request.learning_rates == (0.1, 0.2)


def test_seeds_of_two_rows_are_joined():
    row = {"task": "reverse", "architectures": ("encoder",), "encodings": ("none",)}
    later, only_later = {"first_seed": 10, "seeds": 2}, make_preset(GridRow(**row, overrides={"first_seed": 10}))
    [request] = expand_grid(make_preset(GridRow(**row), GridRow(**row, overrides=later)), {}).values()
    assert list(request.list_seeds()) == list(range(12))
    [request] = expand_grid(only_later, {}).values()
    assert list(request.list_seeds()) == [10, 11, 12]


@pytest.mark.parametrize("positions", ["offset", "randomized"])
def test_tests_at_the_positions_of_training_have_the_limit_of_training(positions):
    row = GridRow(task="reverse", architectures=("encoder",), encodings=("learned",), positions=(positions,))
    [config] = expand_grid(make_preset(row), {})
    assert scores.build_test_sampler(config.positions, config.table_length) == config.sampler


def test_position_tables_cover_the_longest_test_a_shift_and_the_range_of_random_positions():
    row = GridRow(task="reverse", architectures=("encoder",), encodings=("learned",), positions=("randomized",))

    def find_table(**fields):
        [config] = expand_grid(make_preset(row, **fields), {})
        assert dict(config.position_options) == {"limit": config.table_length}
        return config.table_length

    longest = find_table(shift=False)
    assert find_table() == longest + 6 and find_table(max_position_ratio=10.0) == 60


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"max_length_ratio": 0.01}, "reverse has no example of length up to 0: raise max_length_ratio"),
        (
            {"max_length_ratio": 1e8},
            "max_length_ratio times train_length must be at most 16777216 positions, got 6e.08",
        ),
        ({"max_position_ratio": 1e8}, "max_position_ratio times train_length must be at most 16777216 positions"),
    ],
)
def test_tests_of_no_length_and_of_too_many_positions_are_refused(fields, says):
    row = GridRow(task="reverse", architectures=("encoder",), encodings=("none",))
    with pytest.raises(UserError, match=says):
        expand_grid(make_preset(row, **fields), {})


def test_every_scale_is_a_config_of_its_own():
    row = GridRow(task="count", architectures=("encoder",), encodings=("sinusoidal",), scales=(None, (1.0, 2.0)))
    assert [config.scales for config in expand_grid(make_preset(row), {})] == [None, (1.0, 2.0)]


def test_a_source_is_opened_once_for_all_encodings():
    row = GridRow(task="reverse", architectures=("encoder",))
    sources = {}
    assert len(expand_grid(make_preset(row), sources)) == 3 and len(sources) == 1


def test_a_training_length_without_examples_is_refused():
    preset = presets.narrow_grid(
        Preset((GridRow(task="missing_duplicate", architectures=("encoder",)),), train_length=1)
    )
    with pytest.raises(UserError, match="no example of length up to 1"):
        expand_grid(preset, {})
