"""Documents of text files: lines, CSV and TSV, JSON and JSON lines, parquet; and of Hugging Face data sets, saved or of the hub.

A text is known by its bytes. Hugging Face `datasets`, which reads lines and parquet, takes a file's name as a pattern, and
its cache knows a file by path and time. It is therefore given a copy in jaxpe's cache whose name is the SHA-256 of its
content, and streams it, so that it caches nothing.
"""

from __future__ import annotations

import glob
import hashlib
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from jaxpe.data.cache import cache_folder
from jaxpe.data.text_tables import MARK, choose_column, decode_text, read_csv, read_json, read_tsv
from jaxpe.errors import UserError
from jaxpe.records.files import explain_disk_error, write_bytes

if TYPE_CHECKING:
    from datasets import Dataset, IterableDataset


BATCH = 256  # rows that are held at once
SAVED, SAVED_SPLITS = "state.json", "dataset_dict.json"  # what a saved data set, or one of several splits, is known by
MAX_UNFOLDED = 2**27  # bytes of text in a small parquet file, which may hold one text many times


class DamagedText(UserError):
    """A file that is empty, or not what its suffix says."""


def read_file(path: Path, name: str) -> bytes:
    """The content of a file that `name` stands for in errors. Raises UserError if there is none or it is empty."""
    try:
        if path.is_dir():
            raise UserError(f"{name} is a folder: give one file with text.")
        if not path.is_file():
            raise UserError(f"There is no text file {name!r}: give a file of {', '.join(READERS)}.")
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{name} cannot be read ({error.strerror}): check its name and permissions.") from error
    if not content:
        raise DamagedText(f"{name} is empty: give a file with text.")
    return content


def parse_documents(content: bytes, suffix: str, name: str, column: str = "") -> list[str]:
    """The documents of a file by its suffix, without byte order marks. An unknown suffix is that of lines.

    `column`: where they are in a table; '': where `choose_column` finds them.

    Raises UserError if the content is not text, or not what the suffix says.
    """
    documents = READERS.get(suffix.lower(), read_lines)(content, name, column)
    return [text.removeprefix(MARK) for text in documents]


# ── lines, parquet and the hub: `datasets` ──────────────────────────────────────────────────────────────────────────


def read_lines(content: bytes, name: str, column: str = "") -> list[str]:
    """Every line is a document. Raises UserError if a column is asked for."""
    if column:
        raise UserError(f"{name} is read line by line and has no column {column!r}: leave out --text-column.")
    decode_text(content, name)
    with report_damage(name, "text"), use_quiet_datasets():
        return list_column(stream_copy(content, "text", name), "text", name)


def read_parquet(content: bytes, name: str, column: str = "") -> list[str]:
    """The documents of one column (`choose_column`). Raises UserError if a small file unfolds into more text than `MAX_UNFOLDED`."""
    with report_damage(name, "parquet"), use_quiet_datasets():
        rows = stream_copy(content, "parquet", name, batch_size=BATCH)
        most = max(MAX_UNFOLDED, 30 * len(content))
        return list_column(rows, choose_feature(rows.features or {}, name, column), name, most)


def read_hub(name: str, column: str = "") -> list[str]:
    """The documents of a data set of the Hugging Face hub. Raises UserError if it cannot be loaded."""
    import datasets  # here and below: slow to import

    try:
        rows = datasets.load_dataset(name, split="train")
    except Exception as error:
        if problem := explain_disk_error(error):
            raise UserError(f"{name} cannot be stored in the cache of Hugging Face. {problem}") from error
        raise UserError(
            f"{name!r} is not a local file, and could not be loaded from the Hugging Face hub ({type(error).__name__}): "
            "pass a local file, use the embedded corpus kjv, or `jaxpe fetch wordnet`."
        ) from error
    with report_damage(name, "a data set"):
        return [text for text in rows[choose_feature(rows.features, name, column)] if text]


def read_saved(folder: Path, name: str, column: str = "") -> list[str]:
    """The documents of a folder that `save_to_disk` of Hugging Face datasets wrote: a Dataset, or a DatasetDict.

    Of several splits, `train`; a single one whatever its name. Raises UserError for a folder of another kind, without that
    split, or that cannot be read.
    """
    import datasets

    folder = folder.resolve()
    if not any((folder / file).is_file() for file in (SAVED, SAVED_SPLITS)):
        raise UserError(
            f"{name} is a folder that save_to_disk of Hugging Face datasets did not write: give one file with text, or "
            "such a folder."
        )
    if "::" in str(folder):  # which `datasets` takes for a chain of archives
        raise UserError(f"{folder} has '::' in its name, which Hugging Face datasets cannot read: rename the folder.")
    with report_damage(name, "a saved data set"), use_quiet_datasets():
        saved = datasets.load_from_disk(str(folder))
        if isinstance(saved, datasets.DatasetDict):
            saved = choose_split(saved, name)
        return list_column(saved, choose_feature(saved.features, name, column), name)


def choose_split(splits: Mapping[str, Dataset], name: str) -> Dataset:
    """The split `train`, or the only one. Raises UserError if there is neither."""
    if "train" not in splits and len(splits) != 1:
        listed = (", ".join(map(repr, splits)) or "none")[:300]
        raise UserError(
            f"{name} has no split 'train': give the folder of one split in it, or save it with that split. "
            f"Its splits: {listed}."
        )
    return splits["train"] if "train" in splits else next(iter(splits.values()))


def stream_copy(content: bytes, reader: str, name: str, **options: int) -> IterableDataset:
    """The rows of a file with this content, as `datasets` streams them with options of its reader."""
    import datasets

    path = glob.escape(str(keep_copy(content, reader, name)))
    cache = str(cache_folder() / "datasets")  # of lock files
    return datasets.load_dataset(reader, data_files=path, split="train", cache_dir=cache, streaming=True, **options)


def keep_copy(content: bytes, suffix: str, name: str) -> Path:
    """A file in the cache with this content, named by its SHA-256; written again if it was damaged.

    Raises UserError if it cannot be written.
    """
    path = cache_folder().resolve() / "texts" / f"{hashlib.sha256(content).hexdigest()}.{suffix}"
    if "::" in str(path):  # which `datasets` takes for a chain of archives
        raise UserError(f"The cache folder {cache_folder()} has '::' in its name: set JAXPE_CACHE to another folder.")
    try:
        if not path.is_file() or path.read_bytes() != content:
            write_bytes(path, content)
    except (UserError, OSError) as error:
        raise UserError(f"{name} cannot be copied to the cache folder {path.parent}. {error}") from error
    return path


def list_column(rows: Dataset | IterableDataset, column: str, name: str, most: float = math.inf) -> list[str]:
    """The values of a column that are not null or empty. Raises UserError if they have more than `most` bytes in all."""
    texts, size = list[str](), 0
    for table in rows.with_format("arrow").iter(BATCH):
        table[column].validate(full=True)  # Arrow trusts the offsets of a file that was saved
        size += table[column].nbytes
        if size > most:
            raise UserError(
                f"{name} unfolds into more than {most / 1e6:.0f} million bytes of text: give a smaller file."
            )
        texts += [text for text in table[column].to_pylist() if text]
    return texts


@contextmanager
def use_quiet_datasets() -> Iterator[None]:
    """No progress bars, and no log: an error is told once."""
    import datasets

    datasets.disable_progress_bars()
    verbosity = datasets.logging.get_verbosity()
    datasets.logging.set_verbosity(datasets.logging.CRITICAL)
    try:
        yield
    finally:
        datasets.logging.set_verbosity(verbosity)


@contextmanager
def report_damage(name: str, kind: str) -> Iterator[None]:
    """Turns what a damaged file or a full disk makes a reader raise into a UserError."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        if problem := explain_disk_error(error):
            raise UserError(f"{name} cannot be read with the cache folder {cache_folder()}. {problem}") from error
        reason = (str(error.__cause__ or error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise DamagedText(f"{name} cannot be read as {kind} ({reason}): give another one.") from error


def choose_feature(features: Mapping[str, object], name: str, wanted: str = "") -> str:
    """The column of the documents among the features of a data set. Raises UserError."""
    kinds = {column: str(getattr(feature, "dtype", "")) for column, feature in features.items()}
    column = choose_column(
        {column: kind in ("string", "large_string", "string_view") for column, kind in kinds.items()}, name, wanted
    )
    if "string" not in kinds[column]:
        raise UserError(f"The column {column!r} of {name} holds {kinds[column] or 'lists'}, but strings are needed.")
    return column


READERS: dict[str, Callable[[bytes, str, str], list[str]]] = {
    ".txt": read_lines,
    ".md": read_lines,
    ".csv": read_csv,
    ".tsv": read_tsv,
    ".json": read_json,
    ".jsonl": read_json,
    ".parquet": read_parquet,
}
