"""Comparisons at equal cost: more steps or more width for the cheaper encoding, against the best baselines."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from scorecard_rows import make_rows

from jaxpe.analysis.scorecard import pair_at_equal_cost
from jaxpe.errors import UserError
from jaxpe.study import presets, run_configs
from jaxpe.study.experiment import load_experiment
from jaxpe.training import parameters as training_parameters

PRESETS = load_experiment("scorecard").module.PRESETS


class Stub:
    """A workspace whose encodings refuse the width 40."""

    def open_source(self, config):
        return SimpleNamespace(stream=None)

    def check_configs(self, configs):
        if any(config.width == 40 for config in configs):
            raise UserError("not this width")


def make_configs(*names):
    size = presets.narrow_grid(PRESETS["quick"], ["reverse"], names, ["decoder"])
    return {config.encoding: config for config in run_configs.expand_grid(size, {})}


def make_pairs(monkeypatch, flops, parameters, accuracy, rivals=1):
    """The comparisons at equal cost of `alibi` with these costs; a model has 100 parameters for each unit of its width."""
    primary = make_configs(*flops)
    monkeypatch.setattr(training_parameters, "count_parameters", lambda config, stream: 100 * config.width)
    rows = [row for one, value in accuracy.items() for row in make_rows(one, [value])]
    for metric, spent in (("forward_flops", flops), ("parameters", parameters)):
        rows += [{"encoding": one, "metric": metric, "value": value} for one, value in spent.items()]
    return primary, pair_at_equal_cost(Stub(), primary, "alibi", rows, rivals)


def test_at_equal_flops_the_cheaper_one_is_trained_for_more_steps(monkeypatch):
    same, accuracy = dict.fromkeys(("alibi", "none"), 3200), {"alibi": 0.5, "none": 0.5}
    primary, (pair,) = make_pairs(monkeypatch, {"alibi": 1100.0, "none": 1000.0}, same, accuracy)
    assert (pair.kind, pair.how) == ("equal FLOPs", "none is trained for 1100 steps instead of 1000")
    assert pair.new == primary["alibi"]
    assert pair.baseline == replace(primary["none"], training=replace(primary["none"].training, steps=1100))
    primary, (pair,) = make_pairs(monkeypatch, {"alibi": 1000.0, "none": 1250.0}, same, accuracy)
    assert pair.new.training.steps == 1250 and pair.baseline == primary["none"]
    assert make_pairs(monkeypatch, {"alibi": 1009.0, "none": 1000.0}, same, accuracy)[1] == []  # within one percent
    assert make_pairs(monkeypatch, {"alibi": np.nan, "none": 1000.0}, same, accuracy)[1] == []


@pytest.mark.parametrize(("wanted", "width"), [(3600, 36), (3601, 44), (10_000, 100)])
def test_at_equal_parameters_the_smaller_one_has_the_least_width_that_will_do(monkeypatch, wanted, width):
    """Widths are multiples of the four heads; one that the encoding refuses (40) is passed over."""
    same, accuracy = dict.fromkeys(("alibi", "none"), 1000.0), {"alibi": 0.5, "none": 0.5}
    primary, (pair,) = make_pairs(monkeypatch, same, {"alibi": wanted, "none": 3200}, accuracy)
    assert pair.kind == "equal parameters" and pair.new == primary["alibi"]
    assert pair.baseline == replace(primary["none"], width=width)
    assert pair.how == f"none has width {width} instead of 32: {100 * width} parameters against {wanted}"


def test_no_width_is_enough(monkeypatch):
    same = dict.fromkeys(("alibi", "none"), 1000.0)
    assert make_pairs(monkeypatch, same, {"alibi": 10**6, "none": 3200}, {"alibi": 0.5, "none": 0.5})[1] == []


def test_the_best_baselines_are_compared_at_equal_cost(monkeypatch):
    flops = {"alibi": 1200.0, "none": 1000.0, "sinusoidal": 1000.0, "rotary": 1000.0}
    same, accuracy = dict.fromkeys(flops, 3200), {"alibi": 1.0, "none": 0.3, "sinusoidal": 0.7, "rotary": 0.9}
    for rivals, expected in ((1, ["rotary"]), (2, ["rotary", "sinusoidal"]), (99, ["rotary", "sinusoidal", "none"])):
        pairs = make_pairs(monkeypatch, flops, same, accuracy, rivals)[1]
        assert [pair.baseline.encoding for pair in pairs] == expected
