"""The morning report for everyone who looks: written once, by one at a time."""

import threading
from datetime import datetime, timedelta

from desk.morning import Morning, morning, since_of
from labcrew.errors import LabcrewError
from labcrew.judgement import Judge
from labcrew.ledger import Ledger
from labcrew.ports import Clock

_FRESH = timedelta(seconds=60)
_KEPT = 4
_WAIT_S = 20.0


class Overnight:
    """Rules write the first paragraph. All lines of the ledger are read for a report, so that many
    at a time would take all of a machine's memory.

    Args:
        ledger: only read.
        clock: what is now.
        wait_s: how long one waits for another's, in seconds.
    """

    def __init__(self, ledger: Ledger, clock: Clock, wait_s: float = _WAIT_S) -> None:
        self._ledger, self._clock, self._wait_s = ledger, clock, wait_s
        self._known: dict[tuple[str, int], tuple[datetime, Morning]] = {}
        self._turn = threading.Lock()

    def report(self, since: str) -> Morning:
        """The report since a time; one that is a minute old is shown again while nothing happens.

        Args:
            since: 12h, 2d, or a date and time.

        Raises:
            InputError: `since` is no time.
            LabcrewError: others' reports are being written.
        """
        since_of(since, self._clock.now())
        if not self._turn.acquire(timeout=self._wait_s):
            raise LabcrewError("Other reports are being written now.", "Try again in a minute.")
        try:
            now, key = self._clock.now(), (since, self._ledger.events.last())
            made = self._known.get(key)
            if made is None or not now - _FRESH < made[0] <= now:
                made = now, morning(self._ledger, Judge(models={}), since_of(since, now), now)
                self._known = dict([*self._known.items(), (key, made)][-_KEPT:])
        finally:
            self._turn.release()
        return made[1]
