"""Where the pattern of a fault stands elsewhere, a merge request says what was done about it."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from agents.code_description import code
from agents.programming.options import LoopOptions
from graphs.programming.writing import write_all
from labcrew.domain.programming import Patch
from tests.doubles.chat import ScriptedChat
from tests.doubles.hands import MemoryHands
from tests.programming.sessions import MENDED, SPLIT, TESTS, ledger_at, session_of
from tests.programming.test_calling import FINE, MEND, TOOLS, calls, finish

PLACES = ("other.py:3 return rows[:cut], rows[:cut]", "tools/more.py:9 rows[:n], rows[:n]")
NOT_LOOKED_AT = "The same pattern stands elsewhere, and was not looked at:"


async def written(
    folder: Path, *answers: Any, options: LoopOptions, alike: tuple[str, ...] = PLACES
) -> Patch:
    hands = MemoryHands({"data.py": SPLIT}, {"tests/test_data.py": TESTS}, alike=alike)
    with ledger_at(folder) as ledger:
        model = ScriptedChat(*answers)
        patch = await write_all(session_of(ledger, model, hands=hands, options=options))
    assert patch.status == "ready"
    assert len(model.asked) == len(answers)
    return patch


def said(patch: Patch) -> str:
    (text,) = [part for part in code(patch) if part.startswith("The same pattern")]
    return text


async def test_in_direct_style_nobody_looks_at_them(tmp_path: Path) -> None:
    patch = await written(tmp_path, MENDED, options=LoopOptions(style="direct"))
    assert patch.alike == PLACES
    assert patch.alike_shown == ()
    assert said(patch).startswith(NOT_LOOKED_AT)
    assert "- other.py:3" in said(patch)
    assert "- tools/more.py:9" in said(patch)


async def test_in_tools_style_the_model_is_shown_them(tmp_path: Path) -> None:
    patch = await written(tmp_path, calls(MEND), finish(), finish(), FINE, options=TOOLS)
    assert patch.alike_shown == PLACES
    assert "the model was shown these places, and left them as they are:" in said(patch)
    assert "not looked at" not in said(patch)


async def test_without_a_critic_the_model_is_not_shown_them(tmp_path: Path) -> None:
    options = dataclasses.replace(TOOLS, critique=False)
    patch = await written(tmp_path, calls(MEND), finish(), options=options)
    assert said(patch).startswith(NOT_LOOKED_AT)


async def test_what_the_model_looked_for_itself_was_shown_to_it(tmp_path: Path) -> None:
    options = dataclasses.replace(TOOLS, critique=False)
    look = calls(MEND, ("find_alike", {"path": "other.py"}))
    patch = await written(tmp_path, look, finish(), options=options)
    assert patch.alike_shown == PLACES[:1]
    shown, other = [part for part in code(patch) if part.startswith("The same pattern")]
    assert "was shown these places" in shown
    assert "other.py:3" in shown
    assert other.startswith(NOT_LOOKED_AT)
    assert "tools/more.py:9" in other


@pytest.mark.parametrize("options", [TOOLS, LoopOptions(style="direct")])
async def test_where_it_stands_nowhere_nothing_is_said(
    tmp_path: Path, options: LoopOptions
) -> None:
    answers = [calls(MEND), finish(), FINE] if options is TOOLS else [MENDED]
    patch = await written(tmp_path, *answers, options=options, alike=())
    assert not any(part.startswith("The same pattern") for part in code(patch))


def test_of_an_older_patch_it_is_not_known() -> None:
    old = Patch.model_validate(
        {
            "id": "T1-C0", "ticket": "T1", "revision": 0, "status": "ready", "files": (),
            "summary": "", "steps": 1, "by": "model:m", "alike": PLACES,
        }
    )  # fmt: skip
    assert said(old).startswith("The same pattern stands elsewhere:")
