"""One file a detector, one line here: all of them follow every run."""

from agents.monitoring.detector import Maker
from agents.monitoring.detectors.divergence import Divergence
from agents.monitoring.detectors.not_finite import NotFinite

DETECTORS: tuple[Maker, ...] = (
    NotFinite,
    Divergence,
)
