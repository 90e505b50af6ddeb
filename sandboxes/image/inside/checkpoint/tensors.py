"""Tensors on disk: safetensors, and PyTorch's zip files."""

import json
import math
from pathlib import Path
from typing import Any, cast

from . import pickles
from .numbers import Broken, Tally
from .steps import known_step
from .zips import opened, read_all

_HEADER_BYTES = 100 << 20
_SIZES = {
    "F64": 8, "F32": 4, "F16": 2, "BF16": 2, "F8_E4M3": 1, "F8_E5M2": 1, "I64": 8, "U64": 8,
    "I32": 4, "U32": 4, "I16": 2, "U16": 2, "I8": 1, "U8": 1, "BOOL": 1, "C64": 8,
}  # fmt: skip
_CODES = {"F64": "f8", "F32": "f4", "F16": "f2", "BF16": "bf16"}
_STORAGES = {
    "DoubleStorage": ("f8", 8), "FloatStorage": ("f4", 4), "HalfStorage": ("f2", 2),
    "BFloat16Storage": ("bf16", 2), "LongStorage": ("", 8), "IntStorage": ("", 4),
    "ShortStorage": ("", 2), "CharStorage": ("", 1), "ByteStorage": ("", 1), "BoolStorage": ("", 1),
}  # fmt: skip


def read_safetensors(path: Path, tally: Tally) -> int | None:
    """Looks at a safetensors file; answers the step in its metadata. Raises Broken."""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if size < 8 or length > min(_HEADER_BYTES, size - 8):
            raise Broken("its header is cut short")
        try:
            header = json.loads(file.read(length))
            metadata = header.pop("__metadata__", {})
            tensors = sorted((t["data_offsets"], t["dtype"], t["shape"]) for t in header.values())
        except (ValueError, AttributeError, KeyError, TypeError, RecursionError):
            raise Broken("its header can't be read") from None
        at = 0
        for (begin, end), dtype, shape in tensors:
            known = _SIZES.get(dtype)
            if begin != at or (known is not None and end - begin != math.prod(shape) * known):
                raise Broken("its header and its tensors disagree")
            tally.stream(file, end - begin, _CODES.get(dtype, ""))
            at = end
        if 8 + length + at != size:
            raise Broken(f"it holds {size} bytes where its header says {8 + length + at}")
    texts = metadata if isinstance(metadata, dict) else {}
    return known_step({k: int(v) for k, v in texts.items() if str(v).isdecimal()})


def read_torch(path: Path, tally: Tally) -> int | None:
    """Looks at a zip file of torch.save; answers its step. Raises Broken."""
    with opened(path) as members:
        by_name = {member.filename: member for member in members.infolist()}
        data = [name for name in by_name if name.endswith("/data.pkl")]
        if not data:
            raise Broken("there is no data.pkl in it")
        folder = data[0].removesuffix("data.pkl")
        with members.open(by_name[data[0]]) as file:
            found = pickles.walk(cast(Any, file), tally)
        seen = {data[0]}
        for storage in found.storages:
            if len(storage) < 5 or storage[0] != "storage":
                continue
            name = f"{folder}data/{storage[2]}"
            if name in seen:
                continue
            seen.add(name)
            if name not in by_name:
                raise Broken("a tensor's numbers are missing")
            kind = (
                storage[1].text.rpartition(" ")[2] if isinstance(storage[1], pickles.Name) else ""
            )
            code, width = _STORAGES.get(kind, ("", 0))
            size = by_name[name].file_size
            if width and size < storage[4] * width:
                raise Broken("a tensor has fewer numbers than it should")
            with members.open(by_name[name]) as file:
                tally.stream(cast(Any, file), size, code)
                file.read(1)  # the checksum is compared at the end
        for name, member in by_name.items():
            if name not in seen:
                read_all(members, member)
    return pickles.step_of(found)
