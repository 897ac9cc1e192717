"""The tour: guesses are those of a forward pass, and a table without a part shows the others."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxpe.analysis import guesses
from jaxpe.data import corpus
from jaxpe.data.examples import BLANK, BOS
from jaxpe.figures.tour import compute_changes
from jaxpe.model import Inputs
from jaxpe.records.csv_tables import read_table, write_table
from jaxpe.records.results import open_results
from jaxpe.study import experiment, grids, run_configs
from jaxpe.study.experiment_checks import check_rows
from jaxpe.study.presets import GridRow
from jaxpe.study.workspace import Workspace

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("tour")]  # the models are trained once
MODULE = experiment.load_experiment("tour").module
TEXT = {"train_length": 40, "steps": 60, "vocabulary": 300, "examples": 16}


def measure(folder, *rows, steps):
    """The workspace, the runs and the table of a small grid."""
    preset = replace(MODULE.PRESETS["smoke"], grid=rows, steps=steps)
    work = Workspace(open_results(folder))
    runs = [run for config in run_configs.expand_grid(preset, work.sources) for run in work.list_runs(config, [0])]
    work.train(runs)
    write_table(folder / "table.csv", check_rows(MODULE.measure(work, runs, preset), "tour"))
    return work, runs, read_table(folder / "table.csv")


@pytest.fixture(scope="module")
def masked_text(tmp_path_factory):
    """Two models of masked text after a few steps, and their guesses."""
    row = grids.text_row(task="masked_lm", overrides=TEXT, encodings=MODULE.READERS)
    return measure(tmp_path_factory.mktemp("tour"), row, steps=TEXT["steps"])


def test_shuffled_words_change_no_guess_without_an_encoding_and_some_with_one(masked_text):
    changes = compute_changes(masked_text[2])
    assert max(changes["none"]) <= 2e-6 and max(changes["learned"]) > 1e-4
    assert len(changes["none"]) == guesses.VERSES * (guesses.ORDERS - 1)


def test_guesses_are_those_of_a_forward_pass(masked_text):
    """The first verse as written: <bos>, its own tokens with <blank> in the middle; the likeliest words in order."""
    work, [run, *_], table = masked_text
    tokenizer = corpus.train_tokenizer(corpus.load_corpus(run.config.corpus).train, run.config.vocabulary)
    tokens = guesses.select_fitting_verses(run.config, tokenizer)[0]
    place = len(tokens) // 2
    shown = np.array([BOS, *tokens])
    shown[place + 1] = BLANK
    nothing, length = jnp.zeros((0,), jnp.int32), jnp.int32(len(shown))
    inputs = Inputs(jnp.asarray(shown), jnp.arange(len(shown)), length, nothing, nothing, jnp.int32(0))
    model = jax.tree.map(jnp.asarray, work.load_model(run))
    logits = np.asarray(model(inputs).logits, np.float64)[place + 1]
    chances = np.exp(logits - logits.max())
    chances /= chances.sum()
    own = table[(table["verse"] == 0) & (table["encoding"] == run.config.encoding)]
    assert (own["metric"] == "masked_word").sum() == 1 and set(own[own["metric"] == "masked_word"]["position"]) == {
        place
    }
    assert own["order"].dropna().nunique() == guesses.ORDERS
    likeliest = own[(own["metric"] == "probability") & (own["order"] == 0)]["value"]
    np.testing.assert_allclose(likeliest, np.sort(chances)[::-1][: guesses.GUESSES], atol=2e-6)


def test_every_order_has_the_same_words_in_other_places(masked_text):
    table = masked_text[2]
    shown = table[
        (table["metric"] == "shown") & (table["verse"] == 0) & (table["encoding"] == table["encoding"].iloc[0])
    ]
    place = table[(table["metric"] == "masked_word") & (table["verse"] == 0)]["position"].iloc[0]
    shown = shown[shown["position"] != place].sort_values("position")
    words = [list(order["word"]) for _, order in shown.groupby("order")]
    assert all(sorted(order) == sorted(words[0]) for order in words) and words[1] != words[0]


def test_a_table_without_a_part_shows_the_others(masked_text):
    table = masked_text[2]
    assert set(MODULE.figures(table)) == {"guesses"} and MODULE.claims(table) == []
    assert not {"token_accuracy", "code"} & set(table["metric"])


def test_what_is_not_masked_text_has_no_guesses(tmp_path):
    toy = GridRow(task="reverse", architectures=("encoder",), encodings=("sinusoidal",))
    text = grids.text_row(task="causal_lm", overrides=TEXT | {"steps": 3}, encodings=("none",))
    _, _, table = measure(tmp_path, toy, text, steps=3)
    assert set(MODULE.figures(table)) == {"codes", "lengths"} and "shown" not in set(table["metric"])
    code = table[(table["metric"] == "code") & (table["position"] == 0)].sort_values("dimension")["value"]
    assert list(code[:2].round(3)) == [0.0, 1.41]  # sin 0, cos 0, times the square root of 2
    assert set(table["train_length"]) >= {5}
