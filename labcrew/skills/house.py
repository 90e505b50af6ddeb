"""A lab's skills as one process holds them: chosen for tickets, told to chat models."""

from dataclasses import dataclass, field

from labcrew.domain.research import AgentName, Embedder
from labcrew.domain.skills import Asking, Chosen, Skill
from labcrew.domain.ticket import Ticket
from labcrew.skills.choosing import choose, system_text


@dataclass(frozen=True)
class House:
    """What a lab wrote down about its ways.

    Args:
        skills: all of them.
        embedder: tells which of them a ticket is about.
    """

    skills: tuple[Skill, ...]
    embedder: Embedder
    _chosen: dict[Asking, Chosen] = field(default_factory=dict, repr=False, compare=False)

    def chosen(self, ticket: Ticket, agent: AgentName | None = None) -> Chosen:
        """The skills for a ticket, and for one agent's part in it; the same every time."""
        asking = asking_of(ticket, agent)
        if asking not in self._chosen:
            self._chosen[asking] = choose(self.skills, asking, self.embedder)
        return self._chosen[asking]

    def told(self, ticket: Ticket, agent: AgentName) -> str:
        """What an agent's chat model is told in its system prompt; empty without skills."""
        return system_text(self.chosen(ticket, agent).shown) if self.skills else ""


def asking_of(ticket: Ticket, agent: AgentName | None = None) -> Asking:
    """What skills are chosen by: nothing in it changes while a ticket is worked on."""
    return Asking(
        agent=agent,
        kind=ticket.kind,
        text=f"{ticket.title}\n{ticket.question}",
        paths=ticket.editable,
    )
