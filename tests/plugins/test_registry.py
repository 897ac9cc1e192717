"""Encodings and tasks by name, through one registry: files, installed packages, labels, suggestions, calls."""

import json

import pytest

from jaxpe.encodings import ENCODINGS
from jaxpe.errors import UserError
from jaxpe.plugins.registry import find_entry_points, get_factory_class, label_name
from jaxpe.tasks import TASKS

BOTH = pytest.mark.parametrize("registry", [ENCODINGS, TASKS], ids=["encoding", "task"])
OPTIONS = {
    "encoding": "from jaxpe.encodings import Encoding\nclass Mine(Encoding):\n"
    "    def __init__(self, context, *, key, size: int = 1, flag: bool = False, scale: float = 1.0): pass\n",
    "task": "from dataclasses import dataclass\nfrom jaxpe.tasks import Task\n@dataclass(frozen=True)\nclass Mine(Task):\n"
    "    size: int = 1\n    flag: bool = False\n    scale: float = 1.0\n",
}
FILE = "from functools import partial\nfrom jaxpe.{kind}s import {base}\nclass Mine({base}): pass\nbound = partial(Mine, a=1)\n"


def write_file(registry, path):
    path.write_text(FILE.format(kind=registry.kind, base=registry.base.__name__))
    return f"{path}:Mine"


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Installs a module and its entry points, as a package manager would."""
    monkeypatch.syspath_prepend(tmp_path)

    def install(registry, **points):
        (tmp_path / f"outsider_{registry.kind}.py").write_text(
            FILE.format(kind=registry.kind, base=registry.base.__name__)
        )
        folder = tmp_path / "outsider-1.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: outsider\nVersion: 1\n")
        lines = [f"{name} = outsider_{registry.kind}:{value}" for name, value in points.items()]
        (folder / "entry_points.txt").write_text("\n".join([f"[{registry.group}]", *lines]))
        find_entry_points.cache_clear()

    yield install
    find_entry_points.cache_clear()


@BOTH
def test_a_class_in_a_file_is_identified_by_its_code_and_labelled_by_its_name(registry, tmp_path):
    name = write_file(registry, tmp_path / "mine.py")
    assert registry.get_class(name).__name__ == label_name(name) == "Mine" and registry.is_path(name)
    before = registry.identify(name)
    (tmp_path / "mine.py").write_text((tmp_path / "mine.py").read_text().replace("pass", "a = 2") + "# a comment\n")
    after = registry.identify(name)
    assert before.keys() == after.keys() == {"object", "file"} and before != after
    assert registry.identify(name.replace("Mine", "bound"))["object"]["keywords"] == {"a": 1}
    assert json.dumps(registry.identify(next(iter(registry.catalogue)))).count("code") == 1
    with pytest.raises(UserError, match="Did you mean 'Mine'"):
        registry.resolve(name.replace("Mine", "Mien"))


@BOTH
def test_a_class_of_another_kind_is_refused(registry, tmp_path):
    other = {"encoding": TASKS, "task": ENCODINGS}[registry.kind]
    name = write_file(other, tmp_path / "other.py")
    assert not registry.includes(other.resolve(name)) and other.includes(other.resolve(name.replace("Mine", "bound")))
    base = f"{registry.group}.{registry.base.__name__}"
    with pytest.raises(UserError, match=f"is not {registry.noun}: derive the class from {base}"):
        registry.resolve(name)


@BOTH
def test_installed_packages_add_names_and_may_not_take_one_twice(registry, package):
    taken = next(iter(registry.catalogue))
    package(registry, plain="Mine", broken="Missing", **{taken: "Mine"})
    assert registry.list_names()[: len(registry.catalogue)] == list(registry.catalogue)
    assert {"plain", "broken"} < set(registry.list_names())
    assert (registry.find_package("plain"), registry.find_package(list(registry.catalogue)[1])) == ("outsider", "jaxpe")
    assert registry.get_class("plain").__name__ == "Mine" and not registry.is_path("plain")
    for name, says in (
        ("broken", f"{registry.kind} 'broken' could not be loaded: AttributeError"),
        (taken, f"{registry.kind} name '{taken}' is taken by jaxpe already: .*outsider_{registry.kind}.py, line 3"),
        ("plian", "Did you mean 'plain'.*path/to/file.py:Class"),
    ):
        with pytest.raises(UserError, match=says):
            registry.resolve(name)


@BOTH
def test_other_usual_names_stand_for_names_of_the_catalogue(registry):
    assert set(registry.aliases.values()) <= set(registry.catalogue)
    assert not set(registry.aliases) & {*registry.catalogue, *registry.reserved}
    for alias, name in registry.aliases.items():
        assert registry.replace_alias(alias) == name
    assert registry.replace_alias("mine.py:Mine") == "mine.py:Mine"


@BOTH
def test_labels_that_tables_could_not_tell_apart_are_refused(registry):
    name = next(iter(registry.catalogue))
    registry.check_labels([name, "a.py:Mine", "a.py:Mine"])
    for names, says in ((["a.py:M", "b.py:M"], "would both be called M"), ([f"a.py:{name}"], "of jaxpe is: rename")):
        with pytest.raises(UserError, match=says):
            registry.check_labels(names)
    alias = next(iter(registry.aliases))
    for label in (alias, f"{name}:size=3", "any"):
        with pytest.raises(
            UserError, match=f"a.py:{label} is called {label} in tables, as .* (is|are): rename the class"
        ):
            registry.check_labels([f"a.py:{label}"])


@BOTH
def test_faults_of_code_outside_the_catalogue_become_one_sentence(registry):
    def fail():
        raise KeyError("no such thing")

    with pytest.raises(UserError, match="it failed: KeyError: 'no such thing'"):
        registry.call("a.py:Mine", fail, "it failed")
    with pytest.raises(KeyError):
        registry.call(next(iter(registry.catalogue)), fail, "it failed")
    assert get_factory_class(3) == 3


def test_names_of_tasks_on_real_text_are_taken():
    with pytest.raises(UserError, match="causal_lm is called causal_lm in tables, as a task of jaxpe is"):
        TASKS.check_labels(["a.py:causal_lm"])


@BOTH
def test_a_name_can_fix_options_which_are_part_of_label_and_identity(registry, tmp_path):
    """As a row of the catalogue does; in one order and form, whatever was typed."""
    path = tmp_path / "mine.py"
    path.write_text(OPTIONS[registry.kind])
    typed = f"{path}:Mine:size=3:flag=true:scale=2.50"
    name = registry.replace_alias(typed)
    assert name == f"{path}:Mine:flag=true:scale=2.5:size=3"
    assert label_name(name) == "Mine:flag=true:scale=2.5:size=3" and registry.is_path(name)
    assert registry.identify(name)["object"]["keywords"] == {"flag": True, "scale": 2.5, "size": 3}
    assert registry.identify(name) != registry.identify(f"{path}:Mine") and registry.includes(registry.load(name))
    assert registry.get_class(name) is registry.get_class(f"{path}:Mine")
    registry.check_labels([name, f"{path}:Mine"])
    for options, says in (
        ("sise=3", "Unknown option of Mine 'sise'. Did you mean 'size'"),
        ("size=three", "Mine: size takes a whole number, not 'three'"),
        ("flag=yes", "flag takes true or false"),
        ("size=3:size=4", "size is given more than once"),
    ):
        with pytest.raises(UserError, match=says):
            registry.replace_alias(f"{path}:Mine:{options}")


@BOTH
def test_an_option_that_lost_its_name_is_no_unknown_name(registry):
    """As after a comma: rotary:base=100,fraction=0.5."""
    with pytest.raises(UserError, match=f"'fraction=0.5' is no {registry.kind}: options follow its name after colons"):
        registry.resolve("fraction=0.5")


@pytest.mark.parametrize("signature", ["context, key, size=1", "context, *, key, **options"])
def test_an_option_that_no_keyword_of_its_own_takes_is_told_where_to_stand(signature, tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(
        f"from jaxpe.encodings import Encoding\nclass Mine(Encoding):\n    def __init__(self, {signature}): pass\n"
    )
    with pytest.raises(
        UserError, match="Mine: size is no option, as __init__ does not name it after \\*: write it there"
    ):
        ENCODINGS.replace_alias(f"{path}:Mine:size=3")


def test_other_usual_names_take_options_too():
    assert ENCODINGS.replace_alias("rope:base=100") == "rotary:base=100"
    assert ENCODINGS.identify("rotary:base=100")["object"]["keywords"] == {"base": 100.0}
    assert TASKS.replace_alias("reverse_string:alphabet=4") == "reverse:alphabet=4"
