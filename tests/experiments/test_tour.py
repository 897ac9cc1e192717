"""What a reader plays with: guesses against a forward pass by hand, and runs that lack a part."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxpe.data import corpus
from jaxpe.records.csv_tables import read_table, write_table
from jaxpe.records.results import open_results
from jaxpe.report import guide
from jaxpe.study import experiment, grids, run_configs
from jaxpe.study.presets import GridRow
from jaxpe.study.workspace import Workspace
from jaxpe.tasks import formatting

pytestmark = pytest.mark.xdist_group("tour")  # the models are trained once
MODULE = experiment.load_experiment("tour").module
TEXT = {"train_length": 40, "steps": 60, "vocabulary": 300, "examples": 16}
SMALL = replace(
    MODULE.PRESETS["smoke"], grid=(grids.text_row(task="masked_lm", overrides=TEXT, encodings=MODULE.READS),)
)


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """Models of text, hardly trained, and the table of their guesses."""
    work = Workspace(open_results(tmp_path_factory.mktemp("tour")))
    runs = [run for config in run_configs.expand_grid(SMALL, work.sources) for run in work.list_runs(config, [0])]
    work.train(runs)
    write_table(work.results.folder / "tour" / "table.csv", MODULE.measure(work, runs, SMALL))
    return work, runs, read_table(work.results.folder / "tour" / "table.csv")


def test_shuffled_words_move_no_guess_without_an_encoding_and_some_with_one(told):
    changes = MODULE.moved(told[2])
    assert max(changes["none"]) <= 2e-6 and max(changes["learned"]) > 1e-4
    assert len(changes["none"]) == MODULE.VERSES * (MODULE.ORDERS - 1)


def test_guesses_are_those_of_a_forward_pass(told):
    """The first verse as written: its own tokens, <bos> before them, <blank> in the middle, the likeliest words in order."""
    work, [run, *_], table = told
    tokenizer = corpus.train_tokenizer(corpus.load_corpus(run.config.corpus).train, run.config.vocabulary)
    tokens = MODULE.verses(run.config, tokenizer)[0]
    place = len(tokens) // 2
    shown = np.array([formatting.BOS, *tokens])
    shown[place + 1] = formatting.BLANK
    nothing = jnp.zeros((0,), jnp.int32)
    length = jnp.int32(len(shown))
    inputs = MODULE.Inputs(jnp.asarray(shown), jnp.arange(len(shown)), length, nothing, nothing, jnp.int32(0))
    model = jax.tree.map(jnp.asarray, work.load_model(run))
    logits = np.asarray(model(inputs).logits, np.float64)[place + 1]
    chance = np.exp(logits - logits.max())
    chance /= chance.sum()
    verse = guide.verses(table)[0]
    assert verse["place"] == place and len(verse["orders"]) == MODULE.ORDERS
    guesses = verse["orders"][0]["guesses"][run.config.encoding]
    np.testing.assert_allclose([value for _, value in guesses], np.sort(chance)[::-1][: MODULE.GUESSES], atol=2e-6)
    words = [[word for i, word in enumerate(order["words"]) if i != place] for order in verse["orders"]]
    assert all(sorted(own) == sorted(words[0]) for own in words) and words[1] != words[0]


def test_a_run_without_a_part_shows_the_others(told):
    table = told[2]
    assert set(MODULE.figures(table)) == {"guesses"} and MODULE.claims(table) == []
    assert guide.lengths(table) is None and guide.codes(table) is None


def test_what_is_not_masked_text_has_no_guesses(tmp_path):
    work = Workspace(open_results(tmp_path))
    grid = (
        GridRow(task="reverse", architectures=("encoder",), encodings=("sinusoidal",)),
        grids.text_row(task="causal_lm", overrides=TEXT, encodings=("none",)),
    )
    preset = replace(MODULE.PRESETS["smoke"], grid=grid, steps=3)
    runs = [run for config in run_configs.expand_grid(preset, work.sources) for run in work.list_runs(config, [0])]
    work.train(runs)
    write_table(tmp_path / "table.csv", MODULE.measure(work, runs, preset))
    table = read_table(tmp_path / "table.csv")
    assert set(MODULE.figures(table)) == {"codes", "lengths"} and guide.verses(table) is None
    rows = guide.codes(table)["rows"]["sinusoidal"]
    assert [round(value, 3) for value in rows[0][:2]] == [0.0, 1.41]  # sin 0, cos 0, times the square root of 2
    assert guide.lengths(table)["train_length"] == 5
