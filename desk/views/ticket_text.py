"""A ticket or a spec as the text of a file that can be handed in again."""

from agents.drafting import yaml_text
from labcrew.domain.evolution_spec import EvolutionSpec
from labcrew.domain.ticket import Ticket


def ticket_text(ticket: Ticket | EvolutionSpec) -> str:
    """Markdown with YAML front matter; fields at their defaults are left out."""
    values = ticket.model_dump(mode="json", exclude_defaults=True)
    values.pop("question", None)
    lines = yaml_text.table(values, lambda field: ())
    # A text that ends in a newline needs a line behind it.
    return "\n".join(["---", *lines, "#", "---", "", ticket.question, ""])
