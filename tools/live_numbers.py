"""The numbers of a run that is followed, in a file that whoever draws them reads: no evidence."""

from collections.abc import Sequence

from pydantic import TypeAdapter, ValidationError

from labcrew import beneath
from labcrew.domain.experiment import MetricPoint, Trial
from labcrew.errors import BoundaryError, NotFound
from labcrew.home import Home

_MOST_BYTES = 8 << 20
_POINTS = TypeAdapter(tuple[MetricPoint, ...])


def show_numbers(home: Home, trial: Trial, points: Sequence[MetricPoint]) -> None:
    """Writes what a run printed so far; what stood there is replaced at once.

    Args:
        points: finite and thinned already.
    """
    if not points:
        return
    folder = home.artefacts(trial.ticket) / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f"{trial.id}.live.partial"
    partial.write_bytes(_POINTS.dump_json(tuple(points)))
    partial.replace(folder / f"{trial.id}.live")


def shown_numbers(home: Home, trial: Trial) -> tuple[MetricPoint, ...]:
    """What a run printed so far; none where nothing, or nothing readable, was written."""
    try:
        text = beneath.read(
            home.artefacts(trial.ticket) / "logs", f"{trial.id}.live", cap_bytes=_MOST_BYTES
        )
        return _POINTS.validate_json(text)
    except (NotFound, FileNotFoundError, BoundaryError, ValidationError):
        return ()


def forget_numbers(home: Home, trial: Trial) -> None:
    """Takes the file away, once the run's log is kept."""
    (home.artefacts(trial.ticket) / "logs" / f"{trial.id}.live").unlink(missing_ok=True)
