"""Code whose steps were used up comes out again: while a person is asked, with more, given up."""

import asyncio
from typing import Any

import pytest

from agents.programming.options import LoopOptions
from desk.replay import replay
from graphs.crew import Crew
from graphs.programming.session import OutOfSteps, Session
from graphs.programming.toolbox_hands import ToolboxHands
from graphs.programming.writing import write_all
from graphs.work import Work
from labcrew.domain.spending import Bounds
from labcrew.judgement import Judge
from labcrew.metered import Desk, MeteredChat
from labcrew.ports import SystemClock
from labcrew.recordings import Recordings
from labcrew.redaction import Redaction
from labcrew.spending import Account
from tests.doubles.chat import ScriptedChat
from tests.doubles.embedder import WordEmbedder
from tests.programming.test_on_an_engine import bench, user
from tests.programming.test_replay_code import RIGHT, WRONG, given
from tests.sandboxes.fixtures import UserFolder
from tools.programming.container import put_code_away
from tools.toolbox import Workbench

__all__ = ["bench", "user"]
pytestmark = pytest.mark.engine


def begun(bench: Workbench, user: UserFolder, id: str, *answers: Any) -> Session:
    """A ticket of one step whose plan was accepted."""
    assigned = given(bench, user, id, budget={"memory_mb": 512, "steps": 1})
    folder = bench.home.model_calls(id)
    account = Account(bench.ledger, id, folder / "h", lambda: Bounds(tokens=10**7), {})
    desk = Desk(account, Recordings(folder / "kept", Redaction()), SystemClock())
    crew = Crew.of(Judge(models={}), WordEmbedder())
    return Session(
        ledger=bench.ledger,
        assigned=assigned,
        model=MeteredChat(ScriptedChat(*answers), desk),
        hands=ToolboxHands(Work(bench=bench, crew=crew, rules=crew), assigned),
        options=LoopOptions(style="direct"),
        asks=lambda used: used < 2,
    )


async def same(bench: Workbench, id: str) -> int:
    done = await asyncio.to_thread(replay, bench.home, bench.ledger, id, bench.repositories)
    assert (done.difference, done.left_out) == (None, ())
    return done.decisions


@pytest.mark.parametrize(
    ("id", "answer"), [("T-321", RIGHT), ("T-322", WRONG)], ids=["ready", "gave up"]
)
async def test_before_and_after_a_person_gave_more(
    bench: Workbench, user: UserFolder, id: str, answer: str
) -> None:
    session = begun(bench, user, id, WRONG, answer)
    try:
        with pytest.raises(OutOfSteps):
            await write_all(session)
        asked = await same(bench, id)
        budget = session.assigned.budget.model_copy(update={"steps": 2})
        session.assigned = session.assigned.model_copy(update={"budget": budget})
        bench.ledger.tickets.put(session.assigned, actor="person:ada")
        patch = await write_all(session)
    finally:
        put_code_away(id, bench.sandboxes)
    assert (patch.status, patch.steps) == ("ready" if answer == RIGHT else "gave_up", 2)
    assert await same(bench, id) > asked
