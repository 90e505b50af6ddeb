"""How often somebody may fail to sign in."""

import math
import threading
from collections import deque

from labcrew.errors import LabcrewError
from labcrew.ports import Clock

WINDOW_S = 60
MOST_OF_ONE = 10
MOST_OF_ALL = 50


class TooMany(LabcrewError):
    """Too often in too short a time (429); `after_s` is when to try again, in seconds."""

    def __init__(self, message: str, after_s: int) -> None:
        super().__init__(message, f"Try again in {after_s} s.")
        self.after_s = after_s


class Attempts:
    """Counts failures of the last minute: of one address, and of all.

    Args:
        clock: its monotonic time.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failed: deque[tuple[float, str]] = deque(maxlen=MOST_OF_ALL)
        self._lock = threading.Lock()

    def check(self, address: str) -> None:
        """Raises TooMany while an address, or all together, failed too often."""
        now = self._clock.monotonic()
        with self._lock:
            while self._failed and self._failed[0][0] <= now - WINDOW_S:
                self._failed.popleft()
            own = [at for at, whose in self._failed if whose == address]
            every = [at for at, _ in self._failed]
        for times, most in ((own, MOST_OF_ONE), (every, MOST_OF_ALL)):
            if len(times) >= most:
                wait = math.ceil(times[-most] + WINDOW_S - now)
                raise TooMany("Too many failed sign-ins.", max(wait, 1))

    def failed(self, address: str) -> None:
        """Notes a failure."""
        with self._lock:
            self._failed.append((self._clock.monotonic(), address))
