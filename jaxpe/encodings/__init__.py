"""The catalogue of positional encodings: one row for each name.

`build_encoding` makes an instance by name. A variant is a class in a file of its own and one row here; a row that
differs from another in its options only is a `functools.partial`.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from jaxpe.encodings.alibi import Alibi
from jaxpe.encodings.alibi_directed import DirectedAlibi
from jaxpe.encodings.base import Context, Encoding, NoEncoding, View
from jaxpe.encodings.binary import Binary
from jaxpe.encodings.concatenated import Concatenated
from jaxpe.encodings.cope import CoPE
from jaxpe.encodings.dape import Dape
from jaxpe.encodings.drop import Drop
from jaxpe.encodings.fire import Fire
from jaxpe.encodings.forgetting import Forgetting
from jaxpe.encodings.interleaved import Interleaved
from jaxpe.encodings.kerple import Kerple
from jaxpe.encodings.learned import Learned
from jaxpe.encodings.p_rope import PRope
from jaxpe.encodings.pope import PoPE
from jaxpe.encodings.random_fixed import RandomFixed
from jaxpe.encodings.registry import (
    CATALOGUE,
    ENCODINGS,
    build_encoding,
    fits_architecture,
    get_encoding_class,
    identify_encoding,
    label_encoding,
    list_encoding_options,
    replace_alias,
    resolve_encoding,
)
from jaxpe.encodings.rotary import Rotary
from jaxpe.encodings.rotary_ntk import RotaryNTK
from jaxpe.encodings.rotary_yarn import RotaryYarn
from jaxpe.encodings.scalar import Scalar
from jaxpe.encodings.shaw import Shaw
from jaxpe.encodings.sinusoidal import Sinusoidal
from jaxpe.encodings.stick_breaking import StickBreaking
from jaxpe.encodings.t5 import T5
from jaxpe.encodings.transformer_xl import TransformerXL
from jaxpe.encodings.xpos import XPos
from jaxpe.plugins.code import remember_package

__all__ = [
    "CATALOGUE",
    "ENCODINGS",
    "Context",
    "Encoding",
    "View",
    "build_encoding",
    "fits_architecture",
    "get_encoding_class",
    "identify_encoding",
    "label_encoding",
    "list_encoding_options",
    "replace_alias",
    "resolve_encoding",
]

CATALOGUE.update(
    {
        "none": NoEncoding,
        "sinusoidal": Sinusoidal,
        "learned": Learned,
        "sinusoidal_paper": partial(Sinusoidal, paper_scale=True),
        "learned_bert": partial(Learned, scale=0.02, token_std=0.02),
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
        "forgetting": Forgetting,
        "stick_breaking": StickBreaking,
    }
)
remember_package(Path(__file__).parent)
