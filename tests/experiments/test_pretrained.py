"""Published and own position tables from the command line to the page; sums read back; the order of words in a tiny BERT."""

import json
import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import save, save_file
from tiny_bert import TOKENIZER, tiny_bert

from jaxpe import cli, devices
from jaxpe.analysis import joint, position_table, published, table_probes, word_order
from jaxpe.data import cache
from jaxpe.errors import UserError
from jaxpe.figures import pretrained
from jaxpe.pretrained import minilm, models
from jaxpe.records import store
from jaxpe.study import experiment, presets, workspace

MODULE = experiment.load("pretrained").module
RANDOM = np.random.default_rng(5)
GAUSSIAN = RANDOM.normal(size=(64, 16))
REQUIRED = {
    "position_error_share", "position_error_share_block", "order_accuracy", "order_accuracy_near", "adjacency",
    "toeplitz_share", "effective_rank",
}  # fmt: skip


@pytest.fixture(autouse=True)
def alone(tmp_path, monkeypatch):
    """Nothing fetched, and devices as the tests have them."""
    monkeypatch.setenv("JAXPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(devices, "prepare", lambda devices: None)


def jaxpe(capsys, *words):
    """Exit code and what was said to whom."""
    with pytest.raises(SystemExit) as stopped:
        cli.main([*map(str, words)])
    said = capsys.readouterr()
    return stopped.value.code, said.out, said.err


def pretrained_run(capsys, tmp_path, *words, preset="smoke"):
    folder = tmp_path / "results"
    code, _, said = jaxpe(capsys, "run", "pretrained", "--preset", preset, "--results", folder, *words)
    assert code == 0, said
    return store.read_table(folder / "pretrained" / "table.csv"), said, folder


def saved(path, table):
    np.save(path, table)
    return path


# ── the command line ────────────────────────────────────────────────────────────────────────────────────────────────


STRUCTURE = [
    {"experiment": "structure", "task": task, "architecture": a, "encoding": e, "positions": p, "seed": s, "metric": m, "value": v}
    | {"starts": starts, "corpus": corpus, "train_length": 64, "rows": 64, "width": 32}
    for task, a in (("masked_lm", "encoder"), ("causal_lm", "decoder"), ("reverse", "encoder"))
    for e in ("learned", "none") for p in ("arange", "offset") for s in range(2)
    for m, v in (("adjacency", 0.5), ("cost", 1.0))
    for starts in ("packed", "document") for corpus in ("kjv", "wordnet")
] + [
    {"task": "controls", "encoding": "control:smooth", "metric": "adjacency", "value": 1.0, "seed": 0, "rows": rows, "width": 32}
    for rows in (64, 65)
]  # fmt: skip


def test_a_table_of_ones_own_gets_numbers_controls_figures_and_a_page(capsys, tmp_path):
    """Beside the pair that `structure` trained in the same folder."""
    beside = tmp_path / "results" / "structure"
    store.open_results(tmp_path / "results")
    store.write_table(beside / "table.csv", STRUCTURE)
    store.write_json(beside / "claims.json", [])
    store.write_json(
        beside / "provenance.json", {"question": "", "prediction": "", "runs": 1, "command": "", "date": ""}
    )
    table, said, folder = pretrained_run(capsys, tmp_path, "--table", saved(tmp_path / "my table.npy", GAUSSIAN))
    assert set(store.COLUMNS) <= set(table.columns) and set(table["experiment"]) == {"pretrained"}
    own = table[table["encoding"] == "my table"]
    assert set(own["metric"]) >= REQUIRED and "All 64 rows" in said
    direct = position_table.measured(GAUSSIAN[None])
    for metric in REQUIRED:
        [value] = own[own["metric"] == metric]["value"]
        assert value == pytest.approx(direct[metric][0], abs=1e-4)
    for name, draws in (("control:gaussian", 2), ("control:smooth", 2), ("control:sinusoidal", 1)):
        control = table[table["encoding"] == name]
        control = control[control["beside"] == "my table"]
        assert set(control["metric"]) >= REQUIRED and control["seed"].nunique() == draws
        assert set(zip(control["train_length"], control["width"], strict=True)) == {(64, 16)}
    pair = table[table["encoding"] == "learned"]
    assert set(pair["metric"]) == {"adjacency"} and pair.groupby("task").size().to_dict() == {
        "causal_lm": 2,
        "masked_lm": 2,
    }
    assert table["beside"].value_counts()[["here: masked_lm", "here: causal_lm"]].tolist() == [1, 1]  # of its shape
    summary = json.loads((folder / "pretrained" / "summary.json").read_text())
    assert {"here: masked_lm", "here: causal_lm", "my table"} <= {row[0] for row in summary["rows"]}
    drawn = {path.stem for path in (folder / "pretrained" / "figures").glob("*.png")}
    assert drawn == {"measures", "similarity", "lags", "spectra"}
    [claim] = json.loads((folder / "pretrained" / "claims.json").read_text())
    assert claim["id"] == "C1.my-table" and claim["verdict"] == "undecided"
    assert "my table" in (folder / "index.html").read_text()


NAME = r"_$\frac{<b>"  # mathematics and a hidden label to matplotlib, markup to a page


def test_a_file_of_weights_under_a_name_that_is_shown_as_text(capsys, tmp_path):
    tokens = RANDOM.normal(size=(20, 16)).astype("f4")
    path = tmp_path / "mine.safetensors"
    save_file({"wpe.weight": GAUSSIAN.astype("f4"), "wte.weight": tokens}, path)
    table, _, folder = pretrained_run(capsys, tmp_path, "--model", path, "--name", NAME)
    own = table[table["encoding"] == NAME]
    assert set(own["architecture"]) == {"decoder"} and "token_overlap" in set(own["metric"])
    read = own[(own["metric"] == "joint_recovered") & (own["signal"] == "float32")]
    assert read["value"].tolist() == [1.0]
    made = {claim["id"]: claim for claim in json.loads((folder / "pretrained" / "claims.json").read_text())}
    assert set(made) == {"C1._-frac-b", "C6._-frac-b"} and made["C6._-frac-b"]["verdict"] == "undecided"  # few pairs
    assert (folder / "pretrained" / "figures" / "joint.png").is_file()
    page = (folder / "index.html").read_text()
    assert "<b>" not in page and "&lt;b&gt;" in page


def test_a_table_of_an_unknown_layout_is_named(tmp_path):
    path = tmp_path / "mine.safetensors"
    save_file({"where": GAUSSIAN.astype("f4")}, path)
    with pytest.raises(UserError, match=r"where 64×16.*FILE::NAME"):
        published.from_model(str(path))
    [one] = published.from_model(f"{path}::where")
    assert one.name == "mine" and one.rows.shape == (64, 16)


def test_without_a_model_the_controls_are_measured_and_it_is_said(capsys, tmp_path):
    small = ("--set", "width=32", "train_length=48")
    table, said, folder = pretrained_run(capsys, tmp_path, *small, preset="quick")
    assert "No published table is at hand: controls of 48 × 32 alone" in said
    assert f"jaxpe fetch {' '.join(cache.MODELS)}" in said
    assert set(table["encoding"]) == {"control:gaussian", "control:sinusoidal", "control:smooth"}
    assert json.loads((folder / "pretrained" / "claims.json").read_text()) == []
    assert "pretrained" in experiment.STUDY


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("run", "accuracy", "--table", "a.npy"), "--table can be given to `jaxpe run pretrained` only"),
        (("run", "pretrained", "--name", "x"), "--name says what a table is called"),
        (("run", "pretrained", "--table", "a.npy", "--name", ""), "--name"),
        (("run", "pretrained", "--table", "a.npy", "--name", "control:smooth"), "choose another --name"),
        (("run", "pretrained", "--table", "a.npy", "--name", "two\nlines"), "one line of printable characters"),
        (("run", "pretrained", "--table", "missing.npy"), "There is no file"),
        (("run", "pretrained", "--model", "a.npy"), "give it to --table"),
        (("run", "pretrained", "--model", "minilm"), "jaxpe fetch minilm"),
        (("run", "pretrained", "--model", "a.bin", "b.bin", "--name", "x"), "is one name"),
        (("run", "pretrained", "--model", "pickle.safetensors"), "can be read"),
        (("run", "pretrained", "--model", "rotary.safetensors"), "rotations of queries and keys"),
        (("run", "pretrained", "--model", "cut.safetensors"), "is no whole safetensors file"),
        (("run", "pretrained", "--table", "a.npy", "--model", "a.safetensors"), "Two tables are called 'a'"),
    ],
    ids=range(13),
)
def test_bad_input_is_one_sentence_and_exit_code_2(capsys, tmp_path, monkeypatch, words, says):
    monkeypatch.chdir(tmp_path)
    np.save("a.npy", GAUSSIAN)
    weights = save({"wpe.weight": GAUSSIAN.astype("f4")})
    files = {"pickle.safetensors": pickle.dumps({"wpe.weight": GAUSSIAN}), "cut.safetensors": weights[:-8]}
    files["rotary.safetensors"] = save({"model.layers.0.self_attn.q_proj.weight": GAUSSIAN.astype("f4")})
    files["a.safetensors"] = weights
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    code, _, said = jaxpe(capsys, *words, "--results", tmp_path / "r")
    assert code == 2 and says in said and said.startswith("jaxpe: ") and len(said.strip().splitlines()) == 1


# ── tables ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def broken(kind):
    whole = GAUSSIAN.copy()
    whole[3, 4] = np.nan
    return {
        "object": np.array([[object()] * 4] * 9), "one dimension": GAUSSIAN[0], "three": GAUSSIAN[None], "nan": whole,
        "short": GAUSSIAN[:7], "complex": GAUSSIAN.astype(complex), "empty": GAUSSIAN[:, :0], "words": np.array([["a"] * 3] * 9),
        "constant": np.ones((9, 3)),
    }[kind]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("object", "no .npy file of plain numbers"), ("one dimension", r"the shape \(16,\)"), ("three", "two dimensions"),
        ("nan", "no finite numbers"), ("short", "has 7 rows"), ("complex", "no plain real numbers"),
        ("empty", r"the shape \(64, 0\)"), ("words", "no plain real numbers"), ("constant", "All rows of the table b are the same"),
    ],
)  # fmt: skip
def test_arrays_that_are_no_table(tmp_path, kind, says):
    np.save(tmp_path / "b.npy", broken(kind), allow_pickle=True)
    with pytest.raises(UserError, match=says):
        published.from_npy(tmp_path / "b.npy")


def test_files_that_are_no_array(tmp_path):
    np.savez(tmp_path / "a.npz", x=GAUSSIAN)
    np.save(tmp_path / "cut.npy", GAUSSIAN)
    whole = (tmp_path / "cut.npy").read_bytes()
    (tmp_path / "cut.npy").write_bytes(whole[:-16])
    (tmp_path / "claims.npy").write_bytes(whole.replace(b"(64, 16)", b"(64000000000, 16)".ljust(8), 1))
    (tmp_path / "text.npy").write_text("0.1 0.2")
    (tmp_path / "none.npy").touch()
    for name in ("a.npz", "cut.npy", "claims.npy", "text.npy", "none.npy"):
        with pytest.raises(UserError, match=r"save one array with numpy\.save"):
            published.from_npy(tmp_path / name)
    with pytest.raises(UserError, match="There is no file"):
        published.from_npy(tmp_path)


def test_whole_numbers_and_any_size_are_taken(tmp_path):
    whole = RANDOM.integers(0, 99, (20, 4))
    found = published.from_npy(saved(tmp_path / "whole.npy", whole))
    np.testing.assert_array_equal(found.rows, whole)
    usual = position_table.measured(GAUSSIAN[None])
    for factor in (1e-200, 1e200):
        rows = published.from_npy(saved(tmp_path / "f.npy", factor * GAUSSIAN)).rows
        for name, value in position_table.measured(rows[None]).items():
            np.testing.assert_allclose(value, usual[name], rtol=1e-5, atol=1e-8, err_msg=name)


def test_rows_that_look_untrained_are_left_out_unless_few_would_be_left():
    drawn = 0.02 * RANDOM.normal(size=(40, 64))
    trained = RANDOM.normal(size=(24, 64))
    found = published.measurable("m", "", np.concatenate([trained, drawn]), None)
    assert len(found.rows) == 24 and found.total == 64 and "24-63 look like draws" in found.sentence
    for rows in (drawn, np.concatenate([trained[:7], drawn])):
        found = published.measurable("m", "", rows, None)
        assert len(found.rows) == found.total and "a guess from their size" in found.sentence
    found = published.measurable("m", "", RANDOM.normal(size=(published.MOST + 9, 2)), None)
    assert len(found.rows) == published.MOST and "Only the first 4096 rows" in found.sentence


@pytest.mark.parametrize("width", [64, 256, 1024])
def test_a_sinusoidal_table_reads_out_and_a_gaussian_one_does_not(width):
    drawn, splits = position_table.control_tables(512, width, range(1)), table_probes.splits_of(512, blocks=False)
    stack = np.concatenate([drawn["control:sinusoidal"], drawn["control:gaussian"]])
    sinusoids, gaussian = table_probes.position_error(table_probes.read_positions(stack, splits), splits)
    assert sinusoids < 0.01 and abs(gaussian - 1) < 0.05


def test_names_of_models_and_parts_of_claims(tmp_path):
    (tmp_path / "bert").mkdir()
    assert published.name_of(str(tmp_path / "bert")) == "bert" and published.name_of("gpt2") == "gpt2"
    assert published.slug("Mein Modell! (2)") == "mein-modell-2" and published.slug("表") == "table"
    assert len(published.some_tokens(np.zeros((50_000, 2)))) <= published.MOST_TOKENS
    assert len(published.some_tokens(np.zeros((5, 2)))) == 5


# ── sums ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_nearest_sum_and_the_second_are_those_of_a_slow_search():
    known = joint.known(RANDOM.normal(size=(30, 5)), RANDOM.normal(size=(11, 5)))
    observed = RANDOM.normal(size=(40, 5))
    best, gap = joint.nearest_two(known, observed)
    for x, pair, distance in zip(observed, best.tolist(), gap, strict=True):
        sums = {(v, t): known.tokens[v] + known.positions[t] for v in range(30) for t in range(11)}
        first, second = sorted(sums, key=lambda at: np.linalg.norm(x - sums[at]))[:2]
        assert tuple(pair) == first and distance == pytest.approx(np.linalg.norm(sums[first] - sums[second]))


def test_tokens_that_hardly_differ_are_told_apart():
    """As those of a vocabulary that were never trained: float32 dot products cannot rank them."""
    tokens = RANDOM.normal(size=(300, 16)).astype(np.float32)
    tokens[50:] = tokens[50] + 1e-6 * RANDOM.normal(size=(250, 16)).astype(np.float32)
    found = joint.read(joint.known(tokens, RANDOM.normal(size=(20, 16))), "float32", 200)
    assert found.token.all() and found.position.all() and found.gap.min() < 1e-5


def test_sums_are_read_exactly_unless_two_coincide_or_noise_drowns_them():
    tokens, rows = RANDOM.normal(size=(50, 16)), RANDOM.normal(size=(20, 16))
    known = joint.known(tokens, rows)
    for signal in ("float32", "bfloat16"):
        found = joint.read(known, signal, 100)
        assert found.token.all() and found.position.all() and found.gap.min() > 0.1
    assert 0.05 < joint.read(known, "noise 1", 300).position.mean() < 0.95
    assert joint.read(known, "float32", 300).alone.mean() < 1  # a token is noise to who knows the position table only
    tokens[7] = tokens[8]
    found = joint.read(joint.known(tokens, rows), "float32", 400)
    assert found.position.all() and not found.token.all() and found.gap.min() == 0


def test_a_large_vocabulary_is_thinned_out(monkeypatch):
    monkeypatch.setattr(joint, "MOST_SUMS", 1000)
    assert len(joint.known(np.zeros((500, 2)), np.zeros((10, 2))).tokens) == 100
    assert len(joint.known(np.zeros((501, 2)), np.zeros((10, 2))).tokens) <= 100


# ── the order of words ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def bert(tmp_path):
    """A tiny BERT with positions for verses and shifts, and a tokenizer that knows two words."""
    made = tiny_bert()
    made["embeddings.position_embeddings.weight"] = RANDOM.normal(size=(200, 8)).astype(np.float32)
    save_file(made, tmp_path / "model.safetensors")
    (tmp_path / "tokenizer.json").write_text(TOKENIZER)
    return models.open_model(tmp_path)


TEXTS = [" ".join(RANDOM.permutation(["a"] * 6 + ["dog"] * 7 + ["bit"] * 5)) for _ in range(40)] + ["a dog"]


def test_word_order_is_invisible_without_positions_and_visible_with_them(bert):
    made = {(one.kind, one.by, one.positions): one.values for one in word_order.changes(bert, TEXTS, 10, heads=2)}
    assert {len(values) for values in made.values()} == {10}
    assert made[word_order.SHUFFLED, 0, False].max() < 1e-5 < 1e-3 < made[word_order.SHUFFLED, 0, True].mean()
    assert {by for kind, by, _ in made if kind == word_order.SHIFTED} == {1, 8, 32, 128}
    for kind in (word_order.WITHIN, word_order.PERMUTED):
        assert all(made[kind, window, True].mean() > 1e-3 for window in word_order.WINDOWS)
    short = bert._replace(positions=bert.positions[:70])
    kinds = [(one.kind, one.by) for one in word_order.changes(short, TEXTS, 2, heads=2)]
    assert (word_order.SHIFTED, 1) in kinds and (word_order.SHIFTED, 8) not in kinds  # beyond the table
    assert word_order.changes(bert, ["a dog"], 4, heads=2) == []


def test_verses_are_what_the_tokenizer_makes_of_the_whole_text(bert):
    found = word_order.verses(bert, TEXTS, 3)
    assert len(found) == 3
    ids, mask = word_order.laid_out(found, None, 64)
    whole, seen = minilm.tokenized(bert, TEXTS[::3][:3], 64)
    np.testing.assert_array_equal(ids, whole)
    np.testing.assert_array_equal(mask, seen)


def test_orders_are_permutations_of_the_right_kind():
    for kind, window in ((word_order.SHUFFLED, 0), (word_order.WITHIN, 4), (word_order.PERMUTED, 4)):
        order = word_order.order_of(kind, window, 18, seed=1)
        assert sorted(order) == list(range(18)) and list(order) != list(range(18))
    within = word_order.order_of(word_order.WITHIN, 4, 18, seed=1)
    assert [place // 4 for place in within] == [place // 4 for place in range(18)]
    blocks = word_order.order_of(word_order.PERMUTED, 4, 18, seed=1)
    assert blocks[16:].tolist() == [16, 17] and all((np.diff(block) == 1).all() for block in blocks[:16].reshape(4, 4))


def test_a_share_of_means_has_a_jackknife_interval():
    random = np.random.default_rng(0)
    whole = random.uniform(1, 2, 30)
    found = word_order.share_of(0.3 * whole, whole)
    assert found.value == pytest.approx(0.3) and found.low == pytest.approx(0.3) and found.n == 30
    noisy = word_order.share_of(0.3 * whole + 0.1 * random.normal(size=30), whole)
    assert noisy.low < 0.3 < noisy.high and word_order.share_of(whole[:3], whole[:3]).low is None


# ── rows, claims, figures ───────────────────────────────────────────────────────────────────────────────────────────


def order_rows(shuffled=0.1, blind=1e-9, shifted=0.02, one=0.5, within=0.06, blocks=0.03, verses=12):
    """Changes of made-up verses."""
    means = {
        (word_order.SHUFFLED, 0): shuffled, (word_order.CONSTANT, 0): one, (word_order.CONSTANT, word_order.MIDDLE): one,
        (word_order.REMOVED, 0): one, (word_order.ANOTHER, 0): 0.6,
    }  # fmt: skip
    means |= {(word_order.WITHIN, w): within for w in word_order.WINDOWS}
    means |= {(word_order.PERMUTED, w): blocks for w in word_order.WINDOWS}
    means |= {(word_order.SHIFTED, c): shifted for c in word_order.SHIFTS}
    changes = [word_order.Change(*key, True, np.full(verses, mean)) for key, mean in means.items()]
    changes += [word_order.Change(word_order.SHUFFLED, 0, False, np.full(verses, blind))]
    generator = np.random.default_rng(0)
    for one_change in changes:
        one_change.values[:] *= generator.uniform(0.9, 1.1, verses)
    return changes


def claims_of(monkeypatch, **means):
    monkeypatch.setattr(pretrained, "open_model", lambda name: None)
    monkeypatch.setattr(word_order, "changes", lambda model, texts, count: order_rows(**means))
    table = pd.DataFrame(list(MODULE.of_order(MODULE.PRESETS["quick"])))
    return {claim.id: claim for claim in MODULE.claims(table)}, table


def test_verdicts_on_word_order_come_out_of_the_rows(monkeypatch):
    made, table = claims_of(monkeypatch)
    verdicts = {name: claim.verdict for name, claim in made.items()}
    assert verdicts == {
        "C9.minilm-blind": "supported", "C9.minilm-order": "supported",
        "C4.minilm-shift": "contradicted", "C4.minilm-shift-middle": "contradicted", "C4.minilm-local": "supported",
    }  # fmt: skip
    assert {claim.n for claim in made.values()} == {12}
    assert pretrained.order(table) is not None
    [answer] = MODULE.answers(table, made)
    assert answer.figure == "word_order"
    other, _ = claims_of(monkeypatch, blind=1e-3, shifted=0.2, within=0.02, shuffled=1e-3)
    assert other["C9.minilm-blind"].verdict == "contradicted" and other["C4.minilm-shift"].verdict == "supported"
    assert other["C4.minilm-local"].verdict == "contradicted" and other["C9.minilm-order"].verdict == "undecided"
    assert claims_of(monkeypatch, shuffled=1e-9)[0]["C9.minilm-blind"].verdict == "undecided"  # nothing could be seen


def test_a_smooth_table_is_nearer_to_a_linear_shift_and_one_wrong_sum_contradicts():
    smooth = published.measurable("s", "", position_table.control_tables(64, 16, [3])["control:smooth"][0], None)
    rows = [*MODULE.of_table(smooth), *MODULE.of_controls((64, 16), 6, "s", whole=False)]
    [claim] = MODULE.claims(pd.DataFrame(rows))
    assert (claim.id, claim.verdict, claim.n) == ("C1.s", "supported", 6) and claim.low > 0.3
    tokens = np.repeat(RANDOM.normal(size=(4, 16)), 2, axis=0)  # every token twice
    table = pd.DataFrame(list(MODULE.of_sums(smooth._replace(tokens=tokens), 400)))
    [claim] = MODULE.claims(table)
    assert claim.verdict == "contradicted" and 0.3 < claim.effect < 0.7
    tokens = RANDOM.normal(size=(8, 16))
    [claim] = MODULE.claims(pd.DataFrame(list(MODULE.of_sums(smooth._replace(tokens=tokens), 400))))
    assert claim.verdict == "supported" and claim.low > 0.99


def test_models_that_were_fetched_are_measured_but_not_at_the_smallest_size(tmp_path):
    path = cache.storage_path("whisper")
    path.parent.mkdir(parents=True)
    tables = {
        name: RANDOM.normal(size=(rows, 8)).astype("f4")
        for name, rows in (("positions", 20), ("tokens", 30), ("encoder_positions", 40))
    }
    save_file(tables, path, {"kind": "decoder", "title": "w", "licence": "MIT"})
    work = workspace.Workspace(store.open_results(tmp_path / "r"))
    preset = replace(MODULE.PRESETS["quick"], seeds=1)
    table = pd.DataFrame(MODULE.measure(work, [], preset))
    assert {"whisper", "whisper-encoder"} <= set(table["encoding"]) and set(table["beside"].dropna()) == {
        "whisper",
        "whisper-encoder",
    }
    assert set(pretrained.all_of(table)) == {"measures", "similarity", "lags", "spectra", "joint"}
    smoke = pd.DataFrame(MODULE.measure(work, [], presets.override(MODULE.PRESETS["smoke"], ["seeds=1"])))
    assert "whisper" not in set(smoke["encoding"])
