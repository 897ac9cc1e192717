"""The house rules: wings, sizes of files and functions, one word for one thing, and what README says about them."""

import ast
import io
import json
import re
import tokenize
import tomllib

import pytest
from support import ROOT

from jaxpe.report.markdown import BLOCK

FILES = sorted([*ROOT.glob("jaxpe/**/*.py"), *ROOT.glob("experiments/*.py")])
README = (ROOT / "README.md").read_text(encoding="utf-8")
# Names and phrases that had another meaning here, or none outside this project, and what is said instead.
OLD_NAMES = {
    "Cell", "cells", "Setting", "setting", "settings", "Lane", "lane", "lanes", "Member", "Stratum", "stratum", "strata",
    "reach", "working_set", "Watched", "order_blind", "exact_imposed", "floor", "mix", "mixes", "told", "made", "found",
    "beside",
}  # fmt: skip
FOREIGN_NAMES = {("math", "floor"), ("jnp", "floor"), ("np", "floor")}
OLD_PHRASES = re.compile(
    r"\b(?:carr(?:y|ies) (?:it )?further|order-blind rule|length-only floor|strat(?:a|um)|working set|exact_imposed|"
    r"goes on (?:from here|where it stopped)|what it lacks|drawn anew|a lane|lanes per device|beside)\b"
)


def read_layers():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    return next(contract["layers"] for contract in contracts if contract["id"] == "wings")


def test_the_picture_in_readme_is_the_contract_of_imports():
    """The same wings in the same order; `__main__` has no line of its own."""
    tree = README.split("experiments/ ", 1)[1].split("```", 1)[0]
    names = re.findall(r"^  (\w+)(?:/|\.py) ", tree, re.MULTILINE)
    assert names == read_layers()[1:]


def test_few_files_lie_flat_in_the_package():
    assert len(list((ROOT / "jaxpe").glob("*.py"))) <= 8


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_are_short(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 300
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
    long = {node.name: node.end_lineno - node.lineno + 1 for node in functions}
    assert {name: lines for name, lines in long.items() if lines > 60} == {}


def list_names(path):
    """Names in code, without attributes of foreign modules."""
    tokens = list(tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline))
    for i, token in enumerate(tokens):
        if token.type == tokenize.NAME:
            foreign = i >= 2 and tokens[i - 1].string == "." and (tokens[i - 2].string, token.string) in FOREIGN_NAMES
            if not foreign:
                yield token.string


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_one_word_stands_for_one_thing(path):
    assert OLD_NAMES.intersection(list_names(path)) == set()
    text = path.read_text(encoding="utf-8")
    assert [match[0] for match in OLD_PHRASES.finditer(text)] == []


@pytest.mark.parametrize("name", ["README.md", "RESULTS.md", "CONTRIBUTING.md"])
def test_pages_use_the_same_words(name):
    assert OLD_PHRASES.findall((ROOT / name).read_text(encoding="utf-8")) == []


def test_the_page_uses_the_same_words():
    for path in (ROOT / "jaxpe" / "report" / "texts").glob("*.json"):
        messages = json.loads(path.read_text(encoding="utf-8"))
        assert OLD_PHRASES.findall(" ".join(message["en"] for message in messages.values())) == []


def test_readme_is_short_and_begins_with_a_picture():
    assert len(re.sub(r"<!--.*?-->", "", README).split()) <= 1200
    assert README.index("![") < README.index("## ")


def test_links_of_readme_lead_somewhere():
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


NO_RESULTS = re.compile(r"Python 3\.\d+(?:(?:, | or | to )+3\.\d+)*|CC BY[-A-Z]* \d\.\d|Apache-2\.0")


def test_numbers_of_readme_are_made_from_tables():
    """No sentence of README has a decimal number that nothing computes: neither outside of its blocks nor in their texts.

    `jaxpe verify` and the tests of generated blocks compute them again.
    """
    texts = [(ROOT / match["path"]).read_text(encoding="utf-8") for match in BLOCK.finditer(README)]
    sentences = [re.sub(r"\{[^}]+\}", "", text.partition("\n---\n")[2]) for text in texts]
    outside = re.sub(r"```.*?```", "", BLOCK.sub("", README), flags=re.DOTALL)
    assert texts and sum(text.count("{") for text in texts) >= 8
    for text in [*sentences, NO_RESULTS.sub("", outside)]:
        assert re.findall(r"(?<![\w/.])\d*\.\d+", text) == []
