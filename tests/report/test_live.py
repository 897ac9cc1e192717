"""The models that the page runs: read as they were written, and refused where they were altered."""

import base64
import json
import re
from types import SimpleNamespace

import numpy as np
import pytest
from live_models import SIZES, make_config, make_file, write_file
from support import ROOT

from jaxpe.errors import UserError
from jaxpe.records.csv_tables import read_table
from jaxpe.records.provenance import find_edits
from jaxpe.report.live import ENCODINGS, EXPERIMENT, LONGEST, list_shapes, read_models
from jaxpe.report.messages import Messages
from jaxpe.study.experiment import load_experiment
from jaxpe.training.parameters import flatten_model, init_model
from jaxpe.training.sources import load_source

COMMITTED = [ROOT / "results", ROOT / "results" / "standard"]


@pytest.fixture(scope="module")
def content():
    return make_file()


def test_the_script_gets_sizes_symbols_and_parameters(content, tmp_path):
    write_file(tmp_path, content)
    models = read_models(tmp_path)
    stream = load_source(make_config("none", content)).stream
    assert models["models"] == content["models"] and models["first_symbol"] + models["symbols"] == stream.vocabulary
    assert models.items() >= {name: size for name, size in SIZES.items() if name != "table_length"}.items()
    assert models["limit"] == SIZES["table_length"] // 2


def test_a_folder_without_models_has_none(tmp_path):
    assert read_models(tmp_path) is None
    (tmp_path / "tour").mkdir()
    assert read_models(tmp_path) is None


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_shapes_are_those_of_the_model(content, encoding):
    config = make_config(encoding, content)
    arrays = flatten_model(init_model(config, load_source(config).stream))
    assert list_shapes(content, encoding) == {name: array.shape for name, array in arrays.items()}


def spoil(text, value):
    """Another last number in a packed array."""
    numbers = np.frombuffer(base64.b64decode(text), "<f2").copy()
    numbers[-1] = value
    return base64.b64encode(numbers.tobytes()).decode()


def change(*path, to):
    """Changes an entry of the content; `to` makes the new value from the old one."""

    def apply(content):
        for key in path[:-1]:
            content = content[key]
        content[path[-1]] = to(content[path[-1]])

    return apply


def remove(*path):
    def apply(content):
        for key in path[:-1]:
            content = content[key]
        del content[path[-1]]

    return apply


NONE = ("models", "none", "unembedding")
DAMAGES = [
    (change("task", to=lambda _: "copy"), "models of reverse in the encoder are due"),
    (change("architecture", to=lambda _: "decoder"), "models of reverse in the encoder are due"),
    (change("width", to=lambda _: "16"), "'width': a whole number is due"),
    (change("width", to=lambda _: 0), "'width': a number from 1 to"),
    (change("width", to=lambda _: 32), "numbers are due"),
    (change("heads", to=lambda _: 3), "an even number for each head"),
    (change("heads", to=lambda _: 16), "an even number for each head"),
    (change("layers", to=lambda _: 10**9), "'layers': a number from 1 to"),
    (change("layers", to=lambda _: 1), "is not of this model"),
    (change("train_length", to=lambda _: 31), "'table_length': at least twice"),
    (change("table_length", to=lambda _: 61), "'learned', 'stack.encodings.0.table': 976 numbers are due"),
    (remove("seed"), "'seed' is missing"),
    (remove("models", "none", "unembedding"), "'models', 'none': a parameter is missing"),
    (change("models", to=lambda _: {}), "at least one of none, sinusoidal"),
    (change("models", to=lambda models: {"shaw": models["none"]}), "and no other"),
    (change("models", to=lambda models: {"learned": models["none"]}), "a parameter is missing"),
    (change(*NONE, to=lambda text: text[:-4]), "numbers are due, not"),
    (change(*NONE, to=lambda text: "<" + text[1:]), "it is not base64"),
    (change(*NONE, to=lambda text: spoil(text, np.nan)), "a number is not finite"),
    (change(*NONE, to=lambda text: spoil(text, -np.inf)), "a number is not finite"),
    (change(*NONE, to=lambda _: 3), "'unembedding': text is due"),
]


@pytest.mark.parametrize(("damage", "fault"), DAMAGES)
def test_an_altered_file_is_refused_by_name_and_with_what_to_do(content, tmp_path, damage, fault):
    altered = json.loads(json.dumps(content))
    damage(altered)
    path = write_file(tmp_path, altered)
    with pytest.raises(
        UserError, match=re.escape(f"{path} was altered: ") + f".*{re.escape(fault)}.*run its experiment"
    ):
        read_models(tmp_path)


@pytest.mark.parametrize("results", COMMITTED, ids=["quick", "standard"])
def test_committed_models_are_small_unedited_and_know_their_task(results):
    models, folder = read_models(results), results / EXPERIMENT
    assert models["width"] == 32 and 4 * 8 <= models["limit"] <= LONGEST and not find_edits(folder)
    assert (folder / "models.json").stat().st_size < 400_000
    table = read_table(folder / "table.csv")
    table = table[(table["task"] == "reverse") & (table["metric"] == "token_accuracy")]
    assert set(models["models"]) == set(table["encoding"]) and {models["train_length"]} == set(table["train_length"])


def test_the_tour_keeps_the_first_seed_of_each_encoding_that_the_page_can_run():
    def make_run(encoding, seed=0, task="reverse", architecture="encoder"):
        return SimpleNamespace(
            config=SimpleNamespace(task=task, architecture=architecture, encoding=encoding), seed=seed
        )

    runs = [make_run("none"), make_run("none", 1), make_run("rotary"), make_run("shaw"), make_run("alibi", task="copy")]
    runs += [make_run("learned", architecture="decoder"), make_run("learned", task="masked_lm")]
    assert load_experiment("tour").module.select_models(runs) == [runs[0], runs[2]]


def test_the_script_has_the_messages_that_it_uses_and_no_others():
    script = (ROOT / "jaxpe" / "report" / "html" / "live.js").read_text(encoding="utf-8")
    used = {f"js.{key}" for key in re.findall(r'"(live_\w+)"', script)}
    assert used == set(Messages().files["live"])
