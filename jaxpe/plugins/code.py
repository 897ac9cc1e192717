"""What identifies code: a digest of a file and of the modules that it imports, without comments and docstrings.

Numbers depend on the code that made them, so a digest of the code of an encoding, a task or an experiment is part of the
identity of what it makes. Modules of installed packages and of Python itself are left out: their versions are recorded with
every run. What code reads at run time, such as a file of its own or an environment variable, cannot be seen here.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import inspect
import re
import site
import sys
import sysconfig
import threading
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from importlib.machinery import PathFinder
from importlib.metadata import packages_distributions, requires, version
from pathlib import Path
from typing import Any, NamedTuple

from jaxpe.errors import UserError

PACKAGE = Path(__file__).resolve().parents[1]
LIBRARIES = {"site-packages", "dist-packages"}
REMEMBERED: dict[Path, bytes] = {}  # files of packages, as they were when they were imported


PARSING = threading.Lock()  # Python 3.11 fails where several threads parse at once


class Module(NamedTuple):
    """A module of a closure: the name under which it is imported, and its file."""

    name: str
    path: Path


# ── one file ────────────────────────────────────────────────────────────────────────────────────────────────────────


def hash_source(content: bytes) -> str:
    """SHA-256 of Python code without comments, docstrings and layout; of the bytes where it is no valid Python, or nested deeply."""
    try:
        with PARSING:
            tree = ast.parse(content)
        return hashlib.sha256(write_node(drop_docstrings(tree)).encode()).hexdigest()
    except (SyntaxError, ValueError, RecursionError):
        return hashlib.sha256(content).hexdigest()


def drop_docstrings(tree: ast.Module) -> ast.Module:
    """The tree without the docstrings of module, classes and functions."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            first = node.body[0] if node.body else None
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                node.body = node.body[1:]
    return tree


def write_node(node: Any) -> str:
    """A syntax tree as text. Empty fields are left out, so that the text is the same under every Python version."""
    if isinstance(node, ast.AST):
        fields = [f"{name}={write_node(value)}" for name, value in ast.iter_fields(node) if value not in (None, [])]
        return f"{type(node).__name__}({','.join(fields)})"
    if isinstance(node, list):
        return f"[{','.join(map(write_node, node))}]"
    return repr(node)


# ── the modules that a file imports ─────────────────────────────────────────────────────────────────────────────────


def list_imports(content: bytes, name: str, is_package: bool = False) -> list[str]:
    """The absolute names of the modules that code may import, anywhere in it; `from a import b` may mean a.b too.

    `name` is that of the module itself, which relative imports start from.
    """
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError):
        return []
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = resolve_relative(node, name, is_package)
            names += [base, *(f"{base}.{alias.name}" for alias in node.names if alias.name != "*")]
        elif isinstance(node, ast.Call) and name_of_call(node) in ("import_module", "__import__"):
            names += [
                word.value for word in node.args[:1] if isinstance(word, ast.Constant) and isinstance(word.value, str)
            ]
    return [one for one in dict.fromkeys(names) if one]


def resolve_relative(node: ast.ImportFrom, name: str, is_package: bool) -> str:
    """The absolute name of the module in `from … import`."""
    if not node.level:
        return node.module or ""
    parts = name.split(".")
    parents = parts[: len(parts) - node.level + (1 if is_package else 0)]
    return ".".join([*parents, *([node.module] if node.module else [])])


def name_of_call(node: ast.Call) -> str:
    """'import_module' for import_module(…) and importlib.import_module(…)."""
    return node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")


def locate_module(name: str) -> Path | None:
    """The file of a module by its absolute name, without importing it; None where it has none."""
    loaded = sys.modules.get(name)
    if loaded is not None:
        file = getattr(loaded, "__file__", None)
        return Path(file).resolve() if file else None
    search: list[str] | None = None
    top, *rest = name.split(".")
    try:
        spec = importlib.util.find_spec(top)
        for i in range(len(rest)):
            search = list(spec.submodule_search_locations or ()) if spec else []
            spec = PathFinder.find_spec(".".join([top, *rest[: i + 1]]), search)
    except (ImportError, ValueError, AttributeError):
        return None
    return Path(spec.origin).resolve() if spec and spec.has_location and spec.origin else None


@cache
def list_library_folders() -> tuple[Path, ...]:
    """The folders of Python's own modules and of installed packages."""
    names = [sysconfig.get_path(key) for key in ("stdlib", "platstdlib", "purelib", "platlib")]
    names += [*site.getsitepackages(), site.getusersitepackages()]
    return tuple(Path(name).resolve() for name in names if name)


def is_own(path: Path) -> bool:
    """Whether a file is the user's own code: of no installed package, not Python's, and not jaxpe's."""
    if path.is_relative_to(PACKAGE) or LIBRARIES & set(path.parts):
        return False
    return not any(path.is_relative_to(folder) for folder in list_library_folders())


VARIANTS = (PACKAGE / "encodings", PACKAGE / "tasks")
# Files in these folders that define no variant: the catalogue grows without a change of any run.
SHARED = {"__init__", "base", "formatting", "registry", "validate", "evaluation_sets"}


def is_variant(path: Path) -> bool:
    """Whether a file of jaxpe defines encodings or tasks."""
    return path.parent in VARIANTS and path.stem not in SHARED


class Closure(NamedTuple):
    """A module with every module that its numbers may depend on, and what each contained when it was read."""

    modules: tuple[Module, ...]  # itself first
    contents: tuple[bytes, ...]
    libraries: tuple[str, ...]  # 'NAME VERSION' of the installed packages that they import, besides those of jaxpe

    def is_current(self) -> bool:
        """Whether all files still hold what was read."""
        return all(
            read_code(module.path) == content for module, content in zip(self.modules, self.contents, strict=True)
        )

    def compute_digest(self) -> str:
        """SHA-256 over names and code of all modules, wherever their files lie, and over the libraries."""
        pairs = zip(self.modules, self.contents, strict=True)
        lines = sorted(f"{module.name} {hash_source(content)}" for module, content in pairs)
        return hashlib.sha256("\n".join([*lines, *self.libraries]).encode()).hexdigest()


def remember_package(folder: Path) -> None:
    """Reads the files of a package when it is imported: what is identified later is the code that runs, not a later edit."""
    for path in folder.resolve().glob("*.py"):
        REMEMBERED.setdefault(path, path.read_bytes())


def read_code(path: Path) -> bytes:
    """The bytes of a file, of a remembered one as they were; none where it cannot be read."""
    try:
        return REMEMBERED.get(path) or path.read_bytes()
    except OSError:
        return b""


def belongs_to_variant(path: Path) -> bool:
    """Whether a file is part of an encoding, a task or an experiment: the user's own code, or a variant of jaxpe."""
    return is_own(path) or is_variant(path)


def collect_closure(name: str, path: Path, belongs: Callable[[Path], bool] = belongs_to_variant) -> Closure:
    """The closure of a module: itself, then what it imports of the files that belong to it.

    In an installed package other than jaxpe it follows imports within the package.
    """
    family = name.partition(".")[0] if not is_own(path) else None
    contents: dict[Module, bytes] = {}
    tops: set[str] = set()
    waiting = [Module(name, path)]
    while waiting:
        module = waiting.pop()
        if module in contents:
            continue
        contents[module] = read_code(module.path)
        for imported in list_imports(contents[module], module.name, module.path.name == "__init__.py"):
            tops.add(imported.partition(".")[0])
            waiting += list(follow_import(imported, family, belongs))
    return Closure(tuple(contents), tuple(contents.values()), list_libraries(tops - {family or ""}))


@cache
def read_owners(*folders: tuple[Path, int]) -> Mapping[str, list[str]]:
    """The installed packages of each top module: read once for the same folders and times of changes."""
    return packages_distributions()


def list_libraries(names: set[str]) -> tuple[str, ...]:
    """'NAME VERSION' of the installed packages with these top modules, but for jaxpe and what it requires itself."""
    unknown = names - {""} - set(sys.stdlib_module_names) - {PACKAGE.name}
    if not unknown:
        return ()
    folders = [path for path in map(Path, sys.path) if path.is_dir()]
    owners = read_owners(*((path.resolve(), path.stat().st_mtime_ns) for path in folders))
    lines = [line for line in requires(PACKAGE.name) or () if "extra ==" not in line]
    required = {re.split(r"[^\w.-]", line)[0].lower().replace("_", "-") for line in lines}
    imported = {owner for name in unknown for owner in owners.get(name, ())}
    return tuple(sorted(f"{one} {version(one)}" for one in imported if one.lower().replace("_", "-") not in required))


def follow_import(name: str, family: str | None, belongs: Callable[[Path], bool]) -> Iterator[Module]:
    """The modules behind an imported name that belong to a closure: itself, and the packages around it."""
    parts = name.split(".")
    for i in range(1, len(parts) + 1):
        part = ".".join(parts[:i])
        path = locate_module(part)
        if path is None:
            continue
        in_family = family is not None and parts[0] == family and family != PACKAGE.name
        if belongs(path) or in_family:
            yield Module(part, path)


# ── objects ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def describe_object(value: Any, digest: Callable[[Any], str], what: str) -> Any:
    """A class, a function, or a `functools.partial` of one, as JSON: its code and the arguments that are bound in it.

    `digest(kind)` is the digest of the code of a class or function. Raises UserError for anything that has no such form.
    """
    if isinstance(value, partial):
        return {
            "function": describe_object(value.func, digest, what),
            "arguments": [describe_object(item, digest, what) for item in value.args],
            "keywords": {key: describe_object(item, digest, what) for key, item in sorted(value.keywords.items())},
        }
    if inspect.isclass(value) or inspect.isfunction(value):
        contents = [cell.cell_contents for cell in getattr(value, "__closure__", None) or ()]
        bound = [describe_object(cell, digest, what) for cell in contents]
        return {"code": digest(value), "name": value.__qualname__} | ({"bound": bound} if bound else {})
    if isinstance(value, (list, tuple)):
        return [describe_object(item, digest, what) for item in value]
    if isinstance(value, dict):
        return {str(key): describe_object(item, digest, what) for key, item in sorted(value.items())}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if hasattr(value, "tolist") and hasattr(value, "dtype"):
        return {"dtype": str(value.dtype), "values": value.tolist()}
    raise UserError(
        f"{what} is bound to an argument of type {type(value).__name__}, by which a run cannot be identified: write a class "
        "with this value in it."
    )
