"""Things of one kind by name: from a catalogue, from a file (`path/to/file.py:Class`), or from an installed package.

Encodings and tasks are such kinds. What is the user's own is loaded, identified by its code, and called so that its faults
become one sentence.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, TypeVar

from jaxpe.errors import UnknownName, UserError
from jaxpe.plugins.calls import call_user_code
from jaxpe.plugins.code import describe_object
from jaxpe.plugins.files import hash_object_code, load_file, load_object, locate_class, split_name

T = TypeVar("T")
R = TypeVar("R")


@cache
def find_entry_points(group: str) -> dict[str, list[EntryPoint]]:
    """The entry points that installed packages register in a group, by name."""
    points: dict[str, list[EntryPoint]] = {}
    for point in entry_points(group=group):
        points.setdefault(point.name, []).append(point)
    return points


def get_factory_class(factory: Any) -> Any:
    """The class behind a `functools.partial`; anything else is returned unchanged."""
    return factory.func if isinstance(factory, partial) else factory


def label_name(name: str) -> str:
    """The name that tables and figures show: the class name for `path/to/file.py:Class`, else the name itself."""
    return name.rpartition(":")[2] if ".py" in name else name


@dataclass(frozen=True, eq=False)
class Registry(Generic[T]):
    """The names of one kind, and the factories behind them: a class, or a `functools.partial` that fixes some options."""

    kind: str  # the word for it, as "encoding"
    group: str  # of its entry points, and the package that exports the base class: "jaxpe.encodings"
    base: type[T]
    catalogue: Mapping[str, Callable[..., T]]
    aliases: Mapping[str, str] = field(default_factory=dict)  # other usual names, and those of the catalogue
    reserved: Collection[str] = ()  # names of this kind that stand for no class, and that no class may take

    @property
    def noun(self) -> str:
        """'an encoding'."""
        return f"{'an' if self.kind[0] in 'aeiou' else 'a'} {self.kind}"

    def find_points(self, name: str) -> list[EntryPoint]:
        """The entry points of this name."""
        return find_entry_points(self.group).get(name, [])

    def list_names(self) -> list[str]:
        """The names of the catalogue, and then those of installed packages."""
        return list(dict.fromkeys([*self.catalogue, *find_entry_points(self.group)]))

    def find_package(self, name: str) -> str:
        """The package that a name comes from."""
        return next((point.dist.name for point in self.find_points(name) if point.dist), "jaxpe")

    def is_path(self, name: str) -> bool:
        """Whether a name is meant as path/to/file.py:Class."""
        return name not in self.catalogue and not self.find_points(name) and (".py" in name or "/" in name)

    def replace_alias(self, name: str) -> str:
        """The name in the catalogue of what goes by another usual name; other names as they are."""
        return name if self.find_points(name) else self.aliases.get(name, name)

    def load_entry_point(self, name: str) -> Any:
        """The object that an installed package registered under `name`.

        Raises UserError where it cannot be loaded, or where the name belongs to the catalogue or to two packages.
        """
        points = self.find_points(name)
        objects = [call_user_code(point.load, f"{self.kind} {name!r} could not be loaded") for point in points]
        is_taken = name in self.catalogue or name in self.reserved
        if is_taken or len(objects) > 1:
            places = " and ".join(
                point.value + (f" ({locate_class(value)})" if inspect.isclass(value) else "")
                for point, value in zip(points, objects, strict=True)
            )
            owner = "already in the catalogue" if is_taken else "registered by two packages"
            raise UserError(f"The {self.kind} name {name!r} is {owner}: rename the entry point of {places}.")
        return objects[0]

    def load(self, name: str) -> Any:
        """The object behind a catalogue name, `path/to/file.py:Class`, or an entry point, whatever it is.

        Raises UserError for an unknown name.
        """
        if self.find_points(name):
            return self.load_entry_point(name)
        if name in self.catalogue:
            return self.catalogue[name]
        if self.is_path(name):
            return load_object(name)
        hint = f"{self.noun.capitalize()} in a file of your own is named path/to/file.py:Class."
        raise UnknownName(self.kind, name, [*self.list_names(), *self.reserved], hint)

    def includes(self, value: Any) -> bool:
        """Whether an object makes things of this kind: a class derived from the base class, or a partial of one."""
        kind = get_factory_class(value)
        return inspect.isclass(kind) and issubclass(kind, self.base)

    def resolve(self, name: str) -> Callable[..., T]:
        """The factory behind a name. Raises UserError for an unknown name, and for a class that is not derived from the base."""
        factory = self.load(name)
        if not self.includes(factory):
            raise UserError(f"{name!r} is not {self.noun}: derive the class from {self.group}.{self.base.__name__}.")
        return factory  # type: ignore[no-any-return]

    def get_class(self, name: str) -> Any:
        """The class behind a name."""
        return get_factory_class(self.resolve(name))

    def identify(self, name: str) -> dict[str, Any]:
        """What tells this from another of the same name, as JSON: its code, and the options that a row fixes.

        Raises UserError for options that have no such form.
        """
        described = describe_object(self.resolve(name), hash_object_code, f"{self.kind} {name!r}")
        identity: dict[str, Any] = {"object": described}
        return identity | ({"file": load_file(split_name(name)[0]).digest} if self.is_path(name) else {})

    def call(self, name: str, function: Callable[[], R], failure: str) -> R:
        """function(), which calls the code behind a name.

        Outside the catalogue every exception becomes a UserError that begins with `failure`, as "encoding 'x' could not be
        constructed", and names the user's file and line.
        """
        return function() if name in self.catalogue else call_user_code(function, failure)

    def check_labels(self, names: Collection[str]) -> None:
        """Raises UserError where two names have one label in tables and figures, or one has a name of the catalogue."""
        labels: dict[str, str] = {}
        for name in sorted(set(names)):
            label = label_name(name)
            if label != name and (label in self.catalogue or label in self.reserved):
                raise UserError(f"{name} is called {label} in tables, as {self.noun} of jaxpe is: rename the class.")
            if label in labels:
                raise UserError(
                    f"{labels[label]} and {name} would both be called {label} in tables: rename one of the classes."
                )
            labels[label] = name
