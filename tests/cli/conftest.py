"""Commands that are called in the tests' process find JAX set up already (tests/conftest.py)."""

import pytest

from jaxpe import devices


@pytest.fixture(autouse=True)
def prepared_jax(monkeypatch):
    monkeypatch.setattr(devices, "prepare_jax", lambda devices: None)
