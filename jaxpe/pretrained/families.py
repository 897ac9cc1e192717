"""The names under which families of models store their position tables, and the family that a file belongs to.

Patterns match the end of a name, since every wrapper adds a prefix (`bert.`, `model.0.auto_model.`). A new family is a row.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from jaxpe.errors import UserError
from jaxpe.pretrained.stored_arrays import WeightFile, squeeze_shape


class Family(NamedTuple):
    """A family, with patterns of the names of its tables."""

    name: str
    kind: str  # what reads the table: "encoder" or "decoder"; "" if only the file's architecture tells
    positions: str
    tokens: str | None
    encoder_positions: str | None = None
    has_offset: bool = False  # the table may begin with two rows that stand for no position


FAMILIES = (
    Family("jaxpe", "encoder", r"^positions", r"^tokens", r"^encoder_positions"),
    Family("BERT", "encoder", r"\bposition_embeddings\.weight", r"\bword_embeddings\.weight", has_offset=True),
    Family("GPT-2", "decoder", r"\bwpe\.weight", r"\bwte\.weight"),
    Family("minGPT", "decoder", r"\bpos_emb(\.weight)?", r"\btok_emb(\.weight)?"),
    Family(
        "Whisper, BART, OPT", "decoder", r"\bdecoder\.embed_positions\.weight",
        r"\b(decoder\.embed_tokens|shared)\.weight", r"\bencoder\.embed_positions\.weight", has_offset=True,
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
    Family("ViT", "encoder", r"\b(position_embeddings|pos_embed|pos_embedding)", None),
    Family("CLIP", "encoder", r"\bvision_model\.embeddings\.position_embedding\.weight", None),
)  # fmt: skip
LISTED = 8  # arrays in an error
SUGGESTIVE = r"pos|wpe|(?:^|[._/])pe$"  # of a table of positions
WITHOUT_TABLE = (  # arrays by which a model without a table is known
    (r"\brotary_emb\b|\bmodel\.layers\.\d+\.self_attn\.q_proj\b", "it rotates queries and keys instead"),
    (r"\brelative_attention_bias\b", "it adds a bias by distance to the attention logits instead"),
)


def match_names(file: WeightFile, pattern: str | None) -> list[str]:
    """The arrays of at least two dimensions whose names end in a pattern."""
    names = (name for name, array in file.arrays.items() if len(array.shape) > 1)
    return [name for name in names if pattern and re.search(f"(?:{pattern})$", name)]


def name_family(file: WeightFile, table: str) -> Family:
    """The family of a table that is called by its name, or by the end of it that follows a dot."""
    start = "^" if table in file.arrays else r"(?:^|\.)"
    return Family(table, "encoder", start + re.escape(table), None)


def find_family(file: WeightFile) -> Family | None:
    """The first family whose position table is in the file."""
    return next((family for family in FAMILIES if match_names(file, family.positions)), None)


def explain_missing_table(file: WeightFile) -> UserError:
    """The error for a file without the table of any family: what it has instead, or which array might be the table."""
    for pattern, sentence in WITHOUT_TABLE:
        if any(re.search(pattern, name) for name in file.arrays):
            return UserError(f"{file.path} has no position table, {sentence}: give a model with learned positions.")
    return UserError(
        f"{file.path} has no position table under a known name. {list_candidates(file)} If one of them is the table, give "
        "its name: --model FILE::NAME, or open_model(..., table=NAME)."
    )


def list_candidates(file: WeightFile) -> str:
    """A sentence that lists the arrays that could be tables, first those whose names suggest positions."""
    shapes = [(name, array.shape) for name, array in file.arrays.items() if len(squeeze_shape(array.shape)) == 2]
    shapes.sort(key=lambda item: (not re.search(SUGGESTIVE, item[0], re.IGNORECASE), squeeze_shape(item[1])[0]))
    listed = ", ".join(f"{name} {'×'.join(map(str, shape))}" for name, shape in shapes[:LISTED])
    more = f" and {len(shapes) - LISTED} more" if len(shapes) > LISTED else ""
    return f"Arrays of two dimensions: {listed}{more}." if shapes else "It has no array of two dimensions."
