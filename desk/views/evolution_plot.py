"""The picture of a loop as it stands: drawn from the ledger, once for each state of it."""

from functools import lru_cache

from labcrew.domain.evolution import Evolution, Round
from labcrew.ledger import Ledger

_KEPT_IN_MIND = 16


def plot_of(ledger: Ledger, evolution: Evolution) -> bytes:
    """The loop's progress as SVG: the ended rounds, the noise band, the sealed result."""
    ended = [r for r in ledger.rounds.of(evolution.id) if r.number <= evolution.rounds]
    shown = evolution.model_copy(update={"seconds": 0.0, "status": "done", "outcome": ""})
    return _drawn(_Known(shown, tuple(ended)))


class _Known:
    """A loop's rounds, equal to another look at the same rounds."""

    def __init__(self, evolution: Evolution, rounds: tuple[Round, ...]) -> None:
        self.evolution, self.rounds = evolution, rounds
        told = evolution.noise, evolution.sealed, [(r.number, r.score, r.verdict) for r in rounds]
        self._key = repr((evolution.id, evolution.started_at, told))

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Known) and other._key == self._key


@lru_cache(maxsize=_KEPT_IN_MIND)
def _drawn(known: _Known) -> bytes:
    from tools.evolution.plots import progress_svg

    return progress_svg(known.evolution, known.rounds)
