"""Models as text or tagged binary: JSON, XGBoost's UBJSON, LightGBM's text."""

import json
import math
import re
import struct
from pathlib import Path
from typing import Any, BinaryIO

from .numbers import Broken, Tally
from .steps import known_step

_JSON_BYTES = 256 << 20
_DEPTH = 500
_INTEGERS = {b"i": "b", b"U": "B", b"I": ">h", b"l": ">i", b"L": ">q"}
_FLOATS = {b"d": ">f", b"D": ">d"}


def read_json(path: Path, tally: Tally) -> int | None:
    """Looks at a JSON file, XGBoost's too; answers its step. Raises Broken."""
    if path.stat().st_size > _JSON_BYTES:
        tally.unseen = True
        return None
    try:
        top = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise Broken(f"it is no JSON, or cut short: {str(error)[:100]}") from None
    waiting = [top]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list):
            tally.plain(one for one in value if isinstance(one, float))
            waiting += [one for one in value if not isinstance(one, float)]
        elif isinstance(value, float):
            tally.scalar(value)
        elif type(value) is int:
            tally.numbers += 1
    return _step(top)


def _step(top: Any) -> int | None:
    if not isinstance(top, dict):
        return None
    step = known_step(top)
    if step is not None:
        return step
    try:  # XGBoost: where each iteration's trees begin
        return len(top["learner"]["gradient_booster"]["model"]["iteration_indptr"]) - 1
    except (KeyError, TypeError):
        return None


def read_ubj(path: Path, tally: Tally) -> int | None:
    """Looks at an UBJSON file; answers its step. Raises Broken."""
    with path.open("rb") as file:
        try:
            top = _value(file, tally, _take(file, 1), 0)
        except (ValueError, KeyError, struct.error, UnicodeDecodeError) as error:
            raise Broken(f"it is no UBJSON: {str(error)[:100]}") from None
        if file.read(1):
            raise Broken("something follows its end")
    return _step(top)


def _value(file: BinaryIO, tally: Tally, mark: bytes, depth: int) -> Any:
    if depth > _DEPTH:
        raise Broken("it is nested too deep")
    if mark in _INTEGERS:
        tally.numbers += 1
        return _number(file, _INTEGERS[mark])
    if mark in _FLOATS:
        tally.scalar(float(_number(file, _FLOATS[mark])))
        return None
    if mark == b"S":
        return _text(file)
    if mark == b"C":
        return _take(file, 1)
    if mark in b"ZTF":
        return None
    if mark == b"[":
        return _list(file, tally, depth)
    if mark == b"{":
        return _dict(file, tally, depth)
    raise Broken(f"an unknown mark {mark!r}")


def _list(file: BinaryIO, tally: Tally, depth: int) -> list[Any]:
    kind, count, mark = _head(file)
    if kind is not None and count is not None and kind in {**_INTEGERS, **_FLOATS}:
        width = struct.calcsize({**_INTEGERS, **_FLOATS}[kind])
        data = _take(file, count * width)
        if kind in _FLOATS:
            tally.raw(data, ">f4" if kind == b"d" else ">f8")
        else:
            tally.numbers += count
        return [None] * count
    made: list[Any] = []
    while len(made) != count and not (count is None and mark == b"]"):
        one = kind or (mark if count is None else _take(file, 1))
        made.append(_value(file, tally, one, depth + 1))
        if count is None:
            mark = _take(file, 1)
    return made


def _dict(file: BinaryIO, tally: Tally, depth: int) -> dict[str, Any]:
    kind, count, mark = _head(file)
    made: dict[str, Any] = {}
    done = 0
    while done != count and not (count is None and mark == b"}"):
        first = mark if count is None else _take(file, 1)
        key = _take(file, int(_number(file, _INTEGERS[first]))).decode("utf-8")
        made[key] = _value(file, tally, kind or _take(file, 1), depth + 1)
        done += 1
        if count is None:
            mark = _take(file, 1)
    return made


def _head(file: BinaryIO) -> tuple[bytes | None, int | None, bytes]:
    """A container's type and count, where they are given, else the mark that follows it."""
    kind: bytes | None = None
    mark = _take(file, 1)
    if mark == b"$":
        kind, mark = _take(file, 1), _take(file, 1)
    if mark != b"#":
        return None, None, mark
    count = int(_number(file, _INTEGERS[_take(file, 1)]))
    if count < 0:
        raise Broken("a count below zero")
    return kind, count, b""


def _text(file: BinaryIO) -> str:
    return _take(file, int(_number(file, _INTEGERS[_take(file, 1)]))).decode("utf-8", "replace")


def _number(file: BinaryIO, form: str) -> float:
    number: float = struct.unpack(form, _take(file, struct.calcsize(form)))[0]
    return number


def _take(file: BinaryIO, size: int) -> bytes:
    if size < 0:
        raise Broken("a length below zero")
    data = file.read(size) if size <= 1 << 33 else b""
    if len(data) < size:
        raise Broken("it is cut short")
    return data


_LEAVES = re.compile(rb"^(?:leaf_value|internal_value|shrinkage)=(.*)$")


def is_lightgbm(head: bytes) -> bool:
    """Whether a text begins as LightGBM's models do."""
    return head.startswith((b"tree\nversion=", b"tree\r\nversion="))


def read_lightgbm(path: Path, tally: Tally) -> int | None:
    """Looks at LightGBM's text; answers how many rounds it has. Raises Broken."""
    trees, a_round, closed = 0, 1, False
    with path.open("rb") as file:
        for line in file:
            if line.startswith(b"num_tree_per_iteration=") and line[23:].strip().isdigit():
                a_round = max(1, int(line[23:]))
            trees += line.startswith(b"Tree=")
            closed = closed or line.startswith(b"end of parameters")
            found = _LEAVES.match(line.rstrip())
            if found:
                tally.plain(_as_float(word) for word in found[1].split())
    if not closed:
        raise Broken("its closing section is missing")
    return trees // a_round


def _as_float(word: bytes) -> float:
    try:
        return float(word)
    except ValueError:
        return math.nan
