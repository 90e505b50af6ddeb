"""What tickets and drafts leave in the memory: an index of the ledger, so they go on without it."""

import asyncio

from labcrew.domain.research import MemoryRecord
from labcrew.errors import MemoryDamaged
from tools.toolbox import Workbench


async def remember(bench: Workbench, commission: str, records: list[MemoryRecord]) -> None:
    """Puts records that the ledger has into the memory; where it is damaged, says so once.

    Args:
        commission: id of the ticket or draft that leaves them.
    """
    try:
        await asyncio.to_thread(bench.memory.remember, records)
    except MemoryDamaged as error:
        bench.ledger.events.append(
            ticket=commission,
            actor="worker",
            kind="memory.damaged",
            key=f"{commission}/memory/damaged",
            data={"because": error.message, "remedy": error.remedy},
        )
