"""What becomes of code that was written: it is measured, proposed, or a person is asked."""

from typing import Any

from langgraph.runtime import Runtime

from graphs.gates import gate_id, make_gate, pause_for
from graphs.nodes.spending import (
    ask_spending,
    ask_steps,
    gate_spending,
    spending_gate,
    steps_gate,
)
from graphs.programming.ended import over_budget, steps_used
from graphs.state import TicketState
from graphs.work import Work
from labcrew.domain.programming import Investigation, Patch
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import LabcrewError
from labcrew.evidence import as_code, as_text
from tools.facts import patch_id

_SHOWN = 600
_ABOUT = "code"


def investigation_key(assigned: AssignedTicket, plan_round: int) -> str:
    """The event that holds what was found out before a plan was written."""
    return f"{assigned.id}/r{assigned.revision}/investigated/{plan_round}"


def investigated(work: Work, assigned: AssignedTicket, plan_round: int) -> Investigation | None:
    """What was found out before a plan; nothing for tickets that have no code written."""
    for round_ in range(plan_round, -1, -1):  # a plan that is written anew rests on the same look
        event = work.ledger.events.find(investigation_key(assigned, round_))
        if event is not None:
            return Investigation.model_validate(event.data)
    return None


async def weigh_patch(state: TicketState, runtime: Runtime[Work]) -> dict[str, Any]:
    """Leads a patch that passed its tests on; asks a person about one that was given up."""
    work = runtime.context
    assigned = work.assigned(state["ticket"])
    ended = state.get("write_code", "")
    if used := steps_used(ended):
        ask_steps(work, assigned, state.get("code_round", 0), used)
        return {"route": "gate_models"}
    if because := over_budget(ended):
        ask_spending(work, assigned, state.get("models_round", 0), because)
        return {"route": "gate_models"}
    patch = work.ledger.patches.find(patch_id(assigned))
    if patch is None:
        raise LabcrewError(f"{assigned.id} has no patch.", "Run `labcrew ticket retry`.")
    if patch.status == "ready":
        return {"route": "design_trials" if assigned.ticket.measured else "open_merge_request"}
    ask_about_code(
        work, assigned, state, "The code could not be written", patch.because, _told(patch)
    )
    return {"route": "gate_code"}


def ask_about_code(
    work: Work, assigned: AssignedTicket, state: TicketState, title: str, reason: str, told: str
) -> None:
    """Opens the gate at which a person says whether code is written anew.

    Args:
        reason: why it has to be, for the ticket's outcome.
        told: the gate's text above the choices, Markdown.
    """
    make_gate(
        work,
        assigned,
        "escalation",
        state.get("code_round", 0),
        about=_ABOUT,
        title=title,
        description=f"{told}\n\naccept: try again from the start · respond: try again with what you"
        " say in mind · ignore: end the ticket as failed",
        shown={"reason": reason[:_SHOWN]},
        allowed=("accept", "respond", "ignore"),
    )


def _told(patch: Patch) -> str:
    lines = [f"Given up after {patch.steps} steps: {as_text(patch.because, _SHOWN)}", ""]
    lines += [f"Has to pass: {as_code(name, 200)}" for name in patch.fail_to_pass[:10]]
    lines += [f"Note: {as_text(note, 300)}" for note in patch.notes[:10]]
    return "\n".join(lines)


async def gate_models(state: TicketState, runtime: Runtime[Work]) -> dict[str, Any]:
    """Waits for a person's word on more budget for models, and goes on where it was."""
    work, round_ = runtime.context, state.get("models_round", 0)
    assigned = work.assigned(state["ticket"])
    if used := steps_used(state.get("write_code", "")):
        gate_spending(work, steps_gate(assigned, state.get("code_round", 0), used))
        return {"route": "write_code"}  # turned down, the code is given up there
    if gate_spending(work, spending_gate(assigned, round_)) == "more":
        return {"route": "write_code", "models_round": round_ + 1}
    return {"route": "close", "outcome": "failed: the budget for models is used up"}


async def gate_code(state: TicketState, runtime: Runtime[Work]) -> dict[str, Any]:
    """Waits for a person's word on code that was given up."""
    work, round_ = runtime.context, state.get("code_round", 0)
    gate = gate_id(state["ticket"], "escalation", state["revision"], round_, _ABOUT)
    decision = pause_for(work, gate)
    if decision.kind == "ignore":
        reason = str(work.ledger.gates.get(gate).shown["reason"])
        return {"route": "close", "outcome": f"failed: the code could not be written: {reason}"}
    return {"route": "write_code", "code_round": round_ + 1}
