"""Loops of self-evolution: paused, taken up again, stopped."""

from collections.abc import Collection

from desk.acting import actor
from labcrew.domain.evolution import Evolution, EvolutionStatus
from labcrew.errors import Conflict
from labcrew.ledger import Ledger


class Steering:
    """How people steer loops; each move is a line of the ledger with who did it.

    Args:
        ledger: the truth about them.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def pause(self, id: str, by: str) -> Evolution:
        """Halts a loop after what runs now. Raises NotFound, Conflict: it has ended."""
        return self._move(id, by, "paused", ("assigned", "running", "waiting", "paused"))

    def resume(self, id: str, by: str) -> Evolution:
        """Lets a paused or failed loop go on. Raises NotFound, Conflict: it has not paused."""
        allowed = ("paused", "failed", "waiting", "running", "assigned")
        return self._move(id, by, "assigned", allowed)

    def stop(self, id: str, by: str) -> Evolution:
        """Ends a loop for good; its rounds stay, its open gates ask no more.

        Raises NotFound, Conflict: it has ended.
        """
        with self._ledger.transaction():
            allowed = ("assigned", "running", "waiting", "paused", "failed")
            stopped = self._move(id, by, "stopped", allowed)
            for gate in self._ledger.gates.of(id):
                if gate.status == "open":
                    void = gate.model_copy(update={"status": "void"})
                    self._ledger.gates.put(void, actor=actor(by), kind="gate.voided")
        return stopped

    def _move(
        self, id: str, by: str, status: EvolutionStatus, allowed: Collection[str]
    ) -> Evolution:
        person = actor(by)
        with self._ledger.transaction():
            found = self._ledger.evolutions.get(id)
            if found.status not in allowed:
                raise Conflict(
                    f"{id} is {found.status}; it can become {status} while it is"
                    f" {' or '.join(allowed)}.",
                    status=found.status,
                )
            moved = found.model_copy(update={"status": status, "outcome": ""})
            self._ledger.evolutions.put(moved, actor=person, kind=f"evolution.{status}")
        return moved
