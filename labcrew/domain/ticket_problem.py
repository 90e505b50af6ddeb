"""What is wrong with a ticket."""

from pydantic import Field

from labcrew.domain.base import Model


class TicketProblem(Model):
    """One thing that a person must correct."""

    line: int | None = Field(default=None, ge=1, description="of the file; null: not of one line")
    field: str = Field(default="", description="dotted, e.g. metric.direction; may be empty")
    message: str
