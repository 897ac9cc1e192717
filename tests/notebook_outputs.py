"""Executes notebooks in place, so that they are read with their outputs: `make notebooks`, or this file with some names.

A second run gives the same bytes where the results are the same: no times and no versions are stored.
"""

import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode
from support import ROOT

FOLDER = ROOT / "notebooks"
# Trained on another processor, a mean over some models may differ by this much; so may a single printed number.
ABSOLUTE, RELATIVE = 0.03, 0.01
NUMBER = re.compile(r"(?<![\w.])-?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?(?![\w.]*\w)")
ROUNDING = re.compile(r" to \d+e-\d+")  # "equal to 6e-08", which may be "equal" elsewhere
MARKUP = re.compile(r"<style.*?</style>|<[^>]+>", re.DOTALL)


def execute_notebook(notebook: NotebookNode, folder: Path) -> None:
    """Runs all cells with `folder` as the working directory, without the reader's own settings of IPython.

    Raises CellExecutionError where a cell fails, and RuntimeError where one prints warnings or errors.
    """
    metadata = dict(notebook.metadata)
    with tempfile.TemporaryDirectory() as settings:
        names = ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")
        client = NotebookClient(
            notebook,
            timeout=None,
            kernel_name="python3",
            record_timing=False,
            coalesce_streams=True,
            resources={"metadata": {"path": str(folder)}},
        )
        client.execute(env=os.environ | dict.fromkeys(names, settings))
    notebook.metadata = nbformat.from_dict(metadata)  # without the version of Python
    for cell in list_code(notebook):
        for output in cell.outputs:
            if output.get("name") == "stderr":
                raise RuntimeError(f"Cell {cell.id} wrote to stderr: {output.text}")
            if "metadata" in output:
                output.metadata = {}


def list_code(notebook: NotebookNode) -> list[NotebookNode]:
    """The cells of code."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def list_texts(cell: Any) -> list[str]:
    """What a cell shows as text: printed lines, and plain text and HTML of values; not the names of images."""
    texts = []
    for output in cell["outputs"]:
        data = output.get("data", {})
        texts.append("".join(output.get("text", "")))
        texts += [
            "".join(data[kind]) for kind in ("text/plain", "text/html") if kind in data and "image/png" not in data
        ]
    return [text for text in texts if text]


def list_images(cell: Any) -> list[str]:
    """The images that a cell shows, in base64."""
    return ["".join(output["data"]["image/png"]) for output in cell["outputs"] if "image/png" in output.get("data", {})]


def find_difference(stored: Any, executed: Any) -> str:
    """What differs between the outputs of a cell, as a sentence; '' where only last digits and pixels do."""
    texts = [[normalize_text(text) for text in list_texts(cell)] for cell in (stored, executed)]
    if [NUMBER.sub("#", text) for text in texts[0]] != [NUMBER.sub("#", text) for text in texts[1]]:
        return f"Cell {stored['id']} shows {texts[1]}, and {texts[0]} is stored."
    for pair in zip(*([number for text in side for number in NUMBER.findall(text)] for side in texts), strict=True):
        before, now = map(float, pair)
        if abs(before - now) > ABSOLUTE + RELATIVE * abs(before):
            return f"Cell {stored['id']} shows {pair[1]}, and {pair[0]} is stored."
    if len(list_images(stored)) != len(list_images(executed)):
        return (
            f"Cell {stored['id']} shows {len(list_images(executed))} images, and {len(list_images(stored))} are stored."
        )
    return ""


def normalize_text(text: str) -> str:
    """The words and numbers alone, with single spaces: widths of columns follow the numbers."""
    return " ".join(ROUNDING.sub("", MARKUP.sub(" ", text)).split())


def main() -> None:
    """Executes the notebooks that the command names, or all of them, and writes them with their outputs."""
    for path in [Path(name) for name in sys.argv[1:]] or sorted(FOLDER.glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        execute_notebook(notebook, path.parent)
        nbformat.write(notebook, path)
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
