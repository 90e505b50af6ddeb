"""Where a ticket's budget for chat models, or the steps that write code, are used up: a person
raises it, or the crew goes on without.
"""

from collections.abc import Mapping
from typing import Any, Literal

from graphs.gates import gate_id, make_gate, pause_for
from graphs.work import Work
from labcrew.agent_limits import RAISED
from labcrew.domain.budget import Budget, most_of
from labcrew.domain.review import Decision
from labcrew.domain.spending import Amount, Limits
from labcrew.domain.ticket import AssignedTicket
from labcrew.evidence import as_text
from labcrew.spending import EXHAUSTED, spent_by, total

_ABOUT = "models"
_WRITER = "merge_request"
"""Whose bounds a person is asked about: judgements of others are answered by rules."""
_FIELDS = ("model_tokens", "model_usd", "steps")


def ask_spending(
    work: Work,
    assigned: AssignedTicket,
    round_: int,
    because: str,
) -> None:
    """Opens the gate at which a person may raise what models may use.

    Args:
        round_: counts these gates within a revision; a cursor of the graph's state.
        because: which bound was met, as the failure says.
    """
    budget = assigned.budget
    spent = spent_by(work.ledger.model_calls.of(assigned.id))
    met = [
        event
        for event in work.ledger.events.of(assigned.id, kind=EXHAUSTED)
        if event.data.get("agent", _WRITER) == _WRITER  # of others no person is asked
    ]
    # A bound that is met again has no line of its own: the newest may be another's.
    bound = because.partition(" allows ")[0]
    met = [e for e in met if str(e.data.get("because", "")).startswith(f"{bound} allows ")] or met
    names: tuple[str, ...] = _FIELDS
    if met and met[-1].data["bound"] == "seconds":
        names = (*_FIELDS, "hours")  # models are waited for within the ticket's hours
    add = {name: value for name in names if (value := getattr(budget, name))}
    shown: dict[str, Any] = {
        "add": add,
        "budget": budget.model_dump(mode="json"),
        "spent": {name: amount.model_dump(mode="json") for name, amount in spent.items()},
        "reason": because[:600],
    }
    if met and met[-1].data["bound"] == "agent":
        # What settings allow this agent for a ticket; a person may let it have as much again.
        known = {name: most for name, most in met[-1].data.items() if name in Limits.model_fields}
        shown["agent"] = met[-1].data["agent"]
        shown |= {f"agent_{name}": most for name, most in known.items()}
    make_gate(
        work,
        assigned,
        "budget",
        round_,
        about=_ABOUT,
        title="More budget for models?",
        description=(
            f"{as_text(because, 600)}\n\n{_told(spent, budget)}\n\naccept: the same budget for"
            " models again · edit: another one · ignore: finish with what there is"
        ),
        shown=shown,
        allowed=("accept", "edit", "ignore"),
    )


def ask_steps(work: Work, assigned: AssignedTicket, round_: int, used: int) -> None:
    """Opens the gate at which a person may give the writing of code more steps.

    Args:
        round_: of the writing of code.
        used: steps that it has taken.
    """
    budget = assigned.budget
    spent = spent_by(work.ledger.model_calls.of(assigned.id))
    make_gate(
        work,
        assigned,
        "budget",
        round_,
        about=_about_steps(used),
        title="More steps for the code?",
        description=(
            f"{used} answers of a model were acted on, as many as the budget allows, and the code"
            f" is not done.\n\n{_told(spent, budget)}\n\naccept: as many steps again, from where it"
            " is · edit: another number of steps · ignore: give this code up"
        ),
        shown={
            "add": {"steps": budget.steps},
            "budget": budget.model_dump(mode="json"),
            "spent": {name: amount.model_dump(mode="json") for name, amount in spent.items()},
        },
        allowed=("accept", "edit", "ignore"),
    )


def steps_gate(assigned: AssignedTicket, round_: int, used: int) -> str:
    """The id of the gate that `ask_steps` opens: who is asked once is not asked there again."""
    return gate_id(assigned.id, "budget", assigned.revision, round_, _about_steps(used))


def spending_gate(assigned: AssignedTicket, round_: int) -> str:
    """The id of the gate that `ask_spending` opens."""
    return gate_id(assigned.id, "budget", assigned.revision, round_, _ABOUT)


def gate_spending(work: Work, gate: str) -> Literal["more", "finish"]:
    """Waits, inside a gate's node, for a person's word on more budget.

    Only a person raises it; without their word the answer is to finish with what there is.

    Args:
        gate: one that is opened here.
    """
    decision = pause_for(work, gate)
    if decision.kind not in ("accept", "edit"):
        return "finish"
    row = work.ledger.gates.get(gate)
    ticket, shown = row.ticket, row.shown
    with work.ledger.transaction():
        if "agent" in shown:
            work.ledger.events.append(
                ticket=ticket,
                actor="worker",
                kind=RAISED,
                key=f"{gate}/raised",
                data={"agent": shown["agent"], "by": decision.by, **_of_the_agent(shown)},
            )
        raise_budget(work, ticket, shown, decision)
    return "more"


def _about_steps(used: int) -> str:
    return f"steps-{used}"


def _of_the_agent(shown: Mapping[str, Any]) -> dict[str, float]:
    """What a gate offers to an agent, by measure."""
    names = {name: f"agent_{name}" for name in Limits.model_fields}
    return {name: shown[spelt] for name, spelt in names.items() if spelt in shown}


def raise_budget(work: Work, ticket: str, shown: Mapping[str, Any], decision: Decision) -> None:
    """Gives what a person decided at a gate; what was given elsewhere meanwhile stays.

    Args:
        shown: the gate's: `budget` as it stood, `add` as what accepting adds to it.
    """
    # From what was shown, not from what stands: done again after a crash it adds nothing twice.
    before, edited = shown["budget"], decision.edits.get("budget", {})
    with work.ledger.transaction():
        now = work.assigned(ticket).budget.model_dump()
        changes = (
            {name: value for name, value in edited.items() if value != before.get(name)}
            if decision.kind == "edit"
            else {
                name: max(now[name], min(before[name] + more, most_of(name)))
                for name, more in shown["add"].items()
                if now[name] is not None  # a bound that was taken away
            }
        )
        work.update(ticket, actor="coordinator", budget=Budget.model_validate(now | changes))


def _told(spent: dict[str, Amount], budget: Budget) -> str:
    amount = total(spent)
    money = "no bound" if budget.model_usd is None else f"{budget.model_usd:g} USD"
    lines = [
        f"Used: {amount.tokens.total:,} of {budget.model_tokens:,} tokens, in {amount.calls:,}"
        f" calls; {amount.usd:.2f} USD of {money}; {amount.seconds:,.0f} s of waiting."
    ]
    if amount.unpriced:
        lines.append(f"{amount.unpriced:,} of the tokens went to models without a price.")
    lines += [
        f"- {agent}: {used.tokens.total:,} tokens, {used.usd:.2f} USD, {used.seconds:,.0f} s"
        for agent, used in sorted(spent.items())
    ]
    return "\n".join(lines)
