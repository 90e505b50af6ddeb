"""What every node works with: the crew, the adapters, and one ticket's records."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from agents.monitoring.watch import Watch
from agents.programming.options import LoopOptions
from agents.trial_groups import Group, best_group, on_present_data
from graphs.crew import Crew
from labcrew.domain.chat import ChatModel
from labcrew.domain.experiment import Plan, Trial
from labcrew.domain.programming import Patch
from labcrew.domain.research import AgentName, DatasetCard
from labcrew.domain.review import Gate, GateKind
from labcrew.domain.sandbox import OverlayFile
from labcrew.domain.ticket import AssignedTicket, TicketStatus
from labcrew.errors import LabcrewError
from labcrew.ledger import Ledger
from labcrew.taint import tainted
from tools.clean_data import cleaned_files
from tools.facts import approval, prepared_image, ready_patch
from tools.make_change import render_settings, settings_overlay
from tools.toolbox import Toolbox, Workbench

HALTED = ("paused", "stopped")


class Halted(Exception):
    """A person has paused or stopped the ticket: the step that was about to begin begins later."""


@dataclass(frozen=True)
class Work:
    """The context of a graph run.

    Args:
        bench: adapters; its ledger is fenced by the worker's lease.
        crew: the agents.
        rules: the same agents without any chat model, for rerouting.
        tick_s: longest wait of one monitoring step, seconds.
        supervising: how the log monitor acts, see `labcrew.settings.MonitorSettings`.
        watches: the runs that are followed, by trial.
        taken_up: trials whose incidents of an earlier process were looked at.
        programmer: the chat model that writes code, None where none is set.
        loop: how it is led.
        sessions: writings of code under way, see `graphs.programming`.
        made_room: trial → the share of its workspace in use when room was last sought in vain.
    """

    bench: Workbench
    crew: Crew
    rules: Crew
    tick_s: float = 5.0
    supervising: Literal["learning", "rules", "alert"] = "learning"
    watches: dict[str, Watch] = field(default_factory=dict)
    taken_up: set[str] = field(default_factory=set)
    made_room: dict[str, float] = field(default_factory=dict)
    programmer: ChatModel | None = None
    loop: LoopOptions = field(default_factory=LoopOptions)
    sessions: dict[str, object] = field(default_factory=dict)

    @property
    def ledger(self) -> Ledger:
        return self.bench.ledger

    def assigned(self, ticket: str) -> AssignedTicket:
        """The ticket as it stands now, with the budget a person may have changed."""
        return self.ledger.tickets.get(ticket)

    def update(
        self, ticket: str, actor: str = "worker", kind: str = "", **fields: Any
    ) -> AssignedTicket:
        """Changes fields of the ticket's record, read afresh; `kind` is its line's."""
        with self.ledger.transaction():
            changed = self.assigned(ticket).model_copy(update=fields)
            self.ledger.tickets.put(changed, actor=actor, kind=kind)
        return changed

    def move(self, ticket: str, status: TicketStatus, outcome: str) -> AssignedTicket:
        """Changes a ticket's status, unless a person has paused or stopped it meanwhile."""
        with self.ledger.transaction():
            assigned = self.assigned(ticket)
            if assigned.status in HALTED:
                return assigned
            # A line of its own kind, for people are told of it.
            kind = "ticket.failed" if status == "failed" else ""
            return self.update(ticket, kind=kind, status=status, outcome=outcome)

    def toolbox(self, agent: AgentName, assigned: AssignedTicket, step: str) -> Toolbox:
        """An agent's hands for one logical step."""
        return Toolbox(
            agent=agent,
            assigned=assigned,
            bench=self.bench,
            step=f"r{assigned.revision}/{step}",
        )

    def approved(self, assigned: AssignedTicket, kind: GateKind) -> bool:
        """Whether a person let this revision's newest gate of a kind pass, on what it shows."""
        return approval(self.ledger, assigned, kind) is not None

    def hosts(self, assigned: AssignedTicket) -> tuple[str, ...]:
        """The network hosts that trials may reach: those that the plan gate showed, no others; none
        once untrusted text can have steered the ticket.
        """
        passed = approval(self.ledger, assigned, "plan")
        if passed is None or not assigned.ticket.hosts or tainted(self.ledger, assigned.id):
            return ()
        return Plan.model_validate(passed.shown["plan"]).hosts

    def plan(self, assigned: AssignedTicket) -> Plan:
        """The plan of the present revision, as it was approved."""
        return self.ledger.plans.of(assigned.id)[-1]

    def trials(self, ticket: str) -> list[Trial]:
        return self.ledger.trials.of(ticket)

    def patch(self, assigned: AssignedTicket) -> Patch | None:
        """The code of this revision, if it was written and its tests let it pass."""
        return ready_patch(self.ledger, assigned)

    def best(self, assigned: AssignedTicket, trials: Sequence[Trial]) -> Group | None:
        """The winner among trials; where code was written, of its present patch alone."""
        patch = self.patch(assigned)
        present = self.on_present_data(assigned, trials)
        return best_group(assigned, present, patch.code if patch is not None else "")

    def on_present_data(self, assigned: AssignedTicket, trials: Sequence[Trial]) -> list[Trial]:
        """The trials that may be compared: not those on data that was cleaned otherwise."""
        return on_present_data(trials, self.cards(assigned.id))

    def cards(self, ticket: str) -> tuple[DatasetCard, ...]:
        return tuple(self.ledger.datasets.of(ticket))

    def cleaned(self, ticket: str) -> dict[str, Path]:
        """The ticket's data path → its cleaned copy on the host, where one was made."""
        return cleaned_files(self.bench.home, self.cards(ticket))

    def delivered(self, assigned: AssignedTicket) -> dict[str, Path]:
        """Cleaned copies that the change commits: of files that the ticket names as editable."""
        return {
            path: copy
            for path, copy in self.cleaned(assigned.id).items()
            if path in assigned.ticket.editable
        }

    def image(self, ticket: str) -> str:
        """The image that `prepare` made last."""
        image = prepared_image(self.ledger, ticket)
        if image is not None:
            return image
        raise LabcrewError(f"{ticket} has no prepared environment.", "Run `labcrew ticket retry`.")

    async def overlay(
        self, assigned: AssignedTicket, trial: Trial, tools: Toolbox
    ) -> tuple[OverlayFile, ...]:
        """The edited settings file of a trial, for tickets that set parameters in a file; the patch
        that a trial is to be run with.
        """
        if trial.code:
            return self._patched(assigned, trial)
        call = settings_overlay(assigned.ticket.settings, trial.values, trial.seed)
        return () if call is None else ((await tools.use(render_settings, call)).file,)

    def _patched(self, assigned: AssignedTicket, trial: Trial) -> tuple[OverlayFile, ...]:
        for patch in self.ledger.patches.of(assigned.id):
            if patch.status == "ready" and patch.code == trial.code:
                return patch.files
        raise LabcrewError(f"{trial.id} was to run with a patch that the ledger does not have.")

    def open_gate(self, gate: Gate) -> None:
        """Writes a gate's row, once; what was shown first stays."""
        if self.ledger.gates.find(gate.id) is None:
            self.ledger.gates.put(gate, actor="coordinator", kind="gate.opened")

    def gate_ends(self, assigned: AssignedTicket) -> datetime | None:
        """When a gate expires that asks from now on; None: never."""
        hours = assigned.ticket.gates.expire_hours
        return self.bench.clock.now() + timedelta(hours=hours) if hours is not None else None

    def reopened(self, gate_id: str) -> Gate:
        """A gate that the machine waits at: one that a stop made void asks again after a retry,
        for as long as a new one.
        """
        with self.ledger.transaction():
            gate = self.ledger.gates.get(gate_id)
            assigned = self.assigned(gate.ticket)
            if gate.status == "void" and assigned.status not in HALTED:
                asks = {"status": "open", "expires_at": self.gate_ends(assigned)}
                gate = gate.model_copy(update=asks)
                self.ledger.gates.put(gate, actor="worker", kind="gate.reopened")
        return gate
