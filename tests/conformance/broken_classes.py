"""Encodings that cannot be built or called, and one that refuses a kind of attention."""

from jaxpe.encodings.alibi import Alibi
from jaxpe.encodings.base import Encoding
from jaxpe.errors import UserError


class FailsInConstructor(Encoding):
    def __init__(self, *sizes, key):
        raise RuntimeError("no such thing")


class FailsBidirectional(Alibi):
    """Fails with a KeyError in one kind of attention."""

    def __init__(self, context, *, key):
        super().__init__(context, key=key)
        self.sign = {"causal": 1}[context.attention]


class HangsInConstructor(Encoding):
    def __init__(self, *sizes, key):
        while True:
            pass


class WrongConstructor(Encoding):
    def __init__(self, model_width):
        pass


class WrongSignature(Encoding):
    def embed(self, x):
        return x


class RaisesInHook(Encoding):
    def bias(self, q, k, view):
        return undefined_name  # noqa: F821


class CausalOnly(Alibi):
    """Refuses bidirectional attention, as it should: with a UserError."""

    def __init__(self, context, *, key):
        if context.attention != "causal":
            raise UserError("This encoding is causal: use another.")
        super().__init__(context, key=key)
