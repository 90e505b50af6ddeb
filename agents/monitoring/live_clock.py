"""The time of a run that is followed, as its detectors should know it."""

_LOOK_S = 1.0


class LiveClock:
    """Seconds since a run is followed live: it stands while what was written before is read.

    Old lines have no times of their own. Read as fast as they can be, they would be a fast run that
    slowed down as soon as they had all been read. A reader that waits for half of a second's time
    has caught up.

    Args:
        now: monotonic seconds, as everywhere here.
    """

    def __init__(self, now: float) -> None:
        self._live = False
        self._begun = self._read = self._reading = self._since = now
        self._busy = 0.0

    def at_s(self, now: float) -> float:
        """The time."""
        return now - self._begun if self._live else 0.0

    def reads(self, now: float) -> None:
        """Something has come: it is read and judged from now on."""
        self.waits(now)
        self._reading = now

    def has_read(self, now: float) -> None:
        """All that came has been judged."""
        self._busy += now - self._reading
        self._read = now

    def waits(self, now: float) -> None:
        """Nothing has come yet since all was read."""
        passed = now - self._since
        if self._live or passed < _LOOK_S:
            return
        if self._busy < passed / 2:
            self._live, self._begun = True, self._read
        self._since, self._busy = now, 0.0

    def catches_up(self, now: float) -> None:
        """It is known that nothing was left to be read."""
        if not self._live:
            self._live, self._begun = True, now
