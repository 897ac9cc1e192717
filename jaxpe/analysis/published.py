"""Position tables that were not trained here: of the user's own `.npy` file, of weight files, of published models.

    load_table(Path("mine.npy"))        an array of positions × width; no pickle is executed
    load_model_tables("minilm")         what `jaxpe.pretrained.models.open_model` takes; FILE::ARRAY names the array of the table

An encoder-decoder has two tables: the decoder's has the model's name, the encoder's is NAME-encoder.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from jaxpe.analysis.position_table import MIN_ROWS
from jaxpe.analysis.trained_rows import guess_trained_rows
from jaxpe.data.cache import MODELS, is_fetched
from jaxpe.errors import UserError
from jaxpe.pretrained.models import open_model, require_positions

MAX_ROWS = 4096  # that are measured: the measures take rows × rows numbers
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
    return prepare_table(name or path.stem, "", read_npy(path), None)


def read_npy(path: Path) -> Float[ndarray, "P D"]:
    """A two-dimensional array of finite numbers, as float64. Raises UserError.

    No pickle is loaded. The file is memory-mapped, so that a false size in its header costs no memory.
    """
    if not path.is_file():
        raise UserError(f"There is no file {path}: --table takes an array of positions × width, saved by numpy.save.")
    try:
        table = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:
        reason = (str(error).strip().splitlines() or [""])[0].split(". ")[0][:120] or type(error).__name__
        raise UserError(f"{path} is not a .npy file of plain numbers ({reason}): {HINT}.") from error
    if not isinstance(table, np.ndarray):
        raise UserError(f"{path} is an archive of arrays (.npz): {HINT}.")
    if table.dtype.kind not in "fiu":
        raise UserError(f"{path} does not hold real numbers (its type is {table.dtype}): {HINT}.")
    if table.ndim != 2 or not table.size:
        raise UserError(f"{path} has the shape {table.shape}: give a table of two dimensions, positions × width.")
    numbers = np.array(table, np.float64)
    if not np.isfinite(numbers).all():
        raise UserError(f"{path} has entries that are not finite numbers (nan or inf): replace them first.")
    largest = np.abs(numbers).max()  # measures take squares, and do not depend on a common factor
    return numbers if 1e-100 < largest < 1e100 or not largest else numbers / largest


def load_model_tables(word: str, name: str | None = None) -> list[PublishedTable]:
    """The tables of a model: a name of `jaxpe fetch`, a file, a folder, or a Hugging Face id. Raises UserError."""
    source, _, table = word.partition("::")
    if source.lower().endswith((".npy", ".npz")):
        raise UserError(f"{source} is an array in numpy's format, not a file of weights: give it to --table.")
    model = open_model(source, table or None)
    name = name or derive_name(source)
    decoder = prepare_table(name, model.kind, require_positions(model), model.tokens)
    if model.encoder_positions is None:
        return [decoder]
    return [decoder, prepare_table(f"{name}-encoder", "encoder", model.encoder_positions, None)]


def load_named_tables(table: Path | None, models: Sequence[str], name: str | None) -> list[PublishedTable]:
    """The tables that the options --table, --model and --name describe. Raises UserError.

    `name` is that of `table`, or without it that of the one model.
    """
    if name is not None:
        check_name(name)
        if table is None and not models:
            raise UserError("--name is the name of a table: give --table or --model too.")
        if table is None and len(models) > 1:
            raise UserError(f"--name {name!r} is one name, but there are {len(models)} models: give one --model.")
    tables = [] if table is None else [load_table(table.expanduser(), name)]
    for word in dict.fromkeys(models):
        tables += load_model_tables(word, name if table is None else None)
    names = [table.name for table in tables]
    for table_name in names:
        check_name(table_name)
    if repeated := sorted({table_name for table_name in names if names.count(table_name) > 1}):
        raise UserError(f"Two tables are called {repeated[0]!r}: give --table another name with --name.")
    return tables


# ── names ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def derive_name(source: str) -> str:
    """The default name of a model: a file's stem, a folder's name, or the name or id itself."""
    path = Path(source).expanduser()
    if source in MODELS or not path.exists():
        return source
    return path.resolve().name if path.is_dir() else path.stem


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


def thin_tokens(tokens: Float[ndarray, "V D"], most: int = MAX_TOKENS) -> Float[ndarray, "W D"]:
    """At most `most` tokens, evenly spaced over the vocabulary."""
    return tokens[:: -(-len(tokens) // most)]
