"""NumPy's files: one array (.npy), or a zip of them (.npz)."""

import ast
import math
import struct
import zipfile
from pathlib import Path
from typing import IO, Any, cast

import numpy as np

from .numbers import Broken, Tally
from .steps import known_step
from .zips import opened

_HEADER_BYTES = 1 << 20


def read_npy(path: Path, tally: Tally) -> int | None:
    """Looks at a .npy file; its step is not known. Raises Broken."""
    with path.open("rb") as file:
        _array(file, path.stat().st_size, tally)
    return None


def read_npz(path: Path, tally: Tally) -> int | None:
    """Looks at a .npz file; answers its step. Raises Broken."""
    found: dict[str, object] = {}
    with opened(path) as members:
        for member in members.infolist():
            with members.open(member) as file:
                value = _array(file, member.file_size, tally)
            if value is not None:
                found[member.filename.removesuffix(".npy")] = value
    if not found and not tally.numbers and not zipfile.is_zipfile(path):
        raise Broken("it holds no array")
    return known_step(found)


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """An array's shape and type (NumPy Enhancement Proposal 1)."""
    head = file.read(8)
    if head[:6] != b"\x93NUMPY" or len(head) < 8:
        raise Broken("it does not begin as an array does")
    form = "<H" if head[6] == 1 else "<I"
    length = file.read(struct.calcsize(form))
    size = int.from_bytes(length, "little")
    text = file.read(size) if size <= _HEADER_BYTES else b""
    try:
        told = ast.literal_eval(text.decode("utf-8"))
        shape, dtype = tuple(int(n) for n in told["shape"]), np.dtype(told["descr"])
    except (ValueError, TypeError, SyntaxError, KeyError, RecursionError, MemoryError):
        raise Broken("an array's header can't be read") from None
    if len(text) < size or any(n < 0 for n in shape):
        raise Broken("an array's header can't be read")
    return shape, dtype


def _array(file: IO[bytes], size: int, tally: Tally) -> int | None:
    """Looks at one array; answers it where it is a whole number."""
    shape, dtype = _header(file)
    if dtype.hasobject:
        return None  # pickled: not looked into
    wanted = math.prod(shape) * dtype.itemsize
    if not shape:
        data = file.read(wanted)
        if len(data) < wanted:
            raise Broken("it ends in the middle of an array")
        if dtype.kind in "iu":
            return int.from_bytes(data, "big" if dtype.byteorder == ">" else "little", signed=True)
        if dtype.kind == "f" and dtype.itemsize in (2, 4, 8):
            tally.raw(data, dtype.str, infinities=False)
        return None
    tally.stream(cast(Any, file), wanted, dtype.str)
    if file.read(1):
        raise Broken("it is longer than its header says")
    return None
