"""One file a detector, one line here: all of them follow every run."""

from agents.monitoring.detector import Maker
from agents.monitoring.detectors.disk_filling import DiskFilling
from agents.monitoring.detectors.divergence import Divergence
from agents.monitoring.detectors.gradient_explosion import GradientExplosion
from agents.monitoring.detectors.memory_rising import MemoryRising
from agents.monitoring.detectors.not_finite import NotFinite
from agents.monitoring.detectors.stalled import Stalled

DETECTORS: tuple[Maker, ...] = (
    NotFinite,
    Divergence,
    GradientExplosion,
    Stalled,
    MemoryRising,
    DiskFilling,
)
