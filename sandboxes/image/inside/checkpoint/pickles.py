"""Pickles, walked with a stack of symbols: nothing in them is ever loaded or called.

A pickle is a program for a small stack machine. Here it runs on stand-ins: names stay names, and a
call makes a note of itself. That shows whether it is whole, its floating-point arrays, the step it
says it has, and the storages that a PyTorch file keeps beside it.
"""

import io
import math
import pickletools
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from .numbers import Broken, Tally
from .steps import known_step

_DEPTH = 64
_SECONDS = 30.0
_ALONE = 100_000
_UNPACKED = 1 << 30
_MEMO_OUT = frozenset({"GET", "BINGET", "LONG_BINGET"})
_MEMO_IN = frozenset({"PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"})
_NOTHING = frozenset({"PROTO", "FRAME"})


@dataclass
class Name:
    """A class or a function that the pickle names."""

    text: str


@dataclass
class Made:
    """What a call would make."""

    by: Any
    given: Any
    state: Any = None


@dataclass
class Pickle:
    """What was seen of a pickle."""

    top: Any = None
    names: set[str] = field(default_factory=set)
    storages: list[tuple[Any, ...]] = field(default_factory=list)
    alone: list[float] = field(default_factory=list)


class _Mark:
    pass


def read(path: Path, tally: Tally) -> int | None:
    """Looks at a pickle, one of joblib too; answers its step. Raises Broken."""
    with path.open("rb") as file:
        found = walk(_unpacked(file), tally)
    if not found.names:  # plain numbers alone: one that stands alone is a weight as well
        for value in found.alone:
            tally.scalar(value)
    return step_of(found)


def _unpacked(file: BinaryIO) -> BinaryIO:
    """The pickle in a file that joblib may have compressed with zlib or gzip."""
    head = file.read(2)
    file.seek(0)
    kind = 31 if head == b"\x1f\x8b" else 15 if head[:1] == b"\x78" else 0
    if not kind:
        return file
    machine = zlib.decompressobj(kind)
    try:
        content = machine.decompress(file.read(), _UNPACKED)
    except zlib.error as error:
        raise Broken(f"it can't be unpacked: {str(error)[:100]}") from None
    if not machine.eof:
        raise Broken("it is cut short, or unpacks to more than is looked at")
    return io.BytesIO(content)


def step_of(found: Pickle) -> int | None:
    """The step that a pickled dictionary names."""
    return known_step(found.top) if isinstance(found.top, dict) else None


def walk(file: BinaryIO, tally: Tally, depth: int = 0) -> Pickle:
    """Walks a pickle from where a file stands to its STOP. Raises Broken."""
    if depth > _DEPTH:
        raise Broken("its pickles are nested too deep")
    found = Pickle()
    with _understood():
        _Machine(file, tally, found, depth).run()
    return found


@contextmanager
def _understood() -> Iterator[None]:
    try:
        yield
    except (ValueError, IndexError, KeyError, TypeError, OverflowError, UnicodeError) as error:
        raise Broken(f"the pickle is damaged or cut short: {str(error)[:100]}") from None


class _Machine:
    def __init__(self, file: BinaryIO, tally: Tally, found: Pickle, depth: int) -> None:
        self._file, self._tally, self._found, self._depth = file, tally, found, depth
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def run(self) -> None:
        end = time.monotonic() + _SECONDS
        for count, (code, argument, _) in enumerate(pickletools.genops(self._file)):
            self._do(code, argument)
            if count % 4096 == 0 and time.monotonic() > end:
                raise Broken("it takes too long to look at")

    def _do(self, code: pickletools.OpcodeInfo, argument: Any) -> None:
        name = code.name
        if name in _NOTHING:
            return
        if name in _MEMO_OUT:
            self._stack.append(self._memo[int(argument)])
        elif name in _MEMO_IN:
            at = len(self._memo) if name == "MEMOIZE" else int(argument)
            self._memo[at] = self._stack[-1]
        elif name == "MARK":
            self._stack.append(_Mark())
        elif name == "DUP":
            self._stack.append(self._stack[-1])
        elif name == "POP":
            self._stack.pop()
        elif name == "STOP":
            self._found.top = self._stack.pop()
        elif name == "GLOBAL":
            self._stack.append(self._named(str(argument)))
        elif not code.stack_before:
            self._stack.append(_constant(name, argument))
            if isinstance(argument, float) and len(self._found.alone) < _ALONE:
                self._found.alone.append(argument)
        else:
            owners, items = self._taken(code)
            self._act(name, code, owners, items, argument)

    def _taken(self, code: pickletools.OpcodeInfo) -> tuple[list[Any], list[Any]]:
        """What an operation takes off the stack: before the mark, and after it."""
        before = code.stack_before
        if pickletools.markobject in before:
            mark = max(i for i, one in enumerate(self._stack) if isinstance(one, _Mark))
            items = self._stack[mark + 1 :]
            del self._stack[mark:]
            count = before.index(pickletools.markobject)
        else:
            items, count = [], len(before)
        if count > len(self._stack):
            raise IndexError("it takes more than there is")
        owners = self._stack[len(self._stack) - count :] if count else []
        del self._stack[len(self._stack) - count :]
        return owners, items

    def _act(
        self, name: str, code: pickletools.OpcodeInfo, owners: list[Any], items: list[Any], arg: Any
    ) -> None:
        push = self._stack.append
        if name in ("TUPLE", "TUPLE1", "TUPLE2", "TUPLE3"):
            push(tuple(items or owners))
        elif name == "STACK_GLOBAL":
            push(self._named(" ".join(map(str, owners))))
        elif name in ("APPEND", "APPENDS"):
            added = items if name == "APPENDS" else owners[1:]
            self._tally.plain(one for one in added if isinstance(one, float))
            push(owners[0])
        elif name in ("SETITEM", "SETITEMS"):
            pairs = items if name == "SETITEMS" else owners[1:]
            if isinstance(owners[0], dict):
                for key, value in zip(pairs[::2], pairs[1::2], strict=True):
                    if isinstance(key, str):
                        owners[0][key] = value
            push(owners[0])
        elif name in ("REDUCE", "NEWOBJ"):
            push(self._made(Made(owners[0], owners[1])))
        elif name == "BUILD":
            push(self._built(owners[0], owners[1]))
        elif name == "BINPERSID":
            if isinstance(owners[0], tuple):
                self._found.storages.append(owners[0])
            push(None)
        elif name == "DICT":
            push({k: v for k, v in zip(items[::2], items[1::2], strict=True) if isinstance(k, str)})
        else:
            for _ in code.stack_after:
                push(None)

    def _named(self, text: str) -> Name:
        self._found.names.add(text)
        return Name(text)

    def _made(self, made: Made) -> Made:
        by = made.by.text if isinstance(made.by, Name) else ""
        if by.endswith(" _frombuffer") and isinstance(made.given, tuple) and len(made.given) >= 2:
            self._array(made.given[1], made.given[0])  # an array of protocol 5
        return made

    def _built(self, made: Any, state: Any) -> Any:
        if not isinstance(made, Made):
            return made
        made.state = state
        by = made.by.text if isinstance(made.by, Name) else ""
        if by.endswith(" _reconstruct") and isinstance(state, tuple) and len(state) == 5:
            self._array(state[2], state[4])
        elif by.endswith(" NumpyArrayWrapper") and isinstance(state, dict):
            self._beside(state)
        return made

    def _array(self, dtype: Any, data: Any) -> None:
        code = _code(dtype)
        if isinstance(data, Made) and isinstance(data.given, tuple) and data.given:
            text = data.given[0]  # as protocols before 3 spell bytes
            data = text.encode("latin1") if isinstance(text, str) else b""
        if isinstance(data, bytes | bytearray) and code:
            self._tally.raw(bytes(data), code, infinities=False)

    def _beside(self, state: dict[str, Any]) -> None:
        """An array as joblib keeps it: its bytes follow its description."""
        code, shape = _code(state.get("dtype")), state.get("shape")
        if "O" in code:
            walk(self._file, self._tally, self._depth + 1)
            return
        if not isinstance(shape, tuple) or not code:
            raise Broken("an array's description can't be read")
        if state.get("numpy_array_alignment_bytes") is not None:
            padding = self._file.read(1)
            self._file.read(padding[0] if padding else 0)
        left = math.prod(int(n) for n in shape) * _item_bytes(code)
        while left > 0:
            data = self._file.read(min(left, 1 << 22))
            if not data:
                raise Broken("it ends in the middle of an array")
            self._tally.raw(data, code, infinities=False)
            left -= len(data)


def _constant(name: str, argument: Any) -> Any:
    made = {
        "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": (), "EMPTY_DICT": {}, "NONE": None,
    }  # fmt: skip
    return made.get(name, argument)


def _code(dtype: Any) -> str:
    """A pickled dtype's letters with its byte order, as ">f4"; empty where it is none."""
    if not isinstance(dtype, Made) or not isinstance(dtype.given, tuple) or not dtype.given:
        return ""
    code = dtype.given[0]
    if not isinstance(code, str):
        return ""
    order = dtype.state[1] if isinstance(dtype.state, tuple) and len(dtype.state) > 1 else "<"
    return f">{code}" if order == ">" else code


def _item_bytes(code: str) -> int:
    digits = code.lstrip("<>=|")[1:]
    if code.lstrip("<>=|")[:1] == "U":
        return 4 * int(digits)
    return int(digits)
