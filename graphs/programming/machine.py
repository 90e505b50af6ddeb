"""The machine that writes code: a step, and again; a question to a person is a gate of its own."""

from collections.abc import Callable
from typing import Any, Literal

from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from typing_extensions import TypedDict

from graphs import spans
from graphs.failed_runs import failed_runs
from graphs.gates import gate_id, make_gate, pause_for
from graphs.nodes.code import investigated, investigation_key
from graphs.nodes.spending import steps_gate
from graphs.programming import ended
from graphs.programming.hands import Hands
from graphs.programming.looking import by_rule, take_look
from graphs.programming.session import OutOfSteps, Phase, Session, Waits
from graphs.programming.toolbox_hands import ToolboxHands
from graphs.programming.writing import take_step
from graphs.work import HALTED, Halted, Work
from labcrew.deciding import settled
from labcrew.domain.chat import ChatModel
from labcrew.domain.programming import Investigation
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import LabcrewError, ModelFailure
from labcrew.evidence import as_text
from labcrew.taint import taint

HandsOf = Callable[[Work, AssignedTicket], Hands]
_STEPS_AT_ONCE = 10
"""Steps between two checkpoints: the ledger has each of them, so a checkpoint adds no safety."""
_QUESTION_CHARACTERS, _SAID_CHARACTERS = 2000, 8000


class ProgrammingState(TypedDict, total=False):
    """Where the writing of code stands: cursors, no more."""

    ticket: str
    revision: int
    plan_round: int
    code_round: int
    asked: str
    next: Literal["step", "question", "end"]


def programming_graph(phase: Phase, hands_of: HandsOf = ToolboxHands) -> Any:
    """The compiled subgraph of a phase; its only output is the phase's own key: done.

    Args:
        phase: investigate: the look before a plan, which edits nothing; write_code: to a patch.
        hands_of: the tools of a ticket.
    """
    result = TypedDict(f"{phase}_output", {phase: str}, total=False)  # type: ignore[misc]

    class State(ProgrammingState, result, total=False):
        pass

    async def step(state: ProgrammingState, runtime: Runtime[Work]) -> dict[str, Any]:
        work = runtime.context
        assigned = work.assigned(state["ticket"])
        if assigned.status in HALTED:
            raise Halted(assigned.id)
        if assigned.ticket.kind == "search":
            return {"next": "end", phase: ended.DONE}
        model = work.programmer
        if model is None and phase == "investigate":
            found = await by_rule(assigned.ticket, hands_of(work, assigned))
            _found(work, assigned, state, found)
            return {"next": "end", phase: ended.DONE}
        if model is None:
            raise LabcrewError(
                f"{assigned.id} needs a chat model that writes code, and none is set."
                " Set one in the settings, then run `labcrew ticket retry`."
            )
        session = session_of(work, model, assigned, state, phase, hands_of)
        session.asks = lambda used: _asks(work, assigned, state, used)
        try:
            end = False
            for _ in range(_STEPS_AT_ONCE):
                session.assigned = work.assigned(assigned.id)
                if session.assigned.status in HALTED:
                    raise Halted(assigned.id)
                with spans.step(work.bench.tracer, "merge_request", assigned.id, phase):
                    if phase == "write_code":
                        end = await take_step(session) == "end"
                    else:
                        end = await looked(work, session, state)
                if end:
                    break
        except Waits as waits:
            _ask(work, assigned, state, waits)
            return {"next": "question", "asked": waits.name}
        except OutOfSteps as out:
            return {"next": "end", phase: ended.out_of_steps(out.used)}
        except ModelFailure as failure:
            work.sessions.clear()
            if failure.kind == "over_budget":
                return {"next": "end", phase: ended.spent(failure.message)}
            raise _parked(assigned, failure) from failure
        except BaseException:
            work.sessions.clear()  # what it remembers may be half a step; the ledger is not
            raise
        return {"next": "end", phase: ended.DONE} if end else {"next": "step"}

    async def question(state: ProgrammingState, runtime: Runtime[Work]) -> dict[str, Any]:
        pause_for(runtime.context, _gate(state, state["asked"]))
        return {"next": "step"}

    graph = StateGraph(State, context_schema=Work, output_schema=result)
    graph.add_node("step", step)
    graph.add_node("question", question)
    graph.add_edge(START, "step")
    graph.add_conditional_edges(
        "step", lambda s: s["next"], {"step": "step", "question": "question", "end": END}
    )
    graph.add_edge("question", "step")
    return graph.compile()


def session_of(
    work: Work,
    model: ChatModel,
    assigned: AssignedTicket,
    state: ProgrammingState,
    phase: Phase,
    hands_of: HandsOf,
) -> Session:
    """The session of this phase and round: kept while this process lives, else read back."""
    round_ = state.get("plan_round", 0) if phase == "investigate" else _round(state)
    name = f"{assigned.id}/r{assigned.revision}.{round_}/{phase}"
    known = work.sessions.get(name)
    if isinstance(known, Session):
        known.assigned = assigned
        return known
    because = "a chat model that writes code reads it"
    taint(work.ledger, assigned.id, "repository", actor="merge_request", because=because)
    runs = failed_runs(work, assigned, round_) if phase == "write_code" else ()
    if runs:
        because = "a chat model that writes code is told how runs failed"
        taint(work.ledger, assigned.id, "logs", actor="merge_request", because=because)

    def people(name: str, question: str) -> str | None:
        row = work.ledger.gates.find(_gate(state, name))
        decision = settled(work.ledger, work.bench.clock, row) if row is not None else None
        if decision is None:
            return None
        return decision.comment or "Nobody answered. Decide it yourself, and say how at the end."

    made = Session(
        ledger=work.ledger,
        assigned=assigned,
        model=model,
        hands=hands_of(work, assigned),
        options=work.loop,
        phase=phase,
        round=round_,
        said=_said(work, assigned, state, phase),
        failed_runs=runs,
        people=people,
    )
    made.recall()
    work.sessions[name] = made
    return made


async def looked(work: Work, session: Session, state: ProgrammingState) -> bool:
    """One step of the look before a plan; whether what it found is written down."""
    found = await take_look(session)
    if found is not None:
        _found(work, session.assigned, state, found)
    return found is not None


def _found(
    work: Work, assigned: AssignedTicket, state: ProgrammingState, found: Investigation
) -> None:
    work.ledger.events.append(
        ticket=assigned.id,
        actor="merge_request",
        kind="code.investigated",
        key=investigation_key(assigned, state.get("plan_round", 0)),
        data=found.model_dump(mode="json"),
    )


def _said(
    work: Work, assigned: AssignedTicket, state: ProgrammingState, phase: Phase
) -> tuple[str, ...]:
    """What people said of the work, and what the look before the plan found."""
    ledger, said = work.ledger, []
    comments = [
        f"- {c.text}" + (f" ({c.path}:{c.line or ''})" if c.path else "")
        for c in ledger.comments.of(assigned.id)
        if c.resolved_by_revision == assigned.revision and assigned.revision
    ]
    if comments:
        listed = "\n".join(comments)
        said.append(f"Comments on the change so far, which are to be acted on:\n{listed}")
    answers = [
        f"- {decision.comment}"
        for decision in ledger.decisions.of(assigned.id)
        if decision.kind == "respond"
        and decision.comment
        and ("-plan-" in decision.gate or decision.gate.endswith("-code"))
    ]
    if answers:
        said.append("What people answered to plans and earlier tries:\n" + "\n".join(answers))
    found = investigated(work, assigned, state.get("plan_round", 0))
    if found is not None and phase == "write_code":
        said.append(f"A look before the plan found:\n{found.summary}")
    return tuple(text[:_SAID_CHARACTERS] for text in said)


def _gate(state: ProgrammingState, name: str) -> str:
    about = f"question-{name}"
    return gate_id(state["ticket"], "escalation", state["revision"], _round(state), about)


def _round(state: ProgrammingState) -> int:
    return state.get("code_round", 0)


def _ask(work: Work, assigned: AssignedTicket, state: ProgrammingState, waits: Waits) -> None:
    question = as_text(waits.question, _QUESTION_CHARACTERS)
    make_gate(
        work,
        assigned,
        "escalation",
        _round(state),
        about=f"question-{waits.name}",
        title="A question about the code",
        description=f"The agent that writes the code asks:\n\n{question}\n\n"
        "respond: answer it · ignore: it decides by itself",
        shown={"question": question},
        allowed=("respond", "ignore"),
    )


def _asks(work: Work, assigned: AssignedTicket, state: ProgrammingState, used: int) -> bool:
    """Whether a person is asked for more steps, or may be: they did not decide yet."""
    gate = work.ledger.gates.find(steps_gate(assigned, _round(state), used))
    return gate is None or settled(work.ledger, work.bench.clock, gate) is None


def _parked(assigned: AssignedTicket, failure: ModelFailure) -> LabcrewError:
    """What a person is told when an endpoint does not answer; all that was done stays."""
    return LabcrewError(
        f"The chat model that writes code can't be used now: {failure.message}"
        f" Nothing is lost; go on with `labcrew ticket retry {assigned.id}`."
    )
