"""Changes of heads show in the model's own record and losses."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from planted_attention import make_mask
from probed_models import HEAD_CASES, get_first, open_heads

from jaxpe.analysis import head_changes, head_scores
from jaxpe.analysis.attention import make_visibility_mask
from jaxpe.training.loss import compute_answer_loss


@jax.jit
def record_attention(model, inputs):
    return model(inputs, record=True).record.attention


@jax.jit
def compute_plain_loss(model, batch):
    example, inputs = batch
    nats = jax.vmap(lambda example, inputs: compute_answer_loss(model(inputs).logits, example).sum())(example, inputs)
    return nats.sum() / example.loss_mask.sum()


@pytest.mark.parametrize(("encoding", "task", "architecture"), HEAD_CASES)
def test_the_loss_without_a_head_is_that_of_a_model_with_its_output_weights_at_zero(encoding, task, architecture):
    model, probe_data = open_heads(encoding, task, architecture)
    batch = probe_data.batch
    assert head_changes.compute_unchanged_loss(model, batch) == pytest.approx(
        float(compute_plain_loss(model, batch)), rel=1e-5
    )
    losses = head_changes.compute_ablated_losses(model, batch)
    for layer, head in [(0, 1), (1, 0)]:
        zeroed = jax.tree.map(np.array, model)
        np.asarray(zeroed.stack.blocks[layer].attention.out.get_value())[head] = 0
        assert losses[layer, head] == pytest.approx(float(compute_plain_loss(zeroed, batch)), rel=1e-5)
    assert len(set(losses.ravel().round(6))) == 4


@pytest.mark.parametrize(("encoding", "task", "architecture"), HEAD_CASES)
def test_removed_keys_have_no_weight_and_the_others_are_renormalised(encoding, task, architecture):
    model, probe_data = open_heads(encoding, task, architecture)
    inputs = get_first(probe_data.batch[1])
    before = record_attention(model, inputs)
    visible = np.asarray(make_visibility_mask(model, inputs))
    removed = head_changes.mark_pattern_keys("previous", visible, 2)
    change = head_changes.make_identity_change(model, len(visible))
    change.bias[1, 0][removed] = head_changes.REMOVED
    after = record_attention(head_changes.apply_change(model, change), inputs)
    queries = removed.any(-1)
    original, weights = np.asarray(before[1].weights[0]), np.asarray(after[1].weights[0])
    assert not weights[removed].any() and original[removed].all()
    expected = np.where(removed, 0, original) / np.where(removed, 0, original).sum(-1, keepdims=True)
    assert weights[queries] == pytest.approx(expected[queries], abs=1e-5)
    assert after[1].weights[1] == pytest.approx(np.asarray(before[1].weights[1]), abs=1e-6)
    assert after[0].weights == pytest.approx(np.asarray(before[0].weights), abs=1e-6)


def test_the_loss_without_keys_is_that_of_the_model_with_one_head_masked():
    model, probe_data = open_heads(*HEAD_CASES[0])
    visible = np.asarray(make_visibility_mask(model, get_first(probe_data.batch[1])))
    removed = head_changes.mark_pattern_keys("previous", visible, 2)
    losses = head_changes.compute_losses_without_keys(model, probe_data.batch, removed)
    plain = head_changes.make_identity_change(model, len(visible))
    for layer, head in np.ndindex(losses.shape):
        bias = np.zeros(plain.bias.shape, np.float32)
        bias[layer, head] = np.where(removed, head_changes.REMOVED, 0)
        loss = head_changes.compute_changed_loss(model, probe_data.batch, plain._replace(bias=bias))
        assert losses[layer, head] == pytest.approx(float(loss), rel=1e-6)
    whole = head_changes.compute_unchanged_loss(model, probe_data.batch)
    assert (np.abs(losses - whole) > 1e-6).all() and len(set(losses.ravel().round(6))) == losses.size


def test_the_control_removes_another_visible_key_for_every_removed_one():
    visible = make_mask(9, 10, True)
    for kind, queries in (("previous", range(1, 9)), ("first", range(1, 9)), ("induction", range(5, 9))):
        removed = head_changes.mark_pattern_keys(kind, visible, half=4)
        other = head_changes.draw_other_keys(removed, visible, seed=1)
        assert np.flatnonzero(removed.any(-1)).tolist() == list(queries)
        assert (removed.sum(-1) == other.sum(-1)).all() and removed.sum(-1).max() == 1
        assert not (removed & other).any() and not (other & ~visible).any()
    assert removed[8].tolist() == (np.arange(10) == 5).tolist()  # the key after the earlier occurrence, at 4


def make_positional(model):
    """The model with first-layer queries and keys that read positions only, which have coordinates of their own."""
    new = jax.tree.map(np.array, model)
    width = new.stack.embedding.get_value().shape[1] // 2
    for array, zeros in ((new.stack.embedding, slice(width)), (new.stack.encodings[0].table, slice(width, None))):
        values = np.array(array.get_value())
        values[:, zeros] = 0
        array[...] = values / np.linalg.norm(values, axis=1, keepdims=True)
    for part in (new.stack.blocks[0].attention.query, new.stack.blocks[0].attention.key):
        values = 3 * np.array(part.get_value())
        values[width:] = 0
        part[...] = values
    return jax.tree.map(jnp.asarray, new)


def test_the_mean_map_of_a_positional_head_changes_nothing_and_its_score_is_one():
    model, probe_data = open_heads()
    model, batch = make_positional(model), probe_data.batch
    attention = head_scores.measure_head_attention(model, batch[1])
    assert head_scores.compute_scores(attention)["positional"][0] == pytest.approx(1, abs=1e-3)
    mean, uniform = head_changes.compute_mean_maps(attention)
    with_mean, with_uniform = (head_changes.compute_losses_with_map(model, batch, maps) for maps in (mean, uniform))
    whole = head_changes.compute_unchanged_loss(model, batch)
    assert with_mean[0] == pytest.approx(whole, rel=1e-5) and (np.abs(with_uniform[0] - whole) > 1e-4).all()
    assert (np.abs(with_mean[1] - whole) > 1e-4).all()


def test_a_fixed_map_stands_in_place_of_the_weights():
    model, probe_data = open_heads()
    inputs = get_first(probe_data.batch[1])
    length = int(inputs.length)
    _, uniform = head_changes.compute_mean_maps(head_scores.measure_head_attention(model, probe_data.batch[1]))
    change = head_changes.make_identity_change(model, uniform.shape[-1])
    change.bias[0, 1], change.fixed[0, 1] = np.log(np.maximum(uniform[0, 1], 1e-38)), True
    weights = record_attention(head_changes.apply_change(model, change), inputs)[0].weights[1]
    assert np.asarray(weights)[:length] == pytest.approx(uniform[0, 1][:length], abs=1e-5)


def test_the_programs_lower_for_accelerators():
    model, probe_data = open_heads()
    change = head_changes.make_identity_change(model, probe_data.batch[1].tokens.shape[1])
    for program, arguments in (
        (head_changes.compute_changed_loss, (model, probe_data.batch, change)),
        (head_scores.sum_attention, (model, probe_data.batch[1])),
    ):
        leaves, structure = jax.tree.flatten(arguments)
        flat = jax.jit(lambda *leaves, program=program, structure=structure: program(*structure.unflatten(leaves)))
        exported = jax.export.export(flat, platforms=["cuda", "tpu"])(*leaves)
        assert exported.platforms == ("cuda", "tpu")


def test_only_causal_objectives_predict_the_next_token():
    example = open_heads()[1].batch[0]
    assert head_changes.predicts_next(example)
    assert not head_changes.predicts_next(open_heads(*HEAD_CASES[1])[1].batch[0])
    assert not head_changes.predicts_next(example._replace(targets=example.tokens))
