"""One setting as plain JSON, with the fields of `labcrew.domain.survey.Setting`."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any

MOST_SETTINGS = 400
"""More of one file are cut: a hostile file must not fill the answer."""
MOST_TEXT = 300
_ODD = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff\ud800-\udfff]"
)
_TYPES: dict[type, str] = {bool: "bool", int: "int", float: "float", str: "text"}
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\Z")

Setting = dict[str, Any]


def cleaned(text: object, most: int = MOST_TEXT) -> str:
    """Text on one line, without control and invisible characters, at most `most` characters."""
    return " ".join(_ODD.sub(" ", str(text)[: 4 * most]).split())[:most]


def place(path: str, line: int, text: str) -> Setting:
    """Where something was seen, as a `Place`."""
    return {"path": path, "line": max(0, line), "text": cleaned(text)}


def type_of(value: object) -> str:
    """The type of a value as a setting names it."""
    if isinstance(value, list | tuple | set):
        return "list"
    return _TYPES.get(type(value), "unknown")


def plain_value(value: object) -> Any:
    """A default as JSON can hold it: a list as its words, None for what is no value."""
    if isinstance(value, list | tuple):
        return cleaned(" ".join(map(str, value[:50])))
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < 1 << 62 else None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return cleaned(value) if isinstance(value, str) else None


def number(text: str) -> int | float | None:
    """The number that a text spells, else None."""
    text = text.strip()
    if not _NUMBER.match(text) or len(text) > 40:
        return None
    whole = text.lstrip("+-").isdigit()
    value = int(text) if whole else float(text)
    return value if math.isfinite(value) else None


def typed(text: str) -> Any:
    """The value that a text stands for where texts are all there is (a shell, an INI file)."""
    value = number(text)
    if value is not None:
        return value
    known = {"true": True, "false": False}
    return known.get(text.strip().lower(), text)


def setting(
    name: str,
    mechanism: str,
    where: Setting,
    *,
    type: str = "",
    default: object = None,
    choices: Iterable[object] = (),
    help: str = "",
    **others: Any,
) -> Setting:
    """One setting; its type is the default's where none is given.

    Args:
        others: required, flag, negation, spelling, owner, position.
    """
    plain = [plain_value(choice) for choice in list(choices)[:100]]
    kept = [choice for choice in plain if choice is not None]
    type = type or type_of(default)
    if type == "unknown" and kept:
        type = type_of(kept[0])
    value = plain_value(default)
    if type == "float" and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type in ("int", "float") and isinstance(value, str):
        value = number(value)
    return {
        "name": cleaned(name, 200),
        "mechanism": mechanism,
        "type": type,
        "default": value,
        "choices": kept,
        "required": bool(others.get("required", False)),
        "flag": bool(others.get("flag", False)),
        "negation": cleaned(others.get("negation", ""), 200),
        "spelling": cleaned(others.get("spelling", ""), 200),
        "help": cleaned(help),
        "owner": cleaned(others.get("owner", ""), 200),
        "position": int(others.get("position", 0)),
        "place": where,
    }


def with_positions(found: list[Setting]) -> list[Setting]:
    """Counts the arguments without a spelling; a command's own come after those before it."""
    last: dict[str, int] = {}
    for one in found:
        if not one["spelling"]:
            owner = one["owner"]
            above = owner.rpartition(" ")[0]
            last[owner] = last.get(owner, last.get(above, 0) if owner else 0) + 1
            one["position"] = last[owner]
    return found


def distinct(settings: Iterable[Setting]) -> list[Setting]:
    """The settings with names of their own, at most MOST_SETTINGS.

    One that is given twice alike is kept once; another of the same name gets its owner's name
    before it, and a number where that is taken, too.
    """
    kept: dict[str, Setting] = {}
    for found in settings:
        name = found["name"]
        if not name or len(kept) == MOST_SETTINGS:
            continue
        if name in kept:
            twin = kept[name]
            if all(twin[key] == found[key] for key in ("owner", "spelling", "mechanism")):
                continue
            name = f"{found['owner']}.{name}" if found["owner"] else name
            number = 2
            while name in kept:
                name = f"{found['name']}/{number}"
                number += 1
        kept[name] = {**found, "name": name}
    return list(kept.values())
