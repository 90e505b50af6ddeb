"""What the machine's GPUs do, by NVIDIA's own program; nothing where there is none."""

import shutil
import subprocess
import threading
import time
from collections.abc import Callable

_QUERY = ("--query-gpu=memory.used,utilization.gpu", "--format=csv,noheader,nounits")
_ANSWER_S = 5.0
_FRESH_S = 5.0


class Gpus:
    """The GPUs of this machine; asked at most every five seconds, for that takes long.

    Args:
        command: the program.
        now: seconds of a clock that never runs backwards.
    """

    def __init__(
        self, command: str = "nvidia-smi", now: Callable[[], float] = time.monotonic
    ) -> None:
        self._command, self._now = command, now
        self._lock = threading.Lock()
        self._asked_at: float | None = None
        self._seen: tuple[tuple[int, float], ...] = ()

    def read(self, count: int) -> tuple[int, float | None]:
        """Bytes used and how busy the first `count` GPUs are; (0, None) where nothing is known.

        A container is given the first GPUs of a machine, so this counts what its neighbours on
        them use too.
        """
        if count == 0:
            return 0, None
        with self._lock:
            now = self._now()
            if self._asked_at is None or now - self._asked_at >= _FRESH_S:
                self._seen, self._asked_at = self._ask(), now
            seen = self._seen if count < 0 else self._seen[:count]  # -1: all of them
        if not seen:
            return 0, None
        return sum(used for used, _ in seen), sum(busy for _, busy in seen) / len(seen)

    def _ask(self) -> tuple[tuple[int, float], ...]:
        program = shutil.which(self._command)
        if program is None:
            return ()
        try:
            done = subprocess.run(
                [program, *_QUERY],
                capture_output=True,
                text=True,
                timeout=_ANSWER_S,
                check=True,
                cwd="/",
            )
            return tuple(_line(line) for line in done.stdout.splitlines() if line.strip())
        except (OSError, subprocess.SubprocessError, ValueError):
            return ()  # a broken driver is no reason to end a run's supervision


def _line(text: str) -> tuple[int, float]:
    used, busy = text.split(",")
    return int(used) << 20, min(1.0, max(0.0, float(busy) / 100))
