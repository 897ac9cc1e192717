"""Files of the user's own: the code that runs is the code that is identified."""

import os
import sys

import pytest

from jaxpe.errors import UserError
from jaxpe.plugins import files
from jaxpe.plugins.calls import call_user_code


@pytest.fixture(autouse=True)
def clean_modules(monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        del sys.modules[name]
    files.LOADED.clear()


def write(path, value, imports=""):
    """The same size and the same time, whatever the value: what Python's own cache goes by."""
    path.write_text(f"{imports}\nVALUE = {value}\n")
    os.utime(path, (1_000_000_000, 1_000_000_000))
    return path


def test_an_edited_file_is_loaded_anew_with_another_digest(tmp_path):
    path = write(tmp_path / "enc.py", 1)
    first = files.load_file(path)
    assert files.load_file(path) is first
    write(path, 2)
    second = files.load_file(path)
    assert (first.module.VALUE, second.module.VALUE) == (1, 2) and first.digest != second.digest
    assert files.load_object(f"{path}:VALUE") == 2


def test_so_is_a_file_that_an_imported_file_imports(tmp_path):
    path = write(tmp_path / "enc.py", "helper_of_files.VALUE", "import helper_of_files")
    write(tmp_path / "helper_of_files.py", 1)
    first = files.load_file(path)
    write(tmp_path / "helper_of_files.py", 2)
    second = files.load_file(path)
    assert (first.module.VALUE, second.module.VALUE) == (1, 2) and first.digest != second.digest


def test_a_module_that_is_imported_inside_a_function_is_of_the_same_time(tmp_path):
    path = tmp_path / "enc.py"
    path.write_text("def value():\n    from late_helper import VALUE\n    return VALUE\n")
    write(tmp_path / "late_helper.py", 1)
    loaded = files.load_file(path)
    write(tmp_path / "late_helper.py", 2)
    assert loaded.module.value() == 1 and not loaded.closure.is_current()


def test_a_frozen_file_stays_as_it_was_at_its_first_use(tmp_path):
    path = write(tmp_path / "enc.py", 1)
    files.load_file(path)
    write(path, 2)
    with files.freeze_code():
        assert files.load_file(path).module.VALUE == 2
        write(path, 3)
        assert files.load_file(path).module.VALUE == 2
    assert files.load_file(path).module.VALUE == 3


def test_the_digest_does_not_depend_on_where_the_file_lies(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    assert (
        files.load_file(write(tmp_path / "a" / "enc.py", 1)).digest
        == files.load_file(write(tmp_path / "b" / "enc.py", 1)).digest
    )


def test_two_folders_with_modules_of_one_name_are_refused(tmp_path):
    """Python would import the first for both."""
    for name, value in (("a", 1), ("b", 2)):
        (tmp_path / name).mkdir()
        write(tmp_path / name / "enc.py", "namesake.VALUE", "import namesake")
        write(tmp_path / name / "namesake.py", value)
    assert files.load_file(tmp_path / "a" / "enc.py").module.VALUE == 1
    with pytest.raises(UserError, match="imports namesake, and so does code in another folder"):
        files.load_file(tmp_path / "b" / "enc.py")


def test_a_file_that_is_edited_while_it_is_read_is_refused(tmp_path):
    path = tmp_path / "enc.py"
    path.write_text("from pathlib import Path\nPath(__file__).write_text('VALUE = 2')\n")
    with pytest.raises(UserError, match="was edited while it was read"):
        files.load_file(path)


def test_a_fault_names_the_users_file_and_line(tmp_path):
    path = tmp_path / "enc.py"
    path.write_text("\n\n1 / 0\n")
    with pytest.raises(
        UserError, match=r"enc.py could not be imported: ZeroDivisionError: division by zero \(enc.py, line 3\)"
    ):
        files.load_file(path)
    (tmp_path / "text.txt").write_text("")
    with pytest.raises(UserError, match=r"must end in \.py"):
        files.load_file(tmp_path / "text.txt")
    with pytest.raises(UserError, match="it: ValueError: no message"):
        call_user_code(lambda: (_ for _ in ()).throw(ValueError()), "it")
    assert call_user_code(lambda: 3, "it") == 3


def test_a_package_is_identified_as_it_was_imported(tmp_path, monkeypatch):
    """An edit of jaxpe itself in a living process changes neither what runs nor how it is identified."""
    path = write(tmp_path / "packaged_module.py", 1, "class Kind:\n    pass")
    monkeypatch.syspath_prepend(tmp_path)
    from jaxpe.plugins import code

    monkeypatch.setattr(code, "REMEMBERED", {})
    monkeypatch.setattr(files, "DIGESTS", {})
    code.remember_package(tmp_path)
    import packaged_module

    write(path, 2, "class Kind:\n    pass")
    after_edit = files.hash_object_code(packaged_module.Kind)
    write(path, 1, "class Kind:\n    pass")
    monkeypatch.setattr(code, "REMEMBERED", {})
    monkeypatch.setattr(files, "DIGESTS", {})
    assert files.hash_object_code(packaged_module.Kind) == after_edit


def test_a_class_without_a_file_is_refused():
    kind = type("Kind", (), {"__module__": "nowhere"})
    with pytest.raises(UserError, match="Kind is defined in no file"):
        files.hash_object_code(kind)
