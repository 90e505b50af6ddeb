"""Tables in an output: a line of headings, then rows of numbers below it."""

import re
from dataclasses import dataclass, field

from agents.drafting.readings import FOUND, GROUP, NUMBER, Reading, split_of

_GAP = r"[\s|│┃]+"
_CELL = r"[^\s|│┃]+"
_RULE = re.compile(r"[\s|│┃+\-=─━┼╇┡┩┏┳┓┌┬┐├┤└┴┘:_]*")
_FORGOTTEN = 4
"""Lines that may stand between a heading and its rows, or between rows."""


@dataclass
class Table:
    """The table that the lines just read belong to, if any."""

    wide: list[str] = field(default_factory=list)
    narrow: list[str] = field(default_factory=list)
    missed: int = 0

    def read(self, line: str) -> list[tuple[Reading, float]]:
        """A row's numbers by their column's heading; nothing for a line that is no row."""
        if _RULE.fullmatch(line):
            return []
        cells = [cell for cell in re.split(_GAP, line) if cell]
        found = self._row(line, cells) or self._labelled(line)
        if found:
            self.missed = 0
            return found
        if not FOUND.search(line) and _is_heading(line):
            wide = [" ".join(c.split()) for c in re.split(r" {2,}|\t+|\s*[|│┃]\s*", line)]
            self.wide = [cell for cell in wide if cell]
            self.narrow, self.missed = cells, 0
            return []
        rows_of_classes = len(cells) == len(self.narrow) + 1 and all(map(FOUND.fullmatch, cells))
        self.missed += not rows_of_classes
        if self.missed > _FORGOTTEN:
            self.wide, self.narrow = [], []
        return []

    def _row(self, line: str, cells: list[str]) -> list[tuple[Reading, float]]:
        """Cells under their headings, the first of them a number: a step's."""
        for headings in (self.wide, self.narrow):
            count = len(headings)
            if count < 2 or len(cells) != count or not FOUND.fullmatch(cells[0]):
                continue
            found: list[tuple[Reading, float]] = []
            for index, (heading, cell) in enumerate(zip(headings, cells, strict=True)):
                if FOUND.fullmatch(cell):
                    before = f"{NUMBER}{_GAP}" if index else ""
                    before += f"(?:{_CELL}{_GAP}){{{index - 1}}}" if index > 1 else ""
                    after = f"(?:{_GAP}{_CELL}){{{count - index - 1}}}" if index < count - 1 else ""
                    pattern = f"^[\\s|│┃]*{before}{GROUP}{after}[\\s|│┃]*$"
                    reading = Reading(heading[:80], index, split_of(heading), (pattern,))
                    found.append((reading, float(cell)))
            return found
        return []

    def _labelled(self, line: str) -> list[tuple[Reading, float]]:
        """A row with a label before its numbers, as classification reports have."""
        row = re.match(rf"^\s*([A-Za-z][\w -]*?){_GAP}(?=[-+.\d])", line)
        if row is None:
            return []
        values = [found[0] for found in FOUND.finditer(line, row.end())]
        for headings in (self.wide, self.narrow):
            if len(headings) < 2 or len(values) != len(headings):
                continue
            label = " ".join(row[1].split())
            found = []
            for index, (heading, value) in enumerate(zip(headings, values, strict=True)):
                before = f"(?:{_CELL}{_GAP}){{{index}}}" if index else ""
                spelt = re.escape(label).replace("\\ ", r"\s+")
                pattern = f"^\\s*{spelt}{_GAP}{before}{GROUP}"
                name = f"{label} {heading}"[:80]
                found.append((Reading(name, index, split_of(name), (pattern,)), float(value)))
            return found
        return []


def _is_heading(line: str) -> bool:
    words = line.replace("|", " ").split()
    spelt = line.rstrip()
    if any(re.fullmatch(r"[-+]?[\d.,:/%]+", word) for word in words):
        return False
    return 2 <= len(words) <= 24 and not spelt.endswith((":", ".", "...", ";", "{"))
