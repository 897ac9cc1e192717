"""Names of tensors in nested checkpoints, and what a pickle may say about one."""

import numpy as np
import pytest

from jaxpe.pretrained import torch_tensors
from jaxpe.pretrained.torch_tensors import Name, Storage, Tensor, describe_storage, describe_tensor, name_tensors

TENSOR = Tensor(Storage("0", np.dtype("<f4"), 4), 0, (2, 2), (2, 1))
OTHER = TENSOR._replace(offset=1)


def test_tensors_are_named_by_their_keys_at_every_depth():
    described = {
        "model": {"_orig_mod.wpe.weight": TENSOR, "blocks": [OTHER, {"w": TENSOR}]},
        "optimizer": {"state": {0: {"exp_avg": OTHER, "step": 3}}, "param_groups": [{"lr": 0.1}]},
        "pair": (TENSOR, None),
        "iter_num": 7,
        "alone": TENSOR,
    }
    assert name_tensors(described) == {
        "alone": TENSOR,
        "model._orig_mod.wpe.weight": TENSOR,
        "model.blocks.0": OTHER,
        "model.blocks.1.w": TENSOR,
        "optimizer.state.0.exp_avg": OTHER,
        "pair.0": TENSOR,
    }
    assert name_tensors(TENSOR) == {"tensor": TENSOR} and name_tensors([TENSOR]) == {"0": TENSOR}
    assert name_tensors(None) == {} == name_tensors("text") == name_tensors({"a": Name("b")})


def test_containers_in_several_places_or_in_themselves_are_visited_once():
    shared = {"w": TENSOR}
    itself = {"first": shared, "second": shared}
    itself["again"] = itself
    assert name_tensors(itself) == {"first.w": TENSOR}
    twice = shared
    for _ in range(60):
        twice = [twice, twice]
    assert name_tensors(twice) == {}  # deeper than what is looked at
    deep = shared
    for _ in range(torch_tensors.MAX_DEPTH):
        deep = {"d": deep}
    assert len(name_tensors(deep)) == 1


def test_names_that_would_fill_the_memory_are_an_error():
    inner = dict.fromkeys(range(2000), TENSOR)
    with pytest.raises(ValueError, match="too long"):
        name_tensors({"k" * 10_000: inner})


STORAGE = ("storage", Name("torch.FloatStorage"), "0", "cpu", 4)


@pytest.mark.parametrize(
    "saved",
    [
        None, (), STORAGE[:4], ("module", *STORAGE[1:]), (*STORAGE, ("view", 0, 2)), (*STORAGE[:4], -1),
        (*STORAGE[:4], "4"), ("storage", Name("torch.Size"), *STORAGE[2:]), ("storage", "torch.FloatStorage", *STORAGE[2:]),
        (*STORAGE[:2], 0, "cpu", 4), list(STORAGE),
    ],
)  # fmt: skip
def test_other_storages_are_an_error(saved):
    assert describe_storage(STORAGE) == describe_storage((*STORAGE, None)) == Storage("0", np.dtype("<f4"), 4)
    with pytest.raises(ValueError, match="unknown kind"):
        describe_storage(saved)


@pytest.mark.parametrize(
    "arguments",
    [
        (None, 0, (2,), (1,)), (TENSOR.storage, -1, (2,), (1,)), (TENSOR.storage, 0, (-2,), (1,)),
        (TENSOR.storage, 0, (2,), (-1,)), (TENSOR.storage, 0, (2, 2), (1,)), (TENSOR.storage, 0, 2, 1),
        (TENSOR.storage, 0, (2.0,), (1,)), (TENSOR.storage, None, (2,), (1,)), (TENSOR.storage, 0, ("2",), (1,)),
    ],
)  # fmt: skip
def test_other_tensors_are_an_error(arguments):
    with pytest.raises(ValueError, match="a tensor"):
        describe_tensor(*arguments)
