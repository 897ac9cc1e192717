"""Attention heads: scores of planted weights, slow loops, and changes that are found again in the model's own record."""

from dataclasses import replace
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

from jaxpe.analysis import attention, head_changes, head_scores, heads, hidden
from jaxpe.figures import heads as heads_figures
from jaxpe.study import presets, run_configs, tables
from jaxpe.training import parameters
from jaxpe.training.loss import compute_answer_loss

PRESET = presets.Preset((), train_length=5, max_length_ratio=2.0, width=16)
CASES = [("learned", "copy", "decoder"), ("sinusoidal", "reverse", "encoder")]


@cache
def opened(encoding="learned", task="copy", architecture="decoder"):
    """An untrained model of two layers and two heads, and what it is shown."""
    sources = {}
    config = run_configs.make_config(replace(PRESET, layers=2), task, architecture, encoding, "arange", sources)
    source = run_configs.open_source(config, sources)
    return parameters.init_model(config, source.stream, 3), hidden.draw_probe_data(config, source, 24)


def visible(length, size, causal):
    seen = np.arange(size)[:, None] < length
    return seen & seen.T & (np.tri(size, dtype=bool) if causal else True)


def planted(rules, lengths, size, causal):
    """Weights of one head a rule, the keys they may lie on, and what is made of them."""
    weights, seen = drawn(rules, lengths, size, causal)
    return weights, seen, head_scores.Attended(*map(np.asarray, summed(weights, seen, jnp.asarray(lengths))))


def drawn(rules, lengths, size, causal):
    """A rule is (t, visible keys, generator) -> weights of the keys; a last head is uniform."""
    generator = np.random.default_rng(0)
    weights = np.zeros((len(lengths), len(rules) + 1, size, size), np.float32)
    seen = np.stack([visible(n, size, causal) for n in lengths])
    for b, t in np.argwhere(seen.any(-1)):
        n = int(seen[b, t].sum())
        for i, rule in enumerate([*rules, lambda t, n, generator: np.ones(n)]):
            row = rule(t, n, generator)
            weights[b, i, t, :n] = row / row.sum()
    return weights, seen


@jax.jit
def summed(weights, seen, lengths):
    return head_scores.summed_up(weights, seen, jax.vmap(head_scores.patterns)(seen, lengths))


def looked(real, half=2, repeated=None, unrepeated=None):
    return head_scores.Looked((1, len(real.positional) - 1), real, repeated, unrepeated, half)


def on(place):
    """All weight on one key: `place` of (query, visible keys), else on the query itself."""
    return lambda t, n, generator: np.arange(n) == (place(t, n) if 0 <= place(t, n) < n else t)


def any_key(t, n, generator):
    return generator.exponential(size=n)


# ── scores ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("causal", [True, False])
def test_weights_that_lie_on_a_pattern_score_one_and_only_there(causal):
    rules = {
        "previous": on(lambda t, n: t - 1), "current": on(lambda t, n: t), "next": on(lambda t, n: t + 1),
        "first": on(lambda t, n: 0), "recent_tenth": on(lambda t, n: n - 1),
    }  # fmt: skip
    if causal:
        del rules["next"]
    _, _, part = planted(rules.values(), [10] * 4, 10, causal)
    scores = head_scores.scores_of(looked(part))
    assert ("next" in scores) != causal and "induction" not in scores
    for i, kind in enumerate(rules):
        assert scores[kind][0, i] == pytest.approx(1)
        assert scores["positional"][0, i] == pytest.approx(1, abs=1e-4)
    assert scores["previous"][0, list(rules).index("first")] == pytest.approx(1 / 9)  # at the second place only
    found = head_scores.clearest(scores)
    assert found["previous"] == (0, 0) and found["first"] == (0, list(rules).index("first"))


@pytest.mark.parametrize("causal", [True, False])
def test_scores_and_curves_against_slow_loops(causal):
    lengths, size = [12, 7, 9, 12], 12
    weights, seen, part = planted([any_key, any_key], lengths, size, causal)
    for p, kind in enumerate(head_scores.PATTERNS):
        sums = np.zeros(3)
        queries = 0
        for b, length in enumerate(lengths):
            for t in range(length):
                n = int(seen[b, t].sum())
                keys = {
                    "previous": [t - 1], "current": [t], "next": [t + 1], "first": [0] if t else [],
                    "last_tenth": range(length - int(np.ceil(length / 10)), length),
                    "recent_tenth": range(n - int(np.ceil(n / 10)), n),
                }[kind]  # fmt: skip
                keys = [s for s in keys if 0 <= s < n]
                queries += bool(keys)
                sums += weights[b, :, t, keys].sum(0) if keys else 0
        assert part.on[p] == pytest.approx(sums / queries if queries else np.full(3, np.nan), rel=1e-4, nan_ok=True)
    distances, keys = head_scores.by_distance(part), head_scores.by_key(part)
    for place, name, profile in [(2, "distance", distances), (0, "distance", distances), (3, "key", keys)]:
        own = [(b, t, s) for b, t, s in np.argwhere(seen) if (t - s if name == "distance" else s) == place]
        assert profile[place] == pytest.approx(np.mean([weights[b, :, t, s] for b, t, s in own], axis=0), rel=1e-4)
    assert (min(distances) < 0) != causal and max(distances) == size - 1


def test_the_positional_share_against_a_slow_loop_and_its_ends():
    def blend(t, n, generator):
        return 0.5 * (np.arange(n) == t) + 0.5 * any_key(t, n, generator) / n

    lengths = [9] * 40
    weights, seen, part = planted([any_key, blend, on(lambda t, n: t // 2)], lengths, 9, True)
    within, around = np.zeros(4), np.zeros(4)
    for t, s in np.argwhere(seen[0]):
        w = weights[:, :, t, s].astype(float)
        within += ((w - w.mean(0)) ** 2).sum(0) * 40 / 39
        around += ((w - 1 / (t + 1)) ** 2).sum(0)
    assert part.positional[:3] == pytest.approx(1 - within[:3] / around[:3], rel=1e-3, abs=1e-4)
    assert abs(part.positional[0]) < 0.03 and 0.5 < part.positional[1] < 0.99 and part.positional[3] == 0
    assert np.abs(part.shuffled[:3]).max() < 0.1


def test_weights_that_are_turned_stay_on_visible_keys():
    weights, seen = drawn([any_key], [8, 5], 8, True)
    turned = np.asarray(head_scores.rotated(jnp.asarray(weights), jnp.asarray(seen), jax.random.key(1)))
    assert np.sort(turned, -1) == pytest.approx(np.sort(weights, -1)) and (turned != weights).any()
    assert not turned[~np.broadcast_to(seen[:, None], turned.shape)].any()


def test_an_induction_head_is_told_from_one_that_looks_as_far_back_whatever_stands_there():
    half = 4
    copies = on(lambda t, n: t - half + 1 if t > half else t)
    itself = on(lambda t, n: t - half if t > half else t)
    seen_it, other = (
        planted(rules, [9] * 3, 9, True)[2]
        for rules in ([copies, copies, itself], [any_key, copies, any_key])  # the second head does not look at tokens
    )
    scores = head_scores.scores_of(looked(seen_it, half, seen_it, other))
    assert scores["induction"].tolist() == [[1, 1, 0]] and scores["duplicate"].tolist() == [[0, 0, 1]]
    assert scores["induction_unrepeated"][0, 1] == 1 and scores["induction_unrepeated"][0, 0] < 0.5
    assert scores["induction_uniform"][0, 0] == pytest.approx(np.mean([1 / (t + 1) for t in range(5, 9)]))
    assert head_scores.clearest(scores)["induction"] == (0, 0) and head_scores.clearest(scores)["duplicate"] == (0, 2)


def test_sequences_are_repeated_and_the_control_differs_in_the_first_half_only():
    inputs = opened()[1].batch[1]
    halves = head_scores.random_halves(inputs, 5)
    again, other = (head_scores.repeated(inputs, halves, which) for which in (True, False))
    assert (again.tokens[:, 1:6] == again.tokens[:, 6:11]).all() and (again.length == 11).all()
    assert (again.tokens[:, 6:11] == other.tokens[:, 6:11]).all() and (again.tokens != other.tokens)[:, 1:6].any(
        1
    ).all()
    assert all(len(set(row)) == 5 for row in again.tokens[:, 1:6].tolist()) and set(np.unique(halves)) <= set(
        np.unique(inputs.tokens)
    ) - set(range(5))
    example, _ = head_changes.repeated_batch(inputs, halves)
    assert np.flatnonzero(example.loss_mask[0]).tolist() == [6, 7, 8, 9]
    assert example.targets[0, 6:10].tolist() == halves.words[0, 1:].tolist()
    text = head_scores.text_halves(inputs, 5)
    assert (text.words == inputs.tokens[:, 1:6]).all() and (text.others[1:] == text.words[:-1]).all()


def test_permuting_heads_permutes_scores():
    model, look = opened()
    turned = jax.tree.map(lambda leaf: leaf, model)
    for block in turned.stack.blocks:
        for part in (block.attention.query, block.attention.key, block.attention.value):
            part[...] = part[...][:, ::-1]
        block.attention.out[...] = block.attention.out[...][::-1]
    one, two = (head_scores.head_scores(each, look.batch[1]) for each in (model, turned))
    assert set(one) == set(two) and {"previous", "induction", "positional", "first"} <= set(one)
    for name, values in one.items():
        assert two[name][:, ::-1] == pytest.approx(values, abs=1e-5)
    assert (np.abs(one["previous"][:, 0] - one["previous"][:, 1]) > 1e-4).all()


# ── changes ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@jax.jit
def recorded(model, inputs):
    return model(inputs, record=True).record.attention


@jax.jit
def plain_loss(model, batch):
    example, inputs = batch
    nats = jax.vmap(lambda example, inputs: compute_answer_loss(model(inputs).logits, example).sum())(example, inputs)
    return nats.sum() / example.loss_mask.sum()


@pytest.mark.parametrize(("encoding", "task", "architecture"), CASES)
def test_a_head_removed_is_a_model_with_these_weights_zero(encoding, task, architecture):
    model, look = opened(encoding, task, architecture)
    assert head_changes.whole_loss(model, look.batch) == pytest.approx(float(plain_loss(model, look.batch)), rel=1e-5)
    losses = head_changes.ablated_losses(model, look.batch)
    for layer, head in [(0, 1), (1, 0)]:
        zeroed = jax.tree.map(np.array, model)
        np.asarray(zeroed.stack.blocks[layer].attention.out.get_value())[head] = 0
        assert losses[layer, head] == pytest.approx(float(plain_loss(zeroed, look.batch)), rel=1e-5)
    assert len(set(losses.ravel().round(6))) == 4


@pytest.mark.parametrize(("encoding", "task", "architecture"), CASES)
def test_knocked_out_keys_have_no_weight_and_the_others_are_renormalised(encoding, task, architecture):
    model, look = opened(encoding, task, architecture)
    one = jax.tree.map(lambda leaf: leaf[0], look.batch[1])
    before = recorded(model, one)
    seen = np.asarray(attention.visible_keys(model, one))
    removed = head_changes.pattern_keys("previous", seen, 2)
    change = head_changes.unchanged(model, len(seen))
    change.bias[1, 0][removed] = head_changes.HIDDEN
    after = recorded(head_changes.changed(model, change), one)
    queries = removed.any(-1)
    kept, weights = np.asarray(before[1].weights[0]), np.asarray(after[1].weights[0])
    assert not weights[removed].any() and kept[removed].all()
    expected = np.where(removed, 0, kept) / np.where(removed, 0, kept).sum(-1, keepdims=True)
    assert weights[queries] == pytest.approx(expected[queries], abs=1e-5)
    assert after[1].weights[1] == pytest.approx(np.asarray(before[1].weights[1]), abs=1e-6)
    assert after[0].weights == pytest.approx(np.asarray(before[0].weights), abs=1e-6)


def test_the_loss_without_keys_is_that_of_the_model_with_one_head_so_masked():
    """Each head by itself: its output computed with a mask of its own, the others as they were."""
    model, look = opened(*CASES[0])
    seen = np.asarray(attention.visible_keys(model, jax.tree.map(lambda leaf: leaf[0], look.batch[1])))
    removed = head_changes.pattern_keys("previous", seen, 2)
    losses = head_changes.losses_without_keys(model, look.batch, removed)
    plain = head_changes.unchanged(model, len(seen))
    for layer, head in np.ndindex(losses.shape):
        bias = np.zeros(plain.bias.shape, np.float32)
        bias[layer, head] = np.where(removed, head_changes.HIDDEN, 0)
        assert losses[layer, head] == pytest.approx(
            float(head_changes.loss_with(model, look.batch, plain._replace(bias=bias))), rel=1e-6
        )
    whole = head_changes.whole_loss(model, look.batch)
    assert (np.abs(losses - whole) > 1e-6).all() and len(set(losses.ravel().round(6))) == losses.size


def test_for_every_key_removed_the_control_removes_another_visible_one():
    seen = visible(9, 10, True)
    for kind, queries in (("previous", range(1, 9)), ("first", range(1, 9)), ("induction", range(5, 9))):
        removed = head_changes.pattern_keys(kind, seen, half=4)
        other = head_changes.other_keys(removed, seen, seed=1)
        assert np.flatnonzero(removed.any(-1)).tolist() == list(queries)
        assert (removed.sum(-1) == other.sum(-1)).all() and removed.sum(-1).max() == 1
        assert not (removed & other).any() and not (other & ~seen).any()
    assert removed[8].tolist() == (np.arange(10) == 5).tolist()  # the key after the earlier occurrence, at 4


def only_places(model):
    """The model with first-layer queries and keys that read places only: table and tokens in coordinates of their own."""
    new = jax.tree.map(np.array, model)
    width = new.stack.embedding.get_value().shape[1] // 2
    for array, own in ((new.stack.embedding, slice(width)), (new.stack.encodings[0].table, slice(width, None))):
        values = np.array(array.get_value())
        values[:, own] = 0
        array[...] = values / np.linalg.norm(values, axis=1, keepdims=True)
    for part in (new.stack.blocks[0].attention.query, new.stack.blocks[0].attention.key):
        values = 3 * np.array(part.get_value())
        values[width:] = 0
        part[...] = values
    return jax.tree.map(jnp.asarray, new)


def test_the_mean_map_of_a_head_that_reads_places_changes_nothing_and_its_score_is_one():
    model = only_places(opened()[0])
    batch = opened()[1].batch
    looked = head_scores.look_at(model, batch[1])
    assert head_scores.scores_of(looked)["positional"][0] == pytest.approx(1, abs=1e-3)
    mean, uniform = head_changes.mean_maps(looked)
    with_mean, with_uniform = (head_changes.losses_with_map(model, batch, maps) for maps in (mean, uniform))
    whole = head_changes.whole_loss(model, batch)
    assert with_mean[0] == pytest.approx(whole, rel=1e-5) and (np.abs(with_uniform[0] - whole) > 1e-4).all()
    assert (np.abs(with_mean[1] - whole) > 1e-4).all()
    one = jax.tree.map(lambda leaf: leaf[0], batch[1])
    change = head_changes.unchanged(model, mean.shape[-1])
    change.bias[0, 1], change.fixed[0, 1] = np.log(np.maximum(uniform[0, 1], 1e-38)), True
    weights = recorded(head_changes.changed(model, change), one)[0].weights[1]
    n = int(one.length)
    assert np.asarray(weights)[:n] == pytest.approx(uniform[0, 1][:n], abs=1e-5)


def test_the_programs_lower_for_accelerators():
    model, look = opened()
    change = head_changes.unchanged(model, look.batch[1].tokens.shape[1])
    for program, arguments in (
        (head_changes.loss_with, (model, look.batch, change)),
        (head_scores.attention_sums, (model, look.batch[1])),
    ):
        leaves, structure = jax.tree.flatten(arguments)
        flat = jax.jit(lambda *leaves, program=program, structure=structure: program(*structure.unflatten(leaves)))
        exported = jax.export.export(flat, platforms=["cuda", "tpu"])(*leaves)
        assert exported.platforms == ("cuda", "tpu")


# ── rows and figures ────────────────────────────────────────────────────────────────────────────────────────────────


def test_which_objective_asks_for_the_next_token():
    example = opened()[1].batch[0]
    assert head_changes.predicts_next(example) and not head_changes.predicts_next(opened(*CASES[1])[1].batch[0])
    assert not head_changes.predicts_next(example._replace(targets=example.tokens))


@pytest.fixture(scope="module")
def found():
    """Rows of three seeds of a decoder and an encoder; one model stands for all seeds."""
    rows = []
    for encoding, task, architecture in CASES:
        model, look = opened(encoding, task, architecture)
        words = [f"w{i}" for i in range(model.stack.embedding[...].shape[0])]
        own = heads.measured(model, jax.tree.map(lambda leaf: leaf * 0.9, model), look, whole=True, words=words)
        base = {"task": task, "architecture": architecture, "encoding": "learned", "positions": "arange"}
        base |= {"train_length": 5, "experiment": "structure"}
        rows += [base | {"seed": s, "value": v + 0.001 * s} | columns for s in range(3) for columns, v in own]
    return pd.DataFrame(rows)


def test_rows_of_a_decoder_and_an_encoder(found):
    decoder, encoder = (found[(found["architecture"] == a) & (found["seed"] == 0)] for a in ("decoder", "encoder"))
    for part, lacking in ((decoder, {"next"}), (encoder, {"induction", "duplicate"})):
        scores = part[part["metric"] == "head_score"]
        assert set(scores["kind"]) == set(head_scores.KINDS) - lacking
        for kind in set(scores["kind"]):
            assert len(tables.select_rows(scores, kind=kind, network="trained")) == 4
            base = tables.select_rows(part, metric="head_baseline", kind=kind)
            assert set(base["baseline"]) == (
                {"shuffled"}
                if kind == "positional"
                else {"uniform", "unrepeated"}
                if kind in head_scores.ON_REPEATED
                else {"uniform"}
            )
        assert (part["metric"] == "head_ablation").sum() == 4
        changes = part[part["metric"] == "head_knockout"].groupby("kind")["change"].agg(set)
        assert changes["positional"] == {"mean map", "uniform"} and changes["previous"] == {"pattern", "another key"}
        assert ("induction" in changes) == (part is decoder) and ("next" in changes) == (part is encoder)
        maps = part[part["metric"] == "head_map"]
        assert maps.groupby(["kind", "row"])["value"].sum().to_numpy() == pytest.approx(1, abs=0.01)
        assert part[part["metric"] == "head_map_token"]["word"].str.startswith("w").all()
    assert (decoder["metric"] == "repeated_loss").sum() == 4 and (encoder["metric"] == "repeated_loss").sum() == 0


def test_figures_are_functions_of_the_table(found):
    made = heads_figures.figures(found)
    assert {"head_scores_learned", "head_shares_learned", "head_distance_learned", "head_ablation_learned"} <= set(made)
    assert {"head_examples_copy_decoder_learned", "head_examples_reverse_encoder_learned"} <= set(made)
    assert heads_figures.figures(found[found["metric"] == "none"]) == {}
