"""Encodings by name: from the catalogue, from a file (`path/to/file.py:Class`), or from an installed package.

`jaxpe.encodings` fills `CATALOGUE`. Encodings that wrap another one import this module, so it imports none of them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache, partial
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from jaxtyping import Array, Key

from jaxpe.encodings.base import Context, Encoding
from jaxpe.errors import UnknownName, UserError
from jaxpe.plugins.calls import call_user_code
from jaxpe.plugins.code import describe_object
from jaxpe.plugins.files import hash_object_code, load_file, load_object, locate_class, split_name

EncodingFactory = Callable[..., Encoding]  # a class, or a `functools.partial` of one that fixes some options

ENTRY_POINTS = "jaxpe.encodings"
CATALOGUE: dict[str, EncodingFactory] = {}
ALIASES = {  # other usual names; tables and figures show those of the catalogue
    "fox": "forgetting", "nope": "none", "ntk": "rotary_ntk", "rope": "rotary", "sinusoids": "sinusoidal", "yarn": "rotary_yarn",
}  # fmt: skip


def get_encoding_class(factory: Any) -> Any:
    """The class behind a `functools.partial`; anything else is returned unchanged."""
    return factory.func if isinstance(factory, partial) else factory


@cache
def find_entry_points() -> dict[str, list[EntryPoint]]:
    """Encodings of installed packages: the entry points of the group `jaxpe.encodings`, by name."""
    points: dict[str, list[EntryPoint]] = {}
    for point in entry_points(group=ENTRY_POINTS):
        points.setdefault(point.name, []).append(point)
    return points


def load_entry_point(name: str) -> Any:
    """The object that an installed package registered under `name`.

    Raises UserError where it cannot be loaded, or where the name belongs to the catalogue or to two packages.
    """
    points = find_entry_points()[name]
    objects = [call_user_code(point.load, f"encoding {name!r} could not be loaded") for point in points]
    if name in CATALOGUE or len(objects) > 1:
        places = " and ".join(
            point.value + (f" ({locate_class(value)})" if inspect.isclass(value) else "")
            for point, value in zip(points, objects, strict=True)
        )
        owner = "already in the catalogue" if name in CATALOGUE else "registered by two packages"
        raise UserError(f"The encoding name {name!r} is {owner}: rename the entry point of {places}.")
    return objects[0]


def replace_alias(name: str) -> str:
    """The name in the catalogue of an encoding that goes by another usual name; other names as they are."""
    return name if name in find_entry_points() else ALIASES.get(name, name)


def resolve_encoding(name: str) -> EncodingFactory:
    """The factory behind a catalogue name, `path/to/file.py:Class`, or an entry point.

    Raises UserError for an unknown name, and for a class that is not derived from `Encoding`.
    """
    if name in find_entry_points():
        factory = load_entry_point(name)
    elif name in CATALOGUE:
        return CATALOGUE[name]
    elif is_path(name):
        factory = load_object(name)
    else:
        names = [*CATALOGUE, *find_entry_points()]
        raise UnknownName("encoding", name, names, "An encoding in a file of your own is named path/to/file.py:Class.")
    kind = get_encoding_class(factory)
    if not (inspect.isclass(kind) and issubclass(kind, Encoding)):
        raise UserError(f"{name!r} is not an encoding: derive the class from jaxpe.encodings.Encoding.")
    return factory  # type: ignore[no-any-return]


def identify_encoding(name: str) -> dict[str, Any]:
    """What tells an encoding from another of the same name, as JSON: its code, and the options that a row fixes.

    Raises UserError for options that have no such form.
    """
    factory = resolve_encoding(name)
    identity: dict[str, Any] = {"object": describe_object(factory, hash_object_code, f"encoding {name!r}")}
    return identity | ({"file": load_file(split_name(name)[0]).digest} if is_path(name) else {})


def fits_architecture(name: str, architecture: str) -> bool:
    """Whether an encoding can be used in every self-attention of an architecture."""
    return architecture == "decoder" or not get_encoding_class(resolve_encoding(name)).causal_only


def is_path(name: str) -> bool:
    """Whether a name is meant as path/to/file.py:Class."""
    return name not in CATALOGUE and name not in find_entry_points() and (".py" in name or "/" in name)


def label_encoding(name: str) -> str:
    """The name that tables and figures show: the class name for `path/to/file.py:Class`, else the name itself."""
    return name.rpartition(":")[2] if ".py" in name else name


def list_encoding_options(name: str) -> list[str]:
    """The names of the options that an encoding takes."""
    parameters = inspect.signature(get_encoding_class(resolve_encoding(name)).__init__).parameters.values()
    return [p.name for p in parameters if p.kind == p.KEYWORD_ONLY and p.name != "key"]


def build_encoding(name: str, context: Context, *, key: Key[Array, ""], **options: Any) -> Encoding:
    """One instance. Raises UserError for an unknown name or option, and where a class outside the catalogue raises any exception."""
    factory = resolve_encoding(name)
    if get_encoding_class(factory).causal_only and context.attention != "causal":
        raise UserError(
            f"{label_encoding(name)} is for causal attention only, not {context.attention}: use another encoding there, "
            "or give `--architectures decoder`."
        )
    known = list_encoding_options(name)
    if surplus := sorted(set(options) - set(known)):
        raise UnknownName(f"option of {name}", surplus[0], known)
    construct = partial(factory, context, key=key, **options)
    if name in CATALOGUE:
        return construct()
    return call_user_code(construct, f"encoding {name!r} could not be constructed")
