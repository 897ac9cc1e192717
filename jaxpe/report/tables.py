"""The tables of a results folder as the workbench holds them: whole, as they were written, compressed."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from jaxpe.plugins.registry import label_name
from jaxpe.records.csv_tables import read_table
from jaxpe.records.provenance import TABLE
from jaxpe.records.stored_files import read_text
from jaxpe.study.experiment import EXPERIMENTS


def read_tables(folders: Sequence[Path]) -> dict[str, pd.DataFrame]:
    """The table of each experiment by its name. Raises UserError for one that cannot be used."""
    return {folder.name: read_table(folder / TABLE) for folder in folders}


def pack_tables(folders: Sequence[Path]) -> dict[str, str]:
    """The text of each table by its experiment, packed."""
    return {folder.name: pack_text(read_text(folder / TABLE)) for folder in folders}


def pack_text(text: str) -> str:
    """A text for the page's scripts: compressed, as base64."""
    return base64.b64encode(zlib.compress(text.encode(), 9)).decode()


def list_line_names(tables: Mapping[str, pd.DataFrame]) -> list[str]:
    """The encodings, alone and with the samplers of their positions: what may be the name of a line in a chart."""
    names = dict[str, None]()
    for table in tables.values():
        for encoding, positions in table[["encoding", "positions"]].dropna(subset="encoding").drop_duplicates().values:
            names |= {encoding: None, f"{encoding} + {positions}": None}
    return list(names)


def list_encodings(tables: Mapping[str, pd.DataFrame]) -> dict[str, list[str]]:
    """The encodings of each table by its experiment, in the table's order."""
    return {name: table["encoding"].dropna().astype(str).unique().tolist() for name, table in tables.items()}


def find_own(provenances: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """What of these experiments is the user's own, for the workbench to open with: an experiment, or a task or encoding in one.

    {'experiment': ''} where everything is jaxpe's.
    """
    from jaxpe.encodings import CATALOGUE  # JAX is slow to import
    from jaxpe.tasks.registry import list_tasks_of_jaxpe

    for name in provenances:
        if name not in EXPERIMENTS:
            return {"experiment": name}
    for name, provenance in provenances.items():
        for row in provenance.get("preset", {}).get("grid", []):
            for encoding in row["encodings"]:
                if encoding not in CATALOGUE or row["task"] not in list_tasks_of_jaxpe():
                    return {"experiment": name, "task": label_name(row["task"]), "encoding": label_name(encoding)}
    return {"experiment": ""}
