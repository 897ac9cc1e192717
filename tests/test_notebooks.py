"""Documentation is executed: the notebooks, with what their sentences say about the results, and the pages of the API."""

import ast
import base64
import copy
import importlib
import importlib.util
import inspect
import io
import json
import pkgutil
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import nbformat
import pytest
from notebook_outputs import execute_notebook, find_difference, list_code, list_images, list_texts
from PIL import Image
from support import ROOT

import jaxpe
from jaxpe.cli.commands import COMMANDS

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
LARGEST = 600_000  # bytes of a notebook
# A path from the root of a disk, as in "/tmp/x" or "C:\\x", and not a part of an address, a relative path or a tag of HTML.
ABSOLUTE_PATH = re.compile(r"(?<![\w.:/<~-])/[\w.-]+/[\w.-]+|\b[A-Z]:\\\\?\w")
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
assert results is None
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
    "python_api": """
def mean(name, length, column="value"):
    return with_own.query("encoding == @name and test_length == @length")[column].mean()

last = {name: of_name.history.groupby("seed")["token_accuracy"].last() for name, of_name in runs.items()}
assert last["sinusoidal"].min() > 0.9 and last["none"].max() < 0.5 and last["none"].max() - last["none"].min() < 0.05
assert min(mean("sinusoidal", n) for n in range(1, LENGTH + 1)) > 0.9 and mean("sinusoidal", LENGTH + 1) < 0.5
for length in range(1, 2 * LENGTH + 1):
    assert abs(mean("none", length) - mean("none", length, "order_blind_baseline")) < 0.03
assert gain.loc[LENGTH, "least"] > 0.5 and gain.loc[2 * LENGTH, "difference"] < 0 and (gain["n"] == 6).all()
assert min(mirrored["block 2, head 1"], mirrored["block 2, head 2"]) > 0.5
first, second = (order.split() for order in ORDERS)
assert first == second[::-1] and answers["sinusoidal"].tolist() == [[*map(int, second)], [*map(int, first)]]
assert answers["none"].iloc[0] == answers["none"].iloc[1] and len(set(answers["none"].iloc[0])) == 1
assert (answered == rotations[:, ::-1]).all()
early, late = dependence[:2], dependence[-2:]
assert (early.argmax(1) >= LENGTH - 2).all() and (late.argmax(1) < 2).all()
neighbours = [jnp.diag(dependence[:, ::-1], offset).sum() / LENGTH for offset in (-1, 0, 1)]
assert 1.7 / LENGTH < neighbours[1] < 2.3 / LENGTH and (sum(neighbours) - neighbours[1]) / (1 - neighbours[1]) > 0.5
assert abs(shape.loc[LENGTH, "difference"]) < 0.05
for name in ("sinusoidal", "Triangles"):
    assert mean(name, 2 * LENGTH) < mean(name, 2 * LENGTH, "order_blind_baseline")
from jaxpe.conformance import suite
assert suite.list_faults("triangles.py:Triangles") == []
assert len(jaxpe.load("kept")) == 18
""",
}


def read_cells(path, kind):
    return [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == kind]


def parse_code(path):
    """All code of a notebook, without IPython's magic lines."""
    lines = "".join("".join(cell["source"]) + "\n" for cell in read_cells(path, "code"))
    return ast.parse(re.sub(r"^( *)%.*", r"\1pass", lines, flags=re.MULTILINE))


def test_each_notebook_has_its_check():
    assert [path.stem for path in NOTEBOOKS] == sorted(CHECKS)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_committed_as_they_were_executed_from_top_to_bottom(path):
    whole = json.loads(path.read_text(encoding="utf-8"))
    assert whole["metadata"] == {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    cells = read_cells(path, "code")
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1)), "run `make notebooks`"
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert {output["output_type"] for output in outputs} <= {"stream", "display_data", "execute_result"}
    assert {output.get("name", "stdout") for output in outputs} == {"stdout"}
    assert all(cell["metadata"] == {} for cell in cells) and all(not output.get("metadata") for output in outputs)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_stored_outputs_are_small_and_name_no_place_on_a_disk(path):
    assert path.stat().st_size < LARGEST
    cells = read_cells(path, "code")
    texts, images = ([one for cell in cells for one in part(cell)] for part in (list_texts, list_images))
    assert len(texts) >= 3 and len(images) >= 1
    for text in texts:
        assert not ABSOLUTE_PATH.search(text), text
    for image in images:
        width, height = Image.open(io.BytesIO(base64.b64decode(image))).size
        assert 200 < width <= 1000 and 200 < height <= 600


def test_paths_of_a_machine_are_recognized():
    for text in ("in /tmp/abc/file.py", "'/home/someone/x'", "C:\\Users\\x", "File(/root/x/y.py)"):
        assert ABSOLUTE_PATH.search(text), text
    for text in (
        "results/runs",
        "https://a.b/c/d",
        "<td>a</td><td>",
        "p / base / width",
        "1/2",
        "../results/x",
        "~/x/y",
    ):
        assert not ABSOLUTE_PATH.search(text), text


def make_cell(text, *images):
    outputs = [{"output_type": "stream", "name": "stdout", "text": text}]
    return {"id": "x", "outputs": [*outputs, *({"data": {"image/png": image}} for image in images)]}


@pytest.mark.parametrize(
    ("stored", "executed", "same"),
    [
        (make_cell("none   .33\n"), make_cell("none .34"), True),
        (make_cell("error 3e-06"), make_cell("error 4e-07"), True),
        (make_cell("equal to 6e-08  ok"), make_cell("equal  ok"), True),
        (make_cell("x", "AA"), make_cell("x", "BB"), True),
        (make_cell("none .33"), make_cell("none .43"), False),
        (make_cell("[3, 1, 4]"), make_cell("[3, 1, 5]"), False),
        (make_cell("n 6"), make_cell("n 6 7"), False),
        (make_cell("block 1"), make_cell("head 1"), False),
        (make_cell("-0.5"), make_cell("0.5"), False),
        (make_cell("x", "AA"), make_cell("x"), False),
    ],
)
def test_outputs_differ_where_more_than_rounding_does(stored, executed, same):
    before = copy.deepcopy((stored, executed))
    assert (find_difference(stored, executed) == "") is same
    assert (stored, executed) == before


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_first_cell_installs_jaxpe_where_it_is_missing_and_only_there(path, monkeypatch):
    from IPython.core.inputtransformer2 import TransformerManager

    first = "".join(read_cells(path, "code")[0]["source"])
    code = compile(TransformerManager().transform_cell(first), "first cell", "exec")
    for spec, expected in ((object(), []), (None, [("pip", "install --quiet ..")])):
        calls = []
        shell = type("Shell", (), {"run_line_magic": lambda self, *words, calls=calls: calls.append(words)})()
        with monkeypatch.context() as patch:
            patch.setattr(importlib.util, "find_spec", {"jaxpe": spec}.__getitem__)
            exec(code, {"get_ipython": lambda shell=shell: shell})
        assert calls == expected
    assert (path.parent / ".." / "pyproject.toml").is_file()


def find_attribute(module, name):
    """An attribute or a submodule of a module; None where there is neither."""
    if not hasattr(module, name) and importlib.util.find_spec(f"{module.__name__}.{name}"):
        importlib.import_module(f"{module.__name__}.{name}")
    return getattr(module, name, None)


def list_imports(tree):
    """The objects of jaxpe that code imports, by the names that it gives them."""
    values = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import) and any(alias.name == "jaxpe" for alias in node.names):
            values["jaxpe"] = jaxpe
        elif isinstance(node, ast.ImportFrom) and node.module.partition(".")[0] == "jaxpe":
            source = importlib.import_module(node.module)
            for alias in node.names:
                values[alias.asname or alias.name] = find_attribute(source, alias.name)
                assert values[alias.asname or alias.name] is not None, f"{node.module} has no {alias.name}"
    return values


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_name_and_argument_of_jaxpe_in_a_notebook_exists(path):
    tree = parse_code(path)
    values = list_imports(tree)
    modules = {name: value for name, value in values.items() if isinstance(value, ModuleType)}
    assert modules
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            assert hasattr(modules[node.value.id], node.attr), f"{node.value.id} has no {node.attr}"
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        function = values.get(call.func.id) if isinstance(call.func, ast.Name) else None
        if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name):
            function = getattr(modules.get(call.func.value.id), call.func.attr, None)
        if function is not None and not any(isinstance(argument, ast.Starred) for argument in call.args):
            named = {keyword.arg: None for keyword in call.keywords if keyword.arg}
            inspect.signature(function).bind_partial(*call.args, **named)  # a TypeError names the argument


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_commands_and_files_in_the_text_exist(path):
    text = "".join("".join(cell["source"]) for cell in read_cells(path, "markdown"))
    names = re.findall(r"`jaxpe ([\w-]+)", text)
    assert names and set(names) <= set(COMMANDS)
    for name in re.findall(r"`([\w.]+/[\w./]+)`", text):
        assert (ROOT / name).exists(), name


def list_differences(stored, executed):
    """What two notebooks with the same code show differently, a sentence for each cell."""
    pairs = zip(list_code(stored), list_code(executed), strict=True)
    differences = {one.id: find_difference(one, other) for one, other in pairs}
    return {cell: difference for cell, difference in differences.items() if difference}


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_run_anywhere_and_show_what_is_stored_and_what_their_text_says(path, tmp_path, monkeypatch):
    """In an empty folder outside of the checkout, where only the committed results cannot be shown."""
    for name in ("home", "temporary", "work"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    stored = nbformat.read(path, as_version=4)
    nbformat.validate(stored)
    executed = copy.deepcopy(stored)
    executed.cells.append(nbformat.v4.new_code_cell(CHECKS[path.stem]))
    execute_notebook(executed, tmp_path / "work")
    executed.cells.pop()
    differences = list_differences(stored, executed)
    if path.stem == "tour":
        assert "There are no committed results above this folder" in differences.pop("claims")
    assert differences == {}
    assert list((tmp_path / "temporary").iterdir()) == []  # its temporary folder is removed
    assert list((tmp_path / "work").iterdir()) == []


@pytest.mark.slow
def test_the_tour_shows_the_committed_results():
    """Its first and its last cells alone, in the checkout."""
    stored = nbformat.read(ROOT / "notebooks" / "tour.ipynb", as_version=4)
    stored.cells = [cell for cell in stored.cells if cell.id in ("imports", "claims")]
    executed = copy.deepcopy(stored)
    check = 'assert set(main["preset"]) == {"quick", "standard"} and (main["n"] >= 0).all()'
    executed.cells.append(nbformat.v4.new_code_cell(check))
    execute_notebook(executed, ROOT / "notebooks")
    executed.cells.pop()
    assert list_differences(stored, executed) == {}, "run `make notebooks`"


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
