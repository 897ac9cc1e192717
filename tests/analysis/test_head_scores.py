"""Scores of planted weights, against slow loops and at their ends."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from planted_attention import attend_randomly, attend_to, plant_attention, plant_weights
from probed_models import open_heads

from jaxpe.analysis import head_scores


def make_attention(real, half=2, repeated=None, unrepeated=None):
    return head_scores.HeadAttention((1, len(real.positional) - 1), real, repeated, unrepeated, half)


@pytest.mark.parametrize("causal", [True, False])
def test_weights_on_a_pattern_score_one_there_and_only_there(causal):
    rules = {
        "previous": attend_to(lambda t, n: t - 1), "current": attend_to(lambda t, n: t),
        "next": attend_to(lambda t, n: t + 1), "first": attend_to(lambda t, n: 0),
        "recent_tenth": attend_to(lambda t, n: n - 1),
    }  # fmt: skip
    if causal:
        del rules["next"]
    _, _, summary = plant_attention(rules.values(), [10] * 4, 10, causal)
    scores = head_scores.compute_scores(make_attention(summary))
    assert ("next" in scores) != causal and "induction" not in scores
    for i, kind in enumerate(rules):
        assert scores[kind][0, i] == pytest.approx(1)
        assert scores["positional"][0, i] == pytest.approx(1, abs=1e-4)
    assert scores["previous"][0, list(rules).index("first")] == pytest.approx(1 / 9)  # at the second place only
    clearest = head_scores.find_clearest_heads(scores)
    assert clearest["previous"] == (0, 0) and clearest["first"] == (0, list(rules).index("first"))


def list_keys(kind, t, n, length):
    """The keys of a pattern for query t with n visible keys."""
    keys = {
        "previous": [t - 1], "current": [t], "next": [t + 1], "first": [0] if t else [],
        "last_tenth": range(length - int(np.ceil(length / 10)), length),
        "recent_tenth": range(n - int(np.ceil(n / 10)), n),
    }[kind]  # fmt: skip
    return [key for key in keys if 0 <= key < n]


@pytest.mark.parametrize("causal", [True, False])
def test_scores_and_curves_are_those_of_slow_loops(causal):
    lengths, size = [12, 7, 9, 12], 12
    weights, visible, summary = plant_attention([attend_randomly] * 2, lengths, size, causal)
    for p, kind in enumerate(head_scores.PATTERNS):
        sums, queries = np.zeros(3), 0
        for b, length in enumerate(lengths):
            for t in range(length):
                keys = list_keys(kind, t, int(visible[b, t].sum()), length)
                queries += bool(keys)
                sums += weights[b, :, t, keys].sum(0) if keys else 0
        expected = sums / queries if queries else np.full(3, np.nan)
        assert summary.on[p] == pytest.approx(expected, rel=1e-4, nan_ok=True)
    distances, keys = head_scores.average_by_distance(summary), head_scores.average_by_key(summary)
    pairs = np.argwhere(visible)
    for place, profile, places in [
        (2, distances, pairs[:, 1] - pairs[:, 2]), (0, distances, pairs[:, 1] - pairs[:, 2]), (3, keys, pairs[:, 2]),
    ]:  # fmt: skip
        expected = np.mean([weights[b, :, t, s] for b, t, s in pairs[places == place]], axis=0)
        assert profile[place] == pytest.approx(expected, rel=1e-4)
    assert (min(distances) < 0) != causal and max(distances) == size - 1


def test_the_positional_share_is_that_of_a_slow_loop_and_reaches_its_ends():
    def blend(t, n, generator):
        return 0.5 * (np.arange(n) == t) + 0.5 * attend_randomly(t, n, generator) / n

    rules = [attend_randomly, blend, attend_to(lambda t, n: t // 2)]
    weights, visible, summary = plant_attention(rules, [9] * 40, 9, True)
    within, around = np.zeros(4), np.zeros(4)
    for t, s in np.argwhere(visible[0]):
        w = weights[:, :, t, s].astype(float)
        within += ((w - w.mean(0)) ** 2).sum(0) * 40 / 39
        around += ((w - 1 / (t + 1)) ** 2).sum(0)
    assert summary.positional[:3] == pytest.approx(1 - within[:3] / around[:3], rel=1e-3, abs=1e-4)
    assert abs(summary.positional[0]) < 0.03 and 0.5 < summary.positional[1] < 0.99 and summary.positional[3] == 0
    assert np.abs(summary.shuffled[:3]).max() < 0.1


def test_rolled_weights_stay_on_visible_keys():
    weights, visible = plant_weights([attend_randomly], [8, 5], 8, True)
    rolled = np.asarray(head_scores.roll_weights(jnp.asarray(weights), jnp.asarray(visible), jax.random.key(1)))
    assert np.sort(rolled, -1) == pytest.approx(np.sort(weights, -1)) and (rolled != weights).any()
    assert not rolled[~np.broadcast_to(visible[:, None], rolled.shape)].any()


def test_an_induction_head_differs_from_one_that_looks_back_equally_far_at_any_token():
    half = 4
    copies = attend_to(lambda t, n: t - half + 1 if t > half else t)
    itself = attend_to(lambda t, n: t - half if t > half else t)
    repeated, unrepeated = (
        plant_attention(rules, [9] * 3, 9, True)[2]
        for rules in ([copies, copies, itself], [attend_randomly, copies, attend_randomly])  # the second ignores tokens
    )
    scores = head_scores.compute_scores(make_attention(repeated, half, repeated, unrepeated))
    assert scores["induction"].tolist() == [[1, 1, 0]] and scores["duplicate"].tolist() == [[0, 0, 1]]
    assert scores["induction_unrepeated"][0, 1] == 1 and scores["induction_unrepeated"][0, 0] < 0.5
    assert scores["induction_uniform"][0, 0] == pytest.approx(np.mean([1 / (t + 1) for t in range(5, 9)]))
    clearest = head_scores.find_clearest_heads(scores)
    assert clearest["induction"] == (0, 0) and clearest["duplicate"] == (0, 2)


def test_the_clearest_head_is_the_one_that_differs_most_from_its_own_baseline():
    """Not the one with the largest weight, which may look back equally far at any token."""
    scores = {
        "induction": np.array([[0.9, 0.6], [0.2, 0.5]]), "induction_unrepeated": np.array([[0.8, 0.1], [0.2, 0.1]]),
        "previous": np.array([[0.1, 0.2], [0.95, 0.3]]),
    }  # fmt: skip
    assert head_scores.find_clearest_heads(scores) == {"previous": (1, 0), "induction": (0, 1)}


def test_permuting_heads_permutes_scores():
    model, probe_data = open_heads()
    permuted = jax.tree.map(lambda leaf: leaf, model)
    for block in permuted.stack.blocks:
        for part in (block.attention.query, block.attention.key, block.attention.value):
            part[...] = part[...][:, ::-1]
        block.attention.out[...] = block.attention.out[...][::-1]
    attention = (head_scores.measure_head_attention(each, probe_data.batch[1]) for each in (model, permuted))
    one, two = map(head_scores.compute_scores, attention)
    assert set(one) == set(two) and {"previous", "induction", "positional", "first"} <= set(one)
    for name, values in one.items():
        assert two[name][:, ::-1] == pytest.approx(values, abs=1e-5)
    assert (np.abs(one["previous"][:, 0] - one["previous"][:, 1]) > 1e-4).all()
