"""A whole ticket whose command returns at once, run by the real crew in a throw-away home."""

import asyncio
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from evals.bench.figures import Figure
from evals.bench.timing import Span, Stopwatch, TimedMemory, TimedSandboxes, TimedTracker, covered
from labcrew.domain.base import Model
from labcrew.domain.budget import Budget
from labcrew.domain.measuring import Metric
from labcrew.domain.running import Run
from labcrew.domain.search_space import FloatParameter
from labcrew.domain.ticket import Literature, Ticket
from labcrew.errors import LabcrewError

OVERHEAD_BOUND_MS = 25.0
GROWTH_BOUND = 2.2
_PROGRAM = """\
value=0.1
while [ $# -gt 0 ]; do
  case "$1" in --x) value=$2; shift;; --outputs) outputs=$2; shift;; esac
  shift
done
echo "{\\"quality\\": $value}" > "$outputs/metrics.jsonl"
"""


class TicketCost(Model):
    """What one ticket took, over its trials: from the first design to the last trial's end."""

    trials: int
    trial_phase_s: float
    sandbox_s: float
    tracking_s: float
    own_s: float
    remembering_s: float
    ledger_bytes: int
    checkpoints_bytes: int
    memory_bytes: int

    @property
    def stored_bytes(self) -> int:
        """Everything that is kept of the ticket but its outputs and the tracker's own."""
        return self.ledger_bytes + self.checkpoints_bytes + self.memory_bytes


def ticket_cost(trials: int) -> TicketCost:
    """Runs a ticket of that many trials, one at a time, and measures it.

    Libraries that the first trial would import (Optuna, MLflow) are imported before.

    Args:
        trials: the budget, at least 8.

    Raises:
        EngineUnavailable: no Docker engine answers.
        LabcrewError: the ticket did not run all its trials.
    """
    import mlflow  # noqa: F401
    import optuna  # noqa: F401
    from mlflow import MlflowClient  # noqa: F401

    from desk.wiring import at_work, open_home
    from graphs.worker import Worker

    sandbox_watch, tracking_watch, memory_watch = Stopwatch(), Stopwatch(), Stopwatch()
    with TemporaryDirectory(prefix="labcrew-bench-") as folder:
        root = Path(folder)
        ticket = _ticket(_repository(root / "program"), trials)
        with open_home(root / "home", create=True) as opened:
            offset = time.time() - time.monotonic()
            assigned = opened.office().assign(ticket, source="bench", by="bench", beside=root)
            with at_work(opened) as desk:
                bench = replace(
                    desk.bench,
                    sandboxes=TimedSandboxes(desk.bench.sandboxes, sandbox_watch),
                    tracker=TimedTracker(desk.bench.tracker, tracking_watch),
                    memory=TimedMemory(desk.bench.memory, memory_watch),
                    sources=(),
                )
                worker = Worker(
                    desk.work.crew, bench, opened.settings, holder="bench", assume_yes=True
                )
                asyncio.run(_advance(worker, assigned.id))
            ended = [t for t in opened.ledger.trials.of(assigned.id) if t.status == "scored"]
            if len(ended) != trials:
                outcome = opened.ledger.tickets.get(assigned.id).outcome
                raise LabcrewError(f"{len(ended)} of {trials} trials were scored: {outcome}")
            times = [
                event.at.timestamp() - offset
                for event in opened.ledger.events.of(assigned.id)
                if event.kind in ("trial.designed", "trial.ended")
            ]
        phase: Span = (min(times), max(times))
        sandbox, tracking = sandbox_watch.spans, tracking_watch.spans
        outside = covered([*sandbox, *tracking], phase)
        remembering = covered([*sandbox, *tracking, *memory_watch.spans], phase) - outside
        return TicketCost(
            trials=trials,
            trial_phase_s=phase[1] - phase[0],
            sandbox_s=covered(sandbox, phase),
            tracking_s=covered(tracking, phase),
            own_s=phase[1] - phase[0] - outside,
            remembering_s=remembering,
            ledger_bytes=_size(root / "home", "ledger.db*"),
            checkpoints_bytes=_size(root / "home", "checkpoints.db*"),
            memory_bytes=_size(root / "home" / "memory", "**/*"),
        )


async def _advance(worker: object, ticket: str) -> None:
    from graphs.worker import Worker

    assert isinstance(worker, Worker)
    async with worker:
        await worker.advance(ticket)


def overhead(cost: TicketCost) -> Figure:
    """The crew's own time a trial: without sandbox calls, the run itself and tracking writes."""
    a_trial = 1000 / cost.trials
    return Figure(
        name=f"own time a trial ({cost.trials} trials)",
        value=cost.own_s * a_trial,
        unit="ms",
        bound=OVERHEAD_BOUND_MS,
        parts={
            "whole_ms": cost.trial_phase_s * a_trial,
            "sandbox_ms": cost.sandbox_s * a_trial,
            "tracking_ms": cost.tracking_s * a_trial,
            "memory_ms_of_own": cost.remembering_s * a_trial,
        },
        note="The sandbox's share holds the run and all waiting for it",
    )


def growth(small: TicketCost, large: TicketCost) -> Figure:
    """Stored bytes of the larger ticket over the smaller one's."""
    return Figure(
        name=f"stored bytes, {large.trials} / {small.trials} trials",
        value=large.stored_bytes / small.stored_bytes,
        unit="times",
        bound=GROWTH_BOUND * large.trials / small.trials / 2,
        parts={
            f"{part}_{cost.trials}_kib": getattr(cost, f"{part}_bytes") / 1024
            for part in ("ledger", "checkpoints", "memory")
            for cost in (small, large)
        },
    )


def _ticket(repository: Path, trials: int) -> Ticket:
    return Ticket(
        title="Which x is best?",
        question="A program that returns at once, to measure what the crew adds.",
        repository=str(repository),
        metric=Metric(name="quality", direction="maximize", file="metrics.jsonl"),
        run=Run(command="sh program.sh {settings} --seed {seed} --outputs {outputs}", timeout_s=60),
        search_space={"x": FloatParameter(type="float", low=0.2, high=1.0)},
        literature=Literature(online=False),
        budget=Budget(trials=trials, parallel=1, memory_mb=128, hours=2),
        editable=("experiments/**",),
    )


def _repository(folder: Path) -> Path:
    folder.mkdir()
    (folder / "program.sh").write_text(_PROGRAM)
    identity = ("-c", "user.name=bench", "-c", "user.email=bench@localhost")
    for arguments in (
        ("init", "--quiet", "--template=", "--initial-branch=main"),
        ("add", "--all"),
        (*identity, "commit", "--quiet", "--message", "program"),
    ):
        subprocess.run(["git", "-C", str(folder), *arguments], check=True, capture_output=True)
    return folder


def _size(folder: Path, pattern: str) -> int:
    return sum(path.stat().st_size for path in folder.glob(pattern) if path.is_file())
