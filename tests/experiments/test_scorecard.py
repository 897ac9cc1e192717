"""`jaxpe scorecard`: what is compared, what the words mean, what costs are, and what a plug-in that fails gets to hear."""

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from support import ROOT

from jaxpe import cli, devices, encodings
from jaxpe.analysis import cost
from jaxpe.cli import scorecard
from jaxpe.errors import UserError
from jaxpe.records import statistics
from jaxpe.records.csv_tables import read_table
from jaxpe.report import scorecard as report
from jaxpe.study import presets, run_configs

ENCODING = """
import jax.numpy as jnp
from jaxpe.encodings import Encoding


class Mine(Encoding):
    invariance = "relative"
    directed = False

    def bias(self, q, k, q_positions, k_positions, mask=None):
        return -0.5 * jnp.abs(q_positions[:, None] - k_positions)[None].astype(jnp.float32)
"""
CARD = {
    "encoding": "mine",
    "about": {},
    "properties": [{"name": "norms", "measured": "kept", "holds": True}],
    "holds": True,
}
FACTS = {
    "size": "quick", "rivals": 1, "diverged": [], "runs": 12, "command": "jaxpe scorecard", "date": "2026-01-01",
    "devices": 2, "device": "cpu", "versions": {"jaxpe": "0"},
}  # fmt: skip


# ── differences and their words ─────────────────────────────────────────────────────────────────────────────────────


def values(encoding, given, task="reverse", metric="token_accuracy", length=8, **more):
    """Rows of a table: a value for each seed."""
    shared = {
        "task": task, "architecture": "decoder", "positions": "arange", "train_length": 8, "condition": report.PLAIN,
        "length_baseline": 0.1, "order_blind_baseline": None, "rival": None, "how": None, "tokens": None,
    }  # fmt: skip
    own = {"encoding": encoding, "metric": metric, "test_length": length}
    return [shared | own | more | {"seed": seed, "value": value} for seed, value in enumerate(given)]


def costs_of(encoding, parameters=1000, flops=50_000, ratio=None, new="mine"):
    counted = {"parameters": parameters, "forward_flops": flops, "training_bytes": 77}
    rows = [
        row | {"seed": None, "tokens": 19}
        for m, v in counted.items()
        for row in values(encoding, [v], metric=m, length=None)
    ]
    if ratio is not None:
        rows += values(new, [ratio], metric="step_time_ratio", length=None, rival=encoding)
    return rows


def compared(rows, baselines=("none",), name="mine"):
    return report.differences(pd.DataFrame(rows), name, baselines)


def seeds(mean, count=6, spread=0.01):
    return (mean + spread * np.linspace(-1, 1, count)).tolist()


def test_differences_are_of_the_same_seed():
    """Seeds differ far more than encodings do, and the rows stand in any order: only pairs show the difference."""
    base = np.array([0.1, 0.9, 0.4, 0.6, 0.2, 0.8])
    new = base + np.array([0.03, 0.01, 0.02, 0.03, 0.01, 0.02])
    rows = values("mine", new) + values("none", [*base, 0.0])
    (one,) = compared([rows[i] for i in np.random.default_rng(0).permutation(len(rows))])
    assert (one["n"], one["verdict"]) == (6, "better") and one["difference"] == pytest.approx(0.02)
    assert 0 < one["low"] < 0.02 < one["high"] and one["p"] == pytest.approx(2 / 2**6)


@pytest.mark.parametrize(
    ("metric", "task", "new", "old", "word"),
    [
        ("token_accuracy", "reverse", seeds(0.8), seeds(0.5), "better"),
        ("token_accuracy", "reverse", seeds(0.5), seeds(0.8), "worse"),
        ("token_accuracy", "reverse", [0.5, 0.6] * 3, [0.6, 0.5] * 3, "undecided"),
        ("token_accuracy", "reverse", seeds(0.8, 5), seeds(0.5, 5), "undecided"),
        ("token_accuracy", "reverse", seeds(0.998, 6, 0.001), seeds(0.996, 6, 0.0005), "both at the ceiling"),
        ("token_accuracy", "reverse", [1.0] * 6, seeds(0.98), "better"),
        ("bits_per_character", "causal_lm", seeds(2.0), seeds(2.5), "better"),
        ("bits_per_character", "masked_lm", seeds(2.5), seeds(2.0), "worse"),
        ("bits_per_character", "causal_lm", seeds(1.0), seeds(1.1), "better"),
        ("position_error_trained", "reverse", seeds(0.9), seeds(0.3), "higher"),
        ("position_gained", "reverse", seeds(0.1), seeds(0.3), "lower"),
        ("token_accuracy", "reverse", [*seeds(0.8, 5), np.nan], seeds(0.5), "not comparable"),
        ("bits_per_character", "causal_lm", [np.nan] * 6, seeds(2.0), "not comparable"),
    ],
)
def test_the_words_of_a_comparison(metric, task, new, old, word):
    (one,) = compared(values("mine", new, task, metric) + values("none", old, task, metric))
    assert one["verdict"] == word
    assert (one["low"] is None) == (len(new) < 6 or word == "not comparable")


def test_a_seed_without_a_finite_value_is_shown_and_not_left_out():
    rows = values("mine", [0.9, np.nan, np.inf, 0.9, 0.9, 0.9, 0.9, 0.9]) + values("none", [0.1] * 8)
    (one,) = compared(rows)
    assert (one["n"], one["without_value"], one["difference"], one["p"]) == (8, 2, None, None)
    assert one["new_mean"] is None and one["baseline_mean"] == pytest.approx(0.1)
    assert report.told(one) == "not comparable with none (0.100)"


def test_what_is_measured_at_which_lengths():
    """N, twice N, the longest where it is longer than that; harm against none alone."""
    rows = [
        row
        for encoding in ("mine", "none", "rotary")
        for length in (4, 8, 9, 16, 40)
        for task in ("reverse", "count")
        for row in values(encoding, seeds(0.5), task, length=length)
    ]
    made = compared(rows, ("none", "rotary"))
    found = {(one["measure"], one["task"], one["test_length"], one["baseline"]) for one in made}
    assert found == {
        *[("accuracy", "reverse", 8, other) for other in ("none", "rotary")],
        *[("extrapolation", "reverse", length, other) for length in (16, 40) for other in ("none", "rotary")],
        *[("harm", "count", length, "none") for length in (8, 16)],
    }
    assert len(made) == len(found)
    short = [row for row in rows if row["test_length"] <= 16 and row["task"] == "reverse"]
    assert [one["test_length"] for one in compared(short)] == [8, 16]


def test_p_is_adjusted_for_every_comparison_of_the_page():
    rows = []
    for length, new in ((8, seeds(0.8)), (16, [0.5, 0.6, 0.7, 0.4, 0.5, 0.55])):
        rows += values("mine", new, length=length) + values("none", seeds(0.5), length=length)
    rows += values("mine", [0.3], "count") + values("none", [0.4], "count")  # no test: one pair
    made = compared(rows)
    tested = [one for one in made if one["p"] is not None]
    assert len(tested) == 2 and [one["adjusted_p"] for one in made if one["p"] is None] == [None]
    assert [one["adjusted_p"] for one in tested] == pytest.approx(statistics.adjust_p_values([one["p"] for one in tested]))
    assert tested[0]["adjusted_p"] == 2 * tested[0]["p"]


def test_equal_costs_are_compared_with_their_own_baseline():
    """The new encoding was trained longer for each: two runs of it, which must not be mixed."""
    rows = values("mine", seeds(0.5)) + values("none", seeds(0.5)) + values("rotary", seeds(0.5))
    for rival, new in (("none", 0.6), ("rotary", 0.9)):
        more = {"condition": "equal FLOPs", "rival": rival, "how": f"mine is trained longer for {rival}"}
        rows += values("mine", seeds(new), **more) + values(rival, seeds(0.5), **more)
    made = [one for one in compared(rows, ("none", "rotary")) if one["condition"] != report.PLAIN]
    assert [(one["baseline"], round(one["difference"], 6)) for one in made] == [("none", 0.1), ("rotary", 0.4)]
    assert [one["how"] for one in made] == ["mine is trained longer for none", "mine is trained longer for rotary"]


# ── the page and the row ────────────────────────────────────────────────────────────────────────────────────────────


def whole_table(name="mine"):
    rows = []
    for encoding, accuracy, bits in ((name, 0.8, 2.1), ("none", 0.5, 2.0), ("rotary", 0.8, 2.1)):
        for length, fall in ((8, 0.0), (16, 0.2), (40, 0.4)):
            rows += values(encoding, seeds(accuracy - fall), length=length)
            rows += values(encoding, seeds(accuracy - fall), "count", length=length)
            rows += values(encoding, seeds(bits + fall), "causal_lm", "bits_per_character", length)
        rows += values(encoding, seeds(0.4), metric="position_error_trained")
    more = {"condition": "equal FLOPs", "rival": "rotary", "how": f"{name} is trained for 1100 steps, not 1000"}
    rows += values(name, seeds(0.9), **more) + values("rotary", seeds(0.8), **more)
    return (
        rows
        + costs_of(name, 1064)
        + costs_of("none", ratio=1.5, new=name)
        + costs_of("rotary", flops=55_000, ratio=0.9, new=name)
    )


def test_the_verdict_is_a_sentence_and_a_line_a_question():
    made = compared(whole_table(), ("none", "rotary"))
    spent = report.costs(pd.DataFrame(whole_table()), "mine", ("none", "rotary"))
    said = report.headline("mine", ("none", "rotary"), made)
    found = [one["verdict"] for one in made if one["condition"] == report.PLAIN and one["measure"] != "extraction"]
    better, worse, undecided = (found.count(word) for word in ("better", "worse", "undecided"))
    assert said.startswith(
        f"mine against none, rotary: better in {better}, worse in {worse}, undecided in {undecided} of {len(found)} "
    )
    assert said.endswith("(paired seeds: 6; fewer than 10 are exploratory).") and len(said) < 150
    lines = dict(report.lines(made, spent))
    assert list(lines) == ["accuracy", "extrapolation", "harm", "language", "extraction", "cost"]
    assert lines["accuracy"].startswith("reverse at 8 (N), token accuracy: 0.800; better than none (0.500, by +0.300, ")
    assert (
        lines["extrapolation"].startswith("reverse at 16 (2 N)")
        and "undecided against rotary" in lines["extrapolation"]
    )
    assert "worse than none (2.000, by +0.100" in lines["language"]
    assert lines["cost"] == "+64 parameters, 1.000 × the FLOPs and 1.50 × the step time of none"


def test_the_row_has_every_difference_and_cost():
    made = compared(whole_table(), ("none", "rotary"))
    spent = report.costs(pd.DataFrame(whole_table()), "mine", ("none", "rotary"))
    row = report.wide("mine", made, spent, CARD, FACTS)
    assert (row["encoding"], row["architecture"], row["size"], row["properties hold"]) == (
        "mine",
        "decoder",
        "quick",
        True,
    )
    for one in made:
        what = f"{one['task']} {one['metric']} at {one['test_length']}"
        what += "" if one["condition"] == report.PLAIN else ", equal FLOPs"
        assert row[f"{what} minus {one['baseline']}"] == one["difference"] and row[f"{what} n"] == one["n"] == 6
        assert row[f"{what} minus {one['baseline']} low"] == one["low"]
    assert row["reverse token_accuracy at 8"] == pytest.approx(0.8)  # at equal steps, not at equal FLOPs
    assert "reverse token_accuracy at 8, equal FLOPs" not in row  # it has one for every baseline
    assert (row["parameters"], row["step time over none"], row["step time over rotary"]) == (1064, 1.5, 0.9)


def test_an_encoding_named_in_html_is_shown_as_text_and_cannot_leave_the_folder(tmp_path):
    name = "../<b>&x</b>"
    card = CARD | {"properties": [{"name": "norms", "measured": "<i>", "holds": False, "fault": "<script>1</script>"}]}
    page, said = report.write(tmp_path, name, ["none", "rotary"], whole_table(name), card, FACTS)
    text = page.read_text()
    assert page.parent.parent == tmp_path / "scorecard" and said.startswith(name)
    for raw in ("<b>", "<i>", "<script"):
        assert raw not in text
    assert "<title>Scorecard of ../&lt;b&gt;&amp;x&lt;/b&gt;</title>" in text and "&lt;script&gt;1" in text
    assert (
        text.index("<h1>")
        < text.index("&lt;b&gt;&amp;x&lt;/b&gt; against none")
        < text.index("<li>")
        < text.index("<table>")
    )
    assert text.count("<svg") == 2 and "1100 steps, not 1000" in text
    row = pd.read_csv(page.parent / "row.csv")
    assert list(row["encoding"]) == [name] and row["parameters"][0] == 1064


def test_what_has_no_value_is_a_dash_on_the_page():
    """Every text loss of the new encoding is NaN, and this backend counts no operations."""
    rows = [
        row | {"value": np.nan}
        if (row["encoding"], row["task"]) == ("mine", "causal_lm") or row["metric"] == "forward_flops"
        else row
        for row in whole_table()
    ]
    made = compared(rows, ("none", "rotary"))
    spent = report.costs(pd.DataFrame(rows), "mine", ("none", "rotary"))
    facts = FACTS | {"diverged": ["causal_lm, decoder, mine, seed 0"]}
    text = report.page("mine", ("none", "rotary"), made, spent, CARD, facts)
    assert (
        text.count("not comparable</td>") == 2 * 3
        and "6 without a finite value" in text
        and not re.search(r"\bnan\b", text)
    )
    assert "causal_lm, decoder, mine, seed 0" in text and "– × the FLOPs" in text
    assert report.differences_figure(made, ("none", "rotary")).axes


# ── at equal cost ───────────────────────────────────────────────────────────────────────────────────────────────────


class Stub:
    """A workspace whose encodings refuse the width 40."""

    def source(self, config):
        return None

    def check(self, configs):
        if any(config.width == 40 for config in configs):
            raise UserError("not this width")


def settings_of(*names):
    size = presets.narrow_grid(scorecard.PRESETS["quick"][0], ["reverse"], names, ["decoder"])
    return {config.encoding: config for config in run_configs.expand_grid(size, {})}


def evened(monkeypatch, flops, parameters, accuracy, rivals=1):
    """The comparisons at equal cost of `alibi` with these costs; a model has 100 parameters for each unit of its width."""
    primary = settings_of(*flops)
    monkeypatch.setattr(cost, "count_parameters", lambda config, source: 100 * config.width)
    rows = [row for one, value in accuracy.items() for row in values(one, [value])]
    for metric, spent in (("forward_flops", flops), ("parameters", parameters)):
        rows += [{"encoding": one, "metric": metric, "value": value} for one, value in spent.items()]
    return primary, scorecard.evened(Stub(), primary, "alibi", rows, rivals)


def test_at_equal_flops_the_cheaper_one_is_trained_for_more_steps(monkeypatch):
    same, accuracy = dict.fromkeys(("alibi", "none"), 3200), {"alibi": 0.5, "none": 0.5}
    primary, (pair,) = evened(monkeypatch, {"alibi": 1100.0, "none": 1000.0}, same, accuracy)
    assert (pair.kind, pair.how) == ("equal FLOPs", "none is trained for 1100 steps, not 1000")
    assert pair.new == primary["alibi"]
    assert pair.baseline == replace(primary["none"], training=replace(primary["none"].training, steps=1100))
    primary, (pair,) = evened(monkeypatch, {"alibi": 1000.0, "none": 1250.0}, same, accuracy)
    assert pair.new.training.steps == 1250 and pair.baseline == primary["none"]
    assert evened(monkeypatch, {"alibi": 1009.0, "none": 1000.0}, same, accuracy)[1] == []  # within one percent
    assert evened(monkeypatch, {"alibi": np.nan, "none": 1000.0}, same, accuracy)[1] == []


@pytest.mark.parametrize(("wanted", "width"), [(3600, 36), (3601, 44), (10_000, 100)])
def test_at_equal_parameters_the_smaller_one_has_the_least_width_that_will_do(monkeypatch, wanted, width):
    """Widths are multiples of the four heads; one that the encoding refuses (40) is passed over."""
    same, accuracy = dict.fromkeys(("alibi", "none"), 1000.0), {"alibi": 0.5, "none": 0.5}
    primary, (pair,) = evened(monkeypatch, same, {"alibi": wanted, "none": 3200}, accuracy)
    assert pair.kind == "equal parameters" and pair.new == primary["alibi"]
    assert pair.baseline == replace(primary["none"], width=width)
    assert pair.how == f"none is of width {width}, not 32: {100 * width} parameters against {wanted}"


def test_no_width_is_enough(monkeypatch):
    same = dict.fromkeys(("alibi", "none"), 1000.0)
    assert evened(monkeypatch, same, {"alibi": 10**6, "none": 3200}, {"alibi": 0.5, "none": 0.5})[1] == []


def test_the_best_baselines_are_compared_at_equal_cost(monkeypatch):
    flops = {"alibi": 1200.0, "none": 1000.0, "sinusoidal": 1000.0, "rotary": 1000.0}
    same, accuracy = dict.fromkeys(flops, 3200), {"alibi": 1.0, "none": 0.3, "sinusoidal": 0.7, "rotary": 0.9}
    for rivals, expected in ((1, ["rotary"]), (2, ["rotary", "sinusoidal"]), (99, ["rotary", "sinusoidal", "none"])):
        pairs = evened(monkeypatch, flops, same, accuracy, rivals)[1]
        assert [pair.baseline.encoding for pair in pairs] == expected


# ── costs ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("m", "k", "n"), [(3, 4, 5), (128, 64, 32)])
def test_operations_of_a_matrix_product(m, k, n):
    a, b = (jax.ShapeDtypeStruct(shape, jnp.float32) for shape in ((m, k), (k, n)))
    assert cost.count_flops(jnp.matmul, a, b) == 2 * m * k * n
    assert cost.count_flops(lambda a, b: a @ b + 1, a, b) == 2 * m * k * n + m * n


def test_parameters_and_operations_by_hand():
    """D² four times for attention and eight for the MLP, two gains a block and one at the end, embedding and head."""
    found = settings_of("none", "learned")
    config, learned = found["none"], found["learned"]
    source = run_configs.open_source(config, {})
    d, layers, v, n = config.width, config.layers, source.stream.vocabulary, config.train_length
    by_hand = 2 * v * d + layers * (12 * d * d + 2 * d) + d
    assert cost.count_parameters(config, source) == by_hand
    assert cost.count_parameters(learned, source) == by_hand + learned.table_length * d
    flops, tokens = cost.count_forward_flops(config, source, n)
    assert tokens == max(source.stream.sizes(n))
    products = 2 * tokens * (layers * 12 * d * d + v * d) + layers * 4 * tokens**2 * d
    assert products < flops < 1.3 * products  # the rest: softmax, norms, GELU


def test_times_are_taken_in_turn_and_compared_within_a_round():
    now, order, slow = [0.0], [], iter([1, 1, 1, 5, 5, 5, 2, 2, 2])  # the machine slows down in the second round

    def program(name, seconds):
        def call():
            order.append(name)
            now[0] += seconds * next(slow)

        return call

    calls = [program("a", 3.0), program("b", 2.0), program("c", 6.0)]
    seconds = cost.time_in_turn(calls, rounds=3, clock=lambda: now[0])
    assert "".join(order) == "abc" + "cba" + "abc"
    np.testing.assert_allclose(seconds, [[3, 2, 6], [15, 10, 30], [6, 4, 12]])
    np.testing.assert_allclose(cost.compute_time_ratios(seconds), [1, 1.5, 0.5])
    np.testing.assert_allclose(cost.compute_time_ratios(np.array([[1.0, 2], [4, 5], [9, 1]])), [1, 0.8])  # median of .5, .8, 9


# ── the command ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_work_is_announced_before_it_begins(monkeypatch):
    done = []
    work = SimpleNamespace(
        runs=lambda config, seeds: [(config, seed) for seed in seeds],
        train=lambda runs: done.append(f"trained {len(runs)}"),
        progress=SimpleNamespace(note=done.append),
    )
    monkeypatch.setattr(scorecard.plans, "announced", lambda runs, work: f"{len(runs)} to train" if runs else "")
    assert scorecard.trained(work, {"a": 2, "b": 1}) == {"a": [("a", 0), ("a", 1)], "b": [("b", 0)]}
    scorecard.trained(work, {})
    assert done == ["3 to train", "trained 3", "trained 0"]


def test_none_is_always_among_the_baselines():
    size, rivals = scorecard.chosen("alibi", ["rotary", "alibi"], "quick", ["seeds=3"])
    assert {row.encodings for row in size.grid} == {("alibi", "none", "rotary")} and rivals == 1
    assert all(presets.apply_overrides(size, row).seeds == 3 for row in size.grid)
    with pytest.raises(UserError, match="compared with nothing"):
        scorecard.chosen("none", ["none"], "quick", [])
    with pytest.raises(UserError, match="Did you mean 'quick'"):
        scorecard.chosen("alibi", [], "quik", [])


@pytest.mark.parametrize("name", ["quick", "standard"])
def test_every_measure_of_these_presets_can_have_an_interval(name):
    size, _ = scorecard.PRESETS[name]
    assert all(presets.apply_overrides(size, row).seeds >= 6 for row in size.grid)


LATE = ENCODING.replace(
    "        return", "        if len(k) > 20:\n            raise ValueError('too long')\n        return"
)
BROKEN = {
    "import": ("import nothing_of_this_name\n" + ENCODING, "could not be imported: ModuleNotFoundError", 1),
    "syntax": (
        ENCODING.replace("class Mine(Encoding):", "class Mine(Encoding)"),
        "could not be imported: SyntaxError",
        6,
    ),
    "constructor": (ENCODING.replace("    directed = False", "    def __init__(self): ..."), "TypeError", None),
    "signature": (ENCODING.replace("k_positions, mask=None", "k_positions, mask, more"), "could not be called", None),
    "shape": (ENCODING.replace("[None]", "[None, :2]"), "bias returned the shape (1, 2, 5)", 10),
    "name": (ENCODING.replace("jnp.abs", "absolute"), "NameError: name 'absolute' is not defined", 11),
}


def ends(monkeypatch, capsys, *arguments):
    """Exit code and what was said, of a command in this process, whose devices are there already."""
    monkeypatch.setattr(devices, "prepare_jax", lambda devices: None)
    with pytest.raises(SystemExit) as stopped:
        cli.main(["scorecard", *map(str, arguments)])
    return stopped.value.code, capsys.readouterr()


@pytest.mark.parametrize("fault", BROKEN)
def test_what_cannot_be_loaded_built_or_called_is_one_sentence_with_file_and_line(monkeypatch, capsys, tmp_path, fault):
    source, says, line = BROKEN[fault]
    (tmp_path / f"{fault}_mine.py").write_text(source)
    name = f"{tmp_path / f'{fault}_mine.py'}:Mine"
    code, said = ends(monkeypatch, capsys, name, "--preset", "smoke", "--results", tmp_path / "r", "--quiet")
    assert code == 2 and says in said.err and len(said.err.strip().splitlines()) == 1
    assert re.search(rf"{fault}_mine.py, line {line or '[0-9]+'}\b", said.err), said.err
    assert not (tmp_path / "r" / "runs").exists()


def test_a_fault_that_comes_late_names_the_line_too_and_jaxpes_own_faults_stay(monkeypatch, tmp_path):
    (tmp_path / "late.py").write_text(LATE)
    name, asked = f"{tmp_path / 'late.py'}:Mine", (["none"], "smoke", tmp_path / "r", [], True)
    one = encodings.build_encoding(name, model_width=8, heads=2, max_length=40, attention="causal", key=jax.random.key(0))
    long = jnp.zeros((30, 2, 4)), jnp.zeros((30, 2, 4)), jnp.arange(30), jnp.arange(30)
    monkeypatch.setattr(scorecard, "run", lambda *_: one.bias(*long))
    with pytest.raises(UserError, match=r"encoding 'Mine': ValueError: too long \(late.py, line 12\)"):
        scorecard.score(name, *asked)
    monkeypatch.setattr(scorecard, "run", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        scorecard.score(name, *asked)


def jaxpe(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "jaxpe", *map(str, arguments)],
        capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip


@pytest.mark.slow
def test_what_is_stored_is_not_trained_again(tmp_path):
    """A second run trains nothing; a changed file, or a second encoding, trains the new encoding alone."""
    file, results = tmp_path / "mine.py", tmp_path / "r"

    def run(name):
        done = jaxpe("scorecard", f"{file}:{name}", "--against", "none", "--preset", "smoke", "--results", results)
        assert done.returncode == 0, done.stderr
        folder = results / "scorecard" / name
        trained = re.findall(r"^training (.*) \(compiled", done.stderr, re.MULTILINE)
        return trained, folder, f"The scorecard is {folder / 'index.html'}" in done.stdout

    file.write_text(ENCODING)
    trained, folder, told = run("Mine")
    plain = [f"{task}, decoder, {one}" for task in ("reverse", "count", "causal_lm") for one in ("Mine", "none")]
    assert trained[:6] == plain and trained[6:] == ["reverse, decoder, none"] and told  # at last the one at equal FLOPs
    table = read_table(folder / "table.csv")
    assert {"forward_flops", "step_time_ratio", "position_gained", "bits_per_character"} <= set(table["metric"])
    assert "equal FLOPs" in set(table["condition"]) and len(pd.read_csv(folder / "row.csv")) == 1
    assert json.loads((folder / "provenance.json").read_text())["runs"] == 7
    names = ("table.csv", "row.csv", "differences.json", "figures/lengths.svg", "figures/differences.svg")
    before = {one: (folder / one).read_bytes() for one in names}
    assert run("Mine")[0] == [] and {one: (folder / one).read_bytes() for one in names} == before
    file.write_text(ENCODING.replace("0.5", "0.25"))
    assert run("Mine")[0] == plain[::2]
    file.write_text(ENCODING.replace("Mine", "Other"))
    assert run("Other")[0] == [one.replace("Mine", "Other") for one in plain[::2]]


@pytest.mark.slow
def test_a_training_that_diverges_is_exit_code_3_and_stands_on_the_page(monkeypatch, capsys, tmp_path):
    (tmp_path / "wild.py").write_text(ENCODING.replace("-0.5 *", "jnp.nan *").replace("Mine", "Wild"))
    folder = tmp_path / "r" / "scorecard" / "Wild"
    asked = (f"{tmp_path / 'wild.py'}:Wild", "--against", "none", "--preset", "smoke", "--set", "steps=4")
    code, said = ends(monkeypatch, capsys, *asked, "--results", tmp_path / "r", "--quiet")
    assert code == 3 and "reverse, decoder, Wild, seed 0" in said.err and "Traceback" not in said.err
    assert re.search(r"A property does not hold, range: .*not finite.*wild.py, line", said.err)
    made = json.loads((folder / "differences.json").read_text())
    assert {one["verdict"] for one in made if one["measure"] == "language"} == {"not comparable"}
    page = (folder / "index.html").read_text()
    assert "A property does not hold" in page and "reverse, decoder, Wild, seed 0" in page
