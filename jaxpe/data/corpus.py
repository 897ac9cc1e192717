"""Real text through Hugging Face `datasets`: documents, a held-out part, and a tokenizer trained on the rest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jaxpe.data.cache import DOWNLOADS, cache_folder, fetched_path
from jaxpe.errors import UserError

DEFAULT = Path(__file__).parent / "kjv.parquet"
BLOCK = 50  # consecutive documents that go to the same split; every tenth block is held out
READERS = {".txt": "text", ".md": "text", ".parquet": "parquet", ".json": "json", ".jsonl": "json"}


@dataclass(frozen=True)
class Corpus:
    """Documents in their order, split in blocks, so that neighbours are on the same side."""

    name: str
    train: tuple[str, ...]
    validation: tuple[str, ...]

    @property
    def digest(self) -> str:
        """SHA-256 over all documents."""
        return hashlib.sha256(json.dumps([self.train, self.validation]).encode()).hexdigest()


def load(name: str = "kjv") -> Corpus:
    """A corpus by name: kjv (the embedded one), one that was fetched, a local file, or a Hugging Face id.

    Raises UserError where it cannot be read as text.
    """
    if name == "kjv":
        documents = read_file(DEFAULT, "the embedded corpus")
    elif name in DOWNLOADS:
        documents = read_file(fetched_path(name), name)
    elif Path(name).suffix.lower() in READERS or Path(name).exists():
        documents = read_file(Path(name).expanduser(), name)
    else:
        documents = read_hub(name)
    return split(name if name == "kjv" else Path(name).stem, documents)


def split(name: str, documents: Sequence[str]) -> Corpus:
    """Every tenth block of documents is held out; a short text is cut into smaller blocks."""
    documents = [text for text in documents if text.strip()]
    if len(documents) < 20:
        raise UserError(f"{name} holds {len(documents)} documents (lines or rows) with text: at least 20 are needed.")
    block = min(BLOCK, len(documents) // 10)
    held_out = [i // block % 10 == 9 for i in range(len(documents))]
    train = tuple(text for text, out in zip(documents, held_out, strict=True) if not out)
    return Corpus(name, train, tuple(text for text, out in zip(documents, held_out, strict=True) if out))


def read_file(path: Path, name: str) -> list[str]:
    """The documents of a local file. `datasets` keeps its copies in jaxpe's cache, nothing beside the file."""
    if not path.is_file():
        raise UserError(f"There is no text file {name!r}: give a .txt, .parquet, .json or .jsonl file.")
    reader = READERS.get(path.suffix.lower(), "text")
    if path.stat().st_size == 0:
        raise UserError(f"{name} is empty: give a file with text.")
    if reader != "parquet" and not is_text(path):
        raise UserError(f"{name} is not text in UTF-8: give a .txt, .parquet, .json or .jsonl file with text.")
    import datasets

    datasets.disable_progress_bars()
    try:
        cache = str(cache_folder() / "datasets")
        found = datasets.load_dataset(reader, data_files=str(path.resolve()), split="train", cache_dir=cache)
        return documents_of(found, name)
    except UserError:
        raise
    except Exception as error:
        why = str(error.__cause__ or error).strip().split("\n")[0][:200]
        raise UserError(f"{name} cannot be read as {reader}: {why}.") from error


def is_text(path: Path) -> bool:
    """UTF-8 without zero bytes, in all of the file."""
    try:
        return "\x00" not in path.read_text("utf-8")
    except UnicodeDecodeError:
        return False


def read_hub(name: str) -> list[str]:
    import datasets

    try:
        return documents_of(datasets.load_dataset(name, split="train"), name)
    except UserError:
        raise
    except Exception as error:
        raise UserError(
            f"{name!r} is no local file, and could not be loaded from the Hugging Face hub ({type(error).__name__}): pass "
            "a local file, use the embedded corpus kjv, or `jaxpe fetch wordnet`."
        ) from error


def documents_of(found: Any, name: str) -> list[str]:
    """The column `text`, or the only column of strings."""
    strings = [
        key for key, feature in found.features.items() if getattr(feature, "dtype", "") in ("string", "large_string")
    ]
    column = "text" if "text" in strings else strings[0] if len(strings) == 1 else None
    if column is None:
        raise UserError(
            f"{name} has no column 'text' and not just one column of strings; it has {', '.join(found.features)}."
        )
    return [text for text in found[column] if text]


def tokenizer(documents: Sequence[str], vocabulary: int) -> Any:
    """A byte-level BPE tokenizer (Hugging Face `tokenizers`) of at most `vocabulary` tokens, trained on some documents."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    if vocabulary < 257:
        raise UserError(f"A byte-level vocabulary needs at least 257 tokens, got {vocabulary}.")
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    made.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    made.train_from_iterator(
        documents, trainers.BpeTrainer(vocab_size=vocabulary, initial_alphabet=alphabet, show_progress=False)
    )
    return made


def characters_of(tokens: Any) -> list[int]:
    """How many characters each token stands for; one of several bytes counts at its first."""
    from tokenizers import pre_tokenizers

    letters = sorted(pre_tokenizers.ByteLevel.alphabet(), key=lambda letter: letter)
    byte_of = {letter: value for value, letter in byte_letters().items()}
    assert set(letters) == set(byte_of)
    by_id = sorted(tokens.get_vocab().items(), key=lambda item: item[1])
    return [sum(byte_of[letter] & 0xC0 != 0x80 for letter in token) for token, _ in by_id]


def byte_letters() -> dict[int, str]:
    """The letter by which byte-level BPE writes each byte: printable ones as they are, others from 256 on."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [value for value in range(256) if value not in printable]
    return {v: chr(v) for v in printable} | {v: chr(256 + i) for i, v in enumerate(others)}
