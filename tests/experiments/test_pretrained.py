"""Published position tables and one's own from the command line to the page; verdicts that follow the rows."""

import json
import pickle
import zipfile
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch_writer
from command_line import assert_one_sentence, call_jaxpe
from safetensors.numpy import save, save_file

from jaxpe import devices
from jaxpe.analysis import position_table, published, word_order
from jaxpe.analysis import pretrained as measurements
from jaxpe.data import cache, corpus
from jaxpe.figures.pretrained import draw_all, draw_word_order
from jaxpe.records.csv_tables import COLUMNS, read_table, write_table
from jaxpe.records.json_values import write_json
from jaxpe.records.results import open_results
from jaxpe.study import experiment, workspace
from jaxpe.study.experiment_checks import check_rows
from jaxpe.study.preset_checks import override

MODULE = experiment.load_experiment("pretrained").module
RANDOM = np.random.default_rng(5)
GAUSSIAN = RANDOM.normal(size=(64, 16))
REQUIRED = {
    "position_error_share", "position_error_share_block", "order_accuracy", "order_accuracy_near", "adjacency",
    "toeplitz_share", "effective_rank",
}  # fmt: skip
STRUCTURE = [
    {"experiment": "structure", "task": task, "architecture": a, "encoding": e, "positions": p, "seed": s, "metric": m, "value": v}
    | {"starts": starts, "corpus": corpus, "condition": "one id" if m == "cost" else None, "size": 0}
    | {"train_length": 64, "rows": 64, "width": 32}
    for task, a in (("masked_lm", "encoder"), ("causal_lm", "decoder"), ("reverse", "encoder"))
    for e in ("learned", "none") for p in ("arange", "offset") for s in range(2)
    for m, v in (("adjacency", 0.5), ("cost", 1.0))
    for starts in ("packed", "document") for corpus in ("kjv", "wordnet")
] + [
    {"task": "controls", "encoding": "control:smooth", "metric": "adjacency", "value": 1.0, "seed": 0, "rows": rows, "width": 32}
    for rows in (64, 65)
]  # fmt: skip


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    """Nothing is fetched, and devices stay as the tests have them."""
    monkeypatch.setenv("JAXPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(devices, "prepare_jax", lambda devices: None)


def run_pretrained(capsys, tmp_path, *words, preset="smoke"):
    """Table, messages and folder of a run."""
    folder = tmp_path / "results"
    outcome = call_jaxpe(capsys, "run", "pretrained", "--preset", preset, "--results", folder, *words)
    assert outcome.code == 0, outcome.err
    return read_table(folder / "pretrained" / "table.csv"), outcome.err, folder


# ── the command line ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
def test_a_table_of_ones_own_gets_measures_controls_figures_and_a_page(capsys, tmp_path):
    """Compared with the pair that `structure` trained in the same folder."""
    structure = tmp_path / "results" / "structure"
    open_results(tmp_path / "results")
    write_table(structure / "table.csv", STRUCTURE)
    write_json(structure / "claims.json", [])
    provenance = {"question": "", "prediction": "", "runs": 1, "command": "", "date": ""}
    write_json(structure / "provenance.json", provenance)
    np.save(tmp_path / "my table.npy", GAUSSIAN)
    table, messages, folder = run_pretrained(capsys, tmp_path, "--table", tmp_path / "my table.npy")
    assert set(COLUMNS) <= set(table.columns) and set(table["experiment"]) == {"pretrained"}
    mine = table[table["encoding"] == "my table"]
    assert set(mine["metric"]) >= REQUIRED and "All 64 rows" in messages
    direct = position_table.measure_tables(GAUSSIAN[None])
    for metric in REQUIRED:
        [value] = mine[mine["metric"] == metric]["value"]
        assert value == pytest.approx(direct[metric][0], abs=1e-4)
    for name, seeds in (("control:gaussian", 2), ("control:smooth", 2), ("control:sinusoidal", 1)):
        control = table[(table["encoding"] == name) & (table["compared_with"] == "my table")]
        assert set(control["metric"]) >= REQUIRED and control["seed"].nunique() == seeds
        assert set(zip(control["train_length"], control["width"], strict=True)) == {(64, 16)}
    pair = table[table["encoding"] == "learned"]
    assert set(pair["metric"]) == {"adjacency"}
    assert pair.groupby("task").size().to_dict() == {"causal_lm": 2, "masked_lm": 2}
    compared = table["compared_with"].value_counts()
    assert compared[["here: masked_lm", "here: causal_lm"]].tolist() == [1, 1]  # controls of the same shape
    summary = json.loads((folder / "pretrained" / "summary.json").read_text())
    assert {"here: masked_lm", "here: causal_lm", "my table"} <= {row[0] for row in summary["rows"]}
    figures = {path.stem for path in (folder / "pretrained" / "figures").glob("*.png")}
    assert figures == {"measures", "similarity", "lags", "spectra"}
    [claim] = json.loads((folder / "pretrained" / "claims.json").read_text())
    assert claim["id"] == "C1.my-table" and claim["verdict"] == "undecided"
    assert "my table" in (folder / "compare.html").read_text()


NAME = r"_$\frac{<b>"  # mathematics and a hidden label to matplotlib, markup to a page


@pytest.mark.slow
def test_a_file_of_weights_is_measured_under_a_name_that_is_shown_as_text(capsys, tmp_path):
    tokens = RANDOM.normal(size=(20, 16)).astype("f4")
    path = tmp_path / "mine.safetensors"
    save_file({"wpe.weight": GAUSSIAN.astype("f4"), "wte.weight": tokens}, path)
    table, _, folder = run_pretrained(capsys, tmp_path, "--model", path, "--name", NAME)
    mine = table[table["encoding"] == NAME]
    assert set(mine["architecture"]) == {"decoder"} and "token_overlap" in set(mine["metric"])
    assert mine[(mine["metric"] == "joint_recovered") & (mine["signal"] == "float32")]["value"].tolist() == [1.0]
    claims = {claim["id"]: claim for claim in json.loads((folder / "pretrained" / "claims.json").read_text())}
    assert set(claims) == {"C1._-frac-b", "C6._-frac-b"}
    assert claims["C6._-frac-b"]["verdict"] == "undecided"  # few pairs
    assert (folder / "pretrained" / "figures" / "joint.png").is_file()
    pages = {file: (folder / file).read_text() for file in ("index.html", "compare.html")}
    assert "<b>" not in "".join(pages.values()) and "&lt;b&gt;" in pages["compare.html"]


def test_without_a_model_only_controls_are_measured_and_a_message_says_so(capsys, tmp_path):
    small = ("--set", "width=32", "train_length=48")
    table, messages, folder = run_pretrained(capsys, tmp_path, *small, preset="quick")
    assert "There is no published table: measures only controls of 48 × 32" in messages
    assert f"jaxpe fetch {' '.join(cache.MODELS)}" in messages
    assert set(table["encoding"]) == {"control:gaussian", "control:sinusoidal", "control:smooth"}
    assert json.loads((folder / "pretrained" / "claims.json").read_text()) == []
    assert "pretrained" in experiment.STUDY


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (("--name", "x"), "give --table or --model too"),
        (("--table", "a.npy", "--name", ""), "give --name one line"),
        (("--table", "a.npy", "--name", "control:smooth"), "choose another --name"),
        (("--table", "a.npy", "--name", "two\nlines"), "one line of printable characters"),
        (("--table", "missing.npy"), "There is no file"),
        (("--model", "a.npy"), "give it to --table"),
        (("--model", "minilm"), "jaxpe fetch minilm"),
        (("--model", "a.bin", "b.bin", "--name", "x"), "is one name"),
        (("--model", "pickle.safetensors"), "is not a file of weights"),
        (("--model", "rotary.safetensors"), "rotates queries and keys"),
        (("--model", "cut.safetensors"), "is not a complete safetensors file"),
        (
            ("--table", "a.npy", "--name", "both-encoder", "--model", "both.safetensors"),
            "Two tables are called 'both-encoder'",
        ),
        (("--table", "huge.npy"), "is not a .npy file of plain numbers"),
        (("--model", "zip.bin"), "is compressed, which torch.save never does"),
        (("--model", "nested.bin"), "model.wpe 64×16"),
    ],
    ids=range(15),
)
def test_bad_input_is_one_sentence_and_exit_code_2(capsys, tmp_path, monkeypatch, line, says):
    monkeypatch.chdir(tmp_path)
    np.save("a.npy", GAUSSIAN)
    weights = save({"wpe.weight": GAUSSIAN.astype("f4")})
    files = {"pickle.safetensors": pickle.dumps({"wpe.weight": GAUSSIAN}), "cut.safetensors": weights[:-8]}
    files["rotary.safetensors"] = save({"model.layers.0.self_attn.q_proj.weight": GAUSSIAN.astype("f4")})
    files["a.safetensors"] = weights
    table = GAUSSIAN.astype("f4")
    files["both.safetensors"] = save({"decoder.embed_positions.weight": table, "encoder.embed_positions.weight": table})
    files["huge.npy"] = (tmp_path / "a.npy").read_bytes().replace(b"(64, 16), }         ", b"(64000000000, 16), }")
    files["zip.bin"] = torch_writer.encode_archive({"wpe.weight": torch_writer.Tensor(table)}, zipfile.ZIP_DEFLATED)
    files["nested.bin"] = torch_writer.encode_archive({"model": {"wpe": torch_writer.Tensor(table)}, "iter_num": 3})
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    assert_one_sentence(call_jaxpe(capsys, "run", "pretrained", *line, "--results", tmp_path / "r"), says)


def test_files_with_one_name_are_measured_in_one_command(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in "ab":
        (tmp_path / name).mkdir()
        save_file({"wpe.weight": RANDOM.normal(size=(16, 8)).astype("f4")}, tmp_path / name / "model.safetensors")
    words = ("--model", "a/model.safetensors", "~/b/model.safetensors", "--dry-run")
    assert call_jaxpe(capsys, "run", "pretrained", "--preset", "smoke", *words, "--results", tmp_path / "r").code == 0
    assert_one_sentence(
        call_jaxpe(capsys, "run", "pretrained", *words, "--name", "one", "--results", tmp_path / "r"), "is one name"
    )


# ── claims ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def plant_changes(shuffled=0.1, blind=1e-9, shifted=0.02, constant=0.5, within=0.06, permuted=0.03, verses=12):
    """Changes of verses with given means."""
    means = {
        (word_order.SHUFFLED, 0): shuffled, (word_order.CONSTANT, 0): constant,
        (word_order.CONSTANT, word_order.MIDDLE): constant, (word_order.REMOVED, 0): constant, (word_order.ANOTHER, 0): 0.6,
    }  # fmt: skip
    means |= {(word_order.WITHIN, window): within for window in word_order.WINDOWS}
    means |= {(word_order.PERMUTED, window): permuted for window in word_order.WINDOWS}
    means |= {(word_order.SHIFTED, shift): shifted for shift in word_order.SHIFTS}
    changes = [word_order.Change(*key, True, np.full(verses, mean)) for key, mean in means.items()]
    changes += [word_order.Change(word_order.SHUFFLED, 0, False, np.full(verses, blind))]
    generator = np.random.default_rng(0)
    for change in changes:
        change.values[:] *= generator.uniform(0.9, 1.1, verses)
    return changes


def judge_changes(monkeypatch, **means):
    """The results of the claims about word order, and the table."""
    monkeypatch.setattr(measurements, "open_model", lambda name: None)
    monkeypatch.setattr(measurements.corpus, "load_corpus", lambda name, column: corpus.Corpus(name, (), ()))
    monkeypatch.setattr(word_order, "measure_changes", lambda model, texts, count: plant_changes(**means))
    table = pd.DataFrame(list(measurements.measure_word_order(MODULE.PRESETS["quick"])))
    return {result.id: result for result in MODULE.claims(table)}, table


def test_verdicts_on_word_order_follow_the_rows(monkeypatch):
    results, table = judge_changes(monkeypatch)
    assert {name: result.verdict for name, result in results.items()} == {
        "C9.minilm-blind": "supported", "C9.minilm-order": "supported",
        "C4.minilm-shift": "contradicted", "C4.minilm-shift-middle": "contradicted", "C4.minilm-local": "supported",
    }  # fmt: skip
    assert {result.n for result in results.values()} == {12}
    assert all(result.claim in MODULE.CLAIMS for result in results.values())
    assert draw_word_order(table) is not None
    [answer] = MODULE.answers(table, results)
    assert answer.figure == "word_order"
    other, _ = judge_changes(monkeypatch, blind=1e-3, shifted=0.2, within=0.02, shuffled=1e-3)
    assert other["C9.minilm-blind"].verdict == "contradicted" and other["C4.minilm-shift"].verdict == "supported"
    assert other["C4.minilm-local"].verdict == "contradicted" and other["C9.minilm-order"].verdict == "undecided"
    unseen, _ = judge_changes(monkeypatch, shuffled=1e-9)
    assert unseen["C9.minilm-blind"].verdict == "undecided"  # positions are not seen either


def test_a_smooth_table_is_closer_to_a_linear_shift_and_one_wrong_sum_contradicts():
    smooth = position_table.make_control_tables(64, 16, [3])["control:smooth"][0]
    table = published.prepare_table("s", "", smooth, None)
    rows = [*measurements.measure_table(table), *measurements.measure_controls((64, 16), 10, "s", curves=False)]
    [result] = MODULE.claims(pd.DataFrame(rows))
    assert (result.id, result.verdict, result.n) == ("C1.s", "supported", 1) and result.value > 0.3
    twice = np.repeat(RANDOM.normal(size=(4, 16)), 2, axis=0)
    rows = measurements.measure_sums(table._replace(tokens=twice), 400)
    result = MODULE.judge_sums(pd.DataFrame(list(rows)), "s", "s")
    assert result.verdict == "contradicted" and 0.3 < result.value < 0.7
    rows = measurements.measure_sums(table._replace(tokens=RANDOM.normal(size=(8, 16))), 400)
    result = MODULE.judge_sums(pd.DataFrame(list(rows)), "s", "s")
    assert result.verdict == "supported" and result.estimate.low > 0.99


def test_fetched_models_are_measured_but_not_at_the_smallest_size(tmp_path):
    path = cache.storage_path("whisper")
    path.parent.mkdir(parents=True)
    sizes = {"positions": 20, "tokens": 30, "encoder_positions": 40}
    tables = {name: RANDOM.normal(size=(rows, 8)).astype("f4") for name, rows in sizes.items()}
    save_file(tables, path, {"kind": "decoder", "title": "w", "licence": "MIT"})
    work = workspace.Workspace(open_results(tmp_path / "r"))
    table = pd.DataFrame(check_rows(MODULE.measure(work, [], replace(MODULE.PRESETS["quick"], seeds=1)), "pretrained"))
    names = {"whisper", "whisper-encoder"}
    assert names <= set(table["encoding"]) and set(table["compared_with"].dropna()) == names
    assert set(draw_all(table)) == {"measures", "similarity", "lags", "spectra", "joint"}
    smoke = pd.DataFrame(
        check_rows(MODULE.measure(work, [], override(MODULE.PRESETS["smoke"], {"seeds": 1})), "pretrained")
    )
    assert "whisper" not in set(smoke["encoding"])
