"""What the crew works for: a ticket that was assigned, or the draft of one."""

from pydantic import Field

from labcrew.domain.base import Model


class Commission(Model):
    """A piece of work on one commit of one repository; tools need no more than this."""

    id: str = Field(description="T-001 for a ticket, D-001 for a draft")
    repository: str = Field(description="the user's repository, absolute")
    base_commit: str = Field(description="full id; the snapshot's where one was asked for")
