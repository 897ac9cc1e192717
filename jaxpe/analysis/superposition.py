"""The measurements of the experiment `superposition`, as table rows: readers of sums, photographs, the pile, the tags."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from jaxpe import encodings
from jaxpe.analysis import photographs, sum_readers, sums, tags
from jaxpe.analysis.sum_readers import Reader, ReaderTraining
from jaxpe.analysis.sums import TOKENS, Parts, Tables
from jaxpe.data import cache, corpus, images
from jaxpe.errors import UserError
from jaxpe.study.presets import Preset
from jaxpe.study.tables import TableRow
from jaxpe.study.workspace import Workspace

if TYPE_CHECKING:
    from tokenizers import Tokenizer

SINGLE, SUMS = "never shown sums", "trained on sums"
READERS = {SINGLE: False, SUMS: True}  # whether sums are shown in training
WEIGHTS = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)  # of what is added to a picture
KINDS = ("fixed pattern", "second image", "plain grey")
PILE_WIDTHS, NOISES, LONGEST = (16, 32, 64, 128, 256), (0.0, 0.2, 0.3, 0.5, 0.7), 64
NOISY_SEEDS = 3  # orders of the pretrained model's pile that are read with noise too
PRETRAINED = "minilm"  # the model whose word and position vectors are piled up, if it was fetched
FETCH = "`jaxpe fetch efficientnet photographs`"
Rows = Iterator[TableRow]


def make_row(task: str, metric: str, value: float, **columns: object) -> TableRow:
    return {"experiment": "superposition", "task": task, "metric": metric, "value": value} | columns


# ── digits, tokens and positions ────────────────────────────────────────────────────────────────────────────────────


def measure_readers(preset: Preset, work: Workspace) -> Rows:
    """Subspace overlaps, ranks of both parts, and the watermark on digits."""
    digits, seeds = images.load_digits(), list(range(preset.seeds))
    parts = [sums.build_digit_parts(digits.images, digits.labels, seed, preset.examples) for seed in seeds]
    yield from read_sums(preset, {(name, ""): [by_name[name] for by_name in parts] for name in parts[0]})
    tokens = {
        (TOKENS, encoding): [sums.build_token_parts(encoding, seed) for seed in seeds]
        for encoding in select_additive(preset, work)
    }
    yield from read_sums(preset, tokens)


def select_additive(preset: Preset, work: Workspace) -> list[str]:
    """The requested encodings that add something to a token; sinusoids unless some were requested."""
    requested = preset.encodings or ("sinusoidal",)
    additive = [name for name in requested if sums.is_additive(name)]
    if left_out := [encodings.label_encoding(name) for name in requested if name not in additive]:
        work.reporter.note(f"no sum of token and position: {', '.join(left_out)}")
    return additive


def read_sums(preset: Preset, parts: dict[tuple[str, str], list[tuple[Parts, Parts]]]) -> Rows:
    """Rows of every kind of sum. `parts`: by (kind of sum, encoding), for every seed those of training and testing."""
    if not parts:
        return
    readers = train_all_readers(preset, {kind: [train for train, _ in pairs] for kind, pairs in parts.items()})
    for (name, encoding), pairs in parts.items():
        for seed, (train, _) in enumerate(pairs):
            columns = {"parts": name, "encoding": encodings.label_encoding(encoding), "seed": seed}
            overlap = sums.measure_overlap(train)
            yield make_row("readers", "subspace_overlap", overlap, length_baseline=8 / sums.WIDTH, **columns)
    for ((name, encoding), kind, seed), reader in readers.items():
        test = parts[name, encoding][seed][1]
        yield from measure_ranks(name, encoding, kind, reader, test, seed)
        if (name, kind) == ("digit + digit", SINGLE):
            yield from watermark_digits(reader, test, seed)


def train_all_readers(
    preset: Preset, parts: dict[tuple[str, str], list[Parts]]
) -> dict[tuple[tuple[str, str], str, int], Reader]:
    """Readers by (what they read, kind of reader, seed), all trained in one program."""
    replicas = [(names, kind, seed) for names in parts for kind in READERS for seed in range(preset.seeds)]
    data = [of_seed for by_seed in parts.values() for _ in READERS for of_seed in by_seed]
    shown = np.array([READERS[kind] for _, kind, _ in replicas])
    seeds = [seed for *_, seed in replicas]
    training = ReaderTraining(preset.width, preset.steps, preset.batch, preset.learning_rate)
    classes = max(sums.CLASSES[name] for name, _ in parts)
    readers = sum_readers.train_readers(sum_readers.stack_parts(data, seeds), shown, seeds, classes, training)
    return dict(zip(replicas, readers, strict=True))


def measure_ranks(name: str, encoding: str, kind: str, reader: Reader, test: Parts, seed: int) -> Rows:
    """Shares of sums with both parts named, with one of them first, and with the worse rank up to 2 … 10."""
    ranks = sum_readers.rank_pairs(reader, test)
    worse = ranks.max(1)
    columns = {"parts": name, "encoding": encodings.label_encoding(encoding), "reader": kind, "seed": seed}
    columns["n_examples"] = len(ranks)
    chance, one_chance = sum_readers.compute_chance(name), 2 / sums.CLASSES[name]
    yield make_row("readers", "both_named", float((worse <= 2).mean()), length_baseline=chance, **columns)
    first = float((ranks.min(1) == 1).mean())
    yield make_row("readers", "one_named_first", first, length_baseline=one_chance, **columns)
    for rank in range(2, 11):
        yield make_row("readers", "worse_rank_up_to", float((worse <= rank).mean()), rank=rank, **columns)


def watermark_digits(reader: Reader, test: Parts, seed: int) -> Rows:
    """Digits with something added, seen by a reader that never saw sums."""
    for kind in KINDS:
        for weight in WEIGHTS:
            outcome = sum_readers.apply_watermark(reader, test, kind, weight, seed, photographs.PATTERNS)
            yield from make_watermark_rows("digits", outcome, kind, weight, seed)


def make_watermark_rows(task: str, outcome: sum_readers.WatermarkOutcome, kind: str, weight: float, seed: int) -> Rows:
    classes = {"digits": 10, "photographs": 1000}[task]
    columns = {"added": kind, "weight": weight, "seed": seed, "n_examples": len(outcome.named)}
    yield make_row(task, "picture_named", float(outcome.named.mean()), length_baseline=1 / classes, **columns)
    if outcome.read is not None:
        chance = 1 / photographs.PATTERNS if kind == "fixed pattern" else 2 / classes
        yield make_row(task, "other_read", float(outcome.read.mean()), length_baseline=chance, **columns)
        both = float((outcome.named & outcome.read).mean())
        yield make_row(task, "both_survive", both, length_baseline=chance / classes, **columns)


# ── photographs ─────────────────────────────────────────────────────────────────────────────────────────────────────


def list_photographs(folder: Path | None) -> list[images.Photograph]:
    """The fetched photographs, after those of a folder if one is given. Raises UserError for a folder of one class."""
    photos = []
    for name in ("panda", "banana", "photographs"):
        if cache.is_fetched(name):
            photos += images.read_photograph_table(cache.fetched_path(name))
    if folder is not None:
        photos = images.read_photograph_folder(folder) + photos
        if len({photo.label for photo in photos}) < 2:
            raise UserError(f"{folder} has photographs of one class only. Add a second class, or run {FETCH}.")
    return photos


def measure_photographs(work: Workspace, preset: Preset, folder: Path | None) -> Rows:
    """Ranks of every photograph alone and of every pair summed, and the watermark. No rows if nothing was fetched."""
    if not cache.is_fetched("efficientnet"):
        work.reporter.note(f"no photographs: run {FETCH} once to include them")
        return
    photos, most = list_photographs(folder), max(3, preset.examples // 10)
    if len(photos) > most:
        work.reporter.note(f"the first {most} of {len(photos)} photographs (a tenth of `examples`)")
        photos = photos[:most]
    if len({photo.label for photo in photos}) < 2:
        work.reporter.note(f"no photographs of two classes: run {FETCH} once to include them")
        return
    classify = build_classifier(batch=min(24, len(photos)))  # smaller batches are padded
    yield from measure_photograph_ranks(photos, classify)
    for kind in KINDS:
        for weight in WEIGHTS:
            outcome = photographs.watermark_photographs(photos, kind, weight, classify)
            yield from make_watermark_rows("photographs", outcome, kind, weight, 0)


def measure_photograph_ranks(photos: list[images.Photograph], classify: photographs.Classifier) -> Rows:
    logits = classify(np.stack([photo.pixels for photo in photos]))
    alone = sum_readers.rank_classes(logits, np.array([[photo.label] for photo in photos]))
    for photo, rank in zip(photos, alone[:, 0].tolist(), strict=True):
        columns = {"first": photo.name, "label_first": photo.label, "length_baseline": 500.5}
        yield make_row("photographs", "rank_alone", rank, **columns)
    pairs = photographs.list_photograph_pairs(photos)
    for weighting in photographs.WEIGHTINGS:
        ranks = photographs.rank_photograph_pairs(photos, pairs, weighting, classify)
        for (i, j), (a, b) in zip(pairs, ranks.tolist(), strict=True):
            names = {"first": photos[i].name, "second": photos[j].name}
            labels = {"label_first": photos[i].label, "label_second": photos[j].label}
            places = {"rank_first": a, "rank_second": b, "weighting": weighting}
            yield make_row("photographs", "better_rank", min(a, b), **names, **labels, **places)


def build_classifier(batch: int) -> photographs.Classifier:
    """EfficientNet-Lite0 on batches of one size: one compiled program."""
    from jaxpe.pretrained import efficientnet

    weights = efficientnet.load_weights(cache.fetched_path("efficientnet"))

    def classify(pictures: np.ndarray) -> np.ndarray:
        padded = np.concatenate([pictures, np.zeros((-len(pictures) % batch, *pictures.shape[1:]), np.float32)])
        parts = [efficientnet.forward_images(weights, part) for part in padded.reshape(-1, batch, *pictures.shape[1:])]
        return np.concatenate([np.asarray(part) for part in parts])[: len(pictures)]

    return classify


# ── words with tags ─────────────────────────────────────────────────────────────────────────────────────────────────


def measure_pile(preset: Preset, work: Workspace) -> Rows:
    """Verses rebuilt from the shuffled sums of their words and positions, by encoding, width and noise."""
    text = corpus.load_corpus(preset.corpus, preset.text_column)
    tokenizer = corpus.train_tokenizer(text.train[::8], preset.vocabulary, preset.tokenizer)
    verses = sample_verses(text, tokenizer, preset)
    for encoding in select_additive(preset, work):
        for width in [width for width in PILE_WIDTHS if width <= 2 * preset.width]:
            for seed in range(preset.seeds):
                tables = tags.build_tables(tokenizer.get_vocab_size(), LONGEST, width, seed, encoding)
                yield from rebuild_verses(verses, tables, seed, encodings.label_encoding(encoding))
        yield from show_example(text.train[:200], encoding)
    if cache.is_fetched(PRETRAINED):
        yield from measure_pretrained_pile(text, preset)
    else:
        work.reporter.note(f"no pile of a pretrained model: run `jaxpe fetch {PRETRAINED}` once to include it")


def measure_pretrained_pile(text: corpus.Corpus, preset: Preset) -> Rows:
    """The same with the word and position vectors of a published model."""
    from jaxpe.pretrained import minilm, models

    model = models.open_model(PRETRAINED)
    assert model.tokens is not None and model.positions is not None
    verses = sample_verses(text, minilm.load_tokenizer(model), preset)
    tables = Tables(model.tokens, model.positions[:LONGEST])
    for seed in range(preset.seeds):
        noises = NOISES if seed < (NOISY_SEEDS if preset.seeds >= 10 else 1) else NOISES[:1]
        yield from rebuild_verses(verses, tables, seed, PRETRAINED, noises)


def sample_verses(text: corpus.Corpus, tokenizer: Tokenizer, preset: Preset) -> list[np.ndarray]:
    """Validation verses as token ids, spread over the text: those of at most LONGEST tokens, or the heads of longer ones."""
    count = max(2, preset.examples // 32)
    sampled = list(text.validation[:: max(1, len(text.validation) // (4 * count))])
    ids = [np.array(encoded.ids) for encoded in tokenizer.encode_batch(sampled, add_special_tokens=False)]
    return ([verse for verse in ids if len(verse) <= LONGEST] or [verse[:LONGEST] for verse in ids])[:count]


def rebuild_verses(
    verses: list[np.ndarray], tables: Tables, seed: int, encoding: str, noises: Sequence[float] = NOISES
) -> Rows:
    for noise in noises:
        rebuilt = tags.rebuild_sentences(verses, tables, noise, seed)
        right = [a == b for a, b in zip(verses, rebuilt, strict=True)]
        exact, share = float(np.mean([verse.all() for verse in right])), float(np.concatenate(right).mean())
        columns = {"encoding": encoding, "width": tables.tokens.shape[1], "noise": noise, "seed": seed}
        yield make_row("pile", "verses_rebuilt", exact, length_baseline=0.0, n_examples=len(verses), **columns)
        count = sum(map(len, verses))
        yield make_row("pile", "tokens_in_place", share, length_baseline=1 / LONGEST, n_examples=count, **columns)


def show_example(verses: Sequence[str], encoding: str) -> Rows:
    """One verse as it lies in the pile and as it is rebuilt, word by word. The tables hold the words of all `verses`."""
    words = sorted({word for verse in verses for word in verse.split()})
    ids = np.array([words.index(word) for word in verses[0].split()])
    tables = tags.build_tables(len(words), LONGEST, 64, 0, encoding)
    _, order = tags.shuffle_into_pile(ids, tables, 0.0, 0)
    rebuilt = tags.rebuild_sentences([ids], tables, 0.0, 0)[0]
    for metric, shown in (("pile_text", ids[order]), ("rebuilt_text", rebuilt)):
        columns = {"encoding": encodings.label_encoding(encoding), "text": " ".join(words[i] for i in shown)}
        yield make_row("pile", metric, float(len(ids)), width=64, noise=0.0, seed=0, **columns)


def measure_tags(preset: Preset, default: Sequence[str]) -> Rows:
    """Swapped tags against swapped words, and what swapping words changes at all, for every encoding requested."""
    for encoding in preset.encodings or default:
        for seed in range(min(2, preset.seeds)):
            swap = tags.compare_swaps(encoding, seed)
            columns = {"architecture": "encoder", "encoding": encodings.label_encoding(encoding), "seed": seed}
            yield make_row("tag_swap", "tags_against_words", swap.tags_against_words, **columns)
            yield make_row("tag_swap", "words_against_original", swap.words_against_original, **columns)
