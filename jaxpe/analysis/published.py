"""Position tables that were not trained here: a user's own `.npy`, files of weights, published models. What of them is measured.

    from_npy(Path("mine.npy"))      an array of positions × width; nothing of a pickle is run
    from_model("minilm")            what `jaxpe.pretrained.models.open_model` takes; FILE::ARRAY names the table of an unknown layout

An encoder-decoder has two tables: the decoder's carries the model's name, the encoder's NAME-encoder.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from jaxpe.analysis import trained_rows
from jaxpe.analysis.position_table import FEWEST
from jaxpe.data.cache import MODELS, is_fetched
from jaxpe.errors import UserError
from jaxpe.pretrained import models

MOST = 4096  # rows that are measured: what is measured takes rows × rows numbers
MOST_TOKENS = 2**14  # of which the directions of a vocabulary are taken, evenly spaced


class Published(NamedTuple):
    """One table, the rows that are measured, and what is said about the others."""

    name: str
    kind: str  # "encoder", "decoder", or "" where nobody says what reads it
    rows: Float[ndarray, "P D"]
    tokens: Float[ndarray, "V D"] | None
    total: int  # rows of the table as it was published
    sentence: str


def measurable(name: str, kind: str, table: Float[ndarray, "P D"], tokens: Float[ndarray, "V D"] | None) -> Published:
    """Leaves out the rows that look untrained, unless fewer than eight would be left. Raises UserError where nothing can be measured."""
    if len(table) < FEWEST:
        raise UserError(
            f"The table {name} has {len(table)} rows, one a position: at least {FEWEST} are needed. Is it transposed?"
        )
    if not np.ptp(table, axis=0).any():
        raise UserError(f"All rows of the table {name} are the same: there is no position in it.")
    found = trained_rows.by_size(table)
    rows, sentence = table[found.kept], found.sentence
    if len(rows) < FEWEST or not np.ptp(rows, axis=0).any():
        rows = table
        sentence = (
            f"All {len(table)} rows are measured, though nearly all of them look like draws that were never trained "
            "(of standard deviation 0.02): a guess from their size."
        )
    if len(rows) > MOST:
        rows, sentence = rows[:MOST], f"{sentence} Only the first {MOST} rows are measured."
    return Published(name, kind, rows, tokens, len(table), sentence)


# ── where they come from ────────────────────────────────────────────────────────────────────────────────────────────


def from_npy(path: Path, name: str | None = None) -> Published:
    """A table of numpy's own format, positions × width, whole numbers too. Raises UserError where it is none."""
    return measurable(name or path.stem, "", read_npy(path), None)


def read_npy(path: Path) -> Float[ndarray, "P D"]:
    """A two-dimensional array of finite numbers, as float64. No pickle is loaded, and no size believed before the file has it."""
    if not path.is_file():
        raise UserError(f"There is no file {path}: --table takes an array of positions × width, stored by numpy.save.")
    try:
        table = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:
        why = (str(error).strip().splitlines() or [""])[0].split(". ")[0][:120] or type(error).__name__
        raise UserError(f"{path} is no .npy file of plain numbers ({why}): {HINT}.") from error
    if not isinstance(table, np.ndarray):
        raise UserError(f"{path} is an archive of arrays (.npz): {HINT}.")
    if table.dtype.kind not in "fiu":
        raise UserError(f"{path} holds no plain real numbers (its type is {table.dtype}): {HINT}.")
    if table.ndim != 2 or not table.size:
        raise UserError(f"{path} has the shape {table.shape}: a table has two dimensions, positions × width.")
    numbers = np.array(table, np.float64)
    if not np.isfinite(numbers).all():
        raise UserError(f"{path} has entries that are no finite numbers (nan or inf): mend the table first.")
    largest = np.abs(numbers).max()  # measures take squares, and do not change with a common factor
    return numbers if 1e-100 < largest < 1e100 or not largest else numbers / largest


HINT = "save one array with numpy.save(PATH, TABLE), or give a file of weights to --model"


def from_model(word: str, name: str | None = None) -> list[Published]:
    """The tables of a model by its name of `jaxpe fetch`, a file, a folder, or an id of the Hugging Face hub."""
    where, _, table = word.partition("::")
    if where.lower().endswith((".npy", ".npz")):
        raise UserError(f"{where} is no file of weights but an array of numpy's: give it to --table.")
    model = models.open_model(where, table or None)
    called = name or name_of(where)
    decoder = measurable(called, model.kind, models.require_positions(model), model.tokens)
    if model.encoder_positions is None:
        return [decoder]
    return [decoder, measurable(f"{called}-encoder", "encoder", model.encoder_positions, None)]


def name_of(where: str) -> str:
    """What a model is called unless a name is given: a file's stem, a folder's name, else the word itself."""
    path = Path(where).expanduser()
    if where in MODELS or not path.exists():
        return where
    return path.resolve().name if path.is_dir() else path.stem


def asked(table: str, models: Sequence[str], name: str) -> list[Published]:
    """The tables that the command line names. A name is that of `table`, else of the one model. Raises UserError."""
    if name:
        check_name(name)
    if name and not table and len(models) != 1:
        raise UserError(f"--name {name!r} is one name: give one --table or one --model with it.")
    found = [from_npy(Path(table).expanduser(), name)] if table else []
    for word in dict.fromkeys(models):
        found += from_model(word, name if not table else None)
    for one in found:
        check_name(one.name)
    names = [one.name for one in found]
    if twice := sorted({one for one in names if names.count(one) > 1}):
        raise UserError(f"Two tables are called {twice[0]!r}: give --table another name with --name.")
    return found


def check_name(name: str) -> None:
    """Refuses what a table of results could not tell apart, or hold in a line."""
    if name.startswith(("control:", "here:")) or name == "learned":
        raise UserError(
            f"{name!r} is what the controls, or the tables trained here, are called: choose another --name."
        )
    if not name.strip() or not name.isprintable():
        raise UserError(f"{name!r} cannot be the name of a table: give --name one line of printable characters.")


def fetched() -> list[str]:
    """The published models that are in the cache."""
    return [name for name in MODELS if is_fetched(name)]


def lacking() -> str:
    """A sentence that names the published models that are not in the cache, with the command; empty where all are."""
    names = [name for name in MODELS if not is_fetched(name)]
    return (
        f"Not measured, since not fetched: {', '.join(names)}. Run `jaxpe fetch {' '.join(names)}` once."
        if names
        else ""
    )


def slug(name: str) -> str:
    """A name as the part of a claim's id."""
    return re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-") or "table"


def some_tokens(tokens: Float[ndarray, "V D"], most: int = MOST_TOKENS) -> Float[ndarray, "W D"]:
    """At most so many tokens, evenly spaced over the vocabulary."""
    return tokens[:: -(-len(tokens) // most)]
