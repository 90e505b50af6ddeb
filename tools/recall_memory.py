"""The tool that asks the crew's shared memory."""

from typing import Literal

from pydantic import Field

from labcrew.domain.base import Model
from labcrew.domain.research import Recalled
from labcrew.domain.ticket import AssignedTicket
from tools.toolbox import Tool, Workbench


class RecallMemory(Model):
    """What to recall; records that rest on another commit or data hash come back as lapsed."""

    scope: Literal["findings", "lessons", "trials"]
    query: str = Field(min_length=1, max_length=4000)
    limit: int = Field(default=8, ge=1, le=100)
    commit: str | None = None
    data_hash: str | None = None


def _run(call: RecallMemory, assigned: AssignedTicket, bench: Workbench) -> list[Recalled]:
    """The nearest records, best first."""
    del assigned
    return bench.memory.recall(
        call.scope,
        call.query,
        limit=call.limit,
        commit=call.commit,
        data_hash=call.data_hash,
    )


recall_memory: Tool[RecallMemory, list[Recalled]] = Tool("recall_memory", RecallMemory, _run)
