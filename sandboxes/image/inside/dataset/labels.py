"""Checks that look at the label's names: classes that a split lacks, and spellings of one class."""

from __future__ import annotations

import re
from collections import Counter

from .chance import SIGNIFICANT, tail
from .spellings import counted, spellings, usual_spelling
from .study import Fault, Found, Study, are_classes, classes, label_names
from .tables import Table, count_of, shown

_SHOWN = 5
_WHOLE = re.compile(r"(-?\d+)\.0*")


def unseen_class(study: Study) -> Found:
    """Classes of a held-out split that training never has, and the other way round.

    No model can answer the first rightly, so text is told of however rare. A number may be a count
    whose tail is thin, so it must be more than chance would leave out. So must a class that only
    training has: small splits lack rare classes.
    """
    for other in study.held:
        known = _known(study, other)
        names = label_names(other)
        if known is None or names is None:
            continue
        theirs = counted([name if name is None else _plain(name) for name in names])
        usual = usual_spelling(known + theirs)
        known, theirs = _merged(known, usual), _merged(theirs, usual)
        n, m = known.total(), theirs.total()
        level = SIGNIFICANT / len(known | theirs)
        numeric = other.label is not None and other.label.numbers is not None
        new = {
            name: rows
            for name, rows in theirs.items()
            if name not in known and not (numeric and tail(rows, m, rows, n + m) > level)
        }
        if new:
            detail = f"rows of {count_of(len(new), 'class', 'classes')} that training never has"
            told = _told(new, private=_private(study, other))
            yield Fault(other.path, sum(new.values()), detail + told, "warning")
        lost = {
            name: rows
            for name, rows in known.items()
            if name not in theirs and tail(rows, n, rows, n + m) <= level
        }
        if lost and m and other.rows == other.rows_total:
            detail = f"has no row of {count_of(len(lost), 'class', 'classes')} of training"
            told = _told(lost, private=_private(study, other))
            yield Fault(other.path, 0, detail + told, "note")


def label_spelling(study: Study) -> Found:
    """Labels that are one class but for case or spaces: a program takes them for several."""
    for table in study.tables:
        if classes(table) is None:
            continue
        counts = _spelt(table)
        odd = [(name, group[0]) for group in spellings(counts) for name in group[1:]]
        if odd:
            rows = sum(counts[name] for name, _ in odd)
            detail = "rows spell their class in another way than most"
            told = _as_pairs(odd, counts, private=table.request.private)
            yield Fault(table.path, rows, detail + told, "warning")
    for other in study.held:
        known = _known(study, other, spelt=True)
        if known is None or other.label is None or other.label.kind != "text":
            continue
        theirs = _spelt(other)
        odd = []
        for group in spellings(known + theirs):
            usual = [name for name in group if name in known]
            here = [name for name in group if name in theirs]
            if usual and len(here) == 1 and here[0] not in known:
                odd.append((here[0], usual[0]))
        if odd:
            rows = sum(theirs[name] for name, _ in odd)
            detail = "rows spell their class in a way that training never does"
            told = _as_pairs(odd, theirs, private=_private(study, other))
            yield Fault(other.path, rows, detail + told, "warning")


def _peers(study: Study, other: Table) -> list[Table]:
    return [table for table in study.training if table.request.label == other.request.label]


def _private(study: Study, other: Table) -> bool:
    return any(table.request.private for table in (other, *_peers(study, other)))


def _known(study: Study, other: Table, *, spelt: bool = False) -> Counter[str] | None:
    """How often training has each class; None where it can't be told, or labels are no classes.

    It can't be told where training was read in part. Training on one class alone, to tell what
    is unlike it, is how outliers are learnt, and no fault.
    """
    if "train" in study.unread:
        return None
    known: Counter[str] = Counter()
    rows, numeric = 0, False
    for table in _peers(study, other):
        names = label_names(table)
        if names is None or table.rows < table.rows_total or table.label is None:
            return None
        if spelt and table.label.kind != "text":
            return None
        known += _spelt(table) if spelt else counted([n if n is None else _plain(n) for n in names])
        rows += table.rows
        numeric = numeric or table.label.numbers is not None
    distinct = len(_merged(known, usual_spelling(known)))
    return known if are_classes(distinct, rows, numeric=numeric) else None


def _plain(name: str) -> str:
    """One name for 1 and 1.0: a file of numbers and one of text may name the same class."""
    whole = _WHOLE.fullmatch(name)
    return whole[1] if whole else name


def _spelt(table: Table) -> Counter[str]:
    """How often each label stands there; one with spaces around it ends in a space."""
    names, label = label_names(table), table.label
    if names is None or label is None:
        return Counter()
    pairs = zip(names, label.padded.tolist(), strict=True)
    return counted([f"{name} " if name and padded else name for name, padded in pairs])


def _merged(counts: Counter[str], usual: dict[str, str]) -> Counter[str]:
    merged: Counter[str] = Counter()
    for name, rows in counts.items():
        merged[usual.get(name, name)] += rows
    return merged


def _told(found: dict[str, int], *, private: bool) -> str:
    if private:
        return ""
    most = sorted(found, key=lambda name: (-found[name], name))
    each = [f"{shown(name)!r} ({count_of(found[name], 'row')})" for name in most[:_SHOWN]]
    return _listed(each, len(found))


def _as_pairs(odd: list[tuple[str, str]], counts: Counter[str], *, private: bool) -> str:
    if private:
        return ""
    odd = sorted(odd, key=lambda pair: (-counts[pair[0]], pair))
    each = [
        f"{_quoted(name)} ({count_of(counts[name], 'row')}) for {_quoted(usual)}"
        for name, usual in odd[:_SHOWN]
    ]
    return _listed(each, len(odd))


def _listed(each: list[str], total: int) -> str:
    more = f" and {total - len(each)} more" if total > len(each) else ""
    return f": {', '.join(each)}{more}"


def _quoted(name: str) -> str:
    around = " with spaces around it" if name.endswith(" ") else ""
    return f"{shown(name.strip())!r}{around}"
