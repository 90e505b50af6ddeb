"""The tickets that drivers work on, and what their people say at the gates."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from agents.programming.options import PROGRAMMING
from desk.office import Office
from graphs.crew import Crew
from labcrew.domain.chat import Message, Reply, ToolOffer
from labcrew.domain.review import DecisionKind
from labcrew.domain.ticket import Ticket
from labcrew.errors import ModelFailure
from labcrew.judgement import Judge
from labcrew.ledger import Ledger
from tests.doubles.embedder import WordEmbedder
from tests.graphs import faulty_mean
from tests.graphs.tiny import DATA, REPORTED, make_tiny, ticket
from tests.sandboxes.fixtures import UserFolder

_ONE_SEED: dict[str, Any] = REPORTED | {"seeds": [0]}


@dataclass(frozen=True)
class Says:
    """A person's decision."""

    kind: DecisionKind
    comment: str = ""
    edits: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Story:
    """A ticket from assignment to its end.

    Args:
        makes: makes the repository in a folder.
        asks: the ticket on that folder.
        answers: by gate id, without the ticket; empty: --yes answers.
        status: how it ends.
        chat: made on a ledger, the model that writes code; None: there is none.
    """

    makes: Callable[[Path], UserFolder]
    asks: Callable[[Path], Ticket]
    answers: Mapping[str, Says] = field(default_factory=dict)
    status: str = "done"
    chat: "type[Recalling] | None" = None

    def crew(self, ledger: Ledger) -> Crew | None:
        """The agents around the story's model, where it has one."""
        if self.chat is None:
            return None
        return Crew.of(Judge(models={PROGRAMMING: self.chat(ledger)}), WordEmbedder())

    def answer(self, office: Office) -> None:
        """Decides each open gate. Raises KeyError: the story has no answer for it."""
        for gate in office.inbox():
            says = self.answers[gate.id.removeprefix(f"{gate.ticket}-")]
            office.decide(gate.id, says.kind, "ada", comment=says.comment, edits=says.edits)


class Recalling:
    """A model whose answer follows from the ledger alone, so that a new life hears the same: its
    budget is used up at first, and it writes the right code once a person said what is wrong.
    """

    name = "recalling"
    prompt_characters: int | None = None

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def reply(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[ToolOffer] = (),
        schema: type[BaseModel] | None = None,
        purpose: str = "",
    ) -> Reply:
        """One edit, whatever is asked."""
        decided = {decision.gate for decision in self._ledger.decisions.of("T-001")}
        if not any(gate.startswith("T-001-budget") for gate in decided):
            raise ModelFailure("2,000,000 tokens are used up", kind="over_budget")
        knows = any(gate.startswith("T-001-escalation") for gate in decided)
        text = faulty_mean.RIGHT if knows else faulty_mean.WRONG
        return Reply(message=Message(role="assistant", content=text), model=self.name)


def _tiny(**changes: Any) -> Callable[[Path], Ticket]:
    return lambda path: ticket(path, **changes)


def _faulty_mean(path: Path) -> Ticket:
    fields = faulty_mean.FIELDS | {"repository": str(path), "budget": {"steps": 2}}
    return Ticket.model_validate(fields)


WHOLE_WAY = (
    "intake literature_review profile_data investigate plan gate_plan prepare design_trials"
    " launch_trials monitor_trials analyse open_merge_request smoke_test gate_merge merge reflect"
)
"""The steps of a ticket that meets no trouble."""

STORIES = {
    "whole": Story(
        make_tiny,
        # Settings are drawn by the title: the second x of this one is 0.85, at random, and crashes.
        _tiny(
            title="A better x, though some crash",
            variant="crash-above",
            data=DATA,
            seeds=[0],
            budget={"trials": 6, "parallel": 1},
        ),
    ),
    "revised": Story(
        make_tiny,
        _tiny(
            **_ONE_SEED,
            budget={"trials": 2, "parallel": 1},
            search_space={"x": {"type": "float", "low": 0.3, "high": 1}},
        ),
        answers={
            "plan-r0.0": Says("accept"),
            "merge-r0.0": Says("respond", comment="What about x = 0.7?"),
            "plan-r1.0": Says("accept"),
            "budget-r1.0": Says("edit", edits={"budget": {"trials": 3}}),
            "merge-r1.0": Says("accept"),
        },
    ),
    "hopeless": Story(
        make_tiny,
        _tiny(**_ONE_SEED, variant="crash", budget={"trials": 4, "parallel": 1}),
        answers={
            "plan-r0.0": Says("accept"),
            "escalation-r0.0": Says("accept"),
            "escalation-r0.1": Says("ignore"),
        },
        status="failed",
    ),
    "code": Story(
        faulty_mean.make_faulty_mean,
        _faulty_mean,
        answers={
            "plan-r0.0": Says("accept"),
            "budget-r0.0-models": Says("accept"),
            "budget-r0.0-steps-4": Says("edit", edits={"budget": {"steps": 5}}),
            "budget-r0.0-steps-5": Says("ignore"),
            "escalation-r0.0-code": Says("respond", comment="the last value is left out"),
            "merge-r0.0": Says("accept"),
        },
        chat=Recalling,
    ),
}
