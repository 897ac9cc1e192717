"""Things of one kind by name: from a catalogue, from a file (`path/to/file.py:Class`), or from an installed package.

Encodings and tasks are such kinds. A name may fix options: `rotary:base=100`, `path/to/file.py:Class:scale=2:shared=true`. What
is the user's own is loaded, identified by its code, and called so that its faults become one sentence.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from functools import cache, partial
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, TypeVar

from jaxpe.errors import UnknownName, UserError
from jaxpe.plugins.calls import call_user_code
from jaxpe.plugins.code import describe_object
from jaxpe.plugins.files import hash_object_code, load_file, load_object, locate_class, split_name

ANY = "any"  # in tables: the encoding and architecture of rows that hold for every one

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
    """The name that tables and figures show: the class name for `path/to/file.py:Class`, else the name itself.

    The options that a name fixes belong to it.
    """
    base, options = split_options(name)
    label = base.rpartition(":")[2] if ".py" in base else base
    return ":".join([label, *options])


def split_options(name: str) -> tuple[str, list[str]]:
    """'rotary:base=100' as ('rotary', ['base=100']), 'file.py:Class' as ('file.py:Class', [])."""
    first, *parts = name.split(":")
    options = [part for part in parts if "=" in part]
    return ":".join([first, *(part for part in parts if "=" not in part)]), options


def list_options(factory: Any) -> dict[str, Any]:
    """The options of a class or a partial of one with their defaults: fields of a dataclass, else keywords of the constructor.

    None stands for a default that there is not; `key` is no option.
    """
    kind = get_factory_class(factory)
    if is_dataclass(kind):
        return {one.name: None if one.default is MISSING else one.default for one in fields(kind) if one.init}
    parameters = inspect.signature(kind.__init__).parameters.values()
    return {
        p.name: None if p.default is p.empty else p.default
        for p in parameters
        if p.kind == p.KEYWORD_ONLY and p.name != "key"
    }


def takes_unnamed(kind: Any, name: str) -> bool:
    """Whether a constructor takes a name, but not by a keyword of its own: by position, or among **options."""
    if is_dataclass(kind) or kind.__init__ is object.__init__ or name in ("self", "context", "key"):
        return False
    parameters = inspect.signature(kind.__init__).parameters
    positional = name in parameters and parameters[name].kind == inspect.Parameter.POSITIONAL_OR_KEYWORD
    return positional or any(one.kind == inspect.Parameter.VAR_KEYWORD for one in parameters.values())


def parse_option(text: str, default: Any) -> Any:
    """The value of an option, of the type of its default; without one, a truth value, a number or else text."""
    kinds: dict[type, tuple[Callable[[str], Any], ...]] = {
        bool: (parse_truth,),
        int: (int,),
        float: (float,),
        str: (str,),
    }
    for parse in kinds.get(type(default), (parse_truth, int, float, str)):
        try:
            return parse(text)
        except ValueError:
            continue
    raise ValueError(text)


def parse_truth(text: str) -> bool:
    """'true' or 'false' as a bool. Raises ValueError for anything else."""
    return bool(("false", "true").index(text))


def format_option(name: str, value: Any) -> str:
    """'base=100', in the one form that a value has in a name."""
    text = (
        str(value).lower() if isinstance(value, bool) else f"{value:.12g}" if isinstance(value, float) else str(value)
    )
    return f"{name}={text}"


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

    def list_taken(self) -> list[str]:
        """The names that no class of another may have, since they mean something else in commands or tables."""
        return [*self.catalogue, *self.reserved, *self.aliases, ANY]

    def find_package(self, name: str) -> str:
        """The package that a name comes from."""
        return next((point.dist.name for point in self.find_points(name) if point.dist), "jaxpe")

    def is_path(self, name: str) -> bool:
        """Whether a name is meant as path/to/file.py:Class."""
        name, _ = split_options(name)
        return name not in self.catalogue and not self.find_points(name) and (".py" in name or "/" in name)

    def replace_alias(self, name: str) -> str:
        """The name in the catalogue of what goes by another usual name; other names as they are.

        Options that the name fixes are put into their order and form. Raises UserError for an option that there is not, or for
        a value that it cannot have.
        """
        base, options = split_options(name)
        base = base if self.find_points(base) else self.aliases.get(base, base)
        if not options:
            return base
        values = self.parse_options(base, options)
        return ":".join([base, *(format_option(key, values[key]) for key in sorted(values))])

    def parse_options(self, base: str, options: Sequence[str]) -> dict[str, Any]:
        """The options of 'rotary:base=100' by name. Raises UserError for one that there is not, or is given twice."""
        known, values = list_options(self.resolve(base)), dict[str, Any]()
        for option in options:
            name, _, text = option.partition("=")
            if name not in known:
                if takes_unnamed(self.get_class(base), name):
                    raise UserError(
                        f"{label_name(base)}: {name} is no option, as __init__ does not name it after *: write it there."
                    )
                raise UnknownName(f"option of {label_name(base)}", name, known)
            if name in values:
                raise UserError(f"{label_name(base)}: {name} is given more than once: give one value.")
            try:
                values[name] = parse_option(text, known[name])
            except ValueError:
                kind = {bool: "true or false", int: "a whole number", float: "a number"}[type(known[name])]
                raise UserError(f"{label_name(base)}: {name} takes {kind}, not {text!r}.") from None
        return values

    def load_entry_point(self, name: str) -> Any:
        """The object that an installed package registered under `name`.

        Raises UserError where it cannot be loaded, or where the name belongs to the catalogue or to two packages.
        """
        points = self.find_points(name)
        objects = [call_user_code(point.load, f"{self.kind} {name!r} could not be loaded") for point in points]
        is_taken = name in self.catalogue or name in self.reserved or name == ANY
        if is_taken or len(objects) > 1:
            places = " and ".join(
                point.value + (f" ({locate_class(value)})" if inspect.isclass(value) else "")
                for point, value in zip(points, objects, strict=True)
            )
            owner = "taken by jaxpe already" if is_taken else "registered by two packages"
            raise UserError(f"The {self.kind} name {name!r} is {owner}: rename the entry point of {places}.")
        return objects[0]

    def load(self, name: str) -> Any:
        """The object behind a catalogue name, `path/to/file.py:Class`, or an entry point, whatever it is.

        Raises UserError for an unknown name, and for options that it does not take.
        """
        base, options = split_options(name)
        if options:
            return partial(self.resolve(base), **self.parse_options(base, options))
        if self.find_points(name):
            return self.load_entry_point(name)
        if name in self.catalogue:
            return self.catalogue[name]
        if self.is_path(name):
            return load_object(name)
        if "=" in name:
            raise UserError(
                f"{name!r} is no {self.kind}: options follow its name after colons, as in NAME:option=value:option=value."
            )
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
        return identity | (
            {"file": load_file(split_name(split_options(name)[0])[0]).digest} if self.is_path(name) else {}
        )

    def call(self, name: str, function: Callable[[], R], failure: str) -> R:
        """function(), which calls the code behind a name.

        Outside the catalogue, and where the name fixes options, every exception becomes a UserError that begins with `failure`, as "encoding 'x' could not be
        constructed", and names the user's file and line.
        """
        return function() if name in self.catalogue else call_user_code(function, failure)

    def check_labels(self, names: Collection[str]) -> None:
        """Raises UserError where two names have one label in tables and figures, or one has a label that is taken.

        Taken are the names of the catalogue, other usual names for them, and the word that stands for all.
        """
        labels: dict[str, str] = {}
        for name in sorted(set(names)):
            label = label_name(name)
            if label != name and split_options(label)[0] in self.list_taken():
                meaning = f"{self.noun} of jaxpe is" if split_options(label)[0] != ANY else "rows for all of them are"
                raise UserError(f"{name} is called {label} in tables, as {meaning}: rename the class.")
            if label in labels:
                raise UserError(
                    f"{labels[label]} and {name} would both be called {label} in tables: rename one of the classes."
                )
            labels[label] = name
