"""The catalogue of encodings: one row each. `build` makes one by name, from a file, or from an entry point."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache, partial
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from jaxtyping import Array, Key

from jaxpe.encodings.alibi import Alibi
from jaxpe.encodings.alibi_directed import DirectedAlibi
from jaxpe.encodings.base import Attention, Encoding, NoEncoding
from jaxpe.encodings.binary import Binary
from jaxpe.encodings.concatenated import Concatenated
from jaxpe.encodings.cope import CoPE
from jaxpe.encodings.dape import Dape
from jaxpe.encodings.drop import Drop
from jaxpe.encodings.fire import Fire
from jaxpe.encodings.interleaved import Interleaved
from jaxpe.encodings.kerple import Kerple
from jaxpe.encodings.learned import Learned
from jaxpe.encodings.p_rope import PRope
from jaxpe.encodings.pope import PoPE
from jaxpe.encodings.random_fixed import RandomFixed
from jaxpe.encodings.rotary import Rotary
from jaxpe.encodings.rotary_ntk import RotaryNTK
from jaxpe.encodings.rotary_yarn import RotaryYarn
from jaxpe.encodings.scalar import Scalar
from jaxpe.encodings.shaw import Shaw
from jaxpe.encodings.sinusoidal import Sinusoidal
from jaxpe.encodings.t5 import T5
from jaxpe.encodings.transformer_xl import TransformerXL
from jaxpe.encodings.xpos import XPos
from jaxpe.errors import UserError, unknown
from jaxpe.plugins import call_user_code, digest_of, load_object, place_of_class

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
    "binary": Binary,
    "scalar": Scalar,
    "rotary": Rotary,
    "rotary_scaled": partial(Rotary, base=100.0),
    "rotary_quarter": partial(Rotary, fraction=0.25),
    "alibi": Alibi,
    "alibi_directed": DirectedAlibi,
    "t5": T5,
    "t5_scaled": partial(T5, scaled=True),
    "shaw": Shaw,
    "shaw_scaled": partial(Shaw, scaled=True),
    "transformer_xl": TransformerXL,
    "kerple": Kerple,
    "fire": Fire,
    "fire_scaled": partial(Fire, scaled=True),
    "xpos": XPos,
    "xpos_scaled": partial(XPos, scaled=True),
    "cope": CoPE,
    "cope_scaled": partial(CoPE, scaled=True),
    "pope": PoPE,
    "dape": Dape,
    "p_rope": PRope,
    "rotary_ntk": RotaryNTK,
    "rotary_yarn": RotaryYarn,
    "interleaved": Interleaved,
    "interleaved_scaled": partial(Interleaved, blocks=2),
    "drop": Drop,
}


def class_of(maker: Any) -> Any:
    """The encoding class behind a maker; what else a user gave, as it is."""
    return maker.func if isinstance(maker, partial) else maker


@cache
def registered() -> dict[str, list[EntryPoint]]:
    """Encodings of installed packages by name: entry points of the group jaxpe.encodings. Two under one name are a fault."""
    found: dict[str, list[EntryPoint]] = {}
    for point in entry_points(group=ENTRY_POINTS):
        found.setdefault(point.name, []).append(point)
    return found


def loaded(name: str) -> Any:
    """What an installed package registered under a name. Raises UserError where the name is not its own."""
    points = registered()[name]
    made = [call_user_code(point.load, f"encoding {name!r} could not be loaded") for point in points]
    if name in CATALOGUE or len(made) > 1:
        places = " and ".join(
            point.value + (f" ({place_of_class(one)})" if inspect.isclass(one) else "")
            for point, one in zip(points, made, strict=True)
        )
        owner = "a name of the catalogue" if name in CATALOGUE else "two packages at once"
        raise UserError(f"The encoding name {name!r} is taken by {owner}: rename the entry point of {places}.")
    return made[0]


def resolve(name: str) -> Callable[..., Encoding]:
    """The maker behind a catalogue name, `path/to/file.py:Class`, or an entry point of group jaxpe.encodings."""
    if name in registered():
        maker = loaded(name)
    elif name in CATALOGUE:
        return CATALOGUE[name]
    elif ".py" in name or "/" in name:
        maker = load_object(name)
    else:
        known = [*CATALOGUE, *registered()]
        raise unknown("encoding", name, known, "A file of your own is given as path/to/file.py:Class.")
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


def told(name: str, trained_positions: int | None) -> dict[str, Any]:
    """The option `trained_positions` for an encoding that takes it: how many positions training uses."""
    return {"trained_positions": trained_positions} if "trained_positions" in options_of(name) else {}


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
