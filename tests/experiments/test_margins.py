"""Margins of claims: every number that a claim's statement or cell names is the one that decides, just inside and outside."""

import re

import numpy as np
import pandas as pd
import pytest

from jaxpe.analysis import effects
from jaxpe.study.experiment import load_experiment

SPREAD = np.array([-0.001, 0.001, -0.0005, 0.0005, -0.0008, 0.0008, 0.0])


def load(name):
    return load_experiment(name).module


def read_numbers(text):
    return [float(number) for number in re.findall(r"\d+(?:\.\d+)?(?:e-\d+)?", text.replace("−", "-"))]


def make_text(difference):
    """Bits per character on translation: learned minus sinusoidal, and none far above."""
    base = {
        "task": "translation", "architecture": "encoder_decoder", "positions": "arange", "metric": "bits_per_character",
        "learning_rate": 0.003, "train_length": 32.0, "test_length": 32.0, "steps": 100,
    }  # fmt: skip
    means = {"learned": 2.0 + difference, "sinusoidal": 2.0, "none": 3.0}
    spread = {"learned": SPREAD, "sinusoidal": np.zeros(7), "none": np.zeros(7)}
    return pd.DataFrame(
        [
            base | {"encoding": name, "seed": seed, "value": mean + spread[name][seed]}
            for name, mean in means.items()
            for seed in range(7)
        ]
    )


@pytest.mark.parametrize(
    ("difference", "verdict"), [(0.0185, "supported"), (0.0215, "contradicted"), (0.0195, "undecided")]
)
def test_learned_and_sinusoidal_are_equal_within_the_margin_of_the_statement(difference, verdict):
    module = load("accuracy")
    results = {result.id: result for result in module.claims(make_text(difference))}
    assert results["C2"].verdict == verdict
    assert 0.02 in read_numbers(module.EQUAL.statement) and 0.02 in read_numbers(module.EQUAL.cell)


def test_the_margins_of_the_modules_are_those_of_their_statements():
    accuracy, extrapolation = load("accuracy"), load("extrapolation")
    assert accuracy.MARGIN in read_numbers(accuracy.EQUAL.statement)
    assert accuracy.SPEED_MARGIN in read_numbers(accuracy.SPEED.statement)
    assert extrapolation.BLIND_MARGIN in read_numbers(extrapolation.BLIND.cell)
    assert effects.MARGIN in read_numbers(load("harm").HARM.cell)
    assert (accuracy.MARGIN, accuracy.SPEED_MARGIN, extrapolation.BLIND_MARGIN, effects.MARGIN) == (
        0.02,
        0.25,
        0.03,
        0.02,
    )


@pytest.mark.parametrize(
    ("blind", "visible", "verdict"),
    [(9e-6, 0.01, "supported"), (1.1e-5, 0.01, "contradicted"), (9e-6, 9e-4, "undecided")],
)
def test_minilm_is_blind_below_a_hundred_thousandth(blind, visible, verdict, monkeypatch):
    module = load("pretrained")
    changes = {True: np.full(20, visible), False: np.array([*np.zeros(19), blind])}
    monkeypatch.setattr(
        module, "read_changes", lambda table, kind, size=None, has_positions=True: changes[has_positions]
    )
    result = module.judge_blindness(pd.DataFrame())
    assert (result.verdict, result.value) == (verdict, pytest.approx(blind)) and result.n == 20
    assert {1e-5, 1e-3} <= {float(number) for number in re.findall(r"[\d.e-]*\d", module.BLIND.cell)}


@pytest.mark.parametrize(("gap", "verdict"), [(9e-6, "supported"), (1e-5, "supported"), (1.1e-5, "contradicted")])
def test_an_encoder_is_blind_up_to_a_hundred_thousandth(gap, verdict):
    """The largest gap over seeds counts."""
    columns = {"task": "masked_lm", "encoding": "none", "metric": "order_gap", "network": "trained", "layer": np.nan}
    table = pd.DataFrame([columns | {"seed": seed, "value": value} for seed, value in enumerate((1e-7, gap, 0.0))])
    [result] = [one for one in load("structure").judge_recovery(table) if one.id == "C9.equivariant"]
    assert (result.verdict, result.value, result.n) == (verdict, gap, 3)
