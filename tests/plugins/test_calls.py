"""Calls of user code: faults as one sentence."""

import jax.numpy as jnp
import pytest
from flax import nnx

from jaxpe.errors import UserError
from jaxpe.plugins.calls import call_user_code, get_first_line


class WithList(nnx.Module):
    def __init__(self):
        self.gains = [nnx.Param(jnp.ones(2))]


class WithDict(nnx.Module):
    def __init__(self):
        self.gains = {"a": nnx.Param(jnp.ones(2))}


@pytest.mark.parametrize("kind", [WithList, WithDict])
def test_a_container_that_flax_refuses_is_named_with_a_cure(kind):
    with pytest.raises(
        UserError, match=r"'gains'.*write nnx.List\(\[…\]\) or nnx.Dict\(…\) .*\(test_calls.py, line \d+\)\.$"
    ):
        call_user_code(kind, "encoding 'x' could not be constructed")


def test_a_long_message_is_cut_and_an_empty_one_named():
    assert len(get_first_line(ValueError("a" * 500))) == 300 and get_first_line(ValueError()) == "no message"
    assert get_first_line(ValueError("First.\nSecond.")) == "First"
