"""What was asked for and what became of it: a JSON line each, on standard output."""

from __future__ import annotations

import json
import sys
import threading
from datetime import UTC, datetime


class Journal:
    """Counts and caps over the proxy's life.

    Args:
        requests: most lines; what can't be written down is not done.
        down_bytes: most that may come in.
        up_bytes: most that may leave.
    """

    def __init__(self, requests: int, down_bytes: int, up_bytes: int) -> None:
        self._lines, self._down, self._up = requests, down_bytes, up_bytes
        self._lock = threading.Lock()

    def admit(self) -> bool:
        """Whether one more request can be written down."""
        with self._lock:
            self._lines -= 1
            return self._lines >= 0

    def spend(self, down: int, up: int) -> bool:
        """Whether these bytes are still within the caps."""
        with self._lock:
            self._down -= down
            self._up -= up
            return self._down >= 0 and self._up >= 0

    def write(
        self, method: str, host: str, port: int, why: str, down: int = 0, up: int = 0
    ) -> None:
        """One line; `why` says what was refused, nothing that it was let through."""
        line = {
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "method": method[:16],
            "host": host[:253],
            "port": port,
            "verdict": "refused" if why else "allowed",
            "reason": why[:300],
            "down_bytes": down,
            "up_bytes": up,
        }
        with self._lock:
            sys.stdout.write(json.dumps(line) + "\n")
            sys.stdout.flush()
