"""Position tables that were not trained here: of the user's own `.npy` file, of weight files, of published models.

    load_table(Path("mine.npy"))        an array of positions × width; no pickle is executed
    load_model_tables("minilm")         what `jaxpe.pretrained.models.open_model` takes; FILE::ARRAY names the array of the table

An encoder-decoder has two tables: the decoder's has the model's name, the encoder's is NAME-encoder.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from jaxpe.analysis.position_table import MIN_ROWS
from jaxpe.analysis.trained_rows import guess_trained_rows
from jaxpe.data.cache import MODELS, expand_home, is_fetched, is_there
from jaxpe.errors import UserError
from jaxpe.pretrained.models import open_model, require_positions
from jaxpe.pretrained.stored_arrays import squeeze_shape

MAX_ROWS = 4096  # that are measured: the measures take rows × rows numbers
MAX_WIDTH = 2**14  # of a table: the measures take width × width numbers too
MAX_TOKENS = 2**14  # whose directions are measured, evenly spaced over the vocabulary
HINT = "save one array with numpy.save(PATH, TABLE), or give a file of weights to --model"


class PublishedTable(NamedTuple):
    """The rows of a table that are measured, and a sentence about the others."""

    name: str
    kind: str  # what reads the table: "encoder", "decoder", or "" if unknown
    rows: Float[ndarray, "P D"]
    tokens: Float[ndarray, "V D"] | None
    total: int  # rows of the published table
    sentence: str


def prepare_table(
    name: str, kind: str, table: Float[ndarray, "P D"], tokens: Float[ndarray, "V D"] | None
) -> PublishedTable:
    """Leaves out rows that look untrained, unless fewer than eight would remain. Raises UserError for a constant table."""
    if len(table) < MIN_ROWS:
        raise UserError(
            f"The table {name} has {len(table)} rows, but at least {MIN_ROWS} positions are needed: transpose it if "
            "positions are its columns."
        )
    if table.shape[1] > MAX_WIDTH:
        raise UserError(
            f"The table {name} has {table.shape[1]} columns, but at most {MAX_WIDTH} are measured: transpose it if "
            "positions are its columns."
        )
    if not np.ptp(table, axis=0).any():
        raise UserError(f"All rows of the table {name} are equal, so it encodes no position: give another table.")
    kept, sentence = guess_trained_rows(table)
    rows = table[kept]
    if len(rows) < MIN_ROWS or not np.ptp(rows, axis=0).any():
        rows = table
        sentence = (
            f"All {len(table)} rows are measured, although nearly all look like initial values (standard deviation "
            "0.02). This is a guess from their size."
        )
    if len(rows) > MAX_ROWS:
        rows, sentence = rows[:MAX_ROWS], f"{sentence} Only the first {MAX_ROWS} rows are measured."
    return PublishedTable(name, kind, rows, tokens, len(table), sentence)


# ── files and models ────────────────────────────────────────────────────────────────────────────────────────────────


def load_table(path: Path, name: str | None = None) -> PublishedTable:
    """A table in numpy's format, positions × width, of floats or integers. Raises UserError."""
    path = expand_home(path)
    return prepare_table(name or path.stem, "", read_npy(path), None)


def read_npy(path: Path) -> Float[ndarray, "P D"]:
    """A two-dimensional array of finite numbers, as float64; also one of the shape (1, P, D) or (P, 1, D).

    No pickle is loaded. The file is memory-mapped, so that a false size in its header costs no memory. Raises UserError.
    """
    try:
        if not path.is_file():
            raise UserError(
                f"There is no file {path}: --table takes an array of positions × width, saved by numpy.save."
            )
        with path.open("rb") as file:
            if file.read(4) == b"PK\3\4":
                raise UserError(f"{path} is an archive of arrays (.npz): {HINT}.")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of headers that Python 2 wrote
            table = np.lib.format.open_memmap(path, mode="r")
        return convert_table(path, table)
    except UserError:
        raise
    except MemoryError as error:
        raise UserError(f"{path} needs more memory than there is: give a smaller table.") from error
    except Exception as error:
        reason = (str(error).strip().splitlines() or [""])[0].split(". ")[0][:120] or type(error).__name__
        raise UserError(f"{path} is not a .npy file of plain numbers ({reason}): {HINT}.") from error


def convert_table(path: Path, table: ndarray) -> Float[ndarray, "P D"]:
    """The numbers of a table as float64. Raises UserError if it is no table of finite numbers."""
    shape = squeeze_shape(table.shape)
    if table.dtype.kind not in "fiu":
        raise UserError(f"{path} does not hold real numbers (its type is {table.dtype}): {HINT}.")
    if len(shape) != 2 or not table.size:
        raise UserError(f"{path} has the shape {table.shape}: give a table of two dimensions, positions × width.")
    with np.errstate(all="ignore"):
        numbers = np.array(table, np.float64).reshape(shape)
    if not np.isfinite(numbers).all():
        raise UserError(f"{path} has entries that are not finite numbers (nan or inf): replace them first.")
    largest = np.abs(numbers).max()  # measures take squares, and do not depend on a common factor
    return numbers if 1e-100 < largest < 1e100 or not largest else numbers / largest


def load_model_tables(word: str, name: str | None = None) -> list[PublishedTable]:
    """The tables of a model: a name of `jaxpe fetch`, a file, a folder, or a Hugging Face id. Raises UserError."""
    source, table = split_word(word)
    if source.lower().endswith((".npy", ".npz")):
        raise UserError(f"{source} is an array in numpy's format, not a file of weights: give it to --table.")
    model = open_model(source, table or None)
    name = name or list_names(word)[0]
    decoder = prepare_table(name, model.kind, require_positions(model), model.tokens)
    tables = [decoder._replace(sentence=f"{describe_skipped_rows(model.skipped)}{decoder.sentence}")]
    if model.encoder_positions is not None:
        tables.append(prepare_table(f"{name}-encoder", "encoder", model.encoder_positions, None))
    return tables


def describe_skipped_rows(count: int) -> str:
    """A sentence about rows that stand for no position; empty if there are none."""
    rows = {0: "", 1: "Row 0 of the file stands", 2: "Rows 0 and 1 of the file stand"}[count]
    return f"{rows} for no position, since row {count - 1} is the padding's. " if rows else ""


def load_named_tables(table: Path | None, models: Sequence[str], name: str | None) -> list[PublishedTable]:
    """The tables that the options --table, --model and --name describe. Raises UserError.

    `name` is that of `table`, or without it that of the one model. The others are called after their files.
    """
    models = list({locate_source(word): word for word in reversed(models)}.values())[::-1]
    if name is not None:
        check_name(name)
        if table is None and not models:
            raise UserError("--name is the name of a table: give --table or --model too.")
        if table is None and len(models) > 1:
            raise UserError(f"--name {name!r} is one name, but there are {len(models)} models: give one --model.")
    words = models if table is None else [str(table), *models]
    names = tell_apart([list_names(word) if i or name is None else [name] for i, word in enumerate(words)])
    tables = list[PublishedTable]()
    for i, (word, shown) in enumerate(zip(words, names, strict=True)):
        tables += load_model_tables(word, shown) if i or table is None else [load_table(table, shown)]
    names = [table.name for table in tables]
    for table_name in names:
        check_name(table_name)
    if repeated := sorted({table_name for table_name in names if names.count(table_name) > 1}):
        raise UserError(
            f"Two tables are called {repeated[0]!r}: rename one of the files, or give --table another name with --name."
        )
    return tables


# ── names ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def split_word(word: str) -> tuple[str, str]:
    """What names a model and, after "::", what names an array in it; the latter is empty if there is none."""
    if "::" not in word or is_there(expand_home(word)):
        return word, ""
    source, _, array = word.rpartition("::")
    return source, array


def locate_source(word: str) -> tuple[str, str]:
    """What a model's word leads to: the same for all ways of writing a path."""
    source, array = split_word(word)
    path = expand_home(source)
    return (os.path.realpath(path) if source not in MODELS and is_there(path) else source), array


def list_names(word: str) -> list[str]:
    """The names that a table or a model may be shown under, the shortest first.

    For a file its stem or its name, then with the name of the array, then with one folder before it, and so on; for a folder
    its name; for anything else the word itself.
    """
    source, array = split_word(word)
    path = expand_home(source)
    if source in MODELS or not is_there(path):
        return [source]
    path = path.resolve() if path.is_dir() else Path(os.path.abspath(path))
    last = path.name if path.is_dir() else path.stem
    names = list[str]()
    for count in range(1, len(path.parts)):
        folders = path.parts[-count:-1]
        names += ["/".join((*folders, last)), "/".join((*folders, path.name))]
    return [f"{name}{end}" for name in names for end in ("", f"::{array}")[: 2 if array else 1]]


def tell_apart(choices: Sequence[Sequence[str]]) -> list[str]:
    """One name from each list: the first, or a later one where another list begins with the same."""
    names = [names[0] for names in choices]
    for name in dict.fromkeys(names):
        same = [i for i, other in enumerate(names) if other == name]
        for level in range(max(len(choices[i]) for i in same)):
            longer = [choices[i][min(level, len(choices[i]) - 1)] for i in same]
            if len(set(longer)) == len(same):
                for i, other in zip(same, longer, strict=True):
                    names[i] = other
                break
    return names


def check_name(name: str) -> None:
    """Raises UserError for a name that results use for something else, or that does not fit on a line."""
    if name.startswith(("control:", "here:")) or name == "learned":
        raise UserError(f"{name!r} is a name of the controls or of the tables trained here: choose another --name.")
    if not name.strip() or not name.isprintable():
        raise UserError(f"{name!r} cannot be the name of a table: give --name one line of printable characters.")


def list_fetched_models() -> list[str]:
    """The published models that are in the cache."""
    return [name for name in MODELS if is_fetched(name)]


def describe_missing_models() -> str:
    """A sentence about the published models that are not in the cache, with the command; empty if all are."""
    names = " ".join(name for name in MODELS if not is_fetched(name))
    return f"Not measured, since not downloaded: run `jaxpe fetch {names}` once." if names else ""


def make_slug(name: str) -> str:
    """A name as a part of a claim's id."""
    return re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-") or "table"


def make_slugs(names: Iterable[str]) -> dict[str, str]:
    """The slug of each name; the second name with the same slug gets a number, SLUG-2."""
    slugs = dict[str, str]()
    for name in names:
        count = sum(make_slug(other) == make_slug(name) for other in slugs)
        slugs[name] = f"{make_slug(name)}-{count + 1}" if count else make_slug(name)
    return slugs


def thin_tokens(tokens: Float[ndarray, "V D"]) -> Float[ndarray, "W D"]:
    """At most MAX_TOKENS tokens, evenly spaced over the vocabulary."""
    return tokens[:: -(-len(tokens) // MAX_TOKENS)]
