"""One line of a log as an observation, whatever printed it."""

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from labcrew.domain.monitoring import Observation
from tools.logs.shape import (
    EPOCH_NAMES,
    LONG,
    NAME_CAP,
    NUMBERS_CAP,
    STEP_NAMES,
    Plan,
    plan_of,
    split,
)
from tools.logs.words import batch_of, saved_of, tells_of_saving, trouble_of

TEXT_CAP = 20_000
_LARGEST = 2**53
_ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_])")
_CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\ufeff]")
# A bar is drawn with a growing number of signs; a table is padded.
_DRAWN = re.compile(r"(?<=%\|)[^|]{0,300}(?=\|)|[━╸╺─]+|\[[=>.]{5,}\]|(?<=\S) {2,}(?=\S)")


def clean(line: str) -> str:
    """The line without escape sequences and control characters, at most 20,000 long."""
    line = line[:TEXT_CAP]
    if "\x1b" in line:
        line = _ESCAPES.sub("", line)
    return line if line.isprintable() else _CONTROLS.sub("", line)


def said(text: str) -> str:
    """Text out of JSON, whose escapes may stand for what no line holds: cleaned, encodable."""
    return clean(text).encode("utf-8", "replace").decode("utf-8")


def value_of(number: str) -> float | None:
    """The number that a token is; None for a date or a time."""
    try:
        return float(number)
    except ValueError:
        return None


def read_line(text: str, at_s: float) -> tuple[Observation, Plan | None, list[str]]:
    """Reads a cleaned line.

    Returns:
        The observation; the plan it was read by (None for JSON); the tokens that look like numbers,
        of JSON the names that stand with null.
    """
    if text.startswith("{") or text.endswith("}"):
        found = _from_json(text)
        if found is not None:
            nulls: list[str] = []
            return _of_mapping(text, found, at_s, nulls), None, nulls
    texts, tokens = split(_DRAWN.sub(_redrawn, text) if _is_drawn(text) else text)
    plan = plan_of(texts, len(text) <= LONG)
    numbers: dict[str, float] = {}
    for place, name in plan.names:
        try:
            value = float(tokens[place])
        except ValueError:
            continue  # a date or a time
        if name not in numbers:
            numbers[name] = value
    step = epoch = done = rate = None
    if plan.step is not None:
        step = whole(value_of(tokens[plan.step]))
    for place, behind in plan.groups:
        grouped = _with_thousands(tokens[place : place + behind + 1])
        if grouped is not None:
            numbers[dict(plan.names)[place]] = grouped
            step = whole(grouped) if place == plan.step else step
    if plan.epoch is not None:
        epoch = finite(value_of(tokens[plan.epoch]))
    if plan.done is not None:
        here, of_all = (whole(value_of(token)) for token in tokens[plan.done : plan.done + 2])
        done = (here, of_all) if here is not None and of_all else None
    if plan.rate is not None:
        rate = finite(value_of(tokens[plan.rate]))
        if plan.rate_s and rate is not None:
            rate = finite(1 / (rate * plan.rate_s)) if rate > 0 else None
    batch = batch_of(text) if plan.batch and not plan.saving else ""
    saved = saved_of(text) if plan.saving else ""
    if batch:
        # "shard-5 loss=0.3": one loss that goes from shard to shard, not one loss a shard.
        numbers = {name.removeprefix(f"{batch}_"): value for name, value in numbers.items()}
    return (
        Observation(at_s, text, numbers, step, epoch, done, rate, batch, plan.trouble, saved),
        plan,
        tokens,
    )


def _is_drawn(text: str) -> bool:
    return "  " in text or "%|" in text or "━" in text or "[=" in text or "....." in text


def _redrawn(found: re.Match[str]) -> str:
    return "  " if found[0].startswith(" ") else ""


def _with_thousands(tokens: list[str]) -> float | None:
    """1,234,567 is one number where it follows a name."""
    first, *behind = tokens
    if not first.lstrip("+-").isdigit() or len(first.lstrip("+-")) > 3:
        return None
    if any(len(token.split(".")[0]) != 3 or not token[:3].isdigit() for token in behind):
        return None
    return value_of("".join(tokens))


def finite(value: float | None) -> float | None:
    """The value, where it is a number that is finite."""
    return value if value is not None and math.isfinite(value) else None


def whole(value: float | None) -> int | None:
    """A count, where the number is one: not negative, and not beyond what a float counts."""
    if value is None or not 0 <= value <= _LARGEST or value != int(value):
        return None
    return int(value)


def _from_json(text: str) -> Mapping[str, Any] | None:
    start = text.find("{")
    # What stands before the object is a logger's prefix; a metric's text would be lost with it.
    if start > 200:
        return None
    try:
        found = json.loads(text[start:])
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _of_mapping(text: str, found: Mapping[str, Any], at_s: float, nulls: list[str]) -> Observation:
    numbers: dict[str, float] = {}
    _flatten(found, "", numbers, nulls, 0)
    spelt = {name.lower(): value for name, value in numbers.items()}
    step = next((spelt[name] for name in STEP_NAMES if name in spelt), None)
    epoch = next((spelt[name] for name in EPOCH_NAMES if name in spelt), None)
    saving = tells_of_saving(text)
    batch = next((found[n] for n in ("shard", "batch", "file", "batch_id") if n in found), "")
    if isinstance(batch, int) and not isinstance(batch, bool):
        batch = f"{'shard' if 'shard' in found else 'batch'}-{batch}"
    return Observation(
        at_s=at_s,
        text=text,
        numbers=numbers,
        step=whole(step),
        epoch=finite(epoch),
        batch=said(batch)[:200] if isinstance(batch, str) else "",
        trouble=trouble_of(text),
        saved=saved_of(text) if saving else "",
    )


def _flatten(
    found: Mapping[str, Any], before: str, into: dict[str, float], nulls: list[str], depth: int
) -> None:
    for key, value in found.items():
        if len(into) >= NUMBERS_CAP:
            return
        name = said(f"{before}{key}").replace(" ", "_")[:NAME_CAP]
        if isinstance(value, dict):
            if depth < 8:
                _flatten(value, f"{name}/", into, nulls, depth + 1)
        elif value is None:
            nulls.append(name)
        elif isinstance(value, bool):
            continue
        elif isinstance(value, int | float):
            try:
                into[name] = float(value)
            except OverflowError:
                into[name] = math.inf if value > 0 else -math.inf
        elif isinstance(value, str) and len(value) <= 40:
            read = value_of(value.strip().rstrip("%"))
            if read is not None:
                into[name] = read
