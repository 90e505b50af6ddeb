"""The tool that asks the crew's shared memory."""

from typing import Literal

from pydantic import Field

from labcrew.domain.base import Model
from labcrew.domain.research import Recalled
from labcrew.domain.ticket import AssignedTicket
from tools.toolbox import Tool, Workbench


class RecallMemory(Model):
    """What other tickets left in memory; what rests on another commit or data comes as lapsed."""

    scope: Literal["findings", "lessons", "trials"]
    query: str = Field(min_length=1, max_length=4000)
    limit: int = Field(default=8, ge=1, le=100)
    commit: str | None = None
    data_hash: str | None = None
    repository: str | None = Field(default=None, description="only what is of it, or of none")
    holding: bool = Field(default=False, description="leaves out what has lapsed")


def _run(call: RecallMemory, assigned: AssignedTicket, bench: Workbench) -> list[Recalled]:
    """The nearest records, best first.

    Those of the very ticket are left out: they are no source of its own.
    """
    return bench.memory.recall(
        call.scope,
        call.query,
        limit=call.limit,
        commit=call.commit,
        data_hash=call.data_hash,
        repository=call.repository,
        other_than=assigned.id,
        holding=call.holding,
    )


recall_memory: Tool[RecallMemory, list[Recalled]] = Tool("recall_memory", RecallMemory, _run)
