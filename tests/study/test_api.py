"""`jaxpe.train` and `jaxpe.load`: models from Python, as a notebook uses them."""

import doctest
import importlib.util
import re
import tomllib
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from api_runs import SMALL
from support import ROOT

import jaxpe
from jaxpe.data.examples import EOS, SPECIALS
from jaxpe.errors import UserError
from jaxpe.records.results import open_results
from jaxpe.study import api
from jaxpe.study.trained import Runs
from jaxpe.study.workspace import Workspace
from jaxpe.training.evaluate import make_forward_options

pytestmark = pytest.mark.xdist_group("api")  # which trains its runs once


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A results folder with runs of three architectures."""
    return tmp_path_factory.mktemp("api") / "results"


@pytest.fixture(scope="module")
def trained(folder):
    """Runs by architecture."""
    return {
        architecture: jaxpe.train("reverse", architecture, encoding, results=folder, **SMALL)
        for architecture, encoding in (("encoder", "learned"), ("decoder", "forgetting"), ("encoder_decoder", "rotary"))
    }


def test_every_public_name_exists_and_others_do_not():
    assert all(getattr(jaxpe, name).__module__.startswith("jaxpe.") for name in jaxpe.PLACES)
    assert set(jaxpe.PLACES) <= set(dir(jaxpe))
    with pytest.raises(AttributeError, match="has no attribute 'trian'"):
        jaxpe.trian  # noqa: B018
    assert jaxpe.__version__ == tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


def test_the_index_of_the_documentation_names_modules_that_exist():
    named = set(re.findall(r"`(jaxpe\.[a-z_.]+)`", jaxpe.__doc__))
    assert len(named) > 25 and all(importlib.util.find_spec(name) for name in named)


def test_what_is_stored_is_not_trained_again(trained, folder):
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("record.json")}
    again = jaxpe.train("reverse", "encoder", "learned", results=folder, **SMALL)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("record.json")} == before and len(before) == 6
    assert [model.id for model in again] == [model.id for model in trained["encoder"]]


@pytest.mark.parametrize("architecture", ["encoder", "decoder", "encoder_decoder"])
def test_an_answer_is_the_likeliest_by_the_logits(trained, architecture):
    """Of an encoder at its slots; of the others, the first symbol follows the prompt."""
    model = trained[architecture][0]
    out = model.forward("3 1 4 1", record=True)
    answer, best = model.generate([3, 1, 4, 1]), np.asarray(out.logits).argmax(-1) - SPECIALS
    if architecture == "encoder":
        assert answer == [max(int(one), -1) for one in best[4:]]
    else:
        last = int(model.make_prompt("3 1 4 1").length) - 1
        assert answer[:1] == ([] if best[last] + SPECIALS == EOS else [max(int(best[last]), -1)])
    assert len(out.record.attention) == 1 and len(out.record.hidden) == 2
    compiled = jax.jit(model.model)(model.make_prompt("3 1 4 1")).logits
    np.testing.assert_allclose(compiled, out.logits, atol=1e-5)


def test_histories_and_scores_are_tables(trained):
    runs = trained["decoder"]
    assert list(runs.history["step"]) == [10, 20, 30] * 2 and set(runs.history["seed"]) == {0, 1}
    scores = runs.evaluate(range(1, 8), examples=16)
    assert set(scores["test_length"]) == set(range(1, 8)) and len(scores) == 2 * 7 * 2
    assert scores["value"].between(0, 1).all() and set(scores["n_examples"]) == {16}
    with pytest.raises(UserError, match="positions"):
        trained["encoder"].evaluate([500])


def test_saved_runs_are_found_again_by_their_fields(trained, folder, tmp_path):
    trained["decoder"].save(tmp_path / "mine")
    loaded = jaxpe.load(tmp_path / "mine")
    assert repr(loaded) == repr(trained["decoder"]) == "<2 runs: reverse, decoder, forgetting; seeds 0, 1>"
    a, b = (runs[1].forward("2 0 1").logits for runs in (loaded, trained["decoder"]))
    np.testing.assert_array_equal(a, b)
    [one] = jaxpe.load(folder, encoding="rotary", seed=1)
    assert (one.seed, one.config.architecture) == (1, "encoder_decoder")
    assert len(jaxpe.load(folder)) == 6 and len(jaxpe.load(folder)[2:4].history) == 6


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda folder: jaxpe.load(folder, encoding="alibi"), "No run in .* has encoding='alibi'. It holds reverse"),
        (lambda folder: jaxpe.load(folder, seed=9), "reverse, encoder, learned, seed 0"),
        (lambda folder: jaxpe.load(folder / "no"), "There is no folder"),
        (lambda folder: jaxpe.train(steps="20", results=folder), "steps takes a whole number, not '20'"),
        (
            lambda folder: jaxpe.train(width=9, heads=2, encoding="rope", results=folder),
            "9 is not divisible by 2 heads",
        ),
        (lambda folder: jaxpe.train(seeds=0, results=folder), "at least one seed"),
        (lambda folder: jaxpe.train(encoding=jaxpe.Encoding, results=folder), "encoding is a name of"),
        (
            lambda folder: jaxpe.load(folder, architecture="encoder").evaluate(0),
            "lengths is a whole number above 0, or several of them, not 0",
        ),
        (lambda folder: jaxpe.load(folder).evaluate("6"), "lengths is a whole number above 0.*'6'"),
        (lambda folder: jaxpe.load(folder).evaluate([6.5]), "lengths is a whole number above 0"),
        (lambda folder: jaxpe.load(folder).evaluate([4], examples=0), "examples is a whole number above 0, not 0"),
        (lambda folder: jaxpe.load(folder).evaluate([4], sampler="foo"), "Unknown position sampler 'foo'"),
        (lambda folder: jaxpe.load(folder)[0].generate([1.5]), "numbers with spaces between them"),
        (lambda folder: jaxpe.train(seeds=[1, 1], results=folder), "A seed is given more than once: 1, 1"),
        (lambda folder: jaxpe.train(seeds=[0.5], results=folder), r"whole numbers, not \[0.5\]"),
        (lambda folder: jaxpe.train(seeds="01", results=folder), "whole numbers, not '01'"),
        (lambda folder: jaxpe.train(seeds=[True], results=folder), "a list of whole numbers"),
        (lambda folder: jaxpe.train(seeds=None, results=folder), "a list of whole numbers, not None"),
        (lambda folder: jaxpe.train(seeds=[-1], results=folder), "A seed lies between 0 and 2147483647, got -1"),
        (lambda folder: jaxpe.train(seeds=[2**31], results=folder), "between 0 and 2147483647"),
        (lambda folder: jaxpe.train(first_seed=5, results=folder), "first_seed has no use here: give seeds="),
        (lambda folder: jaxpe.train(learning_rates=(0.1,), results=folder), "once for each learning_rate"),
        (lambda folder: jaxpe.train(architecture=3, results=folder), "Unknown architecture 3"),
        (
            lambda folder: jaxpe.train(encoding="rotary:base=50", encoding_options={"base": 100.0}, results=folder),
            "rotary:base=50 gives base already",
        ),
        (lambda folder: jaxpe.load(folder, architecture="encoder").evaluate([3], shift=-3), "at least 0, got -3"),
        (
            lambda folder: jaxpe.load(folder, architecture="encoder").evaluate([3], shift=1.5),
            "whole number of at least 0",
        ),
        (lambda folder: jaxpe.train(task=3), "task is a name of `jaxpe list tasks`"),
        (lambda folder: jaxpe.train(task_options={"alphabet": [3]}), "task_options: alphabet takes a number"),
        (lambda folder: jaxpe.load(folder, sead=1), "Unknown field of a run 'sead'. Did you mean 'seed'"),
        (lambda folder: jaxpe.train("revers", results=folder), "Did you mean 'reverse'"),
        (lambda folder: jaxpe.train(stepps=3, results=folder), "Did you mean 'steps'"),
        (lambda folder: jaxpe.train(encoding="cope", results=folder), "for causal attention only"),
        (lambda folder: jaxpe.load(folder)[0].generate("3 one"), "numbers with spaces between them"),
        (lambda folder: jaxpe.load(folder)[0].generate("3 10"), "symbols from 0 to 9"),
        (lambda folder: jaxpe.load(folder)[0].generate(""), "one or more symbols"),
    ],
)
def test_what_does_not_exist_is_one_sentence(trained, folder, call, message):
    with pytest.raises(UserError, match=message):
        call(folder)


def test_a_folder_of_runs_of_other_code_alone_is_refused(trained, folder, monkeypatch):
    monkeypatch.setattr("jaxpe.study.workspace.compute_run_id", lambda *arguments: "other")
    with pytest.raises(UserError, match="trained by other code than there is now"):
        jaxpe.load(folder)


def test_a_prompt_has_no_padding_and_aliases_are_found(trained, folder):
    [first, _] = jaxpe.load(folder, encoding="fox")
    out = first.forward("3 1 4", record=True)
    assert out.record.attention[0].weights.shape == (2, 5, 5) and len(out.logits) == 5
    assert jaxpe.load(folder, encoding="rope")[0].config.encoding == "rotary"


@pytest.mark.slow
def test_the_examples_of_the_documentation_are_true():
    result = doctest.testmod(api)
    assert result.attempted > 8 and result.failed == 0


def test_answers_are_those_of_the_model_at_its_own_scales(folder):
    """A sweep trains models that read ten times as much position as token."""
    work = Workspace(open_results(folder))
    plain = jaxpe.load(folder, architecture="encoder")[0]
    config = replace(plain.config, encoding="sinusoidal", scales=(0.1, 1.0))
    [run] = work.list_runs(config, [0])
    work.train([run])
    swept = Runs(work, [run])[0]
    expected = swept.model(swept.make_prompt("1 0 1"), make_forward_options(config)).logits
    np.testing.assert_array_equal(swept.forward("1 0 1").logits, expected)
    assert np.abs(swept.model(swept.make_prompt("1 0 1")).logits - expected).max() > 1e-3


def test_generation_is_at_the_scales_of_the_model(folder):
    work = Workspace(open_results(folder))
    config = replace(jaxpe.load(folder, architecture="decoder")[0].config, encoding="sinusoidal", scales=(0.1, 1.0))
    [run] = work.list_runs(config, [0])
    work.train([run])
    swept = Runs(work, [run])[0]
    prompt = swept.make_prompt("1 0 1")
    likeliest = int(jnp.argmax(swept.model(prompt, make_forward_options(config)).logits[-1]))
    assert swept.generate("1 0 1")[:1] == ([] if likeliest == EOS else [max(likeliest - SPECIALS, -1)])


def test_seeds_are_any_whole_numbers(folder, trained):
    """Those of numpy too; a number stands for so many."""
    for seeds in (2, np.int64(2), [0, 1], (np.int32(0), 1), range(2), np.arange(2)):
        runs = jaxpe.train("reverse", "encoder", "learned", results=folder, **SMALL | {"seeds": seeds})
        assert [(model.seed, type(model.seed)) for model in runs] == [(0, int), (1, int)]


def test_runs_are_saved_where_they_lie(folder, trained):
    runs = jaxpe.load(folder, architecture="encoder")
    assert runs.save(folder / ".." / folder.name).resolve() == folder.resolve()
    assert [model.id for model in jaxpe.load(folder, architecture="encoder")] == [model.id for model in runs]
