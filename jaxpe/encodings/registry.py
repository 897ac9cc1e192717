"""Encodings by name: from the catalogue, from a file (`path/to/file.py:Class`), or from an installed package.

`jaxpe.encodings` fills `CATALOGUE`. Encodings that wrap another one import this module, so it imports none of them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from jaxtyping import Array, Key

from jaxpe.encodings.base import Context, Encoding
from jaxpe.errors import UnknownName, UserError
from jaxpe.plugins.registry import Registry, get_factory_class, label_name, list_options

EncodingFactory = Callable[..., Encoding]  # a class, or a `functools.partial` of one that fixes some options

CATALOGUE: dict[str, EncodingFactory] = {}
ALIASES = {  # other usual names; tables and figures show those of the catalogue
    "fox": "forgetting", "nope": "none", "ntk": "rotary_ntk", "rope": "rotary", "sinusoids": "sinusoidal", "yarn": "rotary_yarn",
}  # fmt: skip
ENCODINGS: Registry[Encoding] = Registry("encoding", "jaxpe.encodings", Encoding, CATALOGUE, ALIASES)


def get_encoding_class(factory: Any) -> Any:
    """The class behind a `functools.partial`; anything else is returned unchanged."""
    return get_factory_class(factory)


def replace_alias(name: str) -> str:
    """The name in the catalogue of an encoding that goes by another usual name; other names as they are."""
    return ENCODINGS.replace_alias(name)


def resolve_encoding(name: str) -> EncodingFactory:
    """The factory behind a catalogue name, `path/to/file.py:Class`, or an entry point.

    Raises UserError for an unknown name, and for a class that is not derived from `Encoding`.
    """
    return ENCODINGS.resolve(name)


def identify_encoding(name: str) -> dict[str, Any]:
    """What tells an encoding from another of the same name, as JSON: its code, and the options that a row fixes.

    Raises UserError for options that have no such form.
    """
    return ENCODINGS.identify(name)


def fits_architecture(name: str, architecture: str) -> bool:
    """Whether an encoding can be used in every self-attention of an architecture."""
    return architecture == "decoder" or not ENCODINGS.get_class(name).causal_only


def label_encoding(name: str) -> str:
    """The name that tables and figures show: the class name for `path/to/file.py:Class`, else the name itself."""
    return label_name(name)


def list_encoding_options(name: str) -> list[str]:
    """The names of the options that an encoding takes."""
    return list(list_options(resolve_encoding(name)))


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
    return ENCODINGS.call(name, construct, f"encoding {name!r} could not be constructed")
