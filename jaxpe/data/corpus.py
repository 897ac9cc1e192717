"""Texts: documents, a held-out part, and a tokenizer trained on the rest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from jaxpe.data.cache import DOWNLOADS, expand_home, explain_damage, fetched_path, is_there
from jaxpe.data.text_files import READERS, DamagedText, parse_documents, read_file, read_hub, read_saved
from jaxpe.errors import UnknownName, UserError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

EMBEDDED = Path(__file__).parent / "kjv.parquet"
BLOCK = 50  # consecutive documents in the same part; every tenth block is held out
FEWEST_DOCUMENTS = 20
BPE = "bpe"
UNKNOWN = "<unk>"  # longer than a character, so that it cannot be one


@dataclass(frozen=True)
class Corpus:
    """The documents of a text in their order, divided into two parts."""

    name: str
    train: tuple[str, ...]
    validation: tuple[str, ...]

    @cached_property
    def digest(self) -> str:
        """SHA-256 over all documents."""
        return hashlib.sha256(json.dumps([self.train, self.validation]).encode()).hexdigest()


def load_corpus(name: str = "kjv", column: str = "") -> Corpus:
    """A corpus by name: kjv (embedded), a downloaded one, a local file or folder, or a data set of the Hugging Face hub.

    `column` of a table holds the documents; '': `text`, or its only column of strings. A file is read each time, and parsed
    if its content is new. Raises UserError if it cannot be read as text or has too few documents.
    """
    if name == "kjv":
        return parse_corpus(read_file(EMBEDDED, "the embedded corpus"), ".parquet", name, column)
    if name in DOWNLOADS:
        path = fetched_path(name)
        try:
            return parse_corpus(read_file(path, name), path.suffix, name, column)
        except DamagedText as error:
            raise explain_damage(name) from error
    path = expand_home(name)
    if is_there(path) and path.is_dir():
        return split_documents(name, read_saved(path, name, column))
    if path.suffix.lower() in READERS or is_there(path):
        return parse_corpus(read_file(path, name), path.suffix, name, column)
    return split_documents(name, read_hub(name, column))


@lru_cache(maxsize=4)
def parse_corpus(content: bytes, suffix: str, name: str, column: str = "") -> Corpus:
    """The corpus of a file's content."""
    return split_documents(name, parse_documents(content, suffix, name, column))


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


def train_tokenizer(documents: Sequence[str], vocabulary: int, kind: str = BPE) -> Tokenizer:
    """A tokenizer of one of TOKENIZERS (Hugging Face `tokenizers`). All put a space before a document that begins with none.

    `vocabulary`: of "bpe" alone, the most tokens that it may have. Raises UserError for an unknown kind, and for a
    vocabulary that is smaller than the alphabet of bytes.
    """
    if kind not in TOKENIZERS:
        raise UnknownName("tokenizer", kind, TOKENIZERS)
    return TOKENIZERS[kind](documents, vocabulary)


def train_bpe(documents: Sequence[str], vocabulary: int) -> Tokenizer:
    """Byte-level BPE of at most `vocabulary` tokens."""
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


def make_byte_tokenizer(documents: Sequence[str] = (), vocabulary: int = 0) -> Tokenizer:
    """A token for each of the 256 bytes of UTF-8, in their order."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    letters = list_byte_letters()
    tokenizer = Tokenizer(models.BPE(vocab={letters[byte]: byte for byte in range(256)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def make_character_tokenizer(documents: Sequence[str], vocabulary: int = 0) -> Tokenizer:
    """A token for each character of the documents, in the order of their code points, after UNKNOWN for all others."""
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

    letters = sorted({" ", *(letter for document in documents for letter in document)})
    tokenizer = Tokenizer(
        models.WordLevel({token: i for i, token in enumerate([UNKNOWN, *letters])}, unk_token=UNKNOWN)
    )
    tokenizer.normalizer = normalizers.Replace(Regex(r"\A(?! )"), " ")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    tokenizer.decoder = decoders.Fuse()
    return tokenizer


TOKENIZERS: dict[str, Callable[[Sequence[str], int], Tokenizer]] = {
    BPE: train_bpe,
    "byte": make_byte_tokenizer,
    "character": make_character_tokenizer,
}


def digest_tokenizer(tokenizer: Tokenizer) -> str:
    """SHA-256 of a tokenizer's vocabulary and merges, which depend on the library too and not only on the text."""
    model = json.loads(tokenizer.to_str())["model"]
    kept = [sorted(model["vocab"].items(), key=lambda item: item[1]), model.get("merges", [])]
    return hashlib.sha256(json.dumps(kept).encode()).hexdigest()


def count_characters(tokenizer: Tokenizer) -> list[int]:
    """How many characters each token stands for, by id. A character of several bytes belongs to the token of its first.

    UNKNOWN stands for one, whichever it is.
    """
    if json.loads(tokenizer.to_str())["model"]["type"] == "WordLevel":
        return [1] * tokenizer.get_vocab_size()
    byte_of = {letter: byte for byte, letter in list_byte_letters().items()}
    by_id = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    return [sum(byte_of[letter] & 0xC0 != 0x80 for letter in token) for token, _ in by_id]


def list_byte_letters() -> dict[int, str]:
    """The letter that byte-level BPE writes for each byte: printable ones themselves, others counted from 256 on."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [value for value in range(256) if value not in printable]
    return {v: chr(v) for v in printable} | {v: chr(256 + i) for i, v in enumerate(others)}
