"""Tables that a program prints row by row under a line of column names."""

import re
from dataclasses import replace

from labcrew.domain.monitoring import Observation
from tools.logs.line import finite, value_of, whole
from tools.logs.shape import EPOCH_NAMES, NAME_CAP, STEP_NAMES
from tools.metric_names import role

_COLUMNS_CAP = 40
_WIDE = re.compile(r"\s{2,}|\t|\s*\|\s*|\s*[,;]\s*")
_COLUMN = re.compile(r"[A-Za-z_#%][\w ./@#%()'-]*\Z")


class Table:
    """Remembers the last line that could be a header, and names the rows under it by it."""

    def __init__(self) -> None:
        self._header: tuple[tuple[str, ...], ...] = ()

    def take(self, text: str) -> bool:
        """Whether a line without numbers is a header; it is one until the next."""
        line = text.strip(" \t|,;")
        found = tuple(
            tuple(name.strip().replace(" ", "_")[:NAME_CAP] for name in names)
            for names in dict.fromkeys((tuple(_WIDE.split(line)), tuple(line.split())))
            if 2 <= len(names) <= _COLUMNS_CAP and all(_COLUMN.match(name) for name in names)
        )
        # A sentence has words, too: one of the columns has to be a metric or a count of steps.
        found = tuple(names for names in found if any(_is_known(name) for name in names))
        if found:
            self._header = found
        return bool(found)

    def row(self, found: Observation, tokens: list[str]) -> Observation:
        """The observation with the columns' names, where there are as many as numbers."""
        columns = next((names for names in self._header if len(names) == len(tokens)), None)
        if columns is None:
            return found
        numbers = {}
        step, epoch = found.step, found.epoch
        for name, token in zip(columns, tokens, strict=True):
            value = value_of(token)
            if value is None:
                continue
            numbers[name] = value
            lowered = name.lower()
            if lowered in STEP_NAMES and step is None:
                step = whole(value)
            elif lowered in EPOCH_NAMES and epoch is None:
                epoch = finite(value)
        return replace(found, numbers=numbers, step=step, epoch=epoch)


def _is_known(name: str) -> bool:
    lowered = name.lower()
    return lowered in STEP_NAMES or lowered in EPOCH_NAMES or role(name) != "other"
