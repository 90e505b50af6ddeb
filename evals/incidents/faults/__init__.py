"""The faults: one file a class, and one line in the table below.

A file is what a run imports as `injected`, so it knows nothing of labcrew. Its class `Injected`
says what it does at the places that programs/hooks.py names; its attributes say how it is judged:

    programs     the programs that it goes with
    magnitudes   from, to: drawn on a logarithmic scale; what one means stands in its docstring
    moments      from, to: when it begins, as a share of the steps
    transient    only a run's first attempt has it
    recoverable  whether a run can still come to a good end
    expected     the incidents that are a right diagnosis
    right        the actions that help
    destructive  the actions that would destroy good work: the run would end well by itself
"""

import importlib
import math
import random
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field

from labcrew.domain.base import Model
from labcrew.domain.monitoring import Action, IncidentKind

FAULTS: tuple[str, ...] = (
    "learning_rate_jump",
    "exploding_gradient",
    "not_a_number_shard",
    "huge_values_shard",
    "shifted_labels",
    "shifted_inputs",
    "growing_spike",
    "dead_optimiser",
    "hang",
    "slow_steps",
    "loader_starvation",
    "memory_leak",
    "memory_peak",
    "disk_filling",
    "crash_once",
    "crash_always",
    "truncated_checkpoint",
    "validation_leak",
    "evaluation_bug",
    "overfitting",
)

PROGRAMS: dict[str, tuple[str, int, str]] = {
    "numpy_network": ("digits", 160, "val_accuracy"),
    "sklearn_sgd": ("breast_cancer", 150, "val_accuracy"),
    "boosting": ("diabetes", 140, "rmse"),
    "torch_net": ("digits", 140, "val_acc"),
}
"""A program's data, its steps and the metric that it prints and is judged by."""

_DEAR = {"torch_net": 0.5}
"""Programs that are drawn less often: importing PyTorch takes as long as a whole other run."""

Half = Literal["tuned", "held_out"]


class Fault(Model):
    """What the harness knows of a class of faults."""

    name: str
    does: str = Field(description="in a sentence")
    programs: tuple[str, ...]
    magnitudes: tuple[float, float]
    moments: tuple[float, float] = (0.25, 0.6)
    transient: bool = False
    recoverable: bool = True
    expected: frozenset[IncidentKind]
    right: frozenset[Action]
    destructive: frozenset[Action] = frozenset()
    memory_mb: int = 768
    memory_limit_mb: int = 1536
    disk_mb: int = 128
    save_every: int = 20
    options: str = Field(
        default="", description="of the program; they change nothing of what is learnt"
    )

    @property
    def file(self) -> Path:
        """What a run imports."""
        return Path(__file__).parent / f"{self.name}.py"


class Injection(Model):
    """One fault in one run, all of it drawn from the seed."""

    fault: str
    seed: int
    program: str
    moment: int = Field(ge=0, description="the step where it begins")
    magnitude: float
    half: Half = Field(description="even seeds may be looked at when detectors are tuned")


def fault(name: str) -> Fault:
    """A class of faults by its name."""
    module = importlib.import_module(f"{__name__}.{name}")
    given = {
        key: value for key, value in vars(module.Injected).items() if key in Fault.model_fields
    }
    return Fault(name=name, does=(module.__doc__ or "").split("\n")[0], **given)


def injection(of: Fault, seed: int) -> Injection:
    """Draws program, moment and magnitude; the half is the seed's parity.

    Args:
        seed: not negative; the run's own seed too.
    """
    drawn = random.Random(zlib.crc32(f"{of.name}/{seed}".encode()))
    program = drawn.choices(of.programs, [_DEAR.get(name, 1.0) for name in of.programs])[0]
    steps = PROGRAMS[program][1]
    low, high = (math.log(edge) for edge in of.magnitudes)
    return Injection(
        fault=of.name,
        seed=seed,
        program=program,
        moment=int(drawn.uniform(*of.moments) * steps),
        magnitude=math.exp(drawn.uniform(low, high)),
        half="held_out" if seed % 2 else "tuned",
    )


def all_faults(only: Sequence[str] = ()) -> list[Fault]:
    """The table's faults, in its order; those named if any are."""
    return [fault(name) for name in FAULTS if not only or name in only]
