"""Superposition: a tiny run with made-up photographs, and verdicts and sentences that follow the rows."""

import types
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pictures import jpeg

from jaxpe.analysis import superposition as measurements
from jaxpe.analysis import tags
from jaxpe.analysis.superposition import PRETRAINED, SINGLE, SUMS
from jaxpe.data import cache, images
from jaxpe.errors import UserError
from jaxpe.records.csv_tables import read_table, write_table
from jaxpe.study import experiment, tables
from jaxpe.study.experiment_checks import check_rows

MODULE = experiment.load_experiment("superposition").module
RANDOM = np.random.default_rng(0)


def fake_photographs(count=6):
    pixels = RANDOM.uniform(0, 255, (count, 224, 224, 3)).astype(np.float32)
    labels = [images.PANDA, images.BANANA, *range(count - 2)]
    return [images.Photograph(f"p{i}", label, pixels[i]) for i, label in enumerate(labels)]


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """A tiny run with photographs and a classifier that are made up, as it is read back from disk."""
    photos = fake_photographs()
    flat = np.stack([photo.pixels.ravel() - 127.5 for photo in photos])

    def classify(pictures):
        logits = np.full((len(pictures), 1000), -1e9, np.float32)
        logits[:, [photo.label for photo in photos]] = (pictures.reshape(len(pictures), -1) - 127.5) @ flat.T
        return logits

    folder = tmp_path_factory.mktemp("fetched")
    (folder / "efficientnet").touch()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cache, "storage_path", lambda name: folder / name)
        patch.setattr(measurements, "list_photographs", lambda folder: photos)
        patch.setattr(measurements, "build_classifier", lambda batch: classify)
        return measure_tiny(patch, folder, seeds=1, steps=2, encodings=("sinusoidal",))


def measure_tiny(patch, folder, **sizes):
    """The table of a tiny run, as it is read back from disk."""
    work = types.SimpleNamespace(reporter=types.SimpleNamespace(note=lambda text: None))
    preset = MODULE.Preset((), batch=8, examples=64, width=16, **sizes)
    patch.setattr(measurements, "PILE_WIDTHS", (32,))
    patch.setattr(measurements, "WEIGHTS", (0.0, 0.3, 0.6))
    write_table(folder / "table.csv", check_rows(MODULE.measure(work, [], preset), "superposition"))
    return read_table(folder / "table.csv")


@pytest.fixture(scope="module")
def without_encoding(tmp_path_factory):
    """What `--encodings none concatenated` gives, six seeds, where nothing was fetched."""
    folder = tmp_path_factory.mktemp("none")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cache, "storage_path", lambda name: folder / "missing")
        return measure_tiny(patch, folder, seeds=6, steps=60, encodings=("none", "concatenated"))


def test_without_an_encoding_nothing_of_position_is_supported(without_encoding):
    results = {result.id: result for result in MODULE.claims(without_encoding)}
    assert results["C7.position"].verdict != "supported" and abs(results["C7.position"].value) < 0.05
    assert results["C7.pile"].value == 0.0 and results["C7.pile"].verdict == "contradicted"
    assert "C7.position-concatenated" not in results  # it replaces a part of the token: there is no sum to read
    assert set(tables.select_rows(without_encoding, task="pile")["encoding"]) == {"none"}
    (answer,) = MODULE.answers(without_encoding, results)
    assert "0% of the verses" in answer.text and "sorted again" not in answer.short
    assert f"trained on sums ({results['C7.position'].verdict}: " in answer.text


def test_without_a_pile_none_is_drawn(without_encoding):
    bare = without_encoding[without_encoding["task"] != "pile"]
    assert "shuffled_pile" not in MODULE.figures(bare)


def test_a_pretrained_model_s_own_tables_are_piled_up(monkeypatch):
    """A made-up model with a tokenizer: tables of its own sizes, read with its own words."""
    from jaxpe.data import corpus
    from jaxpe.pretrained import models

    text = corpus.load_corpus()
    words = corpus.train_tokenizer(text.train[::50], 300)
    known = tags.build_tables(words.get_vocab_size(), 64, 48, 0)
    words.enable_padding(length=128)  # as MiniLM's own tokenizer does
    tokens, positions = known.tokens / 20, known.positions / 50
    model = models.Pretrained(
        "made up", "", "", "encoder", positions, tokens, None, 0, None, words.to_str(), Path("made-up")
    )
    monkeypatch.setattr(models, "open_model", lambda name: model)
    rows = pd.DataFrame(measurements.measure_pretrained_pile(text, MODULE.Preset((), seeds=1, examples=64)))
    exact = tables.select_rows(rows, metric="verses_rebuilt", noise=0.0)["value"]
    assert list(exact) == [1.0] and set(rows["width"]) == {48} and set(rows["encoding"]) == {PRETRAINED}


def test_every_figure_is_drawn_and_every_claim_made(table):
    assert set(MODULE.figures(table)) == {
        "digits", "bridge", "watermark", "shuffled_pile", "move_the_tag", "photographs",
    }  # fmt: skip
    results = {result.id: result for result in MODULE.claims(table)}
    assert results["C7.photographs"].verdict == "contradicted" and results["C7.photographs"].n == 6
    assert "Panda (388) and banana (954)" in results["C7.photographs"].note
    founding = [results[name] for name in ("C7.founding", "C7.founding-clipped-sum")]
    assert [(result.verdict, result.n) for result in founding] == [("contradicted", 1)] * 2
    assert "averaged" in founding[0].statement and "added and clipped" in founding[1].statement
    assert results["C7.pile"].value == 1.0 and results["C7.tag"].verdict == "supported"
    assert len(MODULE.summary(table)[1]) == 4


def test_without_photographs_the_claim_says_how_to_get_them(table):
    bare = table[table["task"] != "photographs"]
    result = next(result for result in MODULE.claims(bare) if result.id == "C7.photographs")
    assert result.verdict == "undecided" and "Not run: `jaxpe fetch efficientnet photographs`" in result.note
    assert "photographs" not in MODULE.figures(bare)


def both_named(never, trained):
    where = {"metric": "both_named", "parts": "digit + digit", "length_baseline": 1 / 45}
    values = {SINGLE: never, SUMS: trained}
    return pd.DataFrame(
        [
            where | {"reader": reader, "seed": seed, "value": value + 0.001 * seed}
            for reader, value in values.items()
            for seed in range(8)
        ]
    )


@pytest.mark.parametrize(
    ("never", "trained", "verdict"),
    [(0.5, 0.8, "contradicted"), (0.1, 0.1, "supported"), (0.9, 0.9, "contradicted"), (0.4, 0.3, "supported")],
)
def test_the_primary_verdict_follows_the_rows(never, trained, verdict):
    assert MODULE.judge_digits(both_named(never, trained)).verdict == verdict


def test_the_primary_verdict_is_lost_with_the_labels():
    rows = both_named(0.5, 0.8)
    flipped = {SINGLE: SUMS, SUMS: SINGLE}
    rows["reader"] = [flipped[r] if s % 2 else r for r, s in zip(rows["reader"], rows["seed"], strict=True)]
    assert MODULE.judge_digits(rows).verdict == "undecided"


def two_kinds(first, second, low, high):
    """Rows of eight seeds in two runs."""
    return pd.DataFrame(
        [
            where | {"seed": seed, "value": value + 0.002 * seed}
            for where, value in ((first, low), (second, high))
            for seed in range(8)
        ]
    )


def swapped(rows, first, second):
    """Every other seed has its two values exchanged."""
    other = {str(first): second, str(second): first}
    runs = [{name: row[name] for name in first} for row in rows.to_dict("records")]
    kept = rows.drop(columns=list(first))
    changed = [other[str(c)] if s % 2 else c for c, s in zip(runs, rows["seed"], strict=True)]
    return pd.concat([kept, pd.DataFrame(changed)], axis=1)


FIXED = [{"metric": "both_named", "parts": parts, "reader": SUMS} for parts in ("digit + fixed digit", "digit + digit")]


MARKED = [
    {"task": "digits", "metric": "both_survive", "added": added, "weight": 0.3}
    for added in ("fixed pattern", "second image")
]


@pytest.mark.parametrize("selections", [FIXED, MARKED], ids=["fixed", "watermark"])
def test_verdicts_on_what_is_added_follow_the_rows(selections):
    def verdict(rows):
        return MODULE.judge_with_means(MODULE.FIXED, rows, *selections).verdict

    assert verdict(two_kinds(*selections, 0.9, 0.5)) == "supported"
    assert verdict(two_kinds(*selections, 0.4, 0.5)) == "contradicted"
    assert verdict(swapped(two_kinds(*selections, 0.9, 0.5), *selections)) == "undecided"


def pairs_with_ranks(draw, alone=None):
    """All pairs of 20 photographs with the better rank that `draw` gives, and each photograph's rank alone."""
    names = [f"p{i}" for i in range(20)]
    rows = [
        {
            "metric": "better_rank",
            "weighting": "mean",
            "first": a,
            "second": b,
            "value": draw(),
            "label_first": 1,
            "label_second": 2,
        }
        for a in names
        for b in names
        if a < b
    ]
    alone = alone or [1] * 20
    rows += [{"metric": "rank_alone", "first": name, "value": rank} for name, rank in zip(names, alone, strict=True)]
    return pd.DataFrame([{"task": "photographs"} | row for row in rows])


def test_the_verdict_on_photographs_follows_the_rows():
    generator = np.random.default_rng(0)
    cases = {"contradicted": lambda: 1, "supported": lambda: generator.integers(13, 1000)}
    for verdict, draw in cases.items():
        assert MODULE.judge_photographs(pairs_with_ranks(draw)).verdict == verdict
    shuffled = MODULE.judge_photographs(
        pairs_with_ranks(lambda: generator.choice([1, 500]))
    )  # neither is seen in half of them
    assert shuffled.verdict == "undecided"


@pytest.mark.parametrize(("wrong", "verdict"), [(2, "contradicted"), (3, "undecided")])
def test_photographs_that_are_not_named_alone_decide_nothing(wrong, verdict):
    found = MODULE.judge_photographs(pairs_with_ranks(lambda: 1, [50] * wrong + [1] * (20 - wrong)))
    assert found.verdict == verdict and ("below 90 %" in found.note) == (wrong > 2)


def test_what_was_not_fetched_is_said(monkeypatch, tmp_path):
    notes = []
    work = types.SimpleNamespace(reporter=types.SimpleNamespace(note=notes.append))
    monkeypatch.setattr(cache, "storage_path", lambda name: tmp_path / name)
    assert list(measurements.measure_photographs(work, MODULE.PRESETS["smoke"], None)) == []
    (tmp_path / "efficientnet").touch()
    assert list(measurements.measure_photographs(work, MODULE.PRESETS["smoke"], None)) == []
    assert len(notes) == 2 and all("jaxpe fetch efficientnet photographs" in note for note in notes)


def test_moving_tags_decides_nothing_where_words_have_no_order(without_encoding):
    tag = MODULE.judge_tag(without_encoding[without_encoding["encoding"] == "none"])
    assert tag.verdict == "undecided"
    rows = without_encoding.copy()
    moved = rows["metric"] == "tags_against_words"
    assert MODULE.judge_tag(rows.assign(value=rows["value"].where(~moved, 0.1))).verdict == "contradicted"


def test_an_encoding_of_a_file_is_called_by_its_class(monkeypatch):
    monkeypatch.setattr(tags, "compare_swaps", lambda name, seed: tags.Swap(0.0, 1.0))
    preset = replace(MODULE.PRESETS["smoke"], encodings=("some/where/mine.py:Distance",))
    assert {row["encoding"] for row in measurements.measure_tags(preset, ())} == {"Distance"}


@pytest.mark.parametrize(
    ("never", "trained", "opening"), [(0.5, 0.8, "Not by the sum alone"), (0.1, 0.1, "Yes"), (0.5, 0.45, "Yes")]
)
def test_the_answer_opens_as_the_rows_have_it(table, never, trained, opening):
    """The table of the tiny run with other digits."""
    digits = (table["metric"] == "both_named") & (table["parts"] == "digit + digit")
    rows = pd.concat([table[~digits], both_named(never, trained)], ignore_index=True)
    results = {result.id: result for result in MODULE.claims(rows)}
    (answer,) = MODULE.answers(rows, results)
    assert answer.short.startswith(opening) and f"in {never:.2f} of the sums" in answer.short
    assert f"recovers {100 * (trained - never):.0f} of the {100 * (1 - never):.0f} points" in answer.text
    assert "n = 6 photographs" in answer.text and "a panda and a banana, averaged, neither class is" in answer.text


def test_the_answer_is_undecided_with_shuffled_labels(table):
    readers = [{"reader": SINGLE}, {"reader": SUMS}]
    digits = (table["metric"] == "both_named") & (table["parts"] == "digit + digit")
    rows = pd.concat([table[~digits], swapped(both_named(0.5, 0.8), *readers)], ignore_index=True)
    (answer,) = MODULE.answers(rows, {result.id: result for result in MODULE.claims(rows)})
    assert answer.short.startswith("Undecided")


def test_a_folder_without_the_network_or_with_one_class_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("JAXPE_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "mine"
    folder.mkdir()
    preset = replace(MODULE.PRESETS["smoke"], options=MODULE.Options(folder))
    with pytest.raises(UserError):
        MODULE.check(preset)  # nothing in it
    (folder / "panda_388.jpg").write_bytes(jpeg("white"))
    with pytest.raises(UserError, match="one class only"):
        MODULE.check(preset)
    (folder / "banana_954.jpg").write_bytes(jpeg("yellow"))
    with pytest.raises(UserError, match="jaxpe fetch efficientnet"):
        MODULE.check(preset)
