"""The worker: takes a ticket's lease and moves it along its way until it ends or waits."""

import asyncio
import traceback
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.errors import GraphDrained
from langgraph.graph import StateGraph
from langgraph.runtime import RunControl
from langgraph.types import Command

from agents.programming.options import PROGRAMMING, LoopOptions
from graphs import spans
from graphs.accounts import accountable, ticket_bounds
from graphs.checkpoints import checkpoints
from graphs.consulting import consultation
from graphs.crew import Crew
from graphs.nodes.responding import withdraw_questions
from graphs.packet import own_runs
from graphs.programming.ended import over_budget
from graphs.state import TicketState
from graphs.ticket import ticket_graph
from graphs.work import HALTED, Halted, Work
from labcrew.deciding import decide, settled
from labcrew.domain.experiment import Trial
from labcrew.domain.review import Decision, Gate
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import (
    EngineError,
    InputError,
    LabcrewError,
    LeaseLost,
    LedgerError,
    NotFound,
    StorageFull,
)
from labcrew.ledger import Lease
from labcrew.settings import Settings
from labcrew.skills.house import House
from tools.facts import environment_effect
from tools.programming.container import put_code_away
from tools.tool_container import put_away
from tools.toolbox import Workbench
from tools.trial_spec import environment_plan, trial_container

_STEPS = 1_000_000
_TRACE_CHARACTERS = 4000
_YES = "--yes"


class Worker:
    """Moves tickets. An async context manager, for it keeps LangGraph's checkpoints open; on its
    way in it removes what an earlier worker of this home left on the engine.

    Args:
        crew: the agents.
        bench: the adapters.
        holder: names this worker in leases, unique in the world.
        assume_yes: answer plan, budget and merge gates with accept, recorded as by "--yes";
            escalations, more budget for models or for the second time in a revision, and merges
            whose smoke test failed, keep their safe default.
        loop: how the writing of code is led.
        machine: the graph to run, default: the ticket machine.
    """

    def __init__(
        self,
        crew: Crew,
        bench: Workbench,
        settings: Settings,
        *,
        holder: str,
        assume_yes: bool = False,
        loop: LoopOptions | None = None,
        machine: StateGraph[TicketState, Work, TicketState, TicketState] | None = None,
    ) -> None:
        self._crew, self._rules = crew, crew.without_models()
        self._bench, self._settings = bench, settings
        self._holder, self._yes = holder, assume_yes
        self._machine, self._loop = machine, loop or LoopOptions()
        self._stack = AsyncExitStack()
        self._graph: Any = None
        self._in_hand: dict[str, Work] = {}

    async def __aenter__(self) -> "Worker":
        async with AsyncExitStack() as stack:
            saver = await stack.enter_async_context(checkpoints(self._bench.home.checkpoints))
            await asyncio.to_thread(self._clean_up)
            self._graph = (self._machine or ticket_graph()).compile(checkpointer=saver)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()

    def _clean_up(self) -> None:
        """Removes containers that no trial waits for; the home has one owner, so nobody else does.

        A trial's container lives on while the ledger has it planned or running.
        """
        living = {
            trial_container(trial.id)
            for status in ("planned", "running")
            for trial in self._bench.ledger.trials.all(status=status)
        }
        self._bench.sandboxes.clean_orphans(living)
        for trial in self._bench.ledger.trials.all(status="running"):
            self._stop_overdue(trial)

    def _stop_overdue(self, trial: Trial) -> None:
        """Ends a run that outlived its time limit, or its ticket, while nobody watched."""
        name = trial_container(trial.id)
        started = self._bench.sandboxes.status(name).started_at
        assigned = self._bench.ledger.tickets.get(trial.ticket)
        if started is None:
            return
        age_s = (self._bench.clock.now() - started).total_seconds()
        if assigned.status == "stopped" or age_s > assigned.ticket.run.timeout_s:
            self._bench.sandboxes.stop(name)

    def readings(self) -> dict[str, float]:
        """Trial → the last metric that its run printed, for the runs that are followed now."""
        found = {
            trial: watch.reading().reported
            for work in tuple(self._in_hand.values())
            for trial, watch in tuple(work.watches.items())
        }
        return {trial: value for trial, value in found.items() if value is not None}

    async def advance(self, ticket: str) -> AssignedTicket:
        """Works until the ticket is done, failed, paused, stopped, or waits for a person.

        Raises:
            LabcrewError: another worker holds the ticket, or the world can't be reached (the
                ticket keeps its place and goes on from there next time).
        """
        ledger = self._bench.ledger
        lease = self._lease(ticket)
        bench = replace(self._bench, ledger=ledger.fenced(lease))
        try:
            asked = ledger.tickets.get(ticket).ticket
            house = House(self._bench.skills, self._crew.embedder)
            crew = accountable(
                self._crew.with_rules_of_the_house(lambda agent: house.told(asked, agent)),
                bench,
                self._settings,
                ticket,
                lambda: ticket_bounds(ledger, self._settings, ticket),
                # A run with hosts must not have been steered by untrusted text.
                closed=bool(asked.hosts),
                tainting=True,
                consult=consultation(bench, ticket, trusted_alone=bool(asked.hosts)),
            )
        except BaseException:
            ledger.release(lease)
            raise
        work = Work(
            bench=bench,
            crew=crew,
            rules=self._rules,
            tick_s=self._settings.tick_s,
            supervising=self._settings.monitor.acts,
            programmer=crew.judge.model_for(PROGRAMMING),
            loop=self._loop,
        )
        self._in_hand[ticket] = work
        renewing = asyncio.create_task(self._renew(lease))
        moving = asyncio.create_task(self._traced(work, ticket))
        try:
            await asyncio.wait({moving, renewing}, return_when=asyncio.FIRST_COMPLETED)
            if not moving.done():
                await renewing  # it only ends by its error
            moved = await moving
            if moved.status == "stopped":  # what began while a person stopped it ends with it
                await self._stop_runs(work, ticket)
            return moved
        except (LeaseLost, EngineError, StorageFull, LedgerError):
            raise  # the world is at fault: the ticket keeps its place and goes on from there
        except LabcrewError as error:
            await self._stop_runs(work, ticket)
            return work.move(ticket, "failed", f"failed: {error.message}")
        except Exception as error:
            # A fault of labcrew's own stops this ticket where a person sees it, and no other.
            await self._stop_runs(work, ticket)
            return self._broken(work, lease, error)
        finally:
            # Cancelled, too, nothing may go on that has no lease any more.
            moving.cancel()
            renewing.cancel()
            await asyncio.gather(moving, renewing, return_exceptions=True)
            try:
                with suppress(EngineError):  # else it goes when a worker next comes in
                    await asyncio.to_thread(put_away, ticket, self._bench.sandboxes)
                    await asyncio.to_thread(put_code_away, ticket, self._bench.sandboxes)
            finally:
                del self._in_hand[ticket]
                for watch in work.watches.values():
                    watch.close()
                ledger.release(lease)

    async def _stop_runs(self, work: Work, ticket: str) -> None:
        """Ends what still runs of a ticket that failed or was stopped: nobody would watch it."""
        for trial in work.trials(ticket):
            if trial.status == "running":
                await asyncio.to_thread(self._bench.sandboxes.stop, trial_container(trial.id))
                withdraw_questions(work, work.assigned(ticket), trial)

    async def _image_stands(self, work: Work, ticket: str) -> None:
        """Makes a prepared environment again where somebody removed its image."""
        assigned = work.assigned(ticket)
        plans = work.ledger.plans.of(ticket)
        effect = work.ledger.effect(environment_effect(ticket, plans[-1])) if plans else None
        if effect is None or effect.result is None:
            return
        environments = self._bench.environments
        try:
            self._bench.sandboxes.image_digest(str(effect.result["image"]))
        except NotFound:
            plan = environment_plan(environments, assigned)
            if plan.key == plans[-1].environment_key:
                await asyncio.to_thread(environments.ensure, plan, approved=True)

    def _broken(self, work: Work, lease: Lease, error: Exception) -> AssignedTicket:
        work.ledger.events.append(
            ticket=lease.ticket,
            actor="worker",
            kind="worker.error",
            key=f"{lease.ticket}/error/{lease.token}",
            data={"traceback": "".join(traceback.format_exception(error))[-_TRACE_CHARACTERS:]},
        )
        said = f"failed: an error in labcrew itself, {type(error).__name__}: {str(error)[:300]}"
        return work.move(lease.ticket, "failed", said)

    def _lease(self, ticket: str) -> Lease:
        """The ticket's lease. The home has one owner, so a lease of another worker is a dead one's,
        unless this very worker has the ticket in hand."""
        if ticket in self._in_hand:
            raise LabcrewError(f"{ticket} is being worked on already.")
        lease = self._bench.ledger.acquire(
            ticket, self._holder, self._settings.lease_s, take_over=True
        )
        if lease is None:
            raise LabcrewError(f"{ticket} could not be taken; another worker has it.")
        return lease

    async def _renew(self, lease: Lease) -> None:
        while True:
            await asyncio.sleep(self._settings.lease_s / 3)
            lease = self._bench.ledger.renew(lease, self._settings.lease_s)

    async def _traced(self, work: Work, ticket: str) -> AssignedTicket:
        with spans.held(work.bench.tracer, "ticket", ticket) as span:
            moved = await self._move(work, ticket)
            span.note({"labcrew.status": moved.status})
            return moved

    async def _move(self, work: Work, ticket: str) -> AssignedTicket:
        config: RunnableConfig = {
            "configurable": {"thread_id": ticket},
            "recursion_limit": _STEPS,
        }
        state = await self._graph.aget_state(config)
        if state.created_at is not None and not state.next:
            await self._begin_again(work, ticket, state, config)
        await self._image_stands(work, ticket)
        while work.assigned(ticket).status not in HALTED:
            state = await self._graph.aget_state(config)
            pending = self._pending(work, state)
            if pending and not (resume := self._decided(work, pending)):
                titles = "; ".join(f"{gate.id}: {gate.title}" for gate in pending.values())
                return work.move(ticket, "waiting", f"waits for you at {titles}")
            if state.created_at is not None and not state.next:
                break
            given: Any = None
            if state.created_at is None:
                given = {"ticket": ticket}
            elif pending:
                given = Command(resume=resume)
            work.move(ticket, "running", "")
            await self._run(work, ticket, given, config)
        return work.assigned(ticket)

    async def _begin_again(
        self, work: Work, ticket: str, state: Any, config: RunnableConfig
    ) -> None:
        """Puts a ticket that had ended, and that a person took up again, where it can go on."""
        if work.assigned(ticket).status != "assigned":
            return
        outcome = str(state.values.get("outcome", ""))
        if not outcome.startswith("failed"):
            work.move(ticket, "done", outcome)  # it was paused or stopped in its very last step
            return
        assigned, values = work.assigned(ticket), {"outcome": ""}
        if work.approved(assigned, "merge"):
            await self._graph.aupdate_state(config, {**values, "route": "merge"}, "gate_merge")
            return
        if assigned.ticket.kind != "search" and work.ledger.plans.of(ticket):
            round_ = state.values.get("escalation_round", 0) + 1
            begun = state.values | {"outcome": "", "escalation_round": round_}
            # One whose budget for models was spent goes on where it was.
            if "write_code" in begun and not over_budget(str(begun["write_code"])):
                begun["code_round"] = begun.get("code_round", 0) + 1
            patch, trials = work.patch(assigned), work.trials(ticket)
            measured = patch is not None and any(t.code == patch.code for t in trials)
            if patch is not None and not measured and not own_runs(trials):
                # The code stands; what failed is the program as it was.
                await self._graph.aupdate_state(
                    config, begun | {"route": "design_trials"}, "gate_escalation"
                )
                return
            begun |= {"route": "write_code", "models_round": begun.get("models_round", 0) + 1}
            await self._graph.aupdate_state(config, begun, "gate_code")
            return
        round_ = state.values.get("escalation_round", 0) + 1
        values |= {"route": "design_trials", "escalation_round": round_}
        await self._graph.aupdate_state(config, values, "gate_escalation")

    async def _run(self, work: Work, ticket: str, given: Any, config: RunnableConfig) -> None:
        """Runs the graph to its next pause, or to the end of the step that a person halted in."""
        control = RunControl()
        steps = self._graph.astream(
            given,
            config,
            context=work,
            durability="sync",
            stream_mode="updates",
            control=control,
        )
        try:
            async for _ in steps:
                # The side-by-side agents end in peace; any other step does not begin.
                if work.assigned(ticket).status in HALTED:
                    control.request_drain("a person halted the ticket")
        except (GraphDrained, Halted):
            return

    def _pending(self, work: Work, state: Any) -> dict[str, Gate]:
        """Interrupt id → the gate it waits for."""
        return {
            interrupt.id: work.reopened(
                interrupt.value["action_request"]["action"].partition(":")[2]
            )
            for interrupt in state.interrupts
        }

    def _decided(self, work: Work, pending: dict[str, Gate]) -> dict[str, str]:
        """The interrupts whose gates are decided; with --yes they are decided here."""
        ready: dict[str, str] = {}
        for interrupt, gate in pending.items():
            decision = settled(work.ledger, work.bench.clock, gate)
            if decision is None and self._yes:
                decision = self._yes_to(work, gate)
            if decision is not None:
                ready[interrupt] = decision.kind
        return ready

    def _yes_to(self, work: Work, gate: Gate) -> Decision | None:
        # Nobody would end it: each time it was used up, as much would be given again.
        endless = gate.kind == "budget" and ("spent" in gate.shown or _given_by_yes(work, gate))
        doubtful = gate.kind == "escalation" or endless or gate.shown.get("smoke_passed") is False
        kind = gate.safe_default if doubtful else "accept"
        try:
            return decide(work.ledger, work.bench.clock, gate.id, kind, by=_YES)
        except InputError:  # a person was quicker, or has stopped the ticket
            return work.ledger.decisions.find(gate.id)


def _given_by_yes(work: Work, gate: Gate) -> bool:
    """Whether --yes has given more budget in this revision already."""
    revision = gate.id.rpartition(".")[0]
    return any(
        (decision.by, decision.kind) == (_YES, "accept")
        and decision.gate.startswith(f"{revision}.")
        for decision in work.ledger.decisions.of(gate.ticket)
    )
