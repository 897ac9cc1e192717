"""Presets of an experiment: what cannot be planned is one sentence that names the field and the row."""

import math
import re

import pytest

from jaxpe.encodings.alibi import Alibi
from jaxpe.errors import UserError
from jaxpe.study.experiment import EXPERIMENTS, load_experiment
from jaxpe.study.preset_checks import LARGEST, check_preset, override
from jaxpe.study.presets import GridRow, Preset

ROW = {"task": "copy", "architectures": ("decoder",)}
FIELDS = [  # of a preset, or the overrides of a row
    ({"steps": "20"}, "steps takes a whole number, not '20'"),
    ({"steps": 2.5}, "steps takes a whole number, not 2.5"),
    ({"width": True}, "width takes a whole number, not True"),
    ({"width": None}, "width takes a whole number, not None"),
    ({"seeds": 2.5}, "seeds takes a whole number, not 2.5"),
    ({"seeds": 0}, "seeds must be above 0, got 0"),
    ({"heads": 0}, "heads must be above 0, got 0"),
    ({"layers": 0}, "layers must be above 0, got 0"),
    ({"examples": 0}, "examples must be above 0, got 0"),
    ({"warmup": -1}, "warmup must be at least 0, got -1"),
    ({"first_seed": -1}, "first_seed must be at least 0, got -1"),
    ({"first_seed": 2**31}, f"first_seed must be at most {LARGEST}, got {2**31}"),
    ({"first_seed": LARGEST, "seeds": 2}, f"seeds end at {LARGEST}, and 2 from {LARGEST} on"),
    ({"seeds": 10**400}, f"seeds must be at most {LARGEST}"),
    ({"max_length_ratio": math.inf}, f"max_length_ratio must be at most {LARGEST}, got inf"),
    ({"max_position_ratio": 1e30}, f"max_position_ratio must be at most {LARGEST}, got 1e+30"),
    ({"learning_rate": math.nan}, "learning_rate must be above 0, got nan"),
    ({"learning_rates": 0.1}, "learning_rates takes a tuple of numbers, not 0.1"),
    ({"learning_rates": (0.1, "x")}, "learning_rates takes a number, not 'x'"),
    ({"shift": "no"}, "shift takes True or False, not 'no'"),
    ({"corpus": 3}, "corpus takes a text, not 3"),
    ({"batching": 3}, "batching takes a text, not 3"),
]
ROWS = [
    ({"task": ["copy"]}, "task must be a name, not ['copy']"),
    ({"architectures": "decoder"}, "architectures must be a tuple of names: write ('decoder',)"),
    ({"architectures": ("decodr",)}, "'decodr' is no architecture: give some of encoder, decoder, encoder_decoder"),
    ({"encodings": "alibi"}, "encodings must be a tuple of names: write ('alibi',)"),
    ({"encodings": (Alibi,)}, "encodings must be a tuple of names, not (<class"),
    ({"encodings": ["alibi"]}, "encodings must be a tuple of names, not ['alibi']"),
    ({"positions": "arange"}, "positions must be a tuple of names: write ('arange',)"),
    ({"encoding_options": {"base": 3.0}}, "encoding_options must be a tuple of pairs"),
    ({"task_options": (("alphabet", [3]),)}, "task_options must be a tuple of pairs"),
    ({"scales": (1.0, 2.0)}, "scales must be a tuple of None or pairs of numbers"),
    ({"overrides": ["steps"]}, "overrides must be a dictionary of values by field"),
    ({"overrides": {"options": 3}}, "overrides cannot replace options"),
    *(({"overrides": change}, says) for change, says in FIELDS),
]


@pytest.mark.parametrize(("change", "says"), FIELDS)
def test_a_field_of_another_kind_or_out_of_range_is_named(change, says):
    with pytest.raises(UserError, match=re.escape(f"mine.py: {says}")):
        check_preset(Preset((GridRow(**ROW),), **change), "mine.py: ")
    with pytest.raises(UserError, match=re.escape(says)):
        override(Preset((GridRow(**ROW),)), change)


@pytest.mark.parametrize(("change", "says"), ROWS)
def test_a_part_of_a_row_is_named_with_the_row(change, says):
    rows = (GridRow(**ROW), GridRow(**ROW | change))
    with pytest.raises(UserError, match=re.escape(f"mine.py: row 2 of its grid: {says}")):
        check_preset(Preset(rows), "mine.py: ")


def test_seeds_that_a_row_asks_for_end_where_others_do():
    preset = Preset((GridRow(**ROW, overrides={"seeds": 10}),))
    with pytest.raises(UserError, match=f"row 1 of its grid: seeds end at {LARGEST}, and 10 from"):
        override(preset, {"first_seed": LARGEST - 5})
    assert override(preset, {"first_seed": LARGEST - 9}).first_seed == LARGEST - 9


def test_presets_of_jaxpe_pass():
    for name in EXPERIMENTS:
        for preset in load_experiment(name).module.PRESETS.values():
            check_preset(preset, f"{name}: ")
