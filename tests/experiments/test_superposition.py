"""Sums of two signals: data against their source, readers of files against hostile ones, kernels against slow loops."""

import io
import os
import pickle
import sys
import types
import zipfile
import zlib
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from support import ROOT

from jaxpe.analysis import photographs as photo
from jaxpe.analysis import superposition, tags
from jaxpe.data import images
from jaxpe.errors import UserError
from jaxpe.pretrained import efficientnet, fetch, torch_pickle
from jaxpe.study import experiment, tables

MODULE = experiment.load(str(ROOT / "experiments" / "superposition.py")).module
RANDOM = np.random.default_rng(0)

# ── data ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_embedded_digits_are_scikit_learns():
    from sklearn.datasets import load_digits

    found, published = images.digits(), load_digits()
    np.testing.assert_array_equal(found.images, published.images)
    np.testing.assert_array_equal(found.labels, published.target)


def torch_modules(monkeypatch):
    """Stand-ins under PyTorch's names, so that a pickle names them as PyTorch's own would."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    torch.FloatStorage = type("FloatStorage", (), {"__module__": "torch"})
    exec("def _rebuild_tensor_v2(*parts): ...", utils.__dict__)
    utils._rebuild_tensor_v2.__module__ = "torch._utils"
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch._utils", utils)
    return torch, utils


def pickled(torch, utils, tensors):
    """A dictionary of tensors (storage key, count, offset, shape, strides) as PyTorch pickles one."""

    class Saved:
        def __init__(self, *parts):
            self.parts = parts

        def __reduce__(self):
            key, count, *view = self.parts
            return utils._rebuild_tensor_v2, (Stored(key, count), *view, False, {})

    class Stored(tuple):
        def __new__(cls, key, count):
            return super().__new__(cls, ("storage", torch.FloatStorage, key, "cpu", count))

    class Pickler(pickle.Pickler):
        def persistent_id(self, value):
            return tuple(value) if isinstance(value, Stored) else None

    file = io.BytesIO()
    Pickler(file, 2).dump({name: Saved(*parts) for name, parts in tensors.items()})
    return file.getvalue()


def archive_of(content, storages=()):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        made.writestr("tiny/data.pkl", content)
        for key, values in storages:
            made.writestr(f"tiny/data/{key}", values)
    return file.getvalue()


@pytest.mark.parametrize("older", [False, True])
def test_tensors_of_a_torch_file_in_both_layouts(monkeypatch, older):
    values = np.arange(10, dtype=np.float32)
    described = pickled(*torch_modules(monkeypatch), {"w": ("0", 10, 1, (2, 3), (1, 2)), "b": ("0", 10, 9, (), ())})
    if older:
        head = b"".join(pickle.dumps(part, 2) for part in (torch_pickle.MAGIC, 1001, {}))
        content = head + described + pickle.dumps(["0"], 2) + (10).to_bytes(8, "little") + values.tobytes()
    else:
        content = archive_of(described, [("0", values.tobytes())])
    found = torch_pickle.read(content)
    np.testing.assert_array_equal(found["w"], [[1, 3, 5], [2, 4, 6]])
    assert found["b"] == 9


class Command:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


def test_a_torch_file_that_asks_for_more_than_tensors_is_refused(monkeypatch, tmp_path):
    target = tmp_path / "made"
    for hostile in (pickle.dumps({"w": Command(target)}), b"cos\nsystem\n(S'touch " + str(target).encode() + b"'\ntR."):
        with pytest.raises(UserError, match=r"asks for (posix|nt|os)\.system"):
            torch_pickle.read(archive_of(hostile))
    assert not target.exists()
    beyond = pickled(*torch_modules(monkeypatch), {"w": ("0", 10, 8, (3,), (1,))})
    with pytest.raises(UserError, match="beyond its storage"):
        torch_pickle.read(archive_of(beyond, [("0", bytes(40))]))
    with pytest.raises(UserError, match="no file of PyTorch tensors"):
        torch_pickle.read(b"not a pickle")


def resource_file(files):
    """A tiny .rcc, version 3: one folder with files; names by their compressed contents."""
    names, data, nodes = b"", b"", []
    for name, (content, flags) in files.items():
        body = len(content).to_bytes(4, "big") + zlib.compress(content) if flags else content
        nodes.append(len(names).to_bytes(4, "big") + flags.to_bytes(2, "big") + bytes(4) + len(data).to_bytes(4, "big"))
        names += len(name).to_bytes(2, "big") + bytes(4) + name.encode("utf-16-be")
        data += len(body).to_bytes(4, "big") + body
    root = bytes(4) + (2).to_bytes(2, "big") + len(files).to_bytes(4, "big") + (1).to_bytes(4, "big")
    tree = b"".join(node + bytes(8) for node in [root, *nodes])
    offsets = (3, 24 + len(data) + len(names), 24, 24 + len(data), 0)
    return b"qres" + b"".join(n.to_bytes(4, "big") for n in offsets) + data + names + tree


def test_files_of_a_qt_resource_file():
    files = {"panda.webp": (b"picture", 0), "texts.qml": (b"words " * 20, 1)}
    assert dict(images.qt_resources(resource_file(files))) == {name: content for name, (content, _) in files.items()}
    with pytest.raises(UserError, match="no Qt resource file"):
        dict(images.qt_resources(b"PK"))


def jpeg(colour, size=(300, 400)):
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, "JPEG")
    return file.getvalue()


def test_photographs_are_fetched_into_a_table_and_read_back(tmp_path, monkeypatch):
    wheel = tmp_path / "w.whl"
    with zipfile.ZipFile(wheel, "w") as made:
        made.writestr("foolbox/data/imagenet_00_243.jpg", jpeg("red"))
        made.writestr("foolbox/data/cifar10_00_3.jpg", jpeg("blue"))
    monkeypatch.setattr(fetch, "download", lambda item, folder: wheel)
    monkeypatch.setenv("JAXPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(fetch.CATALOGUE, "photographs", fetch.CATALOGUE["photographs"]._replace(sha256=None))
    (found,) = images.from_table(fetch.fetch("photographs"))
    assert (found.name, found.label, found.pixels.shape) == ("imagenet_00_243", 243, (224, 224, 3))
    np.testing.assert_allclose(found.pixels.mean((0, 1)), [254, 0, 0], atol=2)


def test_folders_of_photographs_that_cannot_be_used(tmp_path):
    with pytest.raises(UserError, match="holds no photograph: put files named NAME_CLASS"):
        images.from_folder(tmp_path)
    with pytest.raises(UserError, match="is not a folder"):
        images.from_folder(tmp_path / "missing")
    (tmp_path / "panda_388.jpg").write_bytes(jpeg("white")[:200])
    with pytest.raises(UserError, match=r"panda_388\.jpg is not a picture"):
        images.from_folder(tmp_path)
    (tmp_path / "panda_388.jpg").rename(tmp_path / "panda.jpg")
    with pytest.raises(UserError, match="does not say its class"):
        images.from_folder(tmp_path)


# ── EfficientNet ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("kernel", "stride"), [(3, 1), (3, 2), (5, 2)])
def test_a_filter_with_batch_norm_folded_in_is_the_slow_loop(kernel, stride):
    x = RANDOM.normal(size=(8, 7, 3))
    weight = RANDOM.normal(size=(3, 1, kernel, kernel))
    norm = {name: RANDOM.uniform(0.5, 2, 3) for name in ("weight", "bias", "running_mean", "running_var")}
    folded, bias = efficientnet.folded(weight, norm)
    found = efficientnet.filtered(jnp.asarray(x), jnp.asarray(folded.transpose(2, 3, 1, 0)[:, :, 0]), stride) + bias
    sizes = [-(-n // stride) for n in x.shape[:2]]
    before = [max((m - 1) * stride + kernel - n, 0) // 2 for m, n in zip(sizes, x.shape[:2], strict=True)]
    expected = np.zeros((*sizes, 3))
    for h, w, c, i, j in np.ndindex(*sizes, 3, kernel, kernel):
        at = h * stride + i - before[0], w * stride + j - before[1]
        if 0 <= at[0] < x.shape[0] and 0 <= at[1] < x.shape[1]:
            expected[h, w, c] += x[(*at, c)] * weight[c, 0, i, j]
    scaled = (expected - norm["running_mean"]) / np.sqrt(norm["running_var"] + 1e-3)
    np.testing.assert_allclose(found, scaled * norm["weight"] + norm["bias"], atol=1e-5)


def torch_shapes():
    """The published file's tensors, as zeros."""
    shapes = {"_conv_stem": (32, 3, 3, 3), "_bn0": 32, "_conv_head": (1280, 320, 1, 1), "_bn1": 1280}
    for block in efficientnet.blocks():
        inside = f"_{block.name}."
        if block.expanded != block.inputs:
            shapes |= {f"{inside}_expand_conv": (block.expanded, block.inputs, 1, 1), f"{inside}_bn0": block.expanded}
        shapes |= {f"{inside}_depthwise_conv": (block.expanded, 1, block.kernel, block.kernel)}
        shapes |= {f"{inside}_project_conv": (block.outputs, block.expanded, 1, 1)}
        shapes |= {f"{inside}_bn1": block.expanded, f"{inside}_bn2": block.outputs}
    tensors = {"_fc.weight": np.zeros((1000, 1280)), "_fc.bias": np.arange(1000.0)}
    for name, shape in shapes.items():
        kinds = ("weight",) if isinstance(shape, tuple) else ("weight", "bias", "running_mean", "running_var")
        tensors |= {f"{name}.{kind}": np.zeros(shape) for kind in kinds}
    return tensors


def test_efficientnet_has_its_published_size_and_lowers_for_accelerators():
    weights = efficientnet.from_torch(torch_shapes())
    assert sum(array.size for array in weights.values()) == pytest.approx(4.65e6, rel=0.01)
    image = jax.ShapeDtypeStruct((224, 224, 3), jnp.float32)
    shapes = {name: jax.ShapeDtypeStruct(array.shape, array.dtype) for name, array in weights.items()}
    exported = jax.export.export(jax.jit(efficientnet.forward), platforms=["tpu", "cuda", "cpu"])(shapes, image)
    assert exported.out_avals[0].shape == (1000,)


# ── readers, piles, tags ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_reader_that_says_nothing_names_nothing():
    np.testing.assert_array_equal(superposition.ranks(np.zeros((1, 5)), np.array([[0, 3]])), [[5, 5]])
    found = superposition.ranks(np.array([[0.1, 3.0, 2.0]]), np.array([[2, 1]]))
    np.testing.assert_array_equal(found, [[2, 1]])


def test_pairs_are_of_different_classes_and_counted_once():
    labels = np.array([0, 1, 1, 2])
    found = superposition.pairs_of(labels, labels)
    assert sorted(map(tuple, found.tolist())) == [(0, 1), (0, 2), (0, 3), (1, 3), (2, 3)]
    assert len(superposition.pairs_of(labels, labels.copy())) == 10  # two kinds of rows: both orders differ


def test_subspaces_overlap_wholly_or_as_chance_has_it():
    a, b = RANDOM.normal(size=(500, 8)) @ RANDOM.normal(size=(8, 64)), RANDOM.normal(size=(2000, 64))
    assert superposition.subspace_overlap(a, a[::-1] + 5) == pytest.approx(1)
    chance = [superposition.subspace_overlap(a, RANDOM.normal(size=(200, 64))) for _ in range(20)]
    assert np.mean(chance) == pytest.approx(8 / 64, abs=0.02)
    assert superposition.subspace_overlap(b[:, :], b) == pytest.approx(1)


def trained(replicas, seeds, sums):
    training = superposition.Training(hidden=32, steps=150, batch=32, rate=5e-3)
    return superposition.train(superposition.stacked(replicas, seeds), np.array(sums), seeds, 10, training)


def test_readers_name_digits_by_their_labels_and_each_lane_is_its_own():
    found = images.digits()
    shuffled = np.random.default_rng(1).permutation(found.labels)
    train, test = superposition.of_digits(found.images, found.labels, 0, 60)["digit + digit"]
    wrong, _ = superposition.of_digits(found.images, shuffled, 0, 60)["digit + digit"]
    readers = trained([train, train, wrong], [0, 0, 0], [False, True, True])
    both = [np.mean(superposition.ranks_of_pairs(one, test).max(1) <= 2) for one in readers]
    assert both[1] > both[0] + 0.05 > 0.2 and both[2] < 0.1
    alone = trained([train, train, train], [0, 0, 1], [False, True, True])
    for a, b in zip(jax.tree.leaves(readers[1]), jax.tree.leaves(alone[1]), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_verses_are_rebuilt_from_the_pile_unless_two_sums_coincide():
    verses = [RANDOM.integers(0, 100, n) for n in (1, 7, 20)]
    known = tags.tables_of(100, 20, 64, 0)
    for verse, found in zip(verses, tags.rebuilt(verses, known, 0.0, 0), strict=True):
        np.testing.assert_array_equal(verse, found)
    noisy = tags.rebuilt(verses, known, 3.0, 0)
    assert any((verse != found).any() for verse, found in zip(verses, noisy, strict=True))
    tokens, positions = np.round(4 * known.tokens), np.round(4 * known.positions)  # exact sums
    tokens[1] = tokens[0] + positions[0] - positions[1]  # e[0] + p[0] = e[1] + p[1]
    (found,) = tags.rebuilt([np.array([0, 1])], tags.Tables(tokens, positions), 0.0, 0)
    assert found.tolist() != [0, 1]


@pytest.mark.parametrize("encoding", ["sinusoidal", "learned"])
def test_moving_the_tag_is_moving_the_word(encoding):
    found = tags.swap(encoding, 0)
    assert found.tags_against_words < 1e-5 < 0.1 < found.words_against_original


def test_without_an_encoding_moving_words_changes_nothing():
    assert tags.swap("none", 0).words_against_original < 1e-5


def test_a_pattern_is_read_by_correlation():
    codes = superposition.patterns(64, 4096, 0)
    pictures = RANDOM.uniform(0, 255, (64, 4096))
    np.testing.assert_array_equal(superposition.nearest_pattern(0.8 * pictures + 20 * codes, codes), np.arange(64))


def test_the_jackknife_counts_photographs():
    names = [f"p{i}" for i in range(12)]
    first, second = zip(*[(a, b) for a in names for b in names if a < b], strict=True)
    hits = [a == "p0" for a in first]  # all of it comes from one photograph
    found = photo.jackknife(first, second, hits)
    assert found.n == 12 and found.value == pytest.approx(11 / 66) and found.low == 0.0 and found.high > 0.4


# ── the experiment ──────────────────────────────────────────────────────────────────────────────────────────────────


def fake_photographs(count=6):
    pixels = RANDOM.uniform(0, 255, (count, 224, 224, 3)).astype(np.float32)
    labels = [images.PANDA, images.BANANA, *range(count - 2)]
    return [images.Photograph(f"p{i}", label, pixels[i]) for i, label in enumerate(labels)]


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """A tiny run with photographs and a classifier that are made up, as it is read back from disk."""
    found = fake_photographs()
    flat = np.stack([one.pixels.ravel() - 127.5 for one in found])

    def classify(pictures):
        logits = np.full((len(pictures), 1000), -1e9, np.float32)
        logits[:, [one.label for one in found]] = (pictures.reshape(len(pictures), -1) - 127.5) @ flat.T
        return logits

    folder = tmp_path_factory.mktemp("fetched")
    (folder / "efficientnet").touch()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MODULE.fetch, "stored_at", lambda name: folder / name)
        patch.setattr(MODULE, "available", lambda folder: found)
        patch.setattr(MODULE, "classifier", lambda batch: classify)
        return measured(patch, folder, seeds=1, steps=2, encodings=("sinusoidal",))


def measured(patch, folder, **sizes):
    """The table of a tiny run, as it is read back from disk."""
    work = types.SimpleNamespace(progress=types.SimpleNamespace(note=lambda text: None))
    preset = MODULE.Preset((), batch=8, examples=64, width=16, **sizes)
    patch.setattr(MODULE, "PILE_WIDTHS", (32,))
    patch.setattr(MODULE, "WEIGHTS", (0.0, 0.3, 0.6))
    experiment.store.write_table(folder / "table.csv", MODULE.measure(work, [], preset))
    return experiment.store.read_table(folder / "table.csv")


@pytest.fixture(scope="module")
def without_encoding(tmp_path_factory):
    """What `--encodings none concatenated` gives, six seeds, where nothing was fetched."""
    folder = tmp_path_factory.mktemp("none")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MODULE.fetch, "stored_at", lambda name: folder / "missing")
        return measured(patch, folder, seeds=6, steps=60, encodings=("none", "concatenated"))


def test_without_an_encoding_nothing_of_position_is_supported(without_encoding):
    made = {claim.id: claim for claim in MODULE.claims(without_encoding)}
    assert made["C7.position"].verdict != "supported" and abs(made["C7.position"].effect) < 0.05
    assert made["C7.pile"].effect == 0.0 and made["C7.pile"].verdict == "contradicted"
    assert "C7.position-concatenated" not in made  # it replaces a part of the token: there is no sum to read
    assert set(tables.select(without_encoding, task="pile")["encoding"]) == {"none"}
    (answer,) = MODULE.answers(without_encoding, made)
    assert "0% of the verses" in answer.text and "sorted again" not in answer.short
    assert f"trained on sums ({made['C7.position'].verdict}: " in answer.text


def test_without_a_pile_none_is_drawn(without_encoding):
    bare = without_encoding[without_encoding["task"] != "pile"]
    assert "shuffled_pile" not in MODULE.figures(bare)


def test_a_pretrained_model_s_own_tables_are_piled_up(monkeypatch):
    """A made-up model with a tokenizer: tables of its own sizes, read with its own words."""
    from jaxpe.data import corpus
    from jaxpe.pretrained import models

    text = corpus.load()
    words = corpus.tokenizer(text.train[::50], 300)
    known = tags.tables_of(words.get_vocab_size(), 64, 48, 0)
    words.enable_padding(length=128)  # as MiniLM's own tokenizer does
    model = types.SimpleNamespace(tokens=known.tokens / 20, positions=known.positions / 50, tokenizer=words.to_str())
    monkeypatch.setattr(models, "open_model", lambda name: model)
    rows = pd.DataFrame(MODULE.pretrained_pile(text, MODULE.Preset((), seeds=1, examples=64)))
    exact = tables.select(rows, metric="verses_rebuilt", noise=0.0)["value"]
    assert list(exact) == [1.0] and set(rows["width"]) == {48} and set(rows["encoding"]) == {MODULE.PRETRAINED}


def test_every_figure_is_drawn_and_every_claim_made(table):
    assert set(MODULE.figures(table)) == {
        "digits", "bridge", "watermark", "shuffled_pile", "move_the_tag", "photographs",
    }  # fmt: skip
    made = {claim.id: claim for claim in MODULE.claims(table)}
    assert made["C7.photographs"].verdict == "contradicted" and made["C7.photographs"].n == 6
    assert "Panda (388) and banana (954)" in made["C7.photographs"].note
    assert made["C7.pile"].effect == 1.0 and made["C7.tag"].verdict == "supported"
    assert len(MODULE.summary(table)[1]) == 4


def test_without_photographs_the_claim_says_how_to_get_them(table):
    bare = table[table["task"] != "photographs"]
    claim = next(claim for claim in MODULE.claims(bare) if claim.id == "C7.photographs")
    assert claim.verdict == "undecided" and "Not run: `jaxpe fetch efficientnet photographs`" in claim.note
    assert "photographs" not in MODULE.figures(bare)


def both_named(never, trained):
    where = {"metric": "both_named", "parts": "digit + digit", "length_baseline": 1 / 45}
    values = {MODULE.SINGLE: never, MODULE.SUMS: trained}
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
    assert MODULE.destroyed(both_named(never, trained)).verdict == verdict


def test_the_primary_verdict_is_lost_with_the_labels():
    rows = both_named(0.5, 0.8)
    flipped = {MODULE.SINGLE: MODULE.SUMS, MODULE.SUMS: MODULE.SINGLE}
    rows["reader"] = [flipped[r] if s % 2 else r for r, s in zip(rows["reader"], rows["seed"], strict=True)]
    assert MODULE.destroyed(rows).verdict == "undecided"


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


FIXED = [
    {"metric": "both_named", "parts": parts, "reader": MODULE.SUMS}
    for parts in ("digit + fixed digit", "digit + digit")
]
MARKED = [
    {"task": "digits", "metric": "both_survive", "added": added, "weight": 0.3}
    for added in ("fixed pattern", "second image")
]


@pytest.mark.parametrize("runs", [FIXED, MARKED], ids=["fixed", "watermark"])
def test_verdicts_on_what_is_added_follow_the_rows(runs):
    def verdict(rows):
        return MODULE.compared(rows, "C7.x", "", *runs).verdict

    assert verdict(two_kinds(*runs, 0.9, 0.5)) == "supported"
    assert verdict(two_kinds(*runs, 0.4, 0.5)) == "contradicted"
    assert verdict(swapped(two_kinds(*runs, 0.9, 0.5), *runs)) == "undecided"


def pairs_with_ranks(draw, alone=None):
    """All pairs of 20 photographs with the better rank that `draw` gives, and each photograph's rank alone."""
    names = [f"p{i}" for i in range(20)]
    rows = [
        {
            "metric": "better_rank",
            "mix": "mean",
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
        assert MODULE.neither_seen(pairs_with_ranks(draw)).verdict == verdict
    shuffled = MODULE.neither_seen(
        pairs_with_ranks(lambda: generator.choice([1, 500]))
    )  # neither is seen in half of them
    assert shuffled.verdict == "undecided"


@pytest.mark.parametrize(("wrong", "verdict"), [(2, "contradicted"), (3, "undecided")])
def test_photographs_that_are_not_named_alone_decide_nothing(wrong, verdict):
    found = MODULE.neither_seen(pairs_with_ranks(lambda: 1, [50] * wrong + [1] * (20 - wrong)))
    assert found.verdict == verdict and ("fewer than 18 in 20" in found.note) == (wrong > 2)


def test_what_was_not_fetched_is_said(monkeypatch, tmp_path):
    notes = []
    work = types.SimpleNamespace(progress=types.SimpleNamespace(note=notes.append))
    monkeypatch.setattr(MODULE.fetch, "stored_at", lambda name: tmp_path / name)
    assert list(MODULE.measure_photographs(work, MODULE.PRESETS["smoke"])) == []
    (tmp_path / "efficientnet").touch()
    assert list(MODULE.measure_photographs(work, MODULE.PRESETS["smoke"])) == []
    assert len(notes) == 2 and all("jaxpe fetch efficientnet photographs" in note for note in notes)


def test_moving_tags_decides_nothing_where_words_have_no_order(without_encoding):
    tag = MODULE.tagged(without_encoding[without_encoding["encoding"] == "none"])
    assert tag.verdict == "undecided"
    rows = without_encoding.copy()
    moved = rows["metric"] == "tags_against_words"
    assert MODULE.tagged(rows.assign(value=rows["value"].where(~moved, 0.1))).verdict == "contradicted"


def test_an_encoding_of_a_file_is_called_by_its_class(monkeypatch):
    monkeypatch.setattr(MODULE.tags, "swap", lambda name, seed: tags.Swap(0.0, 1.0))
    preset = replace(MODULE.PRESETS["smoke"], encodings=("some/where/mine.py:Distance",))
    assert {row["encoding"] for row in MODULE.measure_tags(preset)} == {"Distance"}


@pytest.mark.parametrize(
    ("never", "trained", "opening"), [(0.5, 0.8, "Not by the sum alone"), (0.1, 0.1, "Yes"), (0.5, 0.45, "Yes")]
)
def test_the_answer_opens_as_the_rows_have_it(table, never, trained, opening):
    """The table of the tiny run with other digits."""
    digits = (table["metric"] == "both_named") & (table["parts"] == "digit + digit")
    rows = pd.concat([table[~digits], both_named(never, trained)], ignore_index=True)
    made = {claim.id: claim for claim in MODULE.claims(rows)}
    (answer,) = MODULE.answers(rows, made)
    assert answer.short.startswith(opening) and f"in {never:.2f} of the sums" in answer.short
    assert f"brings back {100 * (trained - never):.0f} of the {100 * (1 - never):.0f} points" in answer.text
    assert "n = 6 photographs" in answer.text


def test_the_answer_is_undecided_with_shuffled_labels(table):
    runs = [{"reader": MODULE.SINGLE}, {"reader": MODULE.SUMS}]
    digits = (table["metric"] == "both_named") & (table["parts"] == "digit + digit")
    rows = pd.concat([table[~digits], swapped(both_named(0.5, 0.8), *runs)], ignore_index=True)
    (answer,) = MODULE.answers(rows, {claim.id: claim for claim in MODULE.claims(rows)})
    assert answer.short.startswith("Undecided")


def test_a_folder_without_the_network_or_with_one_class_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("JAXPE_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "mine"
    folder.mkdir()
    preset = replace(MODULE.PRESETS["smoke"], photographs=str(folder))
    with pytest.raises(UserError):
        MODULE.check(preset)  # nothing in it
    (folder / "panda_388.jpg").write_bytes(jpeg("white"))
    with pytest.raises(UserError, match="one class only"):
        MODULE.check(preset)
    (folder / "banana_954.jpg").write_bytes(jpeg("yellow"))
    with pytest.raises(UserError, match="jaxpe fetch efficientnet"):
        MODULE.check(preset)
