"""What a change leaves undone holds it up; what may be meant so is told once, and noted."""

from pathlib import Path
from typing import Any

import pytest

from agents.programming.critique import unfit
from agents.programming.options import LoopOptions
from graphs.programming.session import Session
from graphs.programming.writing import write_all
from labcrew.domain.programming import Patch
from tests.doubles.chat import ScriptedChat
from tests.programming.sessions import MENDED, SPLIT, ledger_at, session_of
from tests.programming.test_calling import FINE, MEND, TOOLS, calls, finish

HONEST = {
    "a hook": "class Quiet:\n    def on_end(self):\n        pass\n",
    "a branch": (
        "def one_of(mode):\n    if mode == 1:\n        return 1\n"
        "    raise NotImplementedError(mode)\n"
    ),
}


def added(text: str, at: str = "def split") -> tuple[str, dict[str, str]]:
    return "replace_text", {"path": "data.py", "old": at, "new": f"{text}\n\n{at}"}


async def written(folder: Path, *answers: Any) -> tuple[Patch, ScriptedChat, Session]:
    model = ScriptedChat(*answers)
    with ledger_at(folder) as ledger:
        session = session_of(ledger, model, options=TOOLS)
        return await write_all(session), model, session


@pytest.mark.parametrize("what", HONEST)
async def test_what_may_be_meant_so_is_told_once(tmp_path: Path, what: str) -> None:
    honest = added(HONEST[what])
    moved = added("ONE = 1\n", at="def shuffled")
    patch, model, _ = await written(
        tmp_path, calls(MEND, honest), finish(), calls(moved), finish(), FINE
    )
    assert "call finish again if it is meant to be as it is:\ndata.py:" in (
        model.asked[2][-1].content
    )
    assert patch.status == "ready"
    assert len(model.asked) == 5
    (note,) = patch.notes
    assert note.startswith("Perhaps unfinished: data.py:")


async def test_a_comment_that_says_what_stays_is_not_told(tmp_path: Path) -> None:
    patch, model, _ = await written(
        tmp_path, calls(MEND, added("# the input stays unchanged")), finish(), FINE
    )
    assert patch.status == "ready"
    assert patch.notes == ()
    assert len(model.asked) == 3


@pytest.mark.parametrize(
    "stub",
    ["# ... rest of code unchanged", "# FIXME", "def more():\n    raise NotImplementedError\n"],
)
async def test_what_is_certainly_undone_holds_up_every_finish(tmp_path: Path, stub: str) -> None:
    patch, _, session = await written(tmp_path, calls(MEND, added(stub)), finish())
    assert patch.status == "gave_up"
    refused = [turn.outcomes[0].text for turn in session.turns[1:7]]  # then it is taken back
    assert len(refused) == 6
    assert all("Left unfinished: data.py:" in text for text in refused)


async def test_in_direct_style_it_holds_up_nothing(tmp_path: Path) -> None:
    branch = "share):\n    if share < 0:\n        raise NotImplementedError(share)\n"
    model = ScriptedChat(MENDED.replace("share):\n", branch))
    options = LoopOptions(style="direct", reduce=False)
    with ledger_at(tmp_path) as ledger:
        patch = await write_all(session_of(ledger, model, options=options))
    assert patch.status == "ready"
    assert patch.steps == 1
    (note,) = patch.notes
    assert note.startswith("Perhaps unfinished: data.py:10 not implemented: raise Not")


def test_a_stub_is_not_worth_a_run() -> None:
    stub = SPLIT.replace("    return list(rows)", "    raise NotImplementedError")
    assert "unfinished" in unfit({"data.py": SPLIT}, {"data.py": stub})
    branch = SPLIT.replace("    return list", "    if not rows:\n        raise NotImplementedError"
                           "(rows)\n    return list")  # fmt: skip
    assert unfit({"data.py": SPLIT}, {"data.py": branch}) == ""
