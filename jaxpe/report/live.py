"""The trained models that the page runs: `models.json` of the experiment tour, checked, as its script needs it.

`html/live.js` computes the forward pass of `jaxpe.model` for one encoder and the encodings listed here, in the same order and
from the same numbers.
"""

from __future__ import annotations

import base64
import binascii
import math
from pathlib import Path
from typing import Any

import numpy as np

from jaxpe import tasks
from jaxpe.data.examples import BLANK, SPECIALS
from jaxpe.errors import UserError
from jaxpe.records.provenance import MODELS
from jaxpe.records.stored_files import AGAIN, exists, read_typed_json
from jaxpe.study.kept_models import STORED, KeptModels

EXPERIMENT = "tour"
TASK, ARCHITECTURE = "reverse", "encoder"  # the script knows the right answer of this task, and no mask
ENCODINGS = ("none", "sinusoidal", "learned", "rotary", "alibi")
LONGEST = 40  # symbols that a reader may type
MOST = {"width": 1024, "layers": 12, "heads": 64, "train_length": 10**4, "table_length": 10**6}

Shapes = dict[str, tuple[int, ...]]


def read_models(results: Path) -> dict[str, Any] | None:
    """What the script needs; None where the folder has no models.

    `width`, `layers`, `heads`, `train_length`; `symbols`: size of the alphabet; `first_symbol` and `blank`: token ids; `limit`:
    the most symbols that may be typed; `models`: by encoding and parameter the base64 of float16, little-endian, row-major, in
    the shapes of `list_shapes`. Raises UserError where the file is not what the run wrote.
    """
    path = results / EXPERIMENT / MODELS
    if not exists(path):
        return None
    stored = read_typed_json(path, KeptModels)
    if fault := find_fault(stored):
        raise UserError(f"{path} was altered: {fault}. {AGAIN}")
    return {
        **{name: stored[name] for name in ("width", "layers", "heads", "train_length", "models")},  # type: ignore[literal-required]
        "symbols": count_symbols(),
        "first_symbol": SPECIALS,
        "blank": BLANK,
        # A symbol takes two positions: its own and that of its answer.
        "limit": min(LONGEST, stored["table_length"] // 2),
    }


def count_symbols() -> int:
    """The size of the task's alphabet."""
    return tasks.build_task(TASK, train_length=1).symbols


def find_fault(stored: KeptModels) -> str:
    """What is wrong with the content of `models.json`; '' for nothing."""
    if (stored["task"], stored["architecture"]) != (TASK, ARCHITECTURE):
        return f"models of {TASK} in the {ARCHITECTURE} are due"
    for name, most in MOST.items():
        if not 1 <= stored[name] <= most:  # type: ignore[literal-required]
            return f"{name!r}: a number from 1 to {most} is due, not {stored[name]}"  # type: ignore[literal-required]
    if stored["width"] % stored["heads"] or stored["width"] // stored["heads"] % 2:
        return "'width': an even number for each head is due"
    if stored["table_length"] < 2 * stored["train_length"]:
        return "'table_length': at least twice 'train_length' is due"
    if not stored["models"] or not set(stored["models"]) <= set(ENCODINGS):
        return f"'models': at least one of {', '.join(ENCODINGS)} is due, and no other"
    for encoding, arrays in stored["models"].items():
        shapes = list_shapes(stored, encoding)
        if set(arrays) != set(shapes):
            return f"'models', {encoding!r}: a parameter is missing, or is not of this model"
        for name, text in arrays.items():
            if fault := find_fault_of_array(text, math.prod(shapes[name])):
                return f"'models', {encoding!r}, {name!r}: {fault}"
    return ""


def find_fault_of_array(text: str, size: int) -> str:
    """What is wrong with a parameter that should have `size` numbers; '' for nothing."""
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return "it is not base64"
    if len(content) != size * STORED.itemsize:
        return f"{size} numbers are due, not {len(content) / STORED.itemsize:g}"
    return "" if np.isfinite(np.frombuffer(content, STORED)).all() else "a number is not finite"


def list_shapes(stored: KeptModels, encoding: str) -> Shapes:
    """The shapes of a model's parameters by name: those of `jaxpe.training.parameters.flatten_model`.

    D width, H heads, K = D / H, V vocabulary, N positions.
    """
    D, H, V = stored["width"], stored["heads"], SPECIALS + count_symbols()
    K = D // H
    shapes: Shapes = {"stack.embedding": (V, D), "stack.norm.gain": (D,), "unembedding": (D, V)}
    for i in range(stored["layers"]):
        block = f"stack.blocks.{i}"
        shapes |= {f"{block}.norms.{j}.gain": (D,) for j in range(2)}
        shapes |= {f"{block}.attention.{name}": (D, H, K) for name in ("query", "key", "value")}
        shapes |= {f"{block}.attention.out": (H, K, D), f"{block}.mlp_in": (D, 4 * D), f"{block}.mlp_out": (4 * D, D)}
    if encoding == "learned":
        shapes["stack.encodings.0.table"] = (stored["table_length"], D)
    return shapes
