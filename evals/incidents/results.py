"""What is kept of each run, one JSON line a run."""

from pathlib import Path
from typing import TypeVar

from pydantic import Field

from evals.incidents.faults import Half
from labcrew.domain.base import Model
from labcrew.domain.experiment import TrialStatus
from labcrew.domain.monitoring import Action, IncidentKind


class Seen(Model):
    """One incident, as the ledger has it."""

    kind: IncidentKind
    run: int = Field(ge=0, description="0: the first attempt")
    after_s: float | None = Field(description="seconds from the fault's onset to the ledger")
    after_steps: int | None = Field(
        default=None, description="steps begun since the onset until then"
    )
    step: int | None = Field(description="as the incident names it")
    action: Action | None
    explored: bool = False
    part: bool = Field(default=False, description="another incident of the run explains it")
    score: float | None = None
    confidence: float = 1.0
    diagnosis: str = ""


class Result(Model):
    """One run with a fault, and its restarts."""

    arm: str
    seed: int
    round: int
    fault: str
    program: str
    moment: int
    magnitude: float
    half: Half
    run_seed: int
    onset: bool = Field(default=False, description="whether the fault began at all")
    incidents: tuple[Seen, ...] = ()
    trials: tuple[TrialStatus, ...] = ()
    ended: str = ""
    value: float | None = Field(default=None, description="the evaluator's, of the last attempt")
    seconds: float = 0.0
    error: str = Field(default="", description="a fault of the supervisor's own")

    def line(self) -> str:
        """The result on one line, for a person."""
        told = ", ".join(
            f"{one.kind}{f' {one.after_s:.1f} s' if one.after_s is not None else ''} → {one.action}"
            for one in self.incidents
            if not one.part
        )
        value = "-" if self.value is None else f"{self.value:.4g}"
        error = " ERROR " + self.error.strip().splitlines()[-1] if self.error else ""
        return (
            f"{self.arm} {self.fault} {self.round} ({self.program} at {self.moment},"
            f" {self.magnitude:.3g}): {told or 'nothing seen'}; {'/'.join(self.trials)} {value};"
            f" {self.seconds:.1f} s{error}"
        )


class Twin(Model):
    """A program's run with the same seed and no fault."""

    program: str
    seed: int
    value: float | None
    incidents: tuple[IncidentKind, ...] = ()
    seconds: float = 0.0


class CleanResult(Model):
    """A clean run: any incident in it is a false alarm."""

    name: str
    sort: str
    incidents: tuple[Seen, ...] = ()
    trials: tuple[TrialStatus, ...] = ()
    value: float | None = None
    seconds: float = 0.0


T = TypeVar("T", bound=Model)


def append(file: Path, result: Model) -> None:
    """Adds a line; what an earlier run wrote only half of goes."""
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    if text and not text.endswith("\n"):
        file.write_text(text[: text.rfind("\n") + 1], encoding="utf-8")
    with file.open("a", encoding="utf-8") as lines:
        lines.write(result.model_dump_json() + "\n")


def read(file: Path, model: type[T]) -> list[T]:
    """All lines of a file; none where it is not there, or where a line was cut off."""
    if not file.exists():
        return []
    whole = [line for line in file.read_text(encoding="utf-8").split("\n")[:-1] if line]
    return [model.model_validate_json(line) for line in whole]
