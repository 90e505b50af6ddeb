"""The numbers that a run showed, gathered into series by their names."""

import csv
import io
import itertools
import json
import math
import re
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from agents.drafting.predictions import predictions_in
from agents.drafting.readings import (
    FOUND,
    GROUP,
    Reading,
    form,
    json_numbers,
    json_reading,
    numbers,
    readings,
    split_of,
)
from agents.drafting.tables import Table
from labcrew.domain.draft import SeenLine, Series
from labcrew.domain.measuring import Metric
from labcrew.domain.survey import Place, Trait
from labcrew.plain_text import is_plain
from tools.reported import from_line

STEPS = {
    "step", "steps", "global_step", "iteration", "iterations", "iter", "iters", "epoch", "epochs",
    "it", "batch", "fold", "round", "episode", "timestep", "timesteps", "i", "n",
}  # fmt: skip
_CHATTER = re.compile(
    r"\[(?:LightGBM|CatBoost|XGBoost)\] \[(?:Info|Warning)\]"
    r"|\s*File \"|\S+\.py:\d+: \w*Warning\b|[\w.]+(?:Error|Warning|Exception): [A-Za-z'\[]"
)
"""What libraries say of themselves, and tracebacks: their numbers are not of the run."""
_KEPT, _MOST_SERIES, _FIRST, _LAST = 200, 200, 2000, 8000
_BARE = rf"^\s*{GROUP}\s*$"
_ALONE = "output"
"""The name of a number that stands alone on its line and that nothing names."""


@dataclass
class _Gathered:
    name: str
    reading: Reading
    orders: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    evidence: tuple[Place, ...] = ()
    lines: list[str] = field(default_factory=list)


def series_of_lines(
    lines: Iterable[SeenLine], traits: Sequence[Trait] = ()
) -> tuple[tuple[Series, ...], float | None]:
    """The series of an output, and the median seconds between two values of the longest.

    Args:
        lines: of one run, in their order.
        traits: of the entry point; what it prints names numbers that stand alone.
    """
    seen = list(lines)
    if len(seen) > _FIRST + _LAST:
        seen = [*seen[:_FIRST], *seen[-_LAST:]]
    found = _gather(seen, traits)
    texts = [line.text for line in seen]
    made = tuple(_made(one, texts) for one in _merged(found, texts)[:_MOST_SERIES])
    return _with_train(made), _step_s(found)


def _gather(seen: Sequence[SeenLine], traits: Sequence[Trait]) -> list[_Gathered]:
    found: dict[tuple[str, str, str], _Gathered] = {}
    forms: dict[str, list[Reading]] = {}
    table, before, count = Table(), "", itertools.count()
    alone = _alone(seen, traits)

    def add(reading: Reading, value: float, line: SeenLine, name: str = "") -> None:
        name = name or reading.name
        if not is_plain(name):
            return
        key = (name, reading.split, reading.patterns[0])
        one = found.setdefault(key, _Gathered(name, reading))
        one.orders.append(next(count))
        one.values.append(value)
        one.times.append(line.at_s)
        one.evidence = (Place(path="", text=line.text[:300]),)
        one.lines.append(line.text)

    for line in seen:
        text = line.text[:4000]
        if _CHATTER.match(text):
            continue
        in_json = json_numbers(text)
        if in_json:
            for name, value in in_json.items():
                add(json_reading(name), value, line)
            continue
        rows = table.read(text)
        if rows:
            for reading, value in rows:
                add(reading, value, line)
            continue
        shape = form(text)
        if shape.strip() == "\0":
            named = before.strip(" :=\"'") if before.rstrip().endswith((":", "=")) else ""
            named = " ".join(named.split()[-8:])[:80] or alone
            add(Reading(named, 0, split_of(named), (_BARE,)), float(text), line)
        elif "\0" in shape:
            known = forms.get(shape)
            if known is None:
                known = forms[shape] = readings(text)
            values = numbers(text)
            for reading in known:
                add(reading, values[reading.index], line)
        before = text
    return list(found.values())


def _merged(found: Sequence[_Gathered], texts: Sequence[str]) -> list[_Gathered]:
    """Numbers of one name and split as one series, where one pattern reads what it ends with."""
    by_name: dict[tuple[str, str], list[_Gathered]] = {}
    for one in found:
        by_name.setdefault((one.name, one.reading.split), []).append(one)
    made: list[_Gathered] = []
    for alike in by_name.values():
        whole = alike[0] if len(alike) == 1 else _joined(alike)
        fits = len(alike) == 1 or any(_reads(p, whole, texts) for p in whole.reading.patterns)
        made += [whole] if fits else alike
    return made


def _joined(alike: Sequence[_Gathered]) -> _Gathered:
    last = max(alike, key=lambda one: one.orders[-1])
    joined = _Gathered(last.name, last.reading, evidence=last.evidence, lines=last.lines)
    parts = (
        (o, v, t)
        for one in alike
        for o, v, t in zip(one.orders, one.values, one.times, strict=True)
    )
    for order, value, at_s in sorted(parts, key=lambda part: part[0]):
        joined.orders.append(order)
        joined.values.append(value)
        joined.times.append(at_s)
    return joined


def _alone(seen: Sequence[SeenLine], traits: Sequence[Trait]) -> str:
    """The name of numbers that stand alone: the one thing printed that the output does not say."""
    texts = "\n".join(line.text for line in seen)
    printed = [
        trait.what.strip(" :=\"'\\n")
        for trait in traits
        if trait.kind == "prints" and trait.what.strip(" :=\"'\\n")
    ]
    unseen = [name for name in dict.fromkeys(printed) if name not in texts]
    return unseen[0][:80] if len(unseen) == 1 else _ALONE


def _made(one: _Gathered, texts: Sequence[str]) -> Series:
    pattern = next((p for p in one.reading.patterns if _reads(p, one, texts)), "")
    stride = -(-len(one.values) // _KEPT)
    values = one.values[::-1][::stride][::-1]
    return Series(
        name=one.name,
        values=tuple(values),
        count=len(one.values),
        split=one.reading.split,
        pattern=pattern,
        evidence=one.evidence,
    )


def _reads(pattern: str, one: _Gathered, texts: Sequence[str]) -> bool:
    """Whether a pattern reads the series' last value from its own line and from the whole output.

    A pattern that reads another number's line would report that number in silence.
    """
    try:
        metric = Metric(name="value", direction="minimize", pattern=pattern)
    except ValueError:
        return False
    last = one.values[-1]
    if not _same(from_line(metric, one.lines[-1]), last):
        return False
    anchor = one.reading.anchor
    for text in reversed(texts):
        if anchor and anchor not in text:
            continue
        value = from_line(metric, text)
        if value is not None:
            return _same(value, last)
    return False


def _same(a: float | None, b: float) -> bool:
    return a is not None and (a == b or (math.isnan(a) and math.isnan(b)))


def _with_train(series: tuple[Series, ...]) -> tuple[Series, ...]:
    """A bare `loss` beside `val_loss` is the training loss."""
    names = {one.name.lower() for one in series}
    prefixes = ("val_", "valid_", "validation_", "test_", "eval_", "val ", "validation ", "test ")

    def beside(one: Series) -> bool:
        return any(prefix + one.name.lower() in names for prefix in prefixes)

    return tuple(
        one.model_copy(update={"split": "train"})
        if one.split == "unknown" and one.name.lower() not in STEPS and beside(one)
        else one
        for one in series
    )


def _step_s(found: Sequence[_Gathered]) -> float | None:
    longest = max(
        (one for one in found if one.name.lower() not in STEPS),
        key=lambda one: len(one.values),
        default=None,
    )
    if longest is None or len(longest.times) < 3:
        return None
    gaps = [b - a for a, b in itertools.pairwise(longest.times)]
    return round(max(0.0, statistics.median(gaps)), 4)


def series_of_files(files: Mapping[str, str], outputs: str) -> tuple[Series, ...]:
    """The series of JSON-lines and CSV files that a run wrote.

    Args:
        files: path in the workspace → text.
        outputs: the folder that is kept; a path beneath it is told from there, so that a ticket's
            metric can be read from it. Others keep their path, with ../ before it.
    """
    found: list[Series] = []
    for path, text in files.items():
        place = path.removeprefix(f"{outputs}/") if path.startswith(f"{outputs}/") else f"../{path}"
        scored = predictions_in(path, place, text)
        if scored is not None:
            found.extend(scored)
            continue
        suffix = path.rpartition(".")[2].lower()
        rows = _json_rows(text) if suffix in ("jsonl", "ndjson", "json") else []
        if suffix in ("csv", "tsv"):
            rows = _table_rows(text, "\t" if suffix == "tsv" else ",")
        columns: dict[str, list[float]] = {}
        for row in rows:
            for name, value in row.items():
                columns.setdefault(name[:80], []).append(value)
        for name, values in list(columns.items())[:60]:
            if name and is_plain(name):
                stride = -(-len(values) // _KEPT)
                found.append(
                    Series(
                        name=name,
                        values=tuple(values[::-1][::stride][::-1]),
                        count=len(values),
                        split=split_of(name),
                        file=place,
                        evidence=(Place(path=path, text=name[:300]),),
                    )
                )
    return tuple(found[:_MOST_SERIES])


def _json_rows(text: str) -> list[dict[str, float]]:
    rows = [row for line in text.splitlines() if (row := json_numbers(line))]
    if rows:
        return rows
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        return []
    row = json_numbers(json.dumps(whole)) if isinstance(whole, dict) else {}
    return [row] if row else []


def _table_rows(text: str, delimiter: str) -> list[dict[str, float]]:
    rows: list[dict[str, float]] = []
    try:
        for row in csv.DictReader(io.StringIO(text), delimiter=delimiter):
            values = {
                str(name): float(value)
                for name, value in row.items()
                if name and isinstance(value, str) and FOUND.fullmatch(value.strip())
            }
            if values:
                rows.append(values)
    except csv.Error:
        return rows
    return rows
