"""A reader of pickles that executes none.

A pickle is a program that may import and call anything. Here its instructions are followed one by one: numbers, texts, lists
and dictionaries become what they are, and what is named or called becomes what `torch_tensors` says, or is refused. Keys that
are not texts or integers are dropped, so that nothing is hashed or compared either.
"""

from __future__ import annotations

import pickletools
import warnings
from typing import IO

from jaxpe.errors import UserError
from jaxpe.pretrained.torch_tensors import ALLOWED, Name, Storage, add_items, collect_items, describe_storage, rebuild

MAX_STEPS = 2**21  # of a pickle: one takes at most about 100 bytes of memory
CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
LITERALS = {
    "INT", "LONG", "BININT", "BININT1", "BININT2", "LONG1", "LONG4", "FLOAT", "BINFLOAT", "STRING", "BINSTRING",
    "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "BINBYTES", "SHORT_BINBYTES",
    "BINBYTES8", "BYTEARRAY8",
}  # fmt: skip


class PickleReader:
    """A stack, a memo, and the storages that were named on the way."""

    def __init__(self, source: str) -> None:
        self.source = source  # in errors
        self.stack: list[object] = []
        self.marks: list[int] = []
        self.memo: dict[int, object] = {}
        self.storages: dict[str, Storage] = {}

    def read(self, file: IO[bytes]) -> object:
        """What the next pickle of a file describes.

        Raises UserError for a name that is not allowed, ValueError if it is damaged or longer than `MAX_STEPS`.
        """
        self.stack, self.marks, self.memo = [], [], {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd escapes in texts
            for count, (instruction, argument, _) in enumerate(pickletools.genops(file)):
                if count > MAX_STEPS:
                    raise ValueError(f"a pickle of more than {MAX_STEPS} instructions")
                self.step(instruction.name, argument)
        return self.stack[-1]

    def step(self, name: str, argument: object) -> None:
        """Follows one instruction."""
        stack = self.stack
        if name in LITERALS:
            stack.append(argument)
        elif name in CONSTANTS:
            stack.append(CONSTANTS[name])
        elif name in ("BINPUT", "LONG_BINPUT", "PUT"):
            assert isinstance(argument, int)
            self.memo[argument] = stack[-1]
        elif name == "MEMOIZE":
            self.memo[len(self.memo)] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET", "GET"):
            assert isinstance(argument, int)
            stack.append(self.memo[argument])
        elif name in ("EMPTY_LIST", "EMPTY_SET"):
            stack.append([])
        elif name == "EMPTY_DICT":
            stack.append({})
        elif name == "MARK":
            self.marks.append(len(stack))
        elif name in ("TUPLE1", "TUPLE2", "TUPLE3"):
            stack.append(tuple(self.pop(int(name[-1]))))
        elif name in ("TUPLE", "LIST", "DICT", "FROZENSET"):
            items = self.pop_to_mark()
            stack.append(tuple(items) if name == "TUPLE" else collect_items(items) if name == "DICT" else items)
        elif name in ("APPEND", "APPENDS", "ADDITEMS", "SETITEM", "SETITEMS"):
            items = self.pop({"APPEND": 1, "SETITEM": 2}[name]) if name in ("APPEND", "SETITEM") else self.pop_to_mark()
            add_items(stack[-1], items)
        elif name == "DUP":
            stack.append(stack[-1])
        elif name == "POP":
            self.pop(1)
        elif name == "POP_MARK":
            self.pop_to_mark()
        elif name == "BUILD":  # attributes, as `_metadata` of a state dictionary
            self.pop(1)
        elif name not in ("PROTO", "FRAME", "STOP"):
            self.step_to_object(name, argument)

    def step_to_object(self, name: str, argument: object) -> None:
        """Follows an instruction that names or calls something."""
        if name == "GLOBAL":
            self.stack.append(self.look_up(str(argument).replace(" ", ".")))
        elif name == "STACK_GLOBAL":
            module, attribute = self.pop(2)
            self.stack.append(self.look_up(f"{module}.{attribute}" if isinstance(module, str) else "?"))
        elif name in ("REDUCE", "NEWOBJ"):
            function, arguments = self.pop(2)
            self.stack.append(rebuild(function, arguments))
        elif name == "NEWOBJ_EX":
            function, arguments, _ = self.pop(3)
            self.stack.append(rebuild(function, arguments))
        elif name == "OBJ":
            function, *rest = self.pop_to_mark()
            self.stack.append(rebuild(function, tuple(rest)))
        elif name == "INST":
            self.stack.append(rebuild(self.look_up(str(argument).replace(" ", ".")), tuple(self.pop_to_mark())))
        elif name == "BINPERSID":
            [saved] = self.pop(1)
            storage = describe_storage(saved)
            self.storages[storage.key] = storage
            self.stack.append(storage)
        else:
            raise ValueError(f"the instruction {name}, which no tensor needs")

    def pop(self, count: int) -> list[object]:
        """The last values of the stack, taken off it. Raises ValueError if there are fewer since the last mark."""
        start = len(self.stack) - count
        if start < (self.marks[-1] if self.marks else 0):
            raise ValueError("a pickle that takes more than it has")
        values = self.stack[start:]
        del self.stack[start:]
        return values

    def pop_to_mark(self) -> list[object]:
        """The values since the last mark."""
        return self.pop(len(self.stack) - self.marks.pop())

    def look_up(self, path: str) -> Name:
        """A name that is allowed. Raises UserError for any other."""
        if path not in ALLOWED:
            raise UserError(f"{self.source} asks for {path[:200]}, which no tensor needs: it was not loaded.")
        return Name(path)
