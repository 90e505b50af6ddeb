"""The checks, in the order in which they speak: a row is doubted for the first reason found.

A new check is one function and one line here.
"""

from __future__ import annotations

from collections.abc import Callable

from .cells import constant, malformed, missing, ragged, schema
from .copies import conflict, duplicate, overlap
from .drift import drift
from .ids import shared_id
from .labels import label_spelling, unseen_class
from .leak import label_leak
from .neighbours import suspicious_label
from .study import Found, Study
from .values import out_of_range

CHECKS: tuple[tuple[str, Callable[[Study], Found]], ...] = (
    ("schema", schema),
    ("constant_column", constant),
    ("ragged_row", ragged),
    ("split_overlap", overlap),
    ("malformed_cell", malformed),
    ("missing_cell", missing),
    ("out_of_range", out_of_range),
    ("conflicting_label", conflict),
    ("duplicate", duplicate),
    ("suspicious_label", suspicious_label),
    ("shared_id", shared_id),
    ("unseen_class", unseen_class),
    ("label_spelling", label_spelling),
    ("label_leak", label_leak),
    ("drift", drift),
)
