"""A clock that stands still, a folder with a ledger, and the types of this folder's fixtures."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from labcrew.domain.experiment import Trial
from labcrew.domain.review import Decision, Gate
from labcrew.ledger import Ledger

MakeTrial = Callable[..., Trial]
MakeGate = Callable[..., Gate]
MakeDecision = Callable[..., Decision]


class StandingClock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.time = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return self.time.timestamp()

    def pass_s(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


class Home:
    """Where a test's ledger lies; opens it as often as the test likes."""

    def __init__(self, folder: Path, clock: StandingClock) -> None:
        self.database = folder / "ledger.db"
        self.anchor = folder / "ledger.head"
        self.clock = clock
        self._open: list[Ledger] = []

    def open(self, **options: Any) -> Ledger:
        ledger = Ledger.open(
            f"sqlite:///{self.database}", anchor=self.anchor, clock=self.clock, **options
        )
        self._open.append(ledger)
        return ledger

    def close(self) -> None:
        for ledger in self._open:
            ledger.close()
