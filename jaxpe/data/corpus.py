"""Texts, read through Hugging Face `datasets`: documents, a held-out part, and a tokenizer trained on the rest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jaxpe.data.cache import DOWNLOADS, cache_folder, fetched_path
from jaxpe.errors import UserError

if TYPE_CHECKING:
    from datasets import Dataset
    from tokenizers import Tokenizer

EMBEDDED = Path(__file__).parent / "kjv.parquet"
BLOCK = 50  # consecutive documents in the same part; every tenth block is held out
FEWEST_DOCUMENTS = 20
READERS = {".txt": "text", ".md": "text", ".parquet": "parquet", ".json": "json", ".jsonl": "json"}


@dataclass(frozen=True)
class Corpus:
    """The documents of a text in their order, divided into two parts."""

    name: str
    train: tuple[str, ...]
    validation: tuple[str, ...]

    @property
    def digest(self) -> str:
        """SHA-256 over all documents."""
        return hashlib.sha256(json.dumps([self.train, self.validation]).encode()).hexdigest()


def load_corpus(name: str = "kjv") -> Corpus:
    """A corpus by name: kjv (embedded), a downloaded one, a local file, or a data set of the Hugging Face hub.

    Raises UserError if it cannot be read as text or has too few documents.
    """
    if name == "kjv":
        documents = read_documents(EMBEDDED, "the embedded corpus")
    elif name in DOWNLOADS:
        documents = read_documents(fetched_path(name), name)
    elif Path(name).suffix.lower() in READERS or Path(name).exists():
        documents = read_documents(Path(name).expanduser(), name)
    else:
        documents = read_hub(name)
    return split_documents(name if name == "kjv" else Path(name).stem, documents)


def split_documents(name: str, documents: Sequence[str]) -> Corpus:
    """Holds out every tenth block of documents, so that neighbours are in the same part. Short texts have smaller blocks.

    Raises UserError if there are too few documents.
    """
    documents = [text for text in documents if text.strip()]
    if len(documents) < FEWEST_DOCUMENTS:
        raise UserError(
            f"{name} has {len(documents)} documents (lines or rows) with text, but at least {FEWEST_DOCUMENTS} are needed."
        )
    block = min(BLOCK, len(documents) // 10)
    held_out = [i // block % 10 == 9 for i in range(len(documents))]
    train = tuple(text for text, out in zip(documents, held_out, strict=True) if not out)
    return Corpus(name, train, tuple(text for text, out in zip(documents, held_out, strict=True) if out))


def read_documents(path: Path, name: str) -> list[str]:
    """The documents of a local file. `datasets` keeps its copies in the cache of jaxpe, and nothing next to the file.

    Raises UserError if the file is missing, empty or not a text.
    """
    if not path.is_file():
        raise UserError(f"There is no text file {name!r}: give a .txt, .parquet, .json or .jsonl file.")
    reader = READERS.get(path.suffix.lower(), "text")
    if path.stat().st_size == 0:
        raise UserError(f"{name} is empty: give a file with text.")
    if reader != "parquet" and not is_text(path):
        raise UserError(f"{name} is not text in UTF-8: give a .txt, .parquet, .json or .jsonl file with text.")
    import datasets  # here and below: slow to import

    datasets.disable_progress_bars()
    try:
        cache = str(cache_folder() / "datasets")
        rows = datasets.load_dataset(reader, data_files=str(path.resolve()), split="train", cache_dir=cache)
        return extract_documents(rows, name)
    except UserError:
        raise
    except Exception as error:
        reason = str(error.__cause__ or error).strip().split("\n")[0][:200]
        raise UserError(f"{name} cannot be read as {reader}: {reason}.") from error


def is_text(path: Path) -> bool:
    """Whether the whole file is UTF-8 without zero bytes."""
    try:
        return "\x00" not in path.read_text("utf-8")
    except UnicodeDecodeError:
        return False


def read_hub(name: str) -> list[str]:
    """The documents of a data set of the Hugging Face hub. Raises UserError if it cannot be loaded."""
    import datasets

    try:
        return extract_documents(datasets.load_dataset(name, split="train"), name)
    except UserError:
        raise
    except Exception as error:
        raise UserError(
            f"{name!r} is not a local file, and could not be loaded from the Hugging Face hub ({type(error).__name__}): "
            "pass a local file, use the embedded corpus kjv, or `jaxpe fetch wordnet`."
        ) from error


def extract_documents(rows: Dataset, name: str) -> list[str]:
    """The column `text` or, if there is only one column of strings, that one. Raises UserError if there is neither."""
    kinds = {column: getattr(feature, "dtype", "") for column, feature in rows.features.items()}
    strings = [column for column, kind in kinds.items() if kind in ("string", "large_string")]
    column = "text" if "text" in strings else strings[0] if len(strings) == 1 else None
    if column is None:
        raise UserError(
            f"{name} has no column 'text' and not exactly one column of strings. Its columns: {', '.join(kinds)}."
        )
    return [text for text in rows[column] if text]


def train_tokenizer(documents: Sequence[str], vocabulary: int) -> Tokenizer:
    """Trains a byte-level BPE tokenizer (Hugging Face `tokenizers`) of at most `vocabulary` tokens.

    Raises UserError if the vocabulary is smaller than the alphabet of bytes.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    if vocabulary < 257:
        raise UserError(f"A byte-level vocabulary needs at least 257 tokens, got {vocabulary}.")
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=vocabulary, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(documents, trainer)
    return tokenizer


def count_characters(tokenizer: Tokenizer) -> list[int]:
    """How many characters each token stands for, by id. A character of several bytes belongs to the token of its first."""
    byte_of = {letter: byte for byte, letter in list_byte_letters().items()}
    by_id = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    return [sum(byte_of[letter] & 0xC0 != 0x80 for letter in token) for token, _ in by_id]


def list_byte_letters() -> dict[int, str]:
    """The letter that byte-level BPE writes for each byte: printable ones themselves, others counted from 256 on."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [value for value in range(256) if value not in printable]
    return {v: chr(v) for v in printable} | {v: chr(256 + i) for i, v in enumerate(others)}
