"""EfficientNet-Lite0: folded batch norm against a slow loop, and its published size."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxpe.errors import UserError
from jaxpe.pretrained import efficientnet

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize(("kernel", "stride"), [(3, 1), (3, 2), (5, 2)])
def test_a_filter_with_batch_norm_folded_in_is_the_slow_loop(kernel, stride):
    x = RANDOM.normal(size=(8, 7, 3))
    weight = RANDOM.normal(size=(3, 1, kernel, kernel))
    norm = {name: RANDOM.uniform(0.5, 2, 3) for name in ("weight", "bias", "running_mean", "running_var")}
    folded, bias = efficientnet.fold_batch_norm(weight, norm)
    found = (
        efficientnet.convolve_depthwise(jnp.asarray(x), jnp.asarray(folded.transpose(2, 3, 1, 0)[:, :, 0]), stride)
        + bias
    )
    sizes = [-(-n // stride) for n in x.shape[:2]]
    before = [max((m - 1) * stride + kernel - n, 0) // 2 for m, n in zip(sizes, x.shape[:2], strict=True)]
    expected = np.zeros((*sizes, 3))
    for h, w, c, i, j in np.ndindex(*sizes, 3, kernel, kernel):
        at = h * stride + i - before[0], w * stride + j - before[1]
        if 0 <= at[0] < x.shape[0] and 0 <= at[1] < x.shape[1]:
            expected[h, w, c] += x[(*at, c)] * weight[c, 0, i, j]
    scaled = (expected - norm["running_mean"]) / np.sqrt(norm["running_var"] + 1e-3)
    np.testing.assert_allclose(found, scaled * norm["weight"] + norm["bias"], atol=1e-5)


def torch_shapes():
    """The published file's tensors, as zeros."""
    shapes = {"_conv_stem": (32, 3, 3, 3), "_bn0": 32, "_conv_head": (1280, 320, 1, 1), "_bn1": 1280}
    for block in efficientnet.list_blocks():
        inside = f"_{block.name}."
        if block.expanded != block.inputs:
            shapes |= {f"{inside}_expand_conv": (block.expanded, block.inputs, 1, 1), f"{inside}_bn0": block.expanded}
        shapes |= {f"{inside}_depthwise_conv": (block.expanded, 1, block.kernel, block.kernel)}
        shapes |= {f"{inside}_project_conv": (block.outputs, block.expanded, 1, 1)}
        shapes |= {f"{inside}_bn1": block.expanded, f"{inside}_bn2": block.outputs}
    tensors = {"_fc.weight": np.zeros((1000, 1280)), "_fc.bias": np.arange(1000.0)}
    for name, shape in shapes.items():
        kinds = ("weight",) if isinstance(shape, tuple) else ("weight", "bias", "running_mean", "running_var")
        tensors |= {f"{name}.{kind}": np.zeros(shape) for kind in kinds}
    return tensors


def test_efficientnet_has_its_published_size_and_lowers_for_accelerators():
    weights = efficientnet.convert_torch(torch_shapes())
    assert sum(array.size for array in weights.values()) == pytest.approx(4.65e6, rel=0.01)
    image = jax.ShapeDtypeStruct((224, 224, 3), jnp.float32)
    shapes = {name: jax.ShapeDtypeStruct(array.shape, array.dtype) for name, array in weights.items()}
    exported = jax.export.export(jax.jit(efficientnet.forward), platforms=["tpu", "cuda", "cpu"])(shapes, image)
    assert exported.out_avals[0].shape == (1000,)


def test_a_file_of_weights_that_was_damaged_is_told_with_the_command(tmp_path):
    path = tmp_path / "efficientnet.safetensors"
    for content in (b"", b"\x08" + bytes(7) + b"{}      "[:5], bytes(100)):
        path.write_bytes(content)
        with pytest.raises(UserError, match="was damaged: delete it, then run `jaxpe fetch efficientnet` again"):
            efficientnet.load_weights(path)
