"""Two signals simply added destroy each other: why does a position survive addition where a banana does not?

The question began with the photograph of a panda and one of a banana: added, ResNet50 had neither class among its first
twelve. Here, small readers of handwritten digits are tested on sums of two digits: one that never saw sums, one trained on
sums, and one trained on sums whose second part is one of ten fixed digits, of the same weight, energy and class count. The
same measurements are taken of a digit with a fixed pattern, and of a token with a position. Where `jaxpe fetch efficientnet
photographs panda` was run, all pairs of photographs are added for a real ImageNet classifier (EfficientNet-Lite0 stands in for
ResNet50); photographs NAME_CLASS.jpg of a folder, `--photographs DIR`, join them. Three demonstrations: a fixed faint
pattern instead of the second image, a sentence shuffled as a pile of sums and sorted again (with the tables of a pretrained encoder
too, where `jaxpe fetch minilm` was run), and position rows swapped instead of words.

Prediction: the reader that never saw sums names both digits in a third of the pairs (chance 1 in 45), the one trained on sums
in 70 %, the one that knows the second part in 90 %: the sum holds both, the reader is at fault. Photographs: one of the two
comes first in 60 % of the pairs, both are among the first 12 in 40 %, neither in 15 %, so that panda and banana were an
unlucky draw. A faint pattern at weight 0.2 leaves the picture named as before and is read every time. Token and position
lie in unrelated subspaces, and are named even by a reader that never saw sums (90 %). Every pile without noise is rebuilt
at every width, and with the words and positions of a pretrained encoder (MiniLM-L6) all but one in twenty, since its position
rows are small beside its words. Moving the tag is moving the word, to 1e-5. An encoding that adds nothing leaves nothing to read.

Primary cell. C7: digits, rate of both classes being the first two, of the reader never shown sums minus that of the one
trained on sums, over paired seeds. Supported where training on sums gains less than 5 points and fewer than half the pairs
are named: then the sum itself has lost them; contradicted where it gains more. Parts: C7.fixed (trained with a known second
part minus trained on sums, above 0), C7.position (token + position, trained on sums minus never shown sums, above 0),
C7.photographs (share of pairs with neither class in the top 12, even mix, above one half), C7.watermark (weight 0.3, picture
named and the other thing read, pattern minus second image, digits, above 0), C7.pile (width 64, no noise, seeds that rebuild
every verse), C7.tag (largest difference below 1e-5). Fixed only after short pilots: 64 tokens and positions (with ten of each
neither reader generalises), the form of C7.position, and the weight 0.3 (from photographs, before any digit was marked).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jaxpe import cli, encodings
from jaxpe.analysis import photographs as photo
from jaxpe.analysis import superposition, tags
from jaxpe.analysis.superposition import SETTINGS, TOKENS, Parts, Reader, Training
from jaxpe.data import corpus, images
from jaxpe.errors import UserError
from jaxpe.figures import superposition as superposition_figures
from jaxpe.figures.superposition import SINGLE, SUMS
from jaxpe.pretrained import fetch
from jaxpe.records.statistics import Answer, Claim, Estimate, direction_verdict, paired_difference, solved_share, told
from jaxpe.study import grids, tables
from jaxpe.study.presets import Preset
from jaxpe.study.tables import TableRow
from jaxpe.study.workspace import Run, Workspace

# examples: digits tested, photographs (a tenth) and verses (a 32nd) taken at most; width: of the readers' hidden layers.
PRESETS = {
    "smoke": Preset((), seeds=1, steps=40, batch=32, examples=32, width=32),
    "quick": Preset((), seeds=6, steps=600, examples=300, width=128),
    "standard": Preset((), seeds=10, steps=3000, examples=597, width=128),
    "full": Preset((), seeds=30, steps=10_000, examples=597, width=256),
}
READERS = {SINGLE: False, SUMS: True}  # whether sums are shown in training
WEIGHTS = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)
KINDS = ("fixed pattern", "second image", "plain grey")
PATTERNS, TOP, GAIN = photo.PATTERNS, 12, 0.05
PILE_WIDTHS, NOISES, LONGEST = (16, 32, 64, 128, 256), (0.0, 0.2, 0.3, 0.5, 0.7), 64
NOISY = (
    3  # orders of the pretrained model's pile that are read with noise too; without noise there is one for each seed
)
PRETRAINED = "minilm"  # whose word and position vectors are piled up where it was fetched
NOT_RUN = "Not run: `jaxpe fetch efficientnet photographs`"
OPENING = {"contradicted": "Not by the sum alone", "supported": "Yes"}  # by the verdict of C7
Rows = Iterator[TableRow]


def row(task: str, metric: str, value: float, **more: Any) -> TableRow:
    return {"experiment": "superposition", "task": task, "metric": metric, "value": value} | more


def measure(work: Workspace, runs: list[Run], preset: Preset) -> list[TableRow]:
    """All parts, one after the other."""
    parts = {
        "photographs": measure_photographs(work, preset),
        "readers of sums": measure_readers(preset, work),
        "the shuffled pile": measure_pile(preset, work),
        "moving the tag": measure_tags(preset),
    }
    rows = []
    for name, part in parts.items():
        work.progress.note(name)
        rows += list(part)
    return rows


# ── digits, tokens and positions ────────────────────────────────────────────────────────────────────────────────────


def measure_readers(preset: Preset, work: Workspace) -> Rows:
    """Overlaps, ranks of both parts, and the watermark on digits."""
    found, seeds = images.digits(), list(range(preset.seeds))
    made = [superposition.of_digits(found.images, found.labels, seed, preset.examples) for seed in seeds]
    yield from read_sums(preset, {(name, ""): [one[name] for one in made] for name in made[0]})
    yield from read_sums(
        preset,
        {(TOKENS, name): [superposition.of_tokens(name, seed) for seed in seeds] for name in adding(preset, work)},
    )


def adding(preset: Preset, work: Workspace) -> list[str]:
    """The encodings that were asked for and add something to a token; sinusoids unless any were asked for."""
    asked = preset.encodings or ("sinusoidal",)
    found = [name for name in asked if superposition.only_adds(name)]
    if left_out := [encodings.label(name) for name in asked if name not in found]:
        work.progress.note(f"no sum of token and position: {', '.join(left_out)}")
    return found


def read_sums(preset: Preset, made: dict[tuple[str, str], list[tuple[Parts, Parts]]]) -> Rows:
    """By (parts, encoding), for every seed parts of training and of tests."""
    if not made:
        return
    readers = train_readers(preset, {names: [train for train, _ in of_seeds] for names, of_seeds in made.items()})
    for (name, encoding), of_seeds in made.items():
        for seed, (train, _) in enumerate(of_seeds):
            more: dict[str, Any] = {"parts": name, "encoding": encodings.label(encoding), "seed": seed}
            overlap = superposition.overlap_of(train)
            yield row("readers", "subspace_overlap", overlap, length_baseline=8 / superposition.WIDTH, **more)
    for ((name, encoding), reader, seed), trained in readers.items():
        test = made[name, encoding][seed][1]
        yield from rank_rows(name, encoding, reader, trained, test, seed)
        if (name, reader) == ("digit + digit", SINGLE):
            yield from watermark_rows(trained, test, seed)


def train_readers(
    preset: Preset, given: dict[tuple[str, str], list[Parts]]
) -> dict[tuple[tuple[str, str], str, int], Reader]:
    """Readers by (what they read, reader, seed), all trained in one program."""
    replicas = [(names, reader, seed) for names in given for reader in READERS for seed in range(preset.seeds)]
    parts = [one for of_seeds in given.values() for _ in READERS for one in of_seeds]
    sums = np.array([READERS[reader] for _, reader, _ in replicas])
    seeds = [seed for *_, seed in replicas]
    training = Training(preset.width, preset.steps, preset.batch, preset.learning_rate)
    classes = max(SETTINGS[name] for name, _ in given)
    trained = superposition.train(superposition.stacked(parts, seeds), sums, seeds, classes, training)
    return dict(zip(replicas, trained, strict=True))


def rank_rows(name: str, encoding: str, reader: str, trained: Reader, test: Parts, seed: int) -> Rows:
    """Both named, one of them first, and how the worse placed of the two classes is distributed."""
    found = superposition.ranks_of_pairs(trained, test)
    more: dict[str, Any] = {"parts": name, "encoding": encodings.label(encoding), "reader": reader, "seed": seed}
    more["n_examples"] = len(found)
    chance = superposition.chance_of_both(name)
    yield row("readers", "both_named", float((found.max(1) <= 2).mean()), length_baseline=chance, **more)
    yield row(
        "readers", "one_named_first", float((found.min(1) == 1).mean()), length_baseline=2 / SETTINGS[name], **more
    )
    for rank in range(2, 11):
        yield row("readers", "worse_rank_up_to", float((found.max(1) <= rank).mean()), rank=rank, **more)


def watermark_rows(reader: Reader, test: Parts, seed: int) -> Rows:
    """Digits with something added, seen by a reader that never saw sums."""
    for kind in KINDS:
        for weight in WEIGHTS:
            marked = superposition.watermark(reader, test, kind, weight, seed, PATTERNS)
            yield from marked_rows("digits", marked.right, marked.read, kind, weight, seed)


def marked_rows(task: str, right: np.ndarray, read: np.ndarray | None, kind: str, weight: float, seed: int) -> Rows:
    classes = {"digits": 10, "photographs": 1000}[task]
    more: dict[str, Any] = {"added": kind, "weight": weight, "seed": seed, "n_examples": len(right)}
    yield row(task, "picture_named", float(right.mean()), length_baseline=1 / classes, **more)
    if read is not None:
        chance = 1 / PATTERNS if kind == "fixed pattern" else 2 / classes
        yield row(task, "other_read", float(read.mean()), length_baseline=chance, **more)
        yield row(task, "both_survive", float((right & read).mean()), length_baseline=chance / classes, **more)


# ── photographs ─────────────────────────────────────────────────────────────────────────────────────────────────────


def available(folder: str) -> list[images.Photograph]:
    """The photographs that were fetched, and those of a folder, where one is given."""
    found = []
    for name in ("panda", "photographs"):
        if fetch.stored_at(name).is_file():
            found += images.from_table(fetch.stored_at(name))
    if folder:
        found = images.from_folder(Path(folder)) + found
        if len({one.label for one in found}) < 2:
            raise UserError(f"{folder} has photographs of one class only: two classes are needed, or {NOT_RUN[9:]}.")
    return found


def check(preset: Preset) -> None:
    """Refuses a folder of photographs that cannot be used, before anything is trained."""
    if preset.photographs:
        available(preset.photographs)
        fetch.fetched("efficientnet")


def measure_photographs(work: Workspace, preset: Preset) -> Rows:
    """Ranks of every photograph alone, of every pair mixed, and the watermark. Nothing where nothing was fetched."""
    if not fetch.stored_at("efficientnet").is_file():
        work.progress.note(f"no photographs: run {NOT_RUN[9:]} once for them")
        return
    found, most = available(preset.photographs), max(3, preset.examples // 10)
    if len(found) > most:
        work.progress.note(f"the first {most} of {len(found)} photographs (a tenth of `examples`)")
        found = found[:most]
    if len({one.label for one in found}) < 2:
        work.progress.note(f"no photographs of two classes: run {NOT_RUN[9:]} once for them")
        return
    classify = classifier(batch=min(24, len(found)))  # few are filled up
    for one, logits in zip(found, classify(np.stack([one.pixels for one in found])), strict=True):
        rank = photo.rank(logits, one.label)
        yield row("photographs", "rank_alone", rank, first=one.name, label_first=one.label, length_baseline=500.5)
    chosen = photo.pairs(found)
    for mix in photo.MIXES:
        ranks = photo.pair_ranks(found, chosen, mix, classify)
        for (i, j), (a, b) in zip(chosen, ranks.tolist(), strict=True):
            names = {"first": found[i].name, "second": found[j].name}
            labels = {"label_first": found[i].label, "label_second": found[j].label}
            places = {"rank_first": a, "rank_second": b, "mix": mix}
            yield row("photographs", "better_rank", min(a, b), **names, **labels, **places)
    for kind in KINDS:
        for weight in WEIGHTS:
            marked = photo.watermark(found, kind, weight, classify)
            yield from marked_rows("photographs", marked.right, marked.read, kind, weight, 0)


def classifier(batch: int) -> photo.Classifier:
    """EfficientNet-Lite0 in batches of one size: one compiled program."""
    from jaxpe.pretrained import efficientnet

    weights = efficientnet.load(fetch.fetched("efficientnet"))

    def classify(pictures: np.ndarray) -> np.ndarray:
        padded = np.concatenate([pictures, np.zeros((-len(pictures) % batch, *pictures.shape[1:]), np.float32)])
        parts = [efficientnet.logits_of(weights, part) for part in padded.reshape(-1, batch, *pictures.shape[1:])]
        return np.concatenate([np.asarray(part) for part in parts])[: len(pictures)]

    return classify


# ── words with tags ─────────────────────────────────────────────────────────────────────────────────────────────────


def measure_pile(preset: Preset, work: Workspace) -> Rows:
    """Verses rebuilt from the shuffled sums of their words and positions, by encoding, width and noise."""
    text = corpus.load(preset.corpus)
    tokens = corpus.tokenizer(text.train[::8], preset.vocabulary)
    verses = some_verses(text, tokens, preset)
    for encoding in adding(preset, work):
        for width in [width for width in PILE_WIDTHS if width <= 2 * preset.width]:
            for seed in range(preset.seeds):
                known = tags.tables_of(tokens.get_vocab_size(), LONGEST, width, seed, encoding)
                yield from pile_rows(verses, known, seed, encoding=encodings.label(encoding))
        yield from example_rows(text.train[:200], encoding)
    if fetch.stored_at(PRETRAINED).is_file():
        yield from pretrained_pile(text, preset)
    else:
        work.progress.note(f"no pile of a pretrained model: run `jaxpe fetch {PRETRAINED}` once for it")


def pretrained_pile(text: corpus.Corpus, preset: Preset) -> Rows:
    """The same with the word and position vectors of a model that people use."""
    from tokenizers import Tokenizer

    from jaxpe.pretrained import models

    model = models.open_model(PRETRAINED)
    assert model.tokens is not None and model.positions is not None and model.tokenizer is not None
    words = Tokenizer.from_str(model.tokenizer)
    words.no_padding()  # a published tokenizer may fill every text up to one length
    words.no_truncation()
    verses = some_verses(text, words, preset)
    known = tags.Tables(model.tokens, model.positions[:LONGEST])
    for seed in range(preset.seeds):
        noises = NOISES if seed < (NOISY if preset.seeds >= 10 else 1) else NOISES[:1]
        yield from pile_rows(verses, known, seed, noises, encoding=PRETRAINED)


def some_verses(text: corpus.Corpus, tokens: Any, preset: Preset) -> list[np.ndarray]:
    """Validation verses as token numbers, spread over the text: those of at most LONGEST tokens, or the heads of longer ones."""
    count = max(2, preset.examples // 32)
    some = list(text.validation[:: max(1, len(text.validation) // (4 * count))])
    ids = [np.array(one.ids) for one in tokens.encode_batch(some, add_special_tokens=False)]
    return ([one for one in ids if len(one) <= LONGEST] or [one[:LONGEST] for one in ids])[:count]


def pile_rows(
    verses: list[np.ndarray], known: tags.Tables, seed: int, noises: Sequence[float] = NOISES, **more: Any
) -> Rows:
    for noise in noises:
        found = tags.rebuilt(verses, known, noise, seed)
        right = [a == b for a, b in zip(verses, found, strict=True)]
        exact, share = float(np.mean([one.all() for one in right])), float(np.concatenate(right).mean())
        at = more | {"width": known.tokens.shape[1], "noise": noise, "seed": seed}
        yield row("pile", "verses_rebuilt", exact, length_baseline=0.0, n_examples=len(verses), **at)
        yield row("pile", "tokens_in_place", share, length_baseline=1 / LONGEST, n_examples=sum(map(len, verses)), **at)


def example_rows(verses: Sequence[str], encoding: str) -> Rows:
    """One verse to look at, word by word: as it lies in the pile, and as it is rebuilt. The table knows some verses' words."""
    words = sorted({word for verse in verses for word in verse.split()})
    ids = np.array([words.index(word) for word in verses[0].split()])
    known = tags.tables_of(len(words), LONGEST, 64, 0, encoding)
    _, order = tags.shuffled(ids, known, 0.0, 0)
    for metric, found in (("pile_text", ids[order]), ("rebuilt_text", tags.rebuilt([ids], known, 0.0, 0)[0])):
        text, more = " ".join(words[i] for i in found), {"encoding": encodings.label(encoding)}
        yield row("pile", metric, float(len(ids)), text=text, width=64, noise=0.0, seed=0, **more)


def measure_tags(preset: Preset) -> Rows:
    """Tags moved against words moved, and what moving words changes at all, for each kind of encoding or those asked for."""
    for encoding in preset.encodings or (*grids.SEVEN, "rotary", "alibi", "t5"):
        for seed in range(min(2, preset.seeds)):
            found = tags.swap(encoding, seed)
            more: dict[str, Any] = {"architecture": "encoder", "encoding": encodings.label(encoding), "seed": seed}
            yield row("tag_swap", "tags_against_words", found.tags_against_words, **more)
            yield row("tag_swap", "words_against_original", found.words_against_original, **more)


# ── figures and claims ──────────────────────────────────────────────────────────────────────────────────────────────


def figures(table: Any) -> dict[str, Any]:
    """Digits, the bridge, the watermark, the pile, the tag; photographs where they were run."""
    return superposition_figures.all_of(table)


def claims(table: Any) -> list[Claim]:
    """C7 on digits, and its parts."""
    return [
        destroyed(table),
        compared(
            table,
            "C7.fixed",
            "Knowing the second part (one of ten fixed digits) helps to name both parts of a sum (minus: any second digit).",
            {"metric": "both_named", "parts": "digit + fixed digit", "reader": SUMS},
            {"metric": "both_named", "parts": "digit + digit", "reader": SUMS},
        ),
        *[
            positioned(table, encoding, first)
            for encoding, first in named_first(table, metric="both_named", parts=TOKENS)
        ],
        neither_seen(table),
        compared(
            table,
            "C7.watermark",
            "At weight 0.3 picture and added thing are both read more often with a fixed pattern than with a second image.",
            {"task": "digits", "metric": "both_survive", "added": "fixed pattern", "weight": 0.3},
            {"task": "digits", "metric": "both_survive", "added": "second image", "weight": 0.3},
            marked_note(table),
        ),
        *[piled(table, encoding, first) for encoding, first in named_first(table, metric="verses_rebuilt")],
        tagged(table),
    ]


def named_first(table: Any, **columns: Any) -> list[tuple[str, bool]]:
    """The encodings among the selected rows; the first one carries the claim's plain name."""
    names = dict.fromkeys(tables.select(table, **columns)["encoding"])
    return [(name, i == 0) for i, name in enumerate(names)]


def positioned(table: Any, encoding: str, first: bool) -> Claim:
    where = {"metric": "both_named", "parts": TOKENS, "encoding": encoding}
    return compared(
        table,
        "C7.position" if first else f"C7.position-{encoding.lower()}",
        f"A token and its position ({encoding}) survive addition for a reader trained on sums (minus: never shown sums).",
        where | {"reader": SUMS},
        where | {"reader": SINGLE},
        "Tested on sums of a token and a position that were never trained together.",
    )


def mean_of(table: Any, **columns: Any) -> float:
    return float(tables.select(table, metric="both_named", **columns)["value"].mean())


def compared(table: Any, name: str, statement: str, first: dict, second: dict, note: str = "") -> Claim:
    """The first minus the second over paired seeds, above 0."""
    a, b = tables.paired(table, first, second)
    found = paired_difference(a, b)
    means = f"{a.mean():.3f} against {b.mean():.3f}."
    return claim(name, statement, direction_verdict(found), found, "share", f"{means} {note}".strip())


def destroyed(table: Any) -> Claim:
    """The primary cell. Little gained by training on sums means loss only where little is named at all."""
    where = {"metric": "both_named", "parts": "digit + digit"}
    never, trained = tables.paired(table, where | {"reader": SINGLE}, where | {"reader": SUMS})
    found = paired_difference(never, trained)
    verdict = direction_verdict(found, -GAIN)
    if verdict == "supported" and trained.mean() >= 0.5:
        verdict = "contradicted"
    chance = float(tables.select(table, **where)["length_baseline"].iloc[0])
    note = (
        f"Both named: {never.mean():.3f} never shown sums, {trained.mean():.3f} trained on sums, {chance:.3f} chance."
    )
    statement = "Two added signals destroy each other: training on sums does not bring both digits back (never shown minus trained)."
    return claim("C7", statement, verdict, found, "share", note)


def neither_seen(table: Any) -> Claim:
    """Photographs: is the question's outcome, neither class in the top 12, what mostly happens?"""
    statement = f"Of two photographs, evenly mixed, mostly neither class is in the top {TOP} of an ImageNet classifier."
    part = tables.select(table, metric="better_rank")
    if not len(part):
        return Claim("C7.photographs", statement, "undecided", None, None, None, 0, "share of pairs", f"{NOT_RUN}.")
    even = tables.select(part, mix="mean")
    found = photo.jackknife(even["first"], even["second"], even["value"] > TOP)
    alone = tables.select(table, metric="rank_alone")["value"]
    seen = superposition_figures.sees(alone)
    note = f"EfficientNet-Lite0 stands in for ResNet50; alone, {superposition_figures.alone_told(alone)}. "
    note += f"{len(even)} pairs share photographs: interval by jackknife, n counts photographs.{own_case(even)}"
    verdict = direction_verdict(found, 0.5) if seen else "undecided"
    return claim("C7.photographs", statement, verdict, found, "share of pairs", note)


def own_case(even: Any) -> str:
    """The panda's and the banana's ranks, where both are there."""
    labels = even[["label_first", "label_second"]].apply(sorted, axis=1).tolist()
    cases = even[[pair == [images.PANDA, images.BANANA] for pair in labels]]
    words = [
        f"{int(one.label_first)}: {int(one.rank_first)}, {int(one.label_second)}: {int(one.rank_second)}"
        for one in cases.itertuples()
    ]
    return f" Panda (388) and banana (954), one draw of these: ranks {'; '.join(words)}." if words else ""


def marked_note(table: Any) -> str:
    """The same for photographs, where they were run."""
    part = tables.select(table, task="photographs", metric="both_survive", weight=0.3).groupby("added")["value"].mean()
    if not len(part):
        return ""
    return f"Photographs: {part['fixed pattern']:.3f} against {part['second image']:.3f}."


def piled(table: Any, encoding: str, first: bool) -> Claim:
    """The share of seeds that rebuild every verse at width 64 (or the largest that was run)."""
    part = tables.select(table, metric="verses_rebuilt", noise=0.0, encoding=encoding)
    part = at_width(part)
    width = part["width"].iloc[0]
    found = solved_share(tables.by_seed(part), 1.0)
    whose = "of the pretrained MiniLM-L6" if encoding == PRETRAINED else f"({encoding})"
    statement = f"From the shuffled sums of words and positions {whose} every verse is rebuilt exactly (width {width:g}, no noise)."
    note = f"{rebuilt_share(part, encoding):.3f} of the verses, {int(part['n_examples'].iloc[0])} a seed."
    name = "C7.pile" if first and encoding != PRETRAINED else f"C7.pile-{encoding.lower()}"
    return claim(name, statement, direction_verdict(found, 0.5), found, "share of seeds", note)


def rebuilt_share(table: Any, encoding: str) -> float:
    """Share of verses rebuilt without noise, at width 64 where it was run."""
    return float(at_width(tables.select(table, metric="verses_rebuilt", noise=0.0, encoding=encoding))["value"].mean())


def at_width(part: Any) -> Any:
    return tables.select(part, width=64 if 64 in set(part["width"]) else part["width"].max())


def tagged(table: Any) -> Claim:
    """Algebra up to rounding: the largest difference over encodings and seeds. Undecided where words have no order."""
    part = tables.select(table, metric="tags_against_words")
    worst, names = float(part["value"].max()), part["encoding"].nunique()
    ordinary = float(tables.select(table, metric="words_against_original")["value"].max())
    statement = (
        "Moving the position tags of two words is moving the words: largest difference of any output below 1e-5."
    )
    note = f"{names} encodings; moving the words changes outputs by up to {ordinary:.2g}."
    verdict = "contradicted" if worst >= 1e-5 else "supported" if ordinary > 1e-3 else "undecided"
    return Claim("C7.tag", statement, verdict, worst, None, None, part["seed"].nunique(), "absolute difference", note)


def claim(name: str, statement: str, verdict: str, found: Estimate, unit: str, note: str = "") -> Claim:
    few = "Exploratory: fewer than ten seeds." if found.n < 10 else ""
    words = " ".join(part for part in (few, note) if part)
    return Claim(name, statement, verdict, found.value, found.low, found.high, found.n, unit, words, found.p)


def answers(table: Any, made: dict[str, Claim]) -> list[Answer]:
    """The founding experiment, in the words of the claims' verdicts."""
    primary, piles = made["C7"], [claim for name, claim in made.items() if name.startswith("C7.pile")]
    parts = [digits_told(table, primary), position_told(table, made), photographs_told(made["C7.photographs"])]
    parts += [mark_told(table), *[pile_told(table, claim) for claim in piles]]
    single, summed = (mean_of(table, parts="digit + digit", reader=reader) for reader in (SINGLE, SUMS))
    conditions = ["with that training"]
    conditions += [f"with noise in the sum ({limit})" for limit in [noise_limit(table, piles)] if limit]
    conditions += [f"with the weight of what is added ({best})" for best in [best_weights(table)] if best]
    short = (
        f"{OPENING.get(primary.verdict, 'Undecided')}: a reader never shown sums names both of two added digits in {single:.2f} "
        f"of the sums, one trained on sums in {summed:.2f} (difference: {told(primary)}); it turns {', '.join(conditions)}."
    )
    text = " ".join(part for part in parts if part)
    return [
        Answer(
            "Do two signals that are simply added destroy each other, as panda and banana did?", text, "bridge", short
        )
    ]


def digits_told(table: Any, primary: Claim) -> str:
    single, summed = (mean_of(table, parts="digit + digit", reader=reader) for reader in (SINGLE, SUMS))
    lost, gained = 100 * (1 - single), 100 * (summed - single)
    return (
        f"Two digits: a reader that never saw sums names both in {single:.2f} of the sums; training on sums brings back "
        f"{gained:z.0f} of the {lost:.0f} points lost ({primary.verdict}: {told(primary)})."
    )


def position_told(table: Any, made: dict[str, Claim]) -> str:
    """Token and position, of every encoding that was added."""
    words = []
    for encoding, first in named_first(table, metric="both_named", parts=TOKENS):
        one = made["C7.position" if first else f"C7.position-{encoding.lower()}"]
        single, summed = (mean_of(table, parts=TOKENS, encoding=encoding, reader=reader) for reader in (SINGLE, SUMS))
        words.append(
            f"A token and its position ({encoding}): {single:.2f} never shown sums, {summed:.2f} trained on sums "
            f"({one.verdict}: {told(one)})."
        )
    return " ".join(words)


def photographs_told(one: Claim) -> str:
    if one.effect is None:
        return ""
    interval = "" if one.low is None or one.high is None else f"{one.low:.2f} to {one.high:.2f}, "
    return (
        f"Of two photographs a real classifier has neither in its top {TOP} in {one.effect:.2f} of the pairs ({interval}n = "
        f"{one.n} photographs); that this is what mostly happens: {one.verdict}."
    )


def best_weights(table: Any) -> str:
    """The weights at which a digit and the added thing are read together most often."""
    words = []
    for kind, own in tables.select(table, task="digits", metric="both_survive").groupby("added"):
        means = own.groupby("weight")["value"].mean()
        words.append(f"{kind} {means.max():.2f} at weight {means.idxmax():g}")
    return f"both read at best: {', '.join(words)}" if words else ""


def mark_told(table: Any) -> str:
    """What a faint pattern costs a photograph, beside a second photograph."""
    part = tables.select(table, task="photographs", metric="picture_named")
    if not len(part):
        return ""
    means = part.groupby(["added", "weight"])["value"].mean()
    weights = ", ".join(
        f"{means['fixed pattern', w]:.2f} against {means['second image', w]:.2f} at weight {w:g}"
        for w in (0.05, 0.2, 0.3)
        if ("fixed pattern", w) in means.index
    )
    alone = f"{means['fixed pattern', 0.0]:.2f} alone; with a fixed pattern against a second photograph added"
    return f"Photographs named by the classifier: {alone} {weights}." if weights else ""


def pile_told(table: Any, one: Claim) -> str:
    """The pile, and what noise does to it."""
    encoding = pile_of(table, one)
    means = noise_means(table, encoding)
    shares = ", ".join(f"{share:.2f} at noise {noise:g}" for noise, share in means.items() if noise > 0)
    whose = "of a model that people use (MiniLM-L6)" if encoding == PRETRAINED else f"({encoding})"
    return (
        f"A shuffled pile of word-plus-position vectors {whose}: {means[0.0]:.0%} of the verses are put in order again without "
        f"an error ({one.verdict}, n = {one.n}); with noise, as a share of a word's size, {shares}."
    )


def pile_of(table: Any, one: Claim) -> str:
    """The encoding whose pile a claim is about."""
    names = dict.fromkeys(tables.select(table, metric="verses_rebuilt")["encoding"])
    return next((name for name in names if one.id == f"C7.pile-{name.lower()}"), next(iter(names)))


def noise_means(table: Any, encoding: str) -> Any:
    """Share of verses rebuilt by noise, at width 64 where it was run."""
    part = at_width(tables.select(table, metric="verses_rebuilt", encoding=encoding))
    return part.groupby("noise")["value"].mean()


def noise_limit(table: Any, piles: Sequence[Claim]) -> str:
    """Up to which noise nearly every verse is put in order again; nothing where not even without noise."""
    found = {name: noise_means(table, name) for name in dict.fromkeys(pile_of(table, one) for one in piles)}
    words = [f"{means.index[means >= 0.95].max():g} ({name})" for name, means in found.items() if means.max() >= 0.95]
    return (
        f"0.95 of the verses of word + position are sorted again up to, of a word's size, {', '.join(words)}"
        if words
        else ""
    )


def summary(table: Any) -> tuple[str, list[dict[str, Any]]]:
    """A row for each kind of sum: overlap, and both named by either reader."""
    rows = []
    named = tables.select(table, metric="both_named")
    for name, encoding in dict.fromkeys(zip(named["parts"], named["encoding"].fillna(""), strict=True)):
        where = {"parts": name} | ({"encoding": encoding} if encoding else {})
        overlap = float(tables.select(table, metric="subspace_overlap", **where)["value"].mean())
        chance = float(tables.select(named, **where)["length_baseline"].iloc[0])
        read = {reader: tables.shown(mean_of(table, reader=reader, **where)) for reader in READERS}
        what = f"{name} ({encoding})" if encoding else name
        rows.append(
            {"sum of": what, "overlap of subspaces": tables.shown(overlap)} | read | {"chance": f"{chance:.2g}"}
        )
    return "Both parts of a sum named, by readers never shown sums and trained on sums", rows


if __name__ == "__main__":
    cli.script(__file__)
