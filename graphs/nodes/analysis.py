"""After the trials: what they gave, which move comes next, and the gates that it may need."""

from typing import Any

from langgraph.runtime import Runtime

from agents.budget_used import spent
from agents.coordinator import Move, MoveQuestion
from agents.trial_groups import group_of, no_score_before, ranked
from graphs.failed_runs import keep_failed_runs
from graphs.gates import gate_id, make_gate, pause_for
from graphs.nodes.code import ask_about_code
from graphs.nodes.spending import raise_budget
from graphs.nodes.trials import hours_left
from graphs.packet import own_runs
from graphs.state import TicketState
from graphs.work import Work
from labcrew.domain.experiment import NO_HOURS_LEFT, Trial, TrialKind
from labcrew.domain.ticket import AssignedTicket
from labcrew.evidence import as_text

_TAIL = 300


async def analyse(state: TicketState, runtime: Runtime[Work]) -> dict[str, Any]:
    """Looks at what the trials gave and lets the coordinator choose among the legal moves."""
    work = runtime.context
    assigned = work.assigned(state["ticket"])
    trials, patch = work.trials(assigned.id), work.patch(assigned)
    before = no_score_before(trials)
    if not own_runs(trials) and (patch is None or not before):
        _ask_about_baseline(work, assigned, state["escalation_round"], trials)
        return {"route": "gate_escalation"}
    if assigned.ticket.kind != "search" and work.best(assigned, trials) is None:
        ran = patch is not None and any(
            t.code == patch.code and t.status != "planned" and not t.left_out for t in trials
        )
        used_up = spent(trials) >= assigned.budget.trials or hours_left(assigned, trials) <= 0
        round_ = state.get("budget_round", 0)
        if patch is not None and not ran and used_up and not round_:
            # Asked once: who turns it down is asked about the code next.
            _ask_budget(work, assigned, round_, "No run is left to measure the change with")
            return {"route": "gate_budget"}
        reason = _last_reason(trials, "changed")
        told = f"With the patch no run gave {assigned.ticket.metric.name}: {as_text(reason, 600)}"
        if before:
            told += (
                f"\n\nNor did the program as it is: {as_text(before, 600)}\n\nIf the ticket's run,"
                " metric, evaluator or environment is at fault, ignore, correct it and assign it"
                " again."
            )
        told += "\n\nWho writes it anew is told how these runs ended."
        _leave_out(work, trials)
        keep_failed_runs(work, assigned, state.get("code_round", 0), trials)
        ask_about_code(work, assigned, state, "The changed program gives no score", reason, told)
        return {"route": "gate_code"}
    round_ = state.get("budget_round", 0)
    question = _move_question(work, assigned, trials, round_)
    answer = await work.crew.coordinator.next_move(question)
    work.ledger.events.append(
        ticket=assigned.id,
        actor="coordinator",
        kind="move.chosen",
        key=f"{assigned.id}/r{assigned.revision}/move/{len(trials)}.{round_}",
        data={"move": answer.move, "because": answer.because},
    )
    if answer.move == "ask_budget":
        _ask_budget(work, assigned, round_, answer.because)
        return {"route": "gate_budget"}
    if answer.move == "design_trials":
        return {"route": "design_trials"}
    _leave_out(work, trials)
    if answer.move == "open_merge_request":
        return {"route": "open_merge_request"}
    return {"route": "close", "outcome": "no gain beyond noise: nothing beats the baseline"}


def _leave_out(work: Work, trials: list[Trial]) -> None:
    """Runs that were planned and for which no hours were left are not taken up by what follows."""
    with work.ledger.transaction():
        for trial in trials:
            if trial.status == "planned":
                left = trial.model_copy(update={"status": "skipped", "because": NO_HOURS_LEFT})
                work.ledger.trials.put(left, actor="coordinator", kind="trial.left_out")


def _move_question(
    work: Work, assigned: AssignedTicket, trials: list[Trial], round_: int
) -> MoveQuestion:
    metric = assigned.ticket.metric
    baseline, best = group_of(trials, "baseline"), work.best(assigned, trials)
    # Not the gate of this round: this very step may have opened it before it was cut off.
    earlier = {gate_id(assigned.id, "budget", assigned.revision, n) for n in range(round_)}
    asked = sum(gate.id in earlier for gate in work.ledger.gates.of(assigned.id))
    present = work.on_present_data(assigned, trials)
    tried = [t.values for t in present if t.status != "planned" and not t.left_out]
    wanted = [s.values for s in work.plan(assigned).suggestions if not s.finding]
    legal: list[Move] = []
    left = assigned.budget.trials - spent(trials)
    if left <= 0 or hours_left(assigned, trials) <= 0:
        legal.append("ask_budget")
    if assigned.ticket.kind != "search":
        legal.clear()  # a patch is measured with its seeds, and more runs would say no more
    legal.append("open_merge_request" if best is not None else "finish")
    found = ranked(metric, [t for t in present if t.kind in ("search", "restart")], 1)
    return MoveQuestion(
        legal=tuple(legal),
        trials_left=max(0, left),
        hours_left=round(hours_left(assigned, trials), 3),
        target_met=bool(found)
        and metric.target is not None
        and not metric.better(metric.target, found[0].mean),
        gain=metric.gain(best.mean, baseline.mean) if best and baseline else None,
        budget_asked=asked,
        untried=sum(
            not any(values.items() <= known.items() for known in tried) for values in wanted
        ),
    )


def _ask_budget(work: Work, assigned: AssignedTicket, round_: int, because: str) -> None:
    add = {"trials": assigned.budget.trials, "hours": assigned.budget.hours}
    make_gate(
        work,
        assigned,
        "budget",
        round_,
        title="More budget?",
        description=(
            f"{because}. {assigned.budget.trials} runs were allowed.\n\naccept: the same budget"
            " again · edit: another one · ignore: finish with what there is"
        ),
        shown={"add": add, "budget": assigned.budget.model_dump(mode="json")},
        allowed=("accept", "edit", "ignore"),
    )


async def gate_budget(state: TicketState, runtime: Runtime[Work]) -> dict[str, Any]:
    """Waits for a person's word on more budget; only they can raise it."""
    work, round_ = runtime.context, state["budget_round"]
    assigned = work.assigned(state["ticket"])
    gate = gate_id(assigned.id, "budget", assigned.revision, round_)
    decision = pause_for(work, gate)
    if decision.kind not in ("accept", "edit"):
        return {"route": "analyse", "budget_round": round_ + 1}
    raise_budget(work, assigned.id, work.ledger.gates.get(gate).shown, decision)
    return {"route": "design_trials", "budget_round": round_ + 1}


def _last_reason(trials: list[Trial], kind: TrialKind) -> str:
    last = [t for t in trials if t.kind == kind][-1:]
    return last[0].result.reason if last and last[0].result else "it never ran"


def _ask_about_baseline(
    work: Work, assigned: AssignedTicket, round_: int, trials: list[Trial]
) -> None:
    reason = _last_reason(trials, "baseline")
    used = ""
    if hours_left(assigned, trials) <= 0:
        used = f"{assigned.budget.hours:g} hours"
    elif spent(trials) >= assigned.budget.trials:
        used = f"{assigned.budget.trials} runs"
    used_up = f" The budget's {used} are spent: raise it before you accept." if used else ""
    make_gate(
        work,
        assigned,
        "escalation",
        round_,
        title="The program as it is gives no score",
        description=(
            f"No run of `{assigned.ticket.run.command}` at {assigned.base_commit[:12]} gave"
            f" {assigned.ticket.metric.name}: {as_text(reason, 600)}\n\nCorrect the ticket's run,"
            " metric, evaluator or environment and assign it again, or free what was missing and"
            f" accept to try once more.{used_up} ignore: end the ticket as failed"
        ),
        shown={"reason": reason[:1000], "trials": [t.id for t in trials]},
        allowed=("accept", "respond", "ignore"),
    )


async def gate_escalation(state: TicketState, runtime: Runtime[Work]) -> dict[str, Any]:
    """Waits for a person where the crew can't go on by itself."""
    work, round_ = runtime.context, state["escalation_round"]
    gate = gate_id(state["ticket"], "escalation", state["revision"], round_)
    decision = pause_for(work, gate)
    if decision.kind == "ignore":
        reason = str(work.ledger.gates.get(gate).shown["reason"])
        return {"route": "close", "outcome": f"failed: {reason[:_TAIL]}"}
    return {"route": "design_trials", "escalation_round": round_ + 1}
