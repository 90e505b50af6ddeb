"""One file a detector, one line here: all of them follow every run."""

from agents.monitoring.detector import Maker
from agents.monitoring.detectors.bad_checkpoint import BadCheckpoint
from agents.monitoring.detectors.corrupt_batch import CorruptBatch
from agents.monitoring.detectors.data_starved import DataStarved
from agents.monitoring.detectors.disk_filling import DiskFilling
from agents.monitoring.detectors.divergence import Divergence
from agents.monitoring.detectors.evaluation_disagrees import EvaluationDisagrees
from agents.monitoring.detectors.gradient_explosion import GradientExplosion
from agents.monitoring.detectors.loss_spike import LossSpike
from agents.monitoring.detectors.memory_rising import MemoryRising
from agents.monitoring.detectors.metric_jump import MetricJump
from agents.monitoring.detectors.not_finite import NotFinite
from agents.monitoring.detectors.overfitting import Overfitting
from agents.monitoring.detectors.plateau import Plateau
from agents.monitoring.detectors.shifted_data import ShiftedData
from agents.monitoring.detectors.slowed import Slowed
from agents.monitoring.detectors.stalled import Stalled
from agents.monitoring.detectors.told import Told
from agents.monitoring.detectors.train_validation_contradiction import (
    TrainValidationContradiction,
)

DETECTORS: tuple[Maker, ...] = (
    NotFinite,
    CorruptBatch,
    Divergence,
    GradientExplosion,
    LossSpike,
    Plateau,
    Overfitting,
    ShiftedData,
    MetricJump,
    TrainValidationContradiction,
    EvaluationDisagrees,
    BadCheckpoint,
    Stalled,
    Slowed,
    DataStarved,
    MemoryRising,
    DiskFilling,
    Told,
)
