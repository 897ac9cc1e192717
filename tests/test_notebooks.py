"""Documentation is executed: the notebooks, with what their sentences say about the results, and the pages of the API."""

import ast
import importlib
import importlib.util
import json
import pkgutil
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from support import ROOT

import jaxpe
from jaxpe.cli.commands import COMMANDS

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
TAGS = {"p", "a", "code", "pre", "em", "strong", "ul", "ol", "li", "div", "span"}  # what Markdown becomes
# Executed as a last cell: the results that the text between the cells describes.
CHECKS = {
    "tour": """
def score(name, length, column="value"):
    return tables.select_rows(accuracy, encoding=name, test_length=length)[column].item()

longest = preset.train_length
assert np.abs(turned - hands[SHIFT:]).max() < 1e-4
assert (residuals["sinusoidal"] < 1e-6).all() and (residuals["learned"] > 0.8).all()
assert spreads.loc["encoder", "none"] < 1e-12
assert min(spreads.loc["encoder", "sinusoidal"], spreads.loc["decoder", "none"]) > 0.01
assert nearest == (TOKEN, POSITION) and distances.min() == 0
both, alone, chance = (read[column] for column in read)
assert (both == 1).all() and alone.is_monotonic_increasing and (alone > 5 * chance).all()
assert score("sinusoidal", longest) > 0.9 > 0.5 > score("sinusoidal", longest + 1)
assert abs(score("none", longest) - score("none", longest, "order_blind_baseline")) < 0.1
assert set(main["preset"]) == {"quick", "standard"} and (main["n"] >= 0).all()
""",
    "own_encoding": """
def score(name, length, column="value"):
    return tables.select_rows(accuracy, encoding=name, test_length=length)[column].mean()

longest, beyond = preset.train_length, accuracy["test_length"].max()
assert len(faults) == 1 and "sign" in faults[0] and "broken.py, line" in faults[0]
assert not card["fault"].any() and "no reference" in card.set_index("name").loc["reference", "measured"]
assert min(score("LogDistance", longest), score("LogDistance", beyond), score("sinusoidal", longest)) > 0.9
assert score("sinusoidal", beyond) < 0.5
assert abs(score("none", longest) - score("none", longest, "order_blind_baseline")) < 0.1
""",
}


def read_cells(path, kind):
    return [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == kind]


def parse_code(path):
    """All code of a notebook, without IPython's magic lines."""
    lines = "".join("".join(cell["source"]) + "\n" for cell in read_cells(path, "code")).splitlines()
    return ast.parse("\n".join(line for line in lines if not line.startswith("%")))


def test_each_notebook_has_its_check():
    assert [path.stem for path in NOTEBOOKS] == sorted(CHECKS)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_committed_without_outputs(path):
    whole = json.loads(path.read_text(encoding="utf-8"))
    assert whole["metadata"]["kernelspec"]["name"] == "python3"
    for cell in read_cells(path, "code"):
        assert cell["outputs"] == [] and cell["execution_count"] is None, cell["id"]


def find_attribute(module, name):
    """An attribute or a submodule of a module; None where there is neither."""
    if not hasattr(module, name) and importlib.util.find_spec(f"{module.__name__}.{name}"):
        importlib.import_module(f"{module.__name__}.{name}")
    return getattr(module, name, None)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_name_of_jaxpe_in_a_notebook_exists(path):
    tree, modules = parse_code(path), {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module.partition(".")[0] == "jaxpe":
            source = importlib.import_module(node.module)
            for alias in node.names:
                value = find_attribute(source, alias.name)
                assert value is not None, f"{node.module} has no {alias.name}"
                if isinstance(value, ModuleType):
                    modules[alias.asname or alias.name] = value
    assert modules
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            assert hasattr(modules[node.value.id], node.attr), f"{node.value.id} has no {node.attr}"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_commands_and_files_in_the_text_exist(path):
    text = "".join("".join(cell["source"]) for cell in read_cells(path, "markdown"))
    names = re.findall(r"`jaxpe ([\w-]+)", text)
    assert names and set(names) <= set(COMMANDS)
    for name in re.findall(r"`([\w.]+/[\w./]+)`", text):
        assert (ROOT / name).exists(), name


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_run_and_show_what_their_text_says(path, tmp_path, monkeypatch):
    import nbformat
    from nbclient import NotebookClient

    before = sorted(path.parent.iterdir())
    home, temporary = tmp_path / "home", tmp_path / "temporary"
    for name, folder in (("HOME", home), ("TMPDIR", temporary)):
        folder.mkdir()
        monkeypatch.setenv(name, str(folder))
    for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    notebook.cells.append(nbformat.v4.new_code_cell(CHECKS[path.stem]))
    where = {"metadata": {"path": path.parent}}
    NotebookClient(notebook, timeout=None, kernel_name="python3", resources=where).execute()
    images = [out for cell in notebook.cells for out in cell.get("outputs", []) if "image/png" in out.get("data", {})]
    assert images
    assert list(temporary.iterdir()) == []  # its temporary folder is removed
    assert sorted(path.parent.iterdir()) == before


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("pdoc") is None, reason="needs pdoc: pip install 'jaxpe[docs]'")
@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_the_pages_of_the_api_are_built_without_a_warning(tmp_path):
    command = ["make", "-o", ".venv/docs", "docs", f"BIN={Path(sys.executable).parent}", f"DOCS={tmp_path}"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0 and result.stderr == "", result.stderr
    modules = {module.name for module in pkgutil.walk_packages(jaxpe.__path__, "jaxpe.")} - {"jaxpe.__main__"}
    pages = {
        page.relative_to(tmp_path).with_suffix("").as_posix().replace("/", ".") for page in tmp_path.rglob("*.html")
    }
    assert pages == {"index", "jaxpe", *modules}
    for page in tmp_path.rglob("*.html"):
        for text in re.findall(r'<div class="docstring">(.*?)</div>\n', page.read_text(encoding="utf-8"), re.DOTALL):
            unescaped = set(re.findall(r"<(\w+)", text)) - TAGS
            assert not unescaped, f"{page.name}: {unescaped} would be read as HTML: put it in backticks"
