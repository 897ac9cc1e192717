"""From grids to run configs: sizes of rows, position tables, and what is asked for more than once."""

import pytest

from jaxpe.errors import UserError
from jaxpe.study import presets
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


def test_position_tables_cover_the_longest_test_a_shift_and_the_range_of_random_positions():
    row = GridRow(task="reverse", architectures=("encoder",), encodings=("learned",), positions=("randomized",))

    def find_table(**fields):
        [config] = expand_grid(make_preset(row, **fields), {})
        assert dict(config.position_options) == {"limit": config.table_length}
        return config.table_length

    longest = find_table(shift=False)
    assert find_table() == longest + 6 and find_table(max_position_ratio=10.0) == 60


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
