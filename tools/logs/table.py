"""Tables that a program prints row by row under a line of column names."""

import re
from dataclasses import replace

from labcrew.domain.monitoring import Observation
from tools.logs.shape import EPOCH_NAMES, NAME_CAP, STEP_NAMES, Plan

_COLUMNS_CAP = 40
_WIDE = re.compile(r"\s{2,}|\t|\s*\|\s*|\s*[,;]\s*")
_COLUMN = re.compile(r"[A-Za-z_#%][\w ./@#%()'-]*\Z")


class Table:
    """Remembers the last line that could be a header, and names the rows under it by it."""

    def __init__(self) -> None:
        self._header: tuple[tuple[str, ...], ...] = ()
        self._since = 0

    def read(self, found: Observation, plan: Plan, tokens: list[str]) -> Observation:
        """The observation, with the columns' names where its line is a row under a header."""
        if not tokens:
            self._take(found.text)
            return found
        if not plan.bare or not self._header:
            return found
        columns = next((names for names in self._header if len(names) == len(tokens)), None)
        if columns is None:
            return found
        numbers = {}
        step, epoch = found.step, found.epoch
        for name, token in zip(columns, tokens, strict=True):
            try:
                value = float(token)
            except ValueError:
                continue
            numbers[name] = value
            lowered = name.lower()
            if value.is_integer() and value >= 0 and lowered in STEP_NAMES and step is None:
                step = int(value)
            elif lowered in EPOCH_NAMES and epoch is None:
                epoch = value
        return replace(found, numbers=numbers, step=step, epoch=epoch)

    def _take(self, text: str) -> None:
        line = text.strip(" \t|,;")
        if not line.strip("-=+| "):
            return  # a rule under the header
        wide = tuple(_WIDE.split(line))
        narrow = tuple(line.split())
        self._header = tuple(
            tuple(name.strip().replace(" ", "_")[:NAME_CAP] for name in names)
            for names in dict.fromkeys((wide, narrow))
            if 2 <= len(names) <= _COLUMNS_CAP and all(_COLUMN.match(name) for name in names)
        )
