"""Rows that are there twice: across splits, within a file, and with two different labels."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np

from .neighbours import vote
from .study import Doubt, Fault, Found, Study, classes
from .tables import Table, shown

_CHANCE_PAIRS = 0.05
_COMMON_SHARE = 0.3
_UNSURE = 0.4
_CLEAR_VOTE = 0.6
_TELLING = 3
"""Features without which rows that are alike tell nothing."""


def overlap(study: Study) -> Found:
    """Training rows that equal a validation or holdout row: a score would reward remembering."""
    held = study.held
    for place, table in enumerate(held):
        for other in held[place + 1 :]:
            if table.split != other.split:
                yield from _note_overlap(study, table, other)
    for table in study.training:
        seen: dict[int, str] = {}
        for other in held:
            names = study.shared(table, other)
            if not names:
                continue
            hits = _twins(study, table, other, names)
            if not hits:
                yield from _but_for_their_number(study, table, other, names)
            confidence = _confidence(study, table, names, len(hits), table.rows * other.rows, 0.99)
            if hits:
                yield Fault(table.path, len(hits), f"rows also stand in {other.split}", "warning")
            for row, twin in hits:
                if row not in seen:
                    seen[row] = other.path
                    where = other.name_of(twin) or f"row {twin}"
                    yield Doubt(table.path, row, f"equals {where} of {other.split}", confidence)


def _twins(
    study: Study, table: Table, other: Table, names: tuple[str, ...]
) -> list[tuple[int, int]]:
    """Rows of one file and the first row of another that equals each."""
    theirs: dict[bytes, int] = {}
    for row, key in enumerate(study.keys(other, names)):
        if key is not None:
            theirs.setdefault(key, row)
    return [
        (row, theirs[key])
        for row, key in enumerate(study.keys(table, names))
        if key is not None and key in theirs
    ]


def _but_for_their_number(
    study: Study, table: Table, other: Table, names: tuple[str, ...]
) -> Found:
    """Copies that a column which only counts the rows would hide. Nothing is doubted: it may be
    the time, and a person knows."""
    counting = [n for n in names if table.columns[n].counts and other.columns[n].counts]
    rest = tuple(name for name in names if name not in counting)
    if not counting or len(rest) < _TELLING:
        return
    hits = _twins(study, table, other, rest)
    sure = _confidence(study, table, rest, len(hits), table.rows * other.rows, 0.99)
    if hits and sure > _UNSURE:
        detail = f"rows also stand in {other.split}, but for {', '.join(map(shown, counting))}"
        yield Fault(table.path, len(hits), detail, "warning")


def conflict(study: Study) -> Found:
    """Identical training rows with different labels; the neighbours say which label to believe.

    Without a clear vote no copy can be trusted, so all are doubted.
    """
    for table in study.training:
        labels = classes(table)
        names = table.features
        if labels is None or not names:
            continue
        groups = [
            rows
            for rows in _groups(study.keys(table, names))
            if len({labels[row] for row in rows} - {None}) > 1
        ]
        if not groups:
            continue
        copies = sum(len(rows) for rows in groups)
        pairs = table.rows * (table.rows - 1) / 2
        sure = _confidence(study, table, names, copies, pairs, 0.95)
        yield Fault(table.path, copies, "identical rows carry different labels", "warning")
        trusted = study.trusted(table)
        trusted[[row for rows in groups for row in rows]] = False
        votes = vote(table, labels, [rows[0] for rows in groups], trusted)
        for rows, (winner, share) in zip(groups, votes, strict=True):
            given = {labels[row] for row in rows}
            clear = winner in given and share >= _CLEAR_VOTE
            for row in rows:
                if clear and labels[row] != winner:
                    reason = f"labelled {labels[row]}; an identical row and neighbours say {winner}"
                    yield Doubt(table.path, row, reason, min(sure, 0.5 + share / 2))
                elif not clear:
                    twin = next(r for r in rows if labels[r] != labels[row])
                    reason = f"labelled {labels[row]}, but identical row {twin} is {labels[twin]}"
                    yield Doubt(table.path, row, reason, min(sure, 0.6))


def duplicate(study: Study) -> Found:
    """Rows of one file that are identical, label included; the first copy is kept."""
    for table in study.tables:
        names = table.features
        if not names:
            continue
        keys = study.keys(table, names)
        label = table.label
        answers = label.text.to_list() if label is not None else [None] * table.rows
        trusted = study.trusted(table)
        first: dict[tuple[bytes, object], int] = {}
        copies: list[tuple[int, int]] = []
        repeated = 0
        for row, key in enumerate(keys):
            if key is None:
                continue
            kept = first.setdefault((key, answers[row]), row)
            repeated += kept != row
            if kept != row and trusted[row] and trusted[kept]:
                copies.append((row, kept))
        if repeated:
            yield Fault(table.path, repeated, "rows repeat an earlier row of the file", "warning")
        pairs = table.rows * (table.rows - 1) / 2
        confidence = _confidence(study, table, names, repeated, pairs, 0.95)
        if table.split == "train":
            for row, kept in copies:
                where = table.name_of(kept) or f"row {kept}"
                yield Doubt(table.path, row, f"repeats {where}", confidence)


def _note_overlap(study: Study, a: Table, b: Table) -> Found:
    names = study.shared(a, b)
    if not names:
        return
    theirs = set(study.keys(b, names)) - {None}
    hits = sum(key in theirs for key in study.keys(a, names))
    if hits:
        yield Fault(a.path, hits, f"rows of {a.split} also stand in {b.split}", "warning")


def _groups(keys: list[bytes | None]) -> list[list[int]]:
    rows: defaultdict[bytes, list[int]] = defaultdict(list)
    for row, key in enumerate(keys):
        if key is not None:
            rows[key].append(row)
    return [group for group in rows.values() if len(group) > 1]


def _confidence(
    study: Study, table: Table, names: tuple[str, ...], found: int, pairs: float, sure: float
) -> float:
    """How sure it is that identical rows are copies, and not alike by chance.

    With few or coarse features honest rows coincide. Two signs: more coincidences than a
    twentieth of those found would be expected if columns were independent (a lower bound, since
    columns that go together coincide more), or repeats are common in the file itself.
    """
    if not found:
        return sure
    coded = study.coded(table, names)
    likelihood = 0.0
    for column in coded.T:
        counts = np.unique(column, return_counts=True)[1] / max(1, len(column))
        likelihood += float(np.log(np.sum(counts**2)))
    expected = pairs * float(np.exp(likelihood))
    held = [key for key in study.keys(table, names) if key is not None]
    repeats = sum(count - 1 for count in Counter(held).values())
    common = repeats > _COMMON_SHARE * max(1, table.rows)
    return _UNSURE if common or expected > _CHANCE_PAIRS * found else sure
