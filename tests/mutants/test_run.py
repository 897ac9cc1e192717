"""The collection of mutants: every one can still be applied, and the runner tells noticed ones from survivors."""

import ast
import subprocess
import sys
from pathlib import PurePosixPath

import pytest
from mutants.run import ROOT, Mutant, apply_mutant, load_mutants, make_environment, select_mutants, try_mutant

MUTANTS = load_mutants()
LEAST = 85
WINGS = ("tasks", "data", "encodings", "model", "training", "records", "study", "analysis", "report", "figures")


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_can_be_applied_and_its_tests_exist(mutant):
    text = (ROOT / mutant.file).read_text(encoding="utf-8")
    assert text.count(mutant.old) == 1 and mutant.new != mutant.old and mutant.why.endswith(".")
    compile(text.replace(mutant.old, mutant.new), mutant.file, "exec")
    for test in mutant.tests:
        path, _, name = test.partition("::")
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        assert not name or name.partition("[")[0] in functions, test


def test_there_are_enough_mutants_in_all_modules_that_make_numbers():
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= LEAST
    parts = [PurePosixPath(mutant.file).parts for mutant in MUTANTS]
    for wing in WINGS:
        assert sum(part[:2] == ("jaxpe", wing) for part in parts) >= 2, wing
    assert sum(part[0] == "experiments" for part in parts) >= 8
    assert {"jaxpe/positions.py", "jaxpe/streams.py"} <= {mutant.file for mutant in MUTANTS}


MODULE = "def double(x):\n    return 2 * x\n"
TEST = "from jaxpe.small import double\n\n\ndef test_double():\n    assert double({value}) == {result}\n"


@pytest.fixture
def checkout(tmp_path):
    """A package with one function, and a test that sees a wrong factor and one that does not."""
    (tmp_path / "jaxpe").mkdir()
    (tmp_path / "jaxpe" / "__init__.py").write_text("")
    (tmp_path / "jaxpe" / "small.py").write_text(MODULE)
    (tmp_path / "test_sharp.py").write_text(TEST.format(value=3, result=6))
    (tmp_path / "test_blunt.py").write_text(TEST.format(value=0, result=0))
    (tmp_path / "conftest.py").write_text("")
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    return tmp_path


def make_mutant(test, old="2 * x", new="3 * x"):
    return Mutant("wrong-factor", "jaxpe/small.py", old, new, "Everything.", (test,))


def test_a_mutant_is_noticed_by_a_test_that_fails_and_survives_others(checkout):
    assert try_mutant(checkout, make_mutant("test_sharp.py")) == "noticed"
    assert try_mutant(checkout, make_mutant("test_blunt.py")) == "survived"
    assert try_mutant(checkout, make_mutant("test_missing.py")).startswith("cannot be run")
    assert (checkout / "jaxpe" / "small.py").read_text() == MODULE


def test_a_snippet_that_is_not_unique_is_refused(checkout):
    for old in ("x", "4 * x"):
        with pytest.raises(ValueError, match="times in"), apply_mutant(checkout, make_mutant("test_sharp.py", old)):
            pass
    assert (checkout / "jaxpe" / "small.py").read_text() == MODULE


def test_the_copy_comes_before_the_installed_package(checkout):
    command = [sys.executable, "-c", "import jaxpe; print(jaxpe.__file__)"]
    result = subprocess.run(
        command, env=make_environment(checkout), cwd=checkout.parent, capture_output=True, text=True
    )
    assert result.stdout.strip() == str(checkout / "jaxpe" / "__init__.py")


def test_words_select_by_name_or_file():
    mutants = [make_mutant("a"), Mutant("other", "jaxpe/streams.py", "a", "b", "", ())]
    assert [mutant.name for mutant in select_mutants(mutants, ["streams"])] == ["other"]
    assert [mutant.name for mutant in select_mutants(mutants, ["factor", "other"])] == ["wrong-factor", "other"]
    assert select_mutants(mutants, []) == mutants
