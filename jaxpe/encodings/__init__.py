"""The catalogue of encodings: one row each. `build` makes one by name, from a file, or from an entry point."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from importlib.metadata import entry_points
from typing import Any

from jaxtyping import Array, Key

from jaxpe.encodings.base import Attention, Encoding, NoEncoding
from jaxpe.encodings.concatenated import Concatenated
from jaxpe.encodings.learned import Learned
from jaxpe.encodings.random_fixed import RandomFixed
from jaxpe.encodings.sinusoidal import Sinusoidal
from jaxpe.errors import UserError, unknown
from jaxpe.plugins import call_user_code, digest_of, load_object

__all__ = ["CATALOGUE", "Encoding", "build", "options_of", "resolve", "source_digest"]

ENTRY_POINTS = "jaxpe.encodings"
CATALOGUE: dict[str, Callable[..., Encoding]] = {
    "none": NoEncoding,
    "sinusoidal": Sinusoidal,
    "learned": Learned,
    "sinusoidal_paper": partial(Sinusoidal, paper_scale=True),
    "learned_bert": partial(Learned, scale=0.02),
    "concatenated": Concatenated,
    "random_fixed": RandomFixed,
}


def class_of(maker: Callable[..., Encoding]) -> type[Encoding]:
    """The encoding class behind a catalogue row."""
    return maker.func if isinstance(maker, partial) else maker  # type: ignore[return-value]


def resolve(name: str) -> Callable[..., Encoding]:
    """The maker behind a catalogue name, `path/to/file.py:Class`, or an entry point of group jaxpe.encodings."""
    if name in CATALOGUE:
        return CATALOGUE[name]
    if ".py" in name or "/" in name:
        maker = load_object(name)
    else:
        points = {point.name: point for point in entry_points(group=ENTRY_POINTS)}
        if name not in points:
            raise unknown(
                "encoding", name, [*CATALOGUE, *points], "A file of your own is given as path/to/file.py:Class."
            )
        maker = call_user_code(points[name].load, f"encoding {name!r} could not be loaded")
    if not (inspect.isclass(class_of(maker)) and issubclass(class_of(maker), Encoding)):
        raise UserError(f"{name!r} is not an encoding: derive the class from jaxpe.encodings.Encoding.")
    return maker


def source_digest(name: str) -> str | None:
    """SHA-256 of the source of an encoding that is a file or a plug-in; None for a name of the catalogue."""
    return None if name in CATALOGUE else digest_of(class_of(resolve(name)))


def label(name: str) -> str:
    """What tables and figures call an encoding: the class of a file of the user's own, else its name."""
    return name.rpartition(":")[2] if ".py" in name else name


def options_of(name: str) -> list[str]:
    """Names of the options that an encoding takes."""
    parameters = inspect.signature(class_of(resolve(name)).__init__).parameters.values()
    return [p.name for p in parameters if p.kind == p.KEYWORD_ONLY and p.name != "key"]


def build(
    name: str,
    *,
    model_width: int,
    heads: int,
    max_length: int,
    attention: Attention,
    key: Key[Array, ""],
    **options: Any,
) -> Encoding:
    """One instance. `max_length` is 1 + the largest position it will be asked for.

    Raises UserError for an unknown name or option, or where the user's own code fails.
    """
    maker = resolve(name)
    if surplus := sorted(set(options) - set(options_of(name))):
        raise unknown(f"option of {name}", surplus[0], options_of(name))
    construct = partial(maker, model_width, heads, max_length, attention, key=key, **options)
    if name in CATALOGUE:
        return construct()
    return call_user_code(construct, f"encoding {name!r} could not be constructed")
