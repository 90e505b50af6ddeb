"""The writing of code comes out again from the records, with every sandbox out of reach."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from agents.programming.options import LoopOptions
from desk.replay import Replayed, replay
from evals.lab import take
from graphs.crew import Crew
from graphs.programming.session import Session
from graphs.programming.toolbox_hands import ToolboxHands
from graphs.programming.writing import write_all
from graphs.work import Work
from labcrew.deciding import decide
from labcrew.domain.review import Gate
from labcrew.domain.spending import Bounds
from labcrew.errors import ModelFailure
from labcrew.judgement import Judge
from labcrew.metered import Desk, MeteredChat
from labcrew.ports import SystemClock
from labcrew.recordings import Recordings
from labcrew.redaction import Redaction
from labcrew.spending import Account
from tests.doubles.chat import ScriptedChat
from tests.doubles.embedder import WordEmbedder
from tests.programming.test_calling import FINE, calls, finish
from tests.programming.test_on_an_engine import NEW, OLD, REST, bench, user
from tests.sandboxes.fixtures import UserFolder
from tests.tools.programming.conftest import make_fix
from tools.programming.container import put_code_away
from tools.toolbox import Workbench

__all__ = ["bench", "user"]
pytestmark = pytest.mark.engine


async def written(
    bench: Workbench, user: UserFolder, id: str, *answers: Any, room: int | None = None
) -> Session:
    """A ticket whose plan was accepted, worked on to its end by a model that is paid for."""
    fix = make_fix(user, tests={"timeout_s": 60, "fail_to_pass": [REST]})
    assigned = take(bench, fix, Path("/"), id)
    bench.ledger.tickets.put(assigned, actor="person:ada")
    gate = Gate.model_validate(
        {
            "id": f"{id}-plan-r0.0", "ticket": id, "kind": "plan", "title": "Plan",
            "description": "", "shown": {"plan": {}}, "allowed": ("accept",),
            "safe_default": "ignore", "opened_at": bench.clock.now(), "expires_at": None,
        }
    )  # fmt: skip
    bench.ledger.gates.put(gate, actor="coordinator", kind="gate.opened")
    decide(bench.ledger, bench.clock, gate.id, "accept", by="ada")
    folder = bench.home.model_calls(id)
    account = Account(bench.ledger, id, folder / "h", lambda: Bounds(tokens=10**7), {})
    desk = Desk(account, Recordings(folder / "kept", Redaction()), SystemClock())
    crew = Crew.of(Judge(models={}), WordEmbedder())
    work = Work(bench=bench, crew=crew, rules=crew)
    model = ScriptedChat(*answers)
    model.prompt_characters = room
    session = Session(
        ledger=bench.ledger,
        assigned=assigned,
        model=MeteredChat(model, desk),
        hands=ToolboxHands(work, assigned),
        options=LoopOptions(style="direct" if isinstance(answers[0], str) else "tools"),
    )
    try:
        await write_all(session)
    finally:
        put_code_away(id, bench.sandboxes)
    return session


async def again(bench: Workbench, id: str) -> Replayed:
    before = bench.ledger.events.count()
    done = await asyncio.to_thread(replay, bench.home, bench.ledger, id, bench.repositories)
    assert bench.ledger.events.count() == before
    return done


WRONG = "```python\ndef split(rows, share):\n    return rows, rows\n```"
RIGHT = f"```\n    4 |     {NEW}\n```"
BY_TOOLS = (
    calls(("read_file", {"path": "lab/split.py"})),
    calls(("replace_text", {"path": "lab/split.py", "old": OLD, "new": NEW})),
    finish(),
    FINE,
)


CUT = ModelFailure("it was cut off", kind="cut_off", said=f"{WRONG}\nOr, to be su")
"""Its whole block is tried, as that of a whole answer is."""
LARGE = f"""```python
def split(rows, share):
    cut = int(share * len(rows))
    {NEW}
```"""
"""One line of it is not needed, and taken out."""
STUCK = (*[calls(("read_file", {"path": "lab/split.py"}))] * 3, *BY_TOOLS[1:])
"""The third of the same calls changes the strategy."""


@pytest.mark.parametrize(
    ("id", "answers"),
    [
        ("T-301", (WRONG, RIGHT)),
        ("T-302", BY_TOOLS),
        ("T-304", STUCK),
        ("T-305", (WRONG, CUT, RIGHT)),
        ("T-306", (LARGE,)),
    ],
)
async def test_each_step_comes_out_again(
    bench: Workbench, user: UserFolder, id: str, answers: tuple[Any, ...]
) -> None:
    session = await written(bench, user, id, *answers)
    assert bench.ledger.patches.get(f"{id}-C0").status == "ready"
    done = await again(bench, id)
    assert done.difference is None, done.difference
    assert done.left_out == ()
    # Each reply, each turn, and the patch at the end.
    assert done.decisions >= 2 * len(session.turns) + 1
    assert done.calls == len(bench.ledger.model_calls.of(id)) >= len(session.turns)


async def test_a_prompt_that_fits_a_small_context_comes_out_again(
    bench: Workbench, user: UserFolder
) -> None:
    await written(bench, user, "T-308", WRONG, RIGHT, room=1_200)
    done = await again(bench, "T-308")
    assert (done.difference, done.left_out) == (None, ())


async def test_another_prompt_is_found(
    bench: Workbench, user: UserFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    await written(bench, user, "T-303", WRONG, RIGHT)
    monkeypatch.setattr("graphs.programming.direct._SHOWN", 20)
    done = await again(bench, "T-303")
    assert done.difference is not None
    assert "T-303/r0.0/write_code/" in done.difference.what
