"""Where runs with faults are supervised: the graph's own nodes, engine and ledger, no agents else.

This file alone knows how labcrew is put together for it.
"""

import asyncio
import json
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from langgraph.runtime import Runtime

from evals.incidents.faults import PROGRAMS, Fault, Injection
from evals.lab import bare_bench, take
from graphs.crew import Crew
from graphs.gates import make_gate
from graphs.nodes.monitoring import monitor_trials
from graphs.nodes.trials import launch_trials
from graphs.state import TicketState
from graphs.work import Work
from labcrew.deciding import decide
from labcrew.domain.experiment import Forecast, Incident, Intervention, Plan, Trial
from labcrew.domain.monitoring import Action, IncidentKind
from labcrew.domain.sandbox import EnvironmentPlan
from labcrew.domain.ticket import AssignedTicket, Ticket
from labcrew.judgement import Judge
from memory.embedding import OnnxEmbedder
from tools.facts import environment_effect
from tools.toolbox import Workbench
from tools.trial_spec import environment_plan, trial_container

Arm = Literal["alert", "rules", "learning"]
PACKAGES = ("numpy", "scikit-learn", "torch==2.13.0")
STALL_S, LIMIT_S, TICK_S = 30.0, 60.0, 0.25
_OFFERS = ["checkpoints", "resume", "learning_rate", "batch_size", "quarantine"]
_CLIPPING = ("numpy_network", "torch_net")
_NOBODY = "benchmark"


def make_programs(folder: Path, faults: list[Fault]) -> Path:
    """A repository of the programs, with one branch a fault class and one without any.

    Raises:
        CalledProcessError: git is missing.
    """

    def git(*words: str) -> None:
        who = ("-c", f"user.name={_NOBODY}", "-c", f"user.email={_NOBODY}@example.org")
        subprocess.run(("git", *who, *words), cwd=folder, check=True, capture_output=True)

    shutil.copytree(
        Path(__file__).parent / "programs", folder, ignore=shutil.ignore_patterns("__pycache__")
    )
    git("init", "-q", "-b", "main")
    git("add", "-A")
    git("commit", "-q", "-m", "start")
    for fault in faults:
        git("switch", "-q", "-c", fault.name, "main")
        shutil.copy(fault.file, folder / "injected.py")
        git("add", "-A")
        git("commit", "-q", "-m", "change")
    git("switch", "-q", "main")
    return folder


@dataclass(frozen=True)
class Asked:
    """One run to be made: a program with options, perhaps with a fault.

    Args:
        id: the ticket's.
        seed: the run's own.
        options: further words of the command line.
    """

    id: str
    program: str
    seed: int
    dataset: str
    options: str = ""
    fault: Fault | None = None
    injection: Injection | None = None
    evaluate: bool = True

    def ticket(self, repository: Path) -> Ticket:
        """The ticket that a lab would write for it."""
        metric = _metric(self.program, self.dataset)
        fault = self.fault
        hooks = {}
        if self.injection is not None:
            given = self.injection.model_dump(include={"moment", "magnitude", "seed"})
            hooks = {"RUN_HOOKS": json.dumps(given)}
        words = f"python3 {self.program}.py {{settings}} --seed {{seed}} --outputs {{outputs}}"
        percent = " percent" if metric == "val_acc" else ""
        return Ticket.model_validate(
            {
                "title": "A better rate",
                "repository": str(repository),
                "commit": fault.name if fault else "main",
                "branch": "main",
                "metric": {
                    "name": metric,
                    "direction": "minimize" if metric == "rmse" else "maximize",
                    # What it prints has another name than the evaluator's.
                    "pattern": r"validation error ([\d.]+)" if metric == "rmse" else None,
                },
                "run": {
                    "command": f"{words} --dataset {self.dataset} {self.options}".strip(),
                    "timeout_s": LIMIT_S,
                    "stall_s": STALL_S,
                    "environment": hooks,
                },
                "search_space": {
                    "rate": {"type": "float", "low": 1e-6, "high": 1, "role": "learning_rate"}
                },
                "seeds": [self.seed],
                "evaluator": {
                    "command": f"python3 judge.py {{outputs}} {{split}}"
                    f" {shlex.quote(self.dataset)}{percent}",
                    "private": ["judge.py"],
                },
                "environment": {"packages": list(PACKAGES), "alone": True},
                "supervision": {
                    "offers": [*_OFFERS, *(["gradient_clip"] if self.program in _CLIPPING else [])]
                },
                "literature": {"online": False},
                "budget": {
                    "trials": 4,
                    "parallel": 2,
                    "memory_mb": fault.memory_mb if fault else 768,
                    "memory_limit_mb": fault.memory_limit_mb if fault else 1536,
                    "disk_mb": fault.disk_mb if fault else 128,
                },
            }
        )


def _metric(program: str, dataset: str) -> str:
    return "rmse" if dataset == "diabetes" else PROGRAMS[program][2]


@dataclass(frozen=True)
class Ended:
    """A ticket's trials and incidents when nothing runs any more.

    Args:
        opened: incident → when it was written down, seconds since 1970.
        onset: when the fault's first step began in the first run, seconds since 1970.
        begun: when each step of the first run from the onset on began.
    """

    trials: list[Trial]
    incidents: list[Incident]
    opened: dict[str, float]
    onset: float | None
    begun: list[float]
    seconds: float


class Lab:
    """Supervises runs in one home, whose ledger the arm learns from.

    Args:
        bench: the adapters.
        repository: as `make_programs` left it.
        arm: how the monitor acts.
    """

    def __init__(self, bench: Workbench, repository: Path, arm: Arm) -> None:
        crew = Crew.of(Judge(models={}), OnnxEmbedder())
        self._bench, self._repository = bench, repository
        self._work = Work(bench=bench, crew=crew, rules=crew, tick_s=TICK_S, supervising=arm)
        self._plan: EnvironmentPlan | None = None
        self._image = ""
        self._assigning = asyncio.Lock()

    def remember(self, scored: Iterable[tuple[IncidentKind, Action, float]]) -> None:
        """Gives the ledger what earlier runs taught, for a benchmark that was cut off."""
        for number, (kind, action, score) in enumerate(scored):
            done = Intervention(action=action, because="an earlier run", by="rule", score=score)
            self._work.ledger.incidents.put(
                Incident(
                    id=f"past-{number:05d}",
                    ticket="past",
                    trial="past",
                    kind=kind,
                    evidence=(),
                    diagnosis="",
                    at_s=0,
                    intervention=done,
                ),
                actor="log_monitor",
            )

    async def run(self, asked: Asked) -> Ended:
        """Starts a run and supervises it until it and all its restarts have ended."""
        begun = time.monotonic()
        work = self._work
        async with self._assigning:  # the first one prepares the home and the image
            assigned = await asyncio.to_thread(self._assign, asked)
        state: TicketState = {"ticket": assigned.id}
        runtime = Runtime(context=work)
        while planned := [t for t in work.trials(assigned.id) if _open(t)]:
            if asked.fault is not None and asked.fault.transient:
                self._spare_restarts(assigned.id, planned)
            await launch_trials(state, runtime)
            await monitor_trials(state, runtime)
        trials = work.trials(assigned.id)
        opened = {
            incident.id: self._opened_at(assigned.id, incident.id)
            for incident in work.ledger.incidents.of(assigned.id)
        }
        times = self._times(assigned.id, trials[0], asked.injection)
        return Ended(
            trials=trials,
            incidents=work.ledger.incidents.of(assigned.id),
            opened=opened,
            onset=times[0] if times else None,
            begun=times,
            seconds=time.monotonic() - begun,
        )

    def _assign(self, asked: Asked) -> AssignedTicket:
        work, ledger = self._work, self._bench.ledger
        assigned = take(self._bench, asked.ticket(self._repository), Path("/"), asked.id)
        ledger.tickets.put(assigned, actor=f"person:{_NOBODY}", kind="ticket.assigned")
        if self._plan is None:
            self._plan = environment_plan(self._bench.environments, assigned)
            self._image = self._bench.environments.ensure(self._plan, approved=False)
        plan = Plan(
            id=f"{assigned.id}-plan-r0.0",
            ticket=assigned.id,
            revision=0,
            summary="one run",
            steps=(),
            suggestions=(),
            quarantine=(),
            environment=self._plan.description,
            environment_key=self._plan.key,
            forecast=Forecast(trials=1, hours=0.01, cost_usd=0, basis="its options"),
            by="rule",
        )
        ledger.plans.put(plan, actor="coordinator", kind="plan.written")
        shown: dict[str, Any] = {
            "plan": plan.model_dump(mode="json"),
            "budget": assigned.budget.model_dump(mode="json"),
        }
        gate = make_gate(
            work, assigned, "plan", 0, title="Plan", description="One run.", shown=shown
        )
        decide(ledger, self._bench.clock, gate.id, "accept", by=_NOBODY)
        key = environment_effect(assigned.id, plan)
        ledger.intend(key, assigned.id, {})
        ledger.done(key, {"image": self._image})
        trial = Trial(
            id=f"{assigned.id}-000",
            ticket=assigned.id,
            number=0,
            kind="baseline",
            seed=asked.seed,
            data="original",
            memory_mb=assigned.budget.memory_mb,
        )
        ledger.trials.put(trial, actor="experiment_launcher", kind="trial.designed")
        return assigned

    def _spare_restarts(self, ticket: str, planned: list[Trial]) -> None:
        """Takes a fault that comes once out of the surroundings of what starts again."""
        assigned = self._work.assigned(ticket)
        run = assigned.ticket.run
        if run.environment and any(t.restarts and t.status == "planned" for t in planned):
            changed = assigned.ticket.model_copy(
                update={"run": run.model_copy(update={"environment": {}})}
            )
            self._work.ledger.tickets.put(
                assigned.model_copy(update={"ticket": changed}), actor="worker"
            )

    def _opened_at(self, ticket: str, incident: str) -> float:
        for event in self._bench.ledger.events.of(ticket):
            if event.kind.startswith("incident.") and event.data.get("id") == incident:
                return event.at.timestamp()
        raise LookupError(f"{incident} has no line in the ledger")

    def _times(self, ticket: str, first: Trial, injection: Injection | None) -> list[float]:
        if injection is None:
            return []
        file = self._bench.home.outputs(ticket, first.id) / "steps.csv"
        if not file.exists():
            return []
        rows = [line.partition(",") for line in file.read_text().splitlines()[1:]]
        return [
            float(at)
            for step, _, at in rows
            if at and step.isdigit() and int(step) >= injection.moment
        ]

    async def abandon(self, ticket: str) -> None:
        """Removes what still runs of a ticket whose supervision failed."""
        for trial in self._work.trials(ticket):
            if watch := self._work.watches.pop(trial.id, None):
                watch.close()
            await asyncio.to_thread(self._bench.sandboxes.remove, trial_container(trial.id))


def _open(trial: Trial) -> bool:
    return trial.status in ("planned", "running")


@contextmanager
def lab(arm: Arm, faults: list[Fault]) -> Iterator[Lab]:
    """A home of its own for one arm and one seed.

    Raises:
        EngineUnavailable: no Docker engine answers.
        EnvironmentBroken: the programs' software can't be installed.
    """
    with TemporaryDirectory(prefix="labcrew-incidents-") as folder, bare_bench() as bench:
        yield Lab(bench, make_programs(Path(folder) / "programs", faults), arm)
