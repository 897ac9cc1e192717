"""Under which names a family of models keeps its position table, and which family a file belongs to.

Names are matched at their ends, since every wrapper adds a prefix (`bert.`, `model.0.auto_model.`). A new family is a row.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from jaxpe.errors import UserError
from jaxpe.pretrained.weight_files import WeightFile


class Family(NamedTuple):
    """Names of a family's tables, as patterns of their ends."""

    name: str
    kind: str  # what reads the table: "encoder" or "decoder"; "" where the architecture has to say it
    positions: str
    tokens: str | None
    encoder_positions: str | None = None
    two_more: bool = False  # such a table can begin with two rows that stand for no position


FAMILIES = (
    Family("jaxpe", "encoder", r"^positions", r"^tokens", r"^encoder_positions"),
    Family("BERT", "encoder", r"\bposition_embeddings\.weight", r"\bword_embeddings\.weight", two_more=True),
    Family("GPT-2", "decoder", r"\bwpe\.weight", r"\bwte\.weight"),
    Family(
        "Whisper, BART, OPT", "decoder", r"\bdecoder\.embed_positions\.weight",
        r"\b(decoder\.embed_tokens|shared)\.weight", r"\bencoder\.embed_positions\.weight", two_more=True,
    ),
    Family(
        "Whisper as first published", "decoder", r"\bdecoder\.positional_embedding",
        r"\bdecoder\.token_embedding\.weight", r"\bencoder\.positional_embedding",
    ),
    Family(
        "CTranslate2 decoder", "decoder", r"^decoder/position_encodings/encodings",
        r"^decoder/embeddings(_0)?/weight", r"^encoder/position_encodings/encodings",
    ),
    Family(
        "CTranslate2 encoder", "encoder", r"^encoder/position_encodings/encodings", r"^encoder/embeddings(_0)?/weight"
    ),
    Family("GGUF", "", r"^position_embd\.weight", r"^token_embd\.weight"),
    Family("ViT", "encoder", r"\b(position_embeddings|pos_embed)", None),
    Family("CLIP", "encoder", r"\bvision_model\.embeddings\.position_embedding\.weight", None),
)  # fmt: skip
WITHOUT_TABLE = (  # arrays that tell how a model without a table has it
    (r"\brotary_emb\b|\bmodel\.layers\.\d+\.self_attn\.q_proj\b", "its positions are rotations of queries and keys"),
    (r"\brelative_attention_bias\b", "its positions are a bias of the logits by distance"),
)


def named(file: WeightFile, pattern: str | None) -> list[str]:
    """The tables whose names end in a pattern."""
    found = (name for name, array in file.arrays.items() if len(array.shape) in (2, 3))
    return [name for name in found if pattern and re.search(f"(?:{pattern})$", name)]


def family_of(file: WeightFile) -> Family | None:
    """The first family whose position table is in the file."""
    return next((family for family in FAMILIES if named(file, family.positions)), None)


def no_table(file: WeightFile) -> UserError:
    """What to say of a file in which no family has its table: how it has positions instead, or what might be the table."""
    for pattern, sentence in WITHOUT_TABLE:
        if any(re.search(pattern, name) for name in file.arrays):
            return UserError(f"{file.path} has no position table: {sentence}. Give a model with learned positions.")
    return UserError(
        f"{file.path} has no position table under a known name. {candidates(file)} If one of them is it, give its name: "
        "--model FILE::NAME, or open_model(..., table=NAME)."
    )


def candidates(file: WeightFile, most: int = 8) -> str:
    """A sentence that names the two-dimensional arrays, those first whose names speak of positions."""
    found = [(name, array.shape) for name, array in file.arrays.items() if len(array.shape) == 2]
    found.sort(key=lambda item: (not re.search("pos|wpe", item[0], re.IGNORECASE), item[1][0]))
    listed = ", ".join(f"{name} {rows}×{columns}" for name, (rows, columns) in found[:most])
    more = f" and {len(found) - most} more" if len(found) > most else ""
    return f"Two-dimensional arrays: {listed}{more}." if found else "It has no two-dimensional array."
