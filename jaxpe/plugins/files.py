"""Code of the user's own, loaded from `path/to/file.py:Name`.

The code that runs is the code that is identified: a file is compiled from the bytes that its digest is computed from, and
so are the modules next to it that it imports. A file that was edited is loaded anew, also in a living process.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, NamedTuple

from jaxpe.errors import UnknownName, UserError
from jaxpe.plugins.calls import call_user_code
from jaxpe.plugins.code import Closure, collect_closure, is_own


class LoadedFile(NamedTuple):
    """A module of the user's own, and the code that it was made from."""

    module: ModuleType
    closure: Closure
    digest: str


class UncachedLoader(SourceFileLoader):
    """Compiles a file each time: Python's cache notices an edit by its time in seconds and its size alone."""

    def get_code(self, fullname: str) -> CodeType | None:
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


class OwnFinder:
    """Finds modules as Python does, and has those of the user's own compiled from their files."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: ModuleType | None = None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path, target)
        if spec is None or type(spec.loader) is not SourceFileLoader or not is_own(Path(spec.loader.path).resolve()):
            return None
        spec.loader = UncachedLoader(name, spec.loader.path)
        return spec


LOADED: dict[Path, LoadedFile] = {}
FROZEN: list[set[Path]] = []  # the files that each open `freeze_code` has checked


@contextmanager
def freeze_code() -> Iterator[None]:
    """Inside, a file is loaded as it is at its first use; later edits take effect afterwards."""
    FROZEN.append(set())
    try:
        yield
    finally:
        FROZEN.pop()


def split_name(name: str) -> tuple[Path, str]:
    """'path/file.py:Class' as (path, 'Class'). Raises UserError where it has no class, or there is no such file."""
    file, _, attribute = name.rpartition(":")
    if not file or not attribute:
        raise UserError(f"{name!r} does not name a class: write path/to/file.py:Class.")
    path = Path(file).expanduser()
    if not path.is_file():
        raise UserError(f"There is no file {file!r}: give the path to a Python file, as path/to/file.py:Class.")
    return path, attribute


def load_file(path: Path) -> LoadedFile:
    """The module of a Python file as it is now, with the modules that it imports.

    Raises UserError where the import fails, or a module of the same name was imported from another folder.
    """
    path = path.resolve()
    loaded = LOADED.get(path)
    is_checked = any(path in checked for checked in FROZEN)
    if loaded is None or not (is_checked or loaded.closure.is_current()):
        LOADED[path] = loaded = import_file(path)
    for checked in FROZEN:
        checked.add(path)
    return loaded


def import_file(path: Path) -> LoadedFile:
    """Imports a file under a name of its own; the folder that it lies in is where its imports are looked for first."""
    if path.suffix != ".py":
        raise UserError(f"{path.name} is not a Python file: its name must end in .py.")
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
        importlib.invalidate_caches()
    if OwnFinder not in sys.meta_path:
        sys.meta_path.insert(sys.meta_path.index(PathFinder), OwnFinder)  # type: ignore[arg-type]
    name = f"jaxpe_user_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    forget_changed_modules()
    closure = collect_closure(path.stem, path)
    refuse_namesakes(path, closure)
    spec = importlib.util.spec_from_loader(name, UncachedLoader(name, str(path)), origin=str(path))
    assert spec is not None
    spec.has_location = True
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    code = closure.contents[0]
    call_user_code(lambda: exec(compile(code, str(path), "exec"), vars(module)), f"{path.name} could not be imported")
    for other in closure.modules[1:]:  # also those that are imported later, inside a function: all are of one time
        if is_own(other.path) and other.name not in sys.modules:
            with suppress(Exception):
                importlib.import_module(other.name)
    if not closure.is_current():
        raise UserError(
            f"{path.name}, or a module that it imports, was edited while it was read: run the command again."
        )
    return LoadedFile(module, closure, closure.compute_digest())


def forget_changed_modules() -> None:
    """Drops the modules that loaded files imported and that were edited since, so that they are imported anew."""
    for loaded in LOADED.values():
        if not loaded.closure.is_current():
            for module in loaded.closure.modules[1:]:
                if is_own(module.path):
                    sys.modules.pop(module.name, None)


def refuse_namesakes(path: Path, closure: Closure) -> None:
    """Raises UserError where a file next to this one has the name of a module that was imported from elsewhere."""
    for module in closure.modules[1:]:
        neighbour = path.parent.joinpath(*module.name.split("."))
        for file in (neighbour.with_suffix(".py"), neighbour / "__init__.py"):
            if file.is_file() and file.resolve() != module.path:
                raise UserError(
                    f"{path.name} imports {module.name}, and so does code in another folder, where it is another module: "
                    f"rename one of {file} and {module.path}."
                )


def load_object(name: str) -> Any:
    """The object that 'path/to/file.py:Name' names. Raises UserError where the file does not define it."""
    path, attribute = split_name(name)
    module = load_file(path).module
    if not hasattr(module, attribute):
        classes = [key for key, value in vars(module).items() if isinstance(value, type)]
        raise UnknownName(f"class in {path.name}", attribute, classes)
    return getattr(module, attribute)


def locate_class(kind: type) -> str:
    """'file.py, line n', where a class is defined."""
    return f"{Path(str(inspect.getsourcefile(kind))).name}, line {inspect.getsourcelines(kind)[1]}"


DIGESTS: dict[str, str] = {}  # of the modules of packages, as they were imported


def hash_object_code(value: Any) -> str:
    """SHA-256 of the code that a class or function comes from. Raises UserError where it was defined in no file."""
    for loaded in LOADED.values():
        if loaded.module.__name__ == value.__module__:
            return loaded.digest
    file = getattr(sys.modules.get(value.__module__), "__file__", None)
    if file is None:
        raise UserError(
            f"{value.__qualname__} is defined in no file, so that its runs could not be distinguished from those of another version: "
            "put it into a file and name it as path/to/file.py:Class."
        )
    if value.__module__ not in DIGESTS:
        DIGESTS[value.__module__] = collect_closure(value.__module__, Path(file).resolve()).compute_digest()
    return DIGESTS[value.__module__]
