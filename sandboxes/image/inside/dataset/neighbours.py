"""What a row's nearest neighbours say of its label."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from .study import CLASSES_MAX, Doubt, Fault, Found, Study, classes
from .tables import Floats, Table

NEIGHBOURS = 10
_SPARE = 4
_AGREE = 0.9
_KNOWN_CLASS = 0.7
_CERTAIN = 0.85  # a rare but honest row looks the same, so neighbours never make it sure
_ROWS_MIN = 50
_ROWS_MAX = 50_000
_REFERENCES_MAX = 20_000
_TRIAL_ROWS = 2_000
_BLOCK = 8_000_000


def suspicious_label(study: Study) -> Found:
    """Training rows whose neighbours agree on another label (Wilson 1972, edited neighbours).

    Neighbours that are doubted themselves don't vote, so the vote is repeated until no more rows
    are doubted (Tomek 1976). A class that neighbours fail to recognise in general is left alone.
    """
    for table in study.training:
        labels = classes(table)
        if labels is None:
            continue
        if study.trusted(table).sum() < _ROWS_MIN:
            yield Fault(table.path, 0, "labels not checked: too few rows", "note")
            continue
        space = _space(table, labels, study.trusted(table))
        if space is None:
            yield Fault(table.path, 0, "labels not checked: features are not numeric", "note")
            continue
        if table.rows > _ROWS_MAX:
            detail = f"labels of {_ROWS_MAX} rows, evenly spread, were checked"
            yield Fault(table.path, 0, detail, "note")
        yield from _disagreeing(study, table, labels, space)


def vote(
    table: Table, labels: list[str | None], rows: list[int], trusted: NDArray[np.bool_]
) -> list[tuple[str | None, float]]:
    """The label most neighbours of each row have, and their share; (None, 0) without neighbours.

    Args:
        rows: who is asked about.
        trusted: shape (table rows,): who may vote.
    """
    known = trusted & np.array([label is not None for label in labels])
    space = _space(table, labels, known) if known.sum() >= _ROWS_MIN else None
    if space is None:
        return [(None, 0.0)] * len(rows)
    voters = _spread(np.flatnonzero(known), _REFERENCES_MAX)
    near = _nearest(space, np.array(rows), voters, NEIGHBOURS)
    answers: list[tuple[str | None, float]] = []
    for neighbours in near:
        winner, count = Counter(labels[i] for i in neighbours).most_common(1)[0]
        answers.append((winner, count / len(neighbours)))
    return answers


def _disagreeing(study: Study, table: Table, labels: list[str | None], space: Floats) -> Found:
    names = sorted({label for label in labels if label is not None})[:CLASSES_MAX]
    number = {name: place for place, name in enumerate(names)}
    codes = np.array([-1 if label is None else number[label] for label in labels])
    usable = study.trusted(table) & (codes >= 0)
    asked = _spread(np.flatnonzero(usable), _ROWS_MAX)
    references = _spread(np.flatnonzero(usable), _REFERENCES_MAX)
    near = _nearest(space, asked, references, NEIGHBOURS * _SPARE)
    doubted = np.zeros(table.rows, np.bool_)
    verdict = np.zeros(len(asked), np.int64)
    share = np.zeros(len(asked))
    known = np.zeros(len(names))
    for _ in range(5):
        counts = _counts(near, codes, doubted, len(names))
        voters = np.maximum(counts.sum(axis=1), 1)
        verdict, share = counts.argmax(axis=1), counts.max(axis=1) / voters
        # How well neighbours recognise each class tells whether their disagreement means much.
        right = verdict == codes[asked]
        sound = ~doubted[asked]
        total = np.bincount(codes[asked][sound], minlength=len(names))
        known = np.bincount(codes[asked][sound & right], minlength=len(names)) / np.maximum(
            total, 1
        )
        against = ~right & (share >= _AGREE) & (voters >= NEIGHBOURS)
        against &= (known[verdict] >= _KNOWN_CLASS) & (known[codes[asked]] >= _KNOWN_CLASS)
        now = np.zeros(table.rows, np.bool_)
        now[asked[against]] = True
        if (now == doubted).all():
            break
        doubted = now
    unknown = [names[c] for c in range(len(names)) if known[c] < _KNOWN_CLASS]
    if unknown:
        listed = ", ".join(unknown[:5]) + (" …" if len(unknown) > 5 else "")
        yield Fault(
            table.path, 0, f"labels not checked for classes neighbours can't tell: {listed}", "note"
        )
    rows = np.flatnonzero(doubted[asked])
    if len(rows):
        yield Fault(table.path, len(rows), "labels that the neighbours disagree with", "warning")
    for place in rows:
        row, other = int(asked[place]), int(verdict[place])
        certainty = _CERTAIN * float(share[place] * min(known[other], known[codes[row]]))
        agree = f"{share[place]:.0%} of its neighbours are {names[other]}"
        reason = f"labelled {labels[row]}, but {agree}"
        yield Doubt(table.path, row, reason, round(certainty, 3))


def _counts(
    near: NDArray[np.int64], codes: NDArray[np.int64], doubted: NDArray[np.bool_], classes: int
) -> NDArray[np.int16]:
    """How many of the first undoubted neighbours have each class; shape (queries, classes)."""
    fit = ~doubted[near]
    fit &= np.cumsum(fit, axis=1) <= NEIGHBOURS
    counts = np.zeros((len(near), classes), np.int16)
    query, place = np.nonzero(fit)
    np.add.at(counts, (query, codes[near[query, place]]), 1)
    return counts


def _space(table: Table, labels: list[str | None], trusted: NDArray[np.bool_]) -> Floats | None:
    """Features scaled so that distances mean something; shape (rows, features), None without any.

    Two scalings are usual: each column by its own deviation, or all by one (right for pixels,
    where a column that hardly varies is noise). The one whose neighbours agree better with the
    labels is taken.
    """
    columns = [table.columns[name] for name in table.features]
    numeric = [c.numbers for c in columns if c.numbers is not None and c.kind != "empty"]
    if not numeric or any(column.kind in ("text", "other") for column in columns):
        return None
    raw = np.column_stack(numeric)
    raw[~np.isfinite(raw)] = np.nan
    calm = np.clip(raw, *np.nanquantile(raw[trusted], [0.001, 0.999], axis=0))
    middle = np.nanmedian(calm[trusted], axis=0)
    calm = np.where(np.isnan(calm), middle, calm) - middle
    spread = calm[trusted].std(axis=0)
    varies = spread > 0
    if not varies.any():
        return None
    own: Floats = calm[:, varies] / spread[varies]
    common: Floats = calm[:, varies] / spread[varies].max()
    rows = _spread(np.flatnonzero(trusted), _TRIAL_ROWS)
    return max(
        (own, common), key=lambda space: _agreement(space, rows, [labels[row] for row in rows])
    )


def _agreement(space: Floats, rows: NDArray[np.int64], labels: list[str | None]) -> float:
    """Share of rows whose five neighbours mostly have their label."""
    near = _nearest(space[rows], np.arange(len(rows)), np.arange(len(rows)), 5)
    right = [
        Counter(labels[i] for i in neighbours).most_common(1)[0][0] == labels[row]
        for row, neighbours in enumerate(near)
    ]
    return float(np.mean(right))


def _nearest(
    space: Floats, queries: NDArray[np.int64], references: NDArray[np.int64], k: int
) -> NDArray[np.int64]:
    """The k nearest references of each query but itself, nearest first, by Euclid's distance."""
    k = min(k, len(references) - 1)
    points = space[references].astype(np.float32)
    norms = (points**2).sum(axis=1)
    found = np.empty((len(queries), k), np.int64)
    place = np.full(len(space), -1)
    place[references] = np.arange(len(references))
    size = max(1, _BLOCK // len(references))
    for start in range(0, len(queries), size):
        block = queries[start : start + size]
        distances = norms - 2 * (space[block].astype(np.float32) @ points.T)
        itself = place[block]
        rows = np.flatnonzero(itself >= 0)
        distances[rows, itself[rows]] = np.inf
        nearest = np.argpartition(distances, k - 1, axis=1)[:, :k]
        order = np.argsort(np.take_along_axis(distances, nearest, 1), axis=1, kind="stable")
        found[start : start + size] = references[np.take_along_axis(nearest, order, 1)]
    return found


def _spread(rows: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """At most so many of the rows, evenly spread."""
    if len(rows) <= most:
        return rows
    return rows[np.linspace(0, len(rows) - 1, most).astype(np.int64)]
