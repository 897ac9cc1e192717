"""Extraction: what answers contain, the exact split of logits, and verdicts that follow the rows."""

import importlib.util
import json
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from support import ROOT

from jaxpe import encodings
from jaxpe.analysis import attention, hidden, readers
from jaxpe.study import presets, run_configs
from jaxpe.training import parameters

spec = importlib.util.spec_from_file_location("extraction", ROOT / "experiments" / "extraction.py")
extraction = importlib.util.module_from_spec(spec)
spec.loader.exec_module(extraction)
PRESET = presets.Preset((), train_length=5, max_length_ratio=2.0, width=16)


def opened(encoding, task="reverse", architecture="encoder", layers=1, count=48):
    """An untrained model and what it is shown."""
    sources = {}
    config = run_configs.make_run_config(replace(PRESET, layers=layers), task, architecture, encoding, "arange", sources)
    source = run_configs.open_source(config, sources)
    return parameters.init_model(config, source.stream, 3), hidden.draw_probe_data(config, source, count)


# ── places that answer ──────────────────────────────────────────────────────────────────────────────────────────────


def address_and_answer(sample, share):
    """States that hold the distance to the end with `share` of their variance and the answer with the rest, planted."""
    generator = np.random.default_rng(3)
    planted = []
    for label in (sample.end, sample.answer):
        rows = np.linalg.qr(generator.normal(size=(40, 40)))[0][label]
        planted.append((rows - rows[sample.loss_mask].mean(0)) / (rows[sample.loss_mask]).std(0).mean())
    return np.sqrt(share) * planted[0] + np.sqrt(1 - share) * planted[1]


def test_places_that_answer_are_those_with_a_loss():
    _, look = opened("learned")
    sample = look.sample
    places = hidden.places_of(sample)
    assert sample.loss_mask.sum() == places["input"].sum() and not (places["input"] & places["answers"]).any()
    for number in np.unique(sample.sequence):  # reverse: read backwards, the answers are the input
        own = sample.sequence == number
        assert sample.answer[own & places["answers"]][::-1].tolist() == sample.token[own & places["input"]].tolist()
    assert not hidden.places_of(hidden.sample_of(sample.inputs))  # without examples all places are one
    _, copied = opened("learned", "copy", "decoder")
    assert set(hidden.places_of(copied.sample)) == {"input", "answers"}


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_shares_at_the_places_that_answer_are_the_planted_ones(share):
    sample = opened("learned", count=512)[1].sample
    among = hidden.places_of(sample)["answers"]
    found = hidden.read_at(address_and_answer(sample, share), sample, "answers", among, None)
    shares = {columns["part"]: value for columns, value in found if columns["metric"] == "variance_share"}
    errors = {columns["target"]: value for columns, value in found if columns["metric"] == "probe_error"}
    assert list(shares) == ["position", "end", "answer", "mixed"]
    # Part of the distance to the end follows from the position, since no sequence is longer than the longest.
    assert shares["position"] + shares["end"] == pytest.approx(share, abs=0.1)
    assert shares["answer"] == pytest.approx(1 - share, abs=0.1) and abs(shares["mixed"]) < 0.1
    assert (errors["answer"] < 0.05) == (share < 1)


def test_where_input_and_answers_are_apart_variance_is_told_for_each_alone():
    model, look = opened("learned")
    states = np.asarray(hidden.record_hidden_states(model, look.sample.inputs))
    rows = [columns for columns, _ in hidden.read_everywhere(states, look.sample, "trained", 0)]
    assert {row["places"] for row in rows if row["metric"] == "variance_share"} == {"input", "answers"}
    assert {row["target"] for row in rows if row["places"] == "answers" and "target" in row} == {"position", "answer"}
    plain = [columns for columns, _ in hidden.read_layers(states, look.sample, "trained", 0)]
    assert any(row["metric"] == "variance_share" for row in plain) and not any("places" in row for row in plain)


def test_controls_find_nothing():
    _, look = opened("learned")
    sample, shape = look.sample, (1, *look.sample.real.shape, 16)
    states = np.zeros(shape)
    states[0][sample.real] = np.random.default_rng(0).normal(size=(len(sample.position), 16))
    states[0][sample.real, 3] += 5 * sample.position
    named = lambda found: {c["target"]: v for c, v in found if c["metric"] != "recovery" and c["places"] == "all"}  # noqa: E731
    read = named(hidden.read_everywhere(states, sample, "trained", 0))
    assert read["position"] < 0.15 and read["new_blocks"] < 0.15 and read["near pairs"] > 0.9
    for found in (hidden.read_everywhere(states, sample, "shuffled", 0), hidden.read_noise(16, sample, 0)):
        control = named(found)
        assert {"position", "new_random", "new_blocks", "near pairs"} <= set(control)
        assert control["position"] > 0.8 and control["new_random"] > 0.8 and control["new_blocks"] > 0.8
        assert control["near pairs"] < 0.85


# ── logits ──────────────────────────────────────────────────────────────────────────────────────────────────────────

CASES = [
    ("sinusoidal", "reverse", "encoder", 2),
    ("learned", "copy", "decoder", 1),
    ("learned_bert", "reverse", "encoder_decoder", 1),
]


def first_inputs(look):
    return look.sample.inputs, jax.tree.map(lambda leaf: leaf[-1], look.batch[1])


@jax.jit
def seen_in(model, inputs, one):
    """The split beside the model's own record, and what is left without nothing, without all, and with zero queries."""
    centre = attention.centre_of(model, inputs)
    output = model(one, record=True)
    blind = jax.tree.map(lambda leaf: leaf, model)
    blind.stack.blocks[0].attention.query[...] *= 0
    return {
        "parts": attention.split_logits(model, one, centre).sum((0, 1)),
        "recorded": output.record.attention[0].logits,
        "plain": output.logits,
        "without nothing": attention.without(model, one, centre, jnp.zeros((3, 3, 2))),
        "without all": attention.without(model, one, centre, jnp.ones((3, 3, 2))),
        "blind": blind(one).logits,
    }


@pytest.mark.parametrize(("encoding", "task", "architecture", "layers"), CASES)
def test_parts_sum_to_the_recorded_logits_and_removing_nothing_is_the_model(encoding, task, architecture, layers):
    model, look = opened(encoding, task, architecture, layers)
    with jax.default_matmul_precision("highest"):
        seen = jax.tree.map(np.asarray, seen_in(model, *first_inputs(look)))
    assert np.abs(seen["parts"] - seen["recorded"]).max() < 1e-5
    assert np.abs(seen["without nothing"] - seen["plain"]).max() < 1e-5
    # Without all parts every key gets the same weight, as with queries of zero.
    assert np.abs(seen["without all"] - seen["blind"]).max() < 1e-4
    assert np.abs(seen["without all"] - seen["plain"]).max() > 1e-3


def test_a_part_is_removed_in_one_head_or_in_all():
    model, look = opened("learned")
    inputs, one = first_inputs(look)
    centre = attention.centre_of(model, inputs)
    parts = dict.fromkeys(["all"], jnp.ones((3, 3, 2))) | {"first": jnp.zeros((3, 3, 2)).at[..., 0].set(1)}
    found = {name: attention.without(model, one, centre, gone) for name, gone in parts.items()}
    assert np.abs(found["first"] - found["all"]).max() > 1e-4
    # In the first head alone: the same as with that head's queries at zero.
    blind = jax.tree.map(lambda leaf: leaf, model)
    blind.stack.blocks[0].attention.query[...] *= jnp.array([0.0, 1.0])[:, None]
    assert np.abs(found["first"] - blind(one).logits).max() < 1e-4
    removed = hidden.removals(2)
    assert len({json.dumps(columns) for columns, _ in removed}) == len(removed)
    heads = [gone for columns, gone in removed if columns.get("part") == "position-position"]
    assert np.array_equal(heads[0], heads[1] + heads[2]) and not hidden.removals(1)[-1][0].get("head")


def test_a_split_that_misses_the_logits_is_left_out_and_told(monkeypatch, table):
    model, look = opened("learned")
    monkeypatch.setattr(hidden, "SPLIT_EXACT", 0.0)
    assert [columns["metric"] for columns, _ in hidden.attended(model, model, look)] == ["split_error"]
    assert "6 seeds left out" in next(c for c in extraction.claims(table) if c.id == "C6.position-logits").note


def test_shares_sum_to_one_and_a_constant_may_move_between_token_and_position():
    model, look = opened("learned")
    moved = jax.tree.map(lambda leaf: leaf, model)
    constant = jnp.arange(16.0) / 8
    moved.stack.embedding[...] = model.stack.embedding[...] + constant
    moved.stack.encodings[0].table[...] = model.stack.encodings[0].table[...] - constant
    inputs = look.sample.inputs
    shares = [hidden.shares(one, inputs, attention.centre_of(one, inputs))[0] for one in (model, moved)]
    assert np.abs(shares[0] - shares[1]).max() < 1e-4
    masks = np.array(list(attention.PARTS.values()), float)
    assert masks.sum(0).tolist() == np.ones((3, 3)).tolist()
    assert np.einsum("nab,abh->h", masks, shares[0]) == pytest.approx(1, abs=1e-4)


def test_shares_against_a_slow_loop():
    generator = np.random.default_rng(0)
    parts = generator.normal(size=(3, 3, 1, 4, 4)).astype(np.float32)
    mask = np.tri(4, dtype=bool)
    covariance, variance = attention.share_sums(jnp.asarray(parts), jnp.asarray(mask))
    total, expected = parts.sum((0, 1))[0], [0.0, 0.0]
    for t in range(4):
        a, b = parts[1, 2, 0, t, : t + 1].astype(float), total[t, : t + 1].astype(float)
        expected[0] += np.mean((a - a.mean()) * (b - b.mean()))
        expected[1] += np.mean((b - b.mean()) ** 2)
    assert [float(covariance[1, 2, 0]), float(variance[0])] == pytest.approx(expected, rel=1e-4)


def test_what_only_adds_is_found_by_measurement():
    expected = {"sinusoidal": True, "learned": True, "none": True, "sinusoidal_paper": False, "concatenated": False}
    sizes = {"model_width": 16, "heads": 2, "max_length": 8, "attention": "bidirectional", "key": jax.random.key(0)}
    for name, adds in expected.items():
        assert attention.adds(encodings.build_encoding(name, **sizes), jnp.arange(8), 16) == adds, name


def test_a_rotation_is_recognised_with_its_offset_and_noise_is_not():
    code = readers.reference_embed(np.zeros((24, 16)), np.arange(24))
    frequency = 10_000.0 ** (-np.arange(0, 16, 2) / 16)
    turned = np.empty_like(code)
    turned[:, 0::2] = code[:, 0::2] * np.cos(3 * frequency) + code[:, 1::2] * np.sin(3 * frequency)
    turned[:, 1::2] = code[:, 1::2] * np.cos(3 * frequency) - code[:, 0::2] * np.sin(3 * frequency)
    share, offset = attention.rotation_share(turned @ code.T, 16)
    assert share > 0.999 and offset == 3 and attention.distance_share(turned @ code.T) > 0.999
    noise = code @ np.random.default_rng(0).normal(size=(16, 16)) @ code.T
    assert attention.rotation_share(noise, 16)[0] < 0.6


# ── rows and verdicts ───────────────────────────────────────────────────────────────────────────────────────────────


BASE = {"experiment": "extraction", "task": "reverse", "architecture": "encoder", "encoding": "learned"}
BASE |= {
    "positions": "arange",
    "train_length": 5,
    "test_length": 5,
    "length_baseline": 0.1,
    "order_blind_baseline": 0.3,
}


def rows_of(found, seeds=6):
    return pd.DataFrame(
        [BASE | {"seed": s, "value": value} | columns for s in range(seeds) for columns, value in found]
    )


@pytest.fixture(scope="module")
def table():
    """Rows of six seeds as `measure` makes them; one model stands for all."""
    model, look = opened("learned")
    found = hidden.measured(model, jax.tree.map(lambda leaf: leaf * 0.9, model), look, 0)
    return pd.concat([rows_of(found), pd.DataFrame(extraction.drawn_tables(1, widths=(4, 32)))])


def set_probe(table, network, value):
    """The table with the position probe's error after layer 1 set for one network, a little different for each seed."""
    changed = table.copy()
    where = (changed["metric"] == "probe_error") & (changed["target"] == "position") & (changed["layer"] == 1)
    where &= changed["network"] == network
    changed.loc[where, "value"] = value + 0.001 * changed.loc[where, "seed"]
    return changed


def set_share(table, part, network, value):
    """The table with a part's share of the variance at the places that answer set for one network, after layer 1."""
    changed = table.copy()
    where = (changed["metric"] == "variance_share") & (changed["part"] == part) & (changed["layer"] == 1)
    where &= (changed["network"] == network) & (changed["places"] == "answers")
    changed.loc[where, "value"] = value + 0.001 * changed.loc[where, "seed"]
    return changed


def verdicts(table):
    return {claim.id: claim.verdict for claim in extraction.claims(table)}


def answered(table):
    return extraction.answers(table, {claim.id: claim for claim in extraction.claims(table)})


def test_verdicts_come_out_of_the_rows(table):
    readable = set_probe(set_probe(table, "trained", 0.1), "untrained", 0.5)
    assert verdicts(readable)["C6.probe-layer1"] == "supported"
    shuffled = readable[readable["network"] == "shuffled"].assign(network="trained")
    others = readable[readable["network"] != "trained"]
    assert verdicts(pd.concat([others, shuffled]))["C6.probe-layer1"] == "contradicted"
    assert verdicts(readable)["C6"] == "supported"
    reader = readable["reader"].isin(["both tables", "neither"])
    blind = readable.copy()
    blind.loc[reader, "value"] = 0.1
    assert verdicts(blind)["C6"] == verdicts(blind)["C6.neither"] == "contradicted"
    few = readable[readable["seed"] < 2]
    assert set(verdicts(few).values()) == {"undecided"}


def test_exactness_is_decided_by_the_share_of_seeds_also_where_seeds_disagree():
    def judged(*values):
        return extraction.exact("C6", "", pd.Series(values))

    most = judged(*[1.0] * 9, 0.9998)
    assert (most.verdict, most.effect) == ("supported", 0.9) and most.low == pytest.approx(0.555, abs=1e-3)
    assert "Mean share read right 1.0000, least 0.9998" in most.note
    assert judged(*[1.0] * 5, *[0.99] * 5).verdict == "undecided" and judged(*[0.99] * 10).verdict == "contradicted"


def test_shares_at_the_places_that_answer_are_judged_against_untrained(table):
    gone = set_share(set_share(table, "position", "trained", 0.01), "position", "untrained", 0.8)
    looked_up = set_share(set_share(gone, "answer", "trained", 0.97), "answer", "untrained", 0.01)
    assert verdicts(looked_up)["C6.position-share-layer1"] == "contradicted"
    assert verdicts(looked_up)["C6.answer-share-layer1"] == "supported"
    # At the places of the input nothing was changed, and nothing there decides.
    elsewhere = looked_up[looked_up["places"] != "input"]
    assert verdicts(elsewhere)["C6.position-share-layer1"] == "contradicted"


def test_answers_turn_with_the_rows(table):
    first, second = answered(set_share(set_share(table, "position", "trained", 0.01), "position", "untrained", 0.8))
    assert first.short.startswith("Yes:") and "100% of the trained models (54% to 100%, n = 6)" in first.short
    assert second.short.startswith("Yes: position holds less") and "-0.79" in second.short
    blind = table.copy()
    blind.loc[blind["reader"] == "both tables", "value"] = 0.1  # as after shuffled labels
    kept = set_share(set_share(blind, "position", "trained", 0.8), "position", "untrained", 0.01)
    first, second = answered(kept)
    assert first.short.startswith("No:") and second.short.startswith("No: position holds more")
    first, second = answered(table[(table["seed"] < 2) | (table["task"] == readers.RAW_SUM)])
    assert first.short.startswith("Not decided:") and second.short.startswith("Not decided")
    assert "It depends on the width" in first.text and "noise" in first.text and "of chance" in second.text


def test_without_the_primary_cell_nothing_is_decided(table):
    none = table[table["task"] != "reverse"]
    assert verdicts(none) == {"C6": "undecided"}
    assert [answer.short[:11] for answer in answered(none)] == ["Not decided"]


def test_another_encoding_stands_in_for_learned_and_is_named(table):
    own = table["task"] == "reverse"
    other = table.assign(encoding=table["encoding"].where(~own, "sinusoidal"))
    assert verdicts(other)["C6"] == "supported" and "C6.position-only-sinusoidal" not in verdicts(other)
    assert "(sinusoidal)" in extraction.claims(other)[0].statement and "sinusoidal." in answered(other)[0].short
    both = pd.concat([other[own], table])
    assert "sinusoidal" not in extraction.claims(both)[0].statement


def test_without_an_encoding_nothing_is_decided_and_the_sum_holds_no_position():
    model, look = opened("none")
    rows = rows_of(hidden.measured(model, model, look, 0)).assign(encoding="none")
    recovered = rows[(rows["metric"] == "recovery") & rows["reader"].notna()]
    assert (recovered["value"] <= 0.2).all() and set(rows["value"][rows["metric"] == "code_rms"]) == {0.0}
    table = pd.concat([rows, pd.DataFrame(extraction.drawn_tables(1, widths=(4, 32)))])
    assert verdicts(table) == {"C6": "undecided"}
    (answer,) = answered(table)
    assert answer.short.startswith("Not decided")
    assert {"readers", "noise", "mixing_reverse_encoder"} <= set(extraction.figures(table))
    for claim in extraction.raw_claims(rows, rows, "none"):
        assert claim.verdict == "contradicted", claim.id
    parts = attention.split_logits(
        model, *(lambda pair: (pair[1], attention.centre_of(model, pair[0])))(first_inputs(look))
    )
    assert not np.asarray(parts)[2].any() and not np.asarray(parts)[:, 2].any()


def test_the_exact_rotation_leaves_rounding_only_and_drawn_tables_meet_noise_at_every_width():
    table = pd.DataFrame(extraction.drawn_tables(1, widths=(4, 8)))
    residual = table[table["metric"] == "rotation_residual"]
    assert set(residual["offset"]) == set(extraction.OFFSETS) and residual["value"].max() < 1e-20
    signals = table[table["reader"] == "both tables"].groupby("width")["signal"].unique()
    assert all(set(own) == set(readers.SIGNALS) for own in signals)


def test_controls_stand_as_means_over_seeds_but_where_claims_pair_them(table):
    rows = [dict(row) for row in table[table["task"] == "reverse"].to_dict("records")]
    rows = [{name: value for name, value in row.items() if value == value} for row in rows]
    others = [row | {"task": "copy", "value": row["value"] + row["seed"]} for row in rows]
    found = pd.DataFrame(extraction.controls_averaged(rows + others))
    read = found[found["metric"] == "probe_error"]
    assert (
        read["seed"]
        .isna()
        .equals(
            (read["network"] == "shuffled")
            | (read["network"] == "gaussian")
            | (read["network"] == "untrained") & (read["task"] == "copy")
        )
    )
    own = {"target": "position", "layer": 1, "network": "untrained", "places": "all"}
    (one,) = extraction.tables.select_rows(read, **own, task="copy")["value"]
    assert one == pytest.approx(extraction.tables.select_rows(read, **own, task="reverse")["value"].mean() + 2.5)


def test_best_offsets_at_the_border_are_told():
    found = [({"metric": "rotation_share", "network": "trained", "offset": -23, "max_offset": 23}, 0.5)]
    assert "6 at the border" in extraction.best_offsets(rows_of(found))
    found = [({"metric": "rotation_share", "network": "trained", "offset": 3, "max_offset": 23}, 0.5)]
    assert "border" not in extraction.best_offsets(rows_of(found))


def test_figures_and_summary_are_functions_of_the_table(table):
    made = extraction.figures(table)
    kinds = ("probes", "new_places", "places", "mixing", "attention", "heads")
    assert {"readers", "noise"} | {f"{name}_reverse_encoder" for name in kinds} == set(made)
    title, rows = extraction.summary(table)
    assert title and rows[0]["raw sum, knows both tables"] == "1.000"


def test_sinusoids_have_a_figure_of_their_rotation():
    model, look = opened("sinusoidal")
    rows = rows_of(hidden.measured(model, model, look, 0)).assign(encoding="sinusoidal")
    table = pd.concat([rows, pd.DataFrame(extraction.drawn_tables(1, widths=(4, 32)))])
    assert "rotation" in extraction.figures(table)
