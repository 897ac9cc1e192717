"""`jaxpe scorecard`: presets, faulty encodings, and what is trained again."""

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import pandas as pd
import pytest
from support import ROOT

from jaxpe import cli, devices, encodings
from jaxpe.errors import UserError
from jaxpe.records.csv_tables import read_table
from jaxpe.study import presets
from jaxpe.study.experiment import load_experiment
from jaxpe.study.experiment_checks import check_rows

MODULE = load_experiment("scorecard").module


ENCODING = """
import jax.numpy as jnp
from jaxpe.encodings import Encoding


class Mine(Encoding):
    invariance = "relative"
    directed = False

    def bias(self, q, k, view):
        return -0.5 * jnp.abs(view.q_positions[:, None] - view.k_positions)[None].astype(jnp.float32)
"""


def adapt(encodings, against=(), preset="quick"):
    narrowed = presets.narrow_grid(MODULE.PRESETS[preset], encoding_names=encodings)
    return MODULE.adapt(replace(narrowed, options=MODULE.Options(against=against)))


def test_none_is_always_among_the_baselines():
    adapted = adapt(["alibi"], ("rotary", "alibi"))
    assert {row.encodings for row in adapted.grid} == {("alibi", "none", "rotary")}
    with pytest.raises(UserError, match="no baseline to compare with"):
        adapt(["none"], ("none",))


def test_it_runs_in_the_first_architecture_that_the_encoding_takes():
    assert {row.architectures for row in adapt(["rotary"]).grid} == {("decoder",)}
    assert {row.architectures for row in adapt(["alibi_directed"]).grid} <= {("decoder",), ("encoder",)}


def test_each_encoding_has_a_folder_of_its_own_and_cannot_leave_the_results():
    assert MODULE.name_folder(adapt(["rotary"])) == "scorecard-rotary"
    row = replace(MODULE.PRESETS["smoke"].grid[0], encodings=("../x/y.py:<b>",))
    assert MODULE.name_folder(replace(MODULE.PRESETS["smoke"], grid=(row,))) == "scorecard-_b_"


@pytest.mark.parametrize("name", ["quick", "standard"])
def test_every_measure_of_these_presets_can_have_an_interval(name):
    preset = MODULE.PRESETS[name]
    assert all(presets.apply_overrides(preset, row).seeds >= 6 for row in preset.grid)


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
    "signature": (ENCODING.replace("k, view)", "k, view, more)"), "could not be called", None),
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
    code, sentence = ends(monkeypatch, capsys, name, "--preset", "smoke", "--results", tmp_path / "r", "--quiet")
    assert code == 2 and says in sentence.err and len(sentence.err.strip().splitlines()) == 1
    assert re.search(rf"{fault}_mine.py, line {line or '[0-9]+'}\b", sentence.err), sentence.err
    assert not (tmp_path / "r" / "runs").exists()


def test_a_fault_that_comes_late_names_the_line_too_and_jaxpes_own_faults_stay(tmp_path):
    (tmp_path / "late.py").write_text(LATE)
    name = f"{tmp_path / 'late.py'}:Mine"
    encoding = encodings.build_encoding(name, encodings.Context(8, 2, 40, "causal"), key=jax.random.key(0))
    long = jnp.zeros((30, 2, 4)), jnp.zeros((30, 2, 4)), encodings.View(jnp.arange(30), jnp.arange(30))
    with (
        pytest.raises(UserError, match=r"encoding 'Mine': ValueError: too long \(late.py, line 12\)"),
        MODULE.explain_encoding_faults(name),
    ):
        encoding.bias(*long)
    with pytest.raises(ZeroDivisionError), MODULE.explain_encoding_faults(name):
        1 / 0  # noqa: B018


def jaxpe(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "jaxpe", *map(str, arguments)],
        capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.timeout(1800)  # minutes of training
def test_what_is_stored_is_not_trained_again(tmp_path):
    """A second run trains nothing; a changed file, or a second encoding, trains the new encoding alone."""
    file, results = tmp_path / "mine.py", tmp_path / "r"

    def run(name):
        done = jaxpe("scorecard", f"{file}:{name}", "--against", "none", "--preset", "smoke", "--results", results)
        assert done.returncode == 0, done.stderr
        folder = results / f"scorecard-{name}"
        trained = re.findall(r"^training (.*) \(compiled", done.stderr, re.MULTILINE)
        return trained, folder, f"{name} compared with none" in done.stdout

    file.write_text(ENCODING)
    trained, folder, told = run("Mine")
    plain = [f"{task}, decoder, {one}" for task in ("reverse", "count", "causal_lm") for one in ("Mine", "none")]
    assert trained[:6] == plain and trained[6:] == ["reverse, decoder, none"] and told  # at last the one at equal FLOPs
    table = read_table(folder / "table.csv")
    assert {"forward_flops", "step_time_ratio", "position_gained", "bits_per_character"} <= set(table["metric"])
    assert "equal FLOPs" in set(table["condition"]) and len(pd.read_csv(folder / "row.csv")) == 1
    assert json.loads((folder / "provenance.json").read_text())["runs"] == 6
    names = ("table.csv", "row.csv", "figures/lengths.svg", "figures/differences.svg")
    before = {one: (folder / one).read_bytes() for one in names}
    assert run("Mine")[0] == [] and {one: (folder / one).read_bytes() for one in names} == before
    file.write_text(ENCODING.replace("0.5", "0.25"))
    assert run("Mine")[0] == plain[::2]
    file.write_text(ENCODING.replace("Mine", "Other"))
    assert run("Other")[0] == [one.replace("Mine", "Other") for one in plain[::2]]


@pytest.mark.slow
def test_a_training_that_diverges_is_exit_code_3_and_stands_on_the_page(monkeypatch, capsys, tmp_path):
    (tmp_path / "wild.py").write_text(ENCODING.replace("-0.5 *", "jnp.nan *").replace("Mine", "Wild"))
    folder = tmp_path / "r" / "scorecard-Wild"
    asked = (f"{tmp_path / 'wild.py'}:Wild", "--against", "none", "--preset", "smoke", "--set", "steps=4")
    code, sentence = ends(monkeypatch, capsys, *asked, "--results", tmp_path / "r", "--quiet")
    assert code == 3 and "reverse, decoder, Wild, seed 0" in sentence.err and "Traceback" not in sentence.err
    assert re.search(r"A property does not hold, .*not finite.*wild.py, line", sentence.err)
    summary = json.loads((folder / "summary.json").read_text())
    assert {row[3] for row in summary["rows"] if row[0] == "language"} == {"not comparable"}
    page = (folder / "scorecard.html").read_text()
    assert "A property does not hold" in page and "trainings diverged" in page


def test_the_rows_of_the_property_card_can_be_written(monkeypatch):
    """Also those that describe the encoding, which have no value."""
    monkeypatch.setattr(MODULE.card, "measure_rows", lambda subjects: [])
    work = SimpleNamespace(reporter=SimpleNamespace(note=lambda text: None), failures=[])
    rows = MODULE.measure_properties(work, "alibi")
    assert rows and check_rows(rows, "scorecard") == rows
