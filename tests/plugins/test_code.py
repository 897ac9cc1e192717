"""The digest of code: what changes it, and what does not."""

from functools import partial

import numpy as np
import pytest

from jaxpe.encodings.rotary import Rotary
from jaxpe.errors import UserError
from jaxpe.plugins import code, core

SOURCE = b'"""A module."""\nimport math\n\n\nclass Mine:\n    """A class."""\n\n    size = 3\n\n    def f(self, x):\n        """Adds."""\n        return x + 1\n'


@pytest.mark.parametrize(
    ("old", "new"),
    [(b"size = 3", b"size = 4"), (b"x + 1", b"x - 1"), (b"x + 1", b"x + 1.0"), (b"math", b"cmath"), (b"Mine", b"Other"), (b"return x + 1", b"return '1'")],
)  # fmt: skip
def test_a_change_of_code_changes_the_digest(old, new):
    assert code.hash_source(SOURCE.replace(old, new)) != code.hash_source(SOURCE)


@pytest.mark.parametrize(
    ("old", "new"),
    [(b"A module", b"Another module"), (b"Adds", b"Adds one"), (b"import math", b"import math  # used below"), (b"x + 1", b"(x\n            + 1)")],
)  # fmt: skip
def test_comments_docstrings_and_layout_do_not(old, new):
    assert code.hash_source(SOURCE.replace(old, new)) == code.hash_source(SOURCE)


def test_the_text_of_a_tree_is_the_same_under_every_python():
    """Written out by hand: a Python that adds an empty field changes nothing."""
    source = b"def f(x: int = 2) -> None:\n    'Doc.'\n    return x\n"
    text = code.write_node(code.drop_docstrings(code.ast.parse(source)))
    assert text == (
        "Module(body=[FunctionDef(name='f',args=arguments(args=[arg(arg='x',annotation=Name(id='int',ctx=Load()))],"
        "defaults=[Constant(value=2)]),body=[Return(value=Name(id='x',ctx=Load()))],returns=Constant())])"
    )


def test_what_is_no_python_is_known_by_its_bytes():
    assert code.hash_source(b"def (") != code.hash_source(b"def  (")


def test_imports_are_found_anywhere_and_relative_ones_from_their_package():
    source = (
        b"import a.b\nfrom c import d\nfrom . import e\nfrom ..f import g\n"
        b"def h():\n    import i\n    importlib.import_module('j.k')\n    __import__('l')\n    import_module(name)\n"
    )
    names = code.list_imports(source, "top.inner.module")
    assert names == ["a.b", "c", "c.d", "top.inner", "top.inner.e", "top.f", "top.f.g", "i", "j.k", "l"]
    assert code.list_imports(b"from . import x", "top.inner", is_package=True) == ["top.inner", "top.inner.x"]


def test_a_closure_follows_the_users_modules_and_variants_of_jaxpe_and_names_libraries(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "top.py").write_text(
        "import helper_a\nfrom jaxpe.encodings.rotary import Rotary\nimport numpy, pytest\n"
    )
    (tmp_path / "helper_a.py").write_text("def f():\n    from package_b import inner\n")
    (tmp_path / "package_b").mkdir()
    (tmp_path / "package_b" / "__init__.py").write_text("")
    (tmp_path / "package_b" / "inner.py").write_text("import helper_a\n")
    closure = code.collect_closure("top", tmp_path / "top.py")
    names = {module.name for module in closure.modules}
    assert names >= {"top", "helper_a", "package_b", "package_b.inner", "jaxpe.encodings.rotary"}
    assert not any(name.startswith(("numpy", "pytest", "jax.", "jaxpe.errors")) for name in names)
    assert [line.split()[0] for line in closure.libraries] == ["pytest"]  # numpy is one of jaxpe's own requirements
    before = closure.compute_digest()
    for name in ("helper_a.py", "package_b/inner.py", "package_b/__init__.py"):
        path = tmp_path / name
        text = path.read_text()
        path.write_text(text + "\nX = 1\n")
        assert not closure.is_current()
        assert code.collect_closure("top", tmp_path / "top.py").compute_digest() != before
        path.write_text(text)
    assert closure.is_current() and code.collect_closure("top", tmp_path / "top.py").compute_digest() == before


def test_a_library_that_is_installed_later_is_named(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    assert code.list_libraries({"mine"}) == ()
    information = tmp_path / "mine-3.1.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 3.1\n")
    (information / "top_level.txt").write_text("mine\n")
    assert code.list_libraries({"mine"}) == ("mine 3.1",)


def digest_of(kind):
    return kind.__name__


def describe(value):
    return code.describe_object(value, digest_of, "encoding 'x'")


def test_objects_differ_by_what_is_bound_in_them():
    def make(base):
        return lambda x: x + base

    values = [
        Rotary, partial(Rotary), partial(Rotary, base=5.0), partial(Rotary, base=500.0), partial(partial(Rotary, base=5.0), 3),
        partial(Rotary, base=np.float32(5)), partial(Rotary, base=np.arange(3)), partial(Rotary, base=[5.0, {"a": None}]),
        make(1), make(2), partial(Rotary, base=make(1)),
    ]  # fmt: skip
    described = [str(describe(value)) for value in values]
    assert len(set(described)) == len(values)
    assert describe(partial(Rotary, base=5.0)) == describe(partial(Rotary, base=5.0))


def test_what_cannot_be_described_is_refused():
    with pytest.raises(UserError, match=r"encoding 'x' is bound to an argument of type object.*write a class"):
        describe(partial(Rotary, base=object()))


CORE_FILES = ("model/attention.py", "model/stack.py", "training/optimizer.py", "training/loss.py", "training/batches.py", "training/train.py", "training/population.py", "training/mesh.py", "data/text_sources.py", "data/corpus.py", "positions.py", "streams.py", "data/language.py", "tasks/formatting.py", "encodings/base.py")  # fmt: skip


@pytest.mark.parametrize("name", CORE_FILES)
def test_an_edit_of_what_all_runs_share_changes_the_digest_of_the_core_and_a_docstring_does_not(name, monkeypatch):
    path = code.PACKAGE / name
    before, content = core.hash_core.__wrapped__(), path.read_bytes()
    monkeypatch.setattr(code, "REMEMBERED", {path: content + b"\nX = 1\n"})
    assert core.hash_core.__wrapped__() != before
    monkeypatch.setattr(code, "REMEMBERED", {path: content.replace(b'"""', b'"""More. ', 1) + b"# a comment\n"})
    assert core.hash_core.__wrapped__() == before


@pytest.mark.parametrize("name", ["encodings/rotary.py", "encodings/__init__.py", "tasks/copying.py", "errors.py", "records/results.py", "report/page.py", "training/checkpoints.py", "training/checks.py", "data/text_files.py"])  # fmt: skip
def test_an_edit_of_a_variant_or_of_what_makes_no_number_changes_no_other_run(name, monkeypatch):
    path = code.PACKAGE / name
    before = core.hash_core.__wrapped__()
    monkeypatch.setattr(code, "REMEMBERED", {path: path.read_bytes() + b"\nX = 1\n"})
    assert core.hash_core.__wrapped__() == before


def test_code_that_is_nested_deeply_has_a_digest():
    """Python compiles it, and walking its tree is too deep."""
    deep = f"x = {' + '.join(['1'] * 900)}\n".encode()
    assert code.hash_source(deep) != code.hash_source(deep.replace(b"1", b"2", 1))
