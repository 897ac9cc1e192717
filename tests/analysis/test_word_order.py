"""Word order in a tiny BERT: invisible without positions; orders of the right kind; intervals of shares."""

import numpy as np
import pytest
from safetensors.numpy import save_file
from tiny_bert import TOKENIZER, tiny_bert, tokenize

from jaxpe.analysis import word_order
from jaxpe.pretrained import models

RANDOM = np.random.default_rng(5)
TEXTS = [" ".join(RANDOM.permutation(["a"] * 6 + ["dog"] * 7 + ["bit"] * 5)) for _ in range(40)] + ["a dog"]


@pytest.fixture
def bert(tmp_path):
    """A tiny BERT with enough positions for verses and shifts, and a tokenizer of three words."""
    weights = tiny_bert(layers=1)
    weights["embeddings.position_embeddings.weight"] = RANDOM.normal(size=(200, 8)).astype(np.float32)
    save_file(weights, tmp_path / "model.safetensors")
    (tmp_path / "tokenizer.json").write_text(TOKENIZER)
    return models.open_model(tmp_path)


def test_word_order_is_invisible_without_positions_and_visible_with_them(bert):
    changes = word_order.measure_changes(bert, TEXTS, 4, heads=2)
    values = {(change.kind, change.size, change.has_positions): change.values for change in changes}
    assert {len(of_verses) for of_verses in values.values()} == {4}
    assert values[word_order.SHUFFLED, 0, False].max() < 1e-5 < 1e-3 < values[word_order.SHUFFLED, 0, True].mean()
    assert {size for kind, size, _ in values if kind == word_order.SHIFTED} == {1, 8, 32, 128}
    for kind in (word_order.WITHIN, word_order.PERMUTED):
        assert all(values[kind, window, True].mean() > 1e-3 for window in word_order.WINDOWS)
    short = bert._replace(positions=bert.positions[:70])
    kinds = [(change.kind, change.size) for change in word_order.measure_changes(short, TEXTS, 2, heads=2)]
    assert (word_order.SHIFTED, 1) in kinds and (word_order.SHIFTED, 8) not in kinds  # beyond the table
    assert word_order.measure_changes(bert, ["a dog"], 4, heads=2) == []


def test_verses_are_what_the_tokenizer_makes_of_the_whole_text(bert):
    verses = word_order.select_verses(bert, TEXTS, 3)
    assert len(verses) == 3
    ids, mask = word_order.pad_verses(verses, None, 64)
    expected_ids, expected_mask = tokenize(bert, TEXTS[::3][:3], 64)
    np.testing.assert_array_equal(ids, expected_ids)
    np.testing.assert_array_equal(mask, expected_mask)


def test_orders_are_permutations_of_the_right_kind():
    for kind, window in ((word_order.SHUFFLED, 0), (word_order.WITHIN, 4), (word_order.PERMUTED, 4)):
        order = word_order.sample_order(kind, window, 18, seed=1)
        assert sorted(order) == list(range(18)) and list(order) != list(range(18))
    within = word_order.sample_order(word_order.WITHIN, 4, 18, seed=1)
    assert [place // 4 for place in within] == [place // 4 for place in range(18)]
    permuted = word_order.sample_order(word_order.PERMUTED, 4, 18, seed=1)
    assert permuted[16:].tolist() == [16, 17]
    assert all((np.diff(window) == 1).all() for window in permuted[:16].reshape(4, 4))


def test_a_share_of_means_has_a_jackknife_interval():
    random = np.random.default_rng(0)
    whole = random.uniform(1, 2, 30)
    exact = word_order.estimate_share(0.3 * whole, whole)
    assert exact.value == pytest.approx(0.3) and exact.low == pytest.approx(0.3) and exact.n == 30
    noisy = word_order.estimate_share(0.3 * whole + 0.1 * random.normal(size=30), whole)
    assert noisy.low < 0.3 < noisy.high and word_order.estimate_share(whole[:3], whole[:3]).low is None
