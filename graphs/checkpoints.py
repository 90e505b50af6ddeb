"""LangGraph's checkpoints of a home: only where each ticket stands; the ledger is the truth."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver


@asynccontextmanager
async def checkpoints(file: Path) -> AsyncIterator[AsyncSqliteSaver]:
    """Opens the checkpoints in a SQLite file, which is made if it is not there."""
    # The graphs keep words, numbers and LangGraph's own pauses. None allows nothing beyond that;
    # left out, a file could name any function, and reading it would call it.
    plain = JsonPlusSerializer(allowed_msgpack_modules=None)
    async with AsyncSqliteSaver.from_conn_string(str(file)) as opened:
        saver = AsyncSqliteSaver(opened.conn, serde=plain)
        await saver.setup()
        # Only a position: one that a power cut takes back is a node run again, which is safe.
        await saver.conn.execute("PRAGMA synchronous = NORMAL")
        yield saver
