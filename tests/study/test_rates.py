"""Rates: what a step takes, where they were measured, and which devices have none."""

from dataclasses import fields

import pytest

from jaxpe.errors import UserError
from jaxpe.study import rates
from jaxpe.study.rates import Rate
from jaxpe.training.mesh import BATCHING

GPU = Rate("h100", "gpu", 10e12, 1e-10, 2e-3, 20.0, 10.0, {"device": "H100"})


def test_every_row_says_where_it_was_measured_and_belongs_to_a_backend():
    for rate in rates.read_rates().values():
        assert {"device", "date", "versions"} <= set(rate.source) and rate.backend in BATCHING
        numbers = [getattr(rate, field.name) for field in fields(rate) if field.name.startswith(("seconds", "flops"))]
        assert len(numbers) == 5 and all(number >= 0 for number in numbers)


def test_rates_of_a_cpu_core_are_those_that_were_measured():
    rate = rates.read_rates()["cpu"]
    speeds = [1e-9 / rate.estimate_step(1.0, width, 1) for width in (32, 64, 128)]
    assert speeds == pytest.approx([30, 46, 62], rel=0.02)


def test_a_step_takes_time_to_start_and_the_time_of_its_replicas():
    one, two = (GPU.estimate_step(1e9, 50, replicas) for replicas in (1, 2))
    assert one == pytest.approx(2e-3 + 1e9 * (1e-13 + 2e-12)) and two - one == pytest.approx(one - 2e-3)


def test_an_accelerator_without_rates_is_refused_and_the_known_ones_are_named(monkeypatch):
    monkeypatch.setattr(rates, "read_rates", lambda: {"h100": GPU})
    assert rates.get_accelerator_rate("H100") is GPU
    for name in ("a100", "cpu"):
        with pytest.raises(UserError, match=rf"No rates were measured for --gpu {name}\. Known: h100;"):
            rates.get_accelerator_rate(name)


def test_a_device_of_this_machine_has_the_rates_of_its_kind(monkeypatch):
    cpu = rates.read_rates()["cpu"]
    monkeypatch.setattr(rates, "read_rates", lambda: {"cpu": cpu, "h100": GPU})
    assert rates.find_rate("gpu", "NVIDIA H100 80GB HBM3") is GPU
    assert rates.find_rate("gpu", "NVIDIA A100") is cpu is rates.find_rate("cpu", "cpu")
