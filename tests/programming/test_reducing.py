"""What a mended fault can do without is taken out before its change is called done."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from agents.programming.edits import edited
from agents.programming.options import LoopOptions
from graphs.programming import reducing
from graphs.programming.session import Session
from graphs.programming.writing import take_step, write_all
from labcrew.domain import testing
from labcrew.domain.base import content_hash
from labcrew.domain.programming import Patch
from labcrew.errors import ToolError
from tests.doubles.chat import ScriptedChat
from tests.doubles.hands import Killed, MemoryHands
from tests.programming.sessions import TESTS, killed_after, ledger_at, session_of

PROGRAM = '''"""Splits."""

SHARE = 0.5


def shuffled(rows):
    return list(rows)


def split(rows, share):
    cut = int(len(rows) * share)
    low = 0
    top = len(rows)
    return rows[low:cut], rows[low:cut]


def last(rows):
    return rows[-1]
'''
LARGE = """```python
import math

def split(rows, share):
    cut = math.floor(len(rows) * share)
    low = 0 * cut
    top = len(rows) - 1
    return rows[low:cut], rows[cut:]


def last(rows):
    return rows[len(rows)]
```"""
"""Mends the fault, and does much else that no test sees."""
SOME = LARGE.replace("import math\n\n", "").replace("math.floor", "int").replace("0 * cut", "0")
"""Two lines of it are not needed."""
LARGER = edited(LARGE, {"data.py": PROGRAM})["data.py"]
SMALL = PROGRAM.replace("rows[low:cut]\n", "rows[cut:]\n")
LONG = TESTS + "\n\ndef test_of_three():\n    assert split([1, 2, 3], 0.5)[0] == [1]\n"


def hands_of(program: str = PROGRAM, **more: Any) -> MemoryHands:
    return MemoryHands({"data.py": program}, {"tests/test_data.py": LONG}, **more)


def text_of(patch: Patch, path: str = "data.py") -> str:
    (text,) = [file.content.decode() for file in patch.files if file.path == path]
    return text


async def written(
    folder: Path, *answers: Any, hands: MemoryHands | None = None, **more: Any
) -> Patch:
    with ledger_at(folder) as ledger:
        session = session_of(ledger, ScriptedChat(*answers), hands=hands or hands_of(), **more)
        return await write_all(session)


async def test_only_what_the_tests_need_is_left(tmp_path: Path) -> None:
    hands = hands_of()
    patch = await written(tmp_path, LARGE, hands=hands)
    assert patch.status == "ready"
    assert text_of(patch) == SMALL
    assert await hands.change() == {"data.py": SMALL}
    assert patch.steps == 1
    assert patch.after is not None
    assert all(patch.after.passed(name) for name in (*patch.fail_to_pass, *patch.pass_to_pass))
    told = "\n".join(patch.notes)
    assert len(patch.notes) == 5
    assert "Taken out of data.py:13, all tests pass without it: top = len(rows) - 1" in told
    assert "return rows[len(rows)]" in told
    assert "cut:]" not in told


async def test_edits_that_were_kept_on_the_way_are_taken_out_too(tmp_path: Path) -> None:
    """The first mends one of two faults; that it rewrites another line is seen by no test."""
    program = PROGRAM.replace("return list(rows)", "return rows + rows")
    way = "```python\ndef last(rows):\n    return rows[0]\n\n\n"
    way += "def shuffled(rows):\n    return rows\n```"
    mended = "```python\ndef split(rows, share):\n    cut = int(len(rows) * share)\n    low = 0\n"
    mended += "    top = len(rows)\n    return rows[low:cut], rows[cut:]\n```"
    names = ["tests/test_data.py::test_halves", "tests/test_data.py::test_shuffled"]
    tests = {"fail_to_pass": names, "files": {"tests/test_data.py": TESTS}}
    hands = hands_of(program)
    patch = await written(tmp_path, way, mended, hands=hands, tests=tests)
    assert patch.status == "ready"
    assert text_of(patch) == SMALL.replace("list(rows)", "rows")
    assert len(patch.notes) == 1


async def test_without_it_the_change_stays_as_it_was_written(tmp_path: Path) -> None:
    options = LoopOptions(style="direct", reduce=False)
    patch = await written(tmp_path, LARGE, options=options)
    assert patch.status == "ready"
    assert text_of(patch) == LARGER
    assert patch.notes == ()


async def test_what_a_feature_brings_stays(tmp_path: Path) -> None:
    """More is asked for than its tests show."""
    patch = await written(tmp_path, LARGE, kind="implement")
    assert patch.status == "ready"
    assert text_of(patch) == LARGER


async def test_what_a_person_asked_for_in_a_revision_stays(tmp_path: Path) -> None:
    hands = hands_of()
    await written(tmp_path, LARGE, hands=hands)
    comment = '```python\ndef last(rows):\n    """The last."""\n    return rows[-1]\n```'
    with ledger_at(tmp_path) as ledger:
        session = session_of(ledger, ScriptedChat(comment), hands=hands)
        session.assigned = session.assigned.model_copy(update={"revision": 1})
        patch = await write_all(session)
    assert patch.status == "ready"
    assert '"""The last."""' in text_of(patch)


async def test_a_test_that_was_written_stays(tmp_path: Path) -> None:
    test = (
        "```python\nfrom data import last, split\n\n\ndef test_rest():\n"
        "    assert split([1, 2], 0.5) == ([1], [2])\n\n\n"
        "def test_last():\n    assert last\n```"
    )
    hands = MemoryHands({"data.py": PROGRAM}, {}, ("data.py", "tests/*"))
    patch = await written(tmp_path, test, LARGE, hands=hands, tests=None)
    assert patch.status == "ready"
    assert {file.path for file in patch.files} == {"data.py", "tests/test_t_0001.py"}
    assert "def test_last" in text_of(patch, "tests/test_t_0001.py")
    assert "math" not in text_of(patch)
    assert "rows[cut:]" in text_of(patch)


@pytest.mark.parametrize("tries", range(6))
async def test_where_tries_run_out_what_is_proven_so_far_is_kept(
    tmp_path: Path, tries: int
) -> None:
    """A try is a step of the budget."""
    hands = hands_of()
    patch = await written(tmp_path, LARGE, hands=hands, budget={"steps": 1 + tries})
    assert patch.status == "ready"
    assert "rows[cut:]" in text_of(patch)
    assert (text_of(patch) == SMALL) == ("ran out" not in patch.notes[0])
    assert (text_of(patch) == LARGER) == (tries < 2)


@pytest.mark.parametrize(("bound", "most"), [("_TRIES", 3), ("_SECONDS", 3), ("_CANDIDATES", 0)])
async def test_each_bound_ends_it(
    tmp_path: Path, bound: str, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reducing, bound, most)

    class Slow(MemoryHands):
        async def tests(self, step: str, names: Any) -> testing.TestReport:
            report = await super().tests(step, names)
            return report.model_copy(update={"duration_s": 1.0})

    hands = Slow({"data.py": PROGRAM}, {"tests/test_data.py": LONG})
    patch = await written(tmp_path, LARGE, hands=hands)
    assert patch.status == "ready"
    assert "rows[cut:]" in text_of(patch)
    assert text_of(patch) != SMALL
    assert "ran out" in patch.notes[0]


async def test_a_smaller_change_that_is_no_good_in_the_end_is_put_back(tmp_path: Path) -> None:
    """Such as one whose tests don't come out the same each time."""

    class Moody(MemoryHands):
        async def tests(self, step: str, names: Any) -> testing.TestReport:
            if "/smaller/" in step:
                return testing.TestReport(outcomes={}, exit_code=1)
            return await super().tests(step, names)

    hands = Moody({"data.py": PROGRAM}, {"tests/test_data.py": LONG})
    patch = await written(tmp_path, LARGE, hands=hands)
    assert patch.status == "ready"
    assert text_of(patch) == LARGER
    (note,) = patch.notes
    assert "not taken out: tests/test_data.py::test_halves still fails." in note


async def test_a_try_that_can_not_be_made_is_no_pass(tmp_path: Path) -> None:
    class Broken(MemoryHands):
        async def tests(self, step: str, names: Any) -> testing.TestReport:
            if "/reduce/" in step:
                raise ToolError("no sandbox")
            return await super().tests(step, names)

    hands = Broken({"data.py": PROGRAM}, {"tests/test_data.py": LONG})
    patch = await written(tmp_path, LARGE, hands=hands)
    assert patch.status == "ready"
    assert text_of(patch) == LARGER


class Counted(MemoryHands):
    """Notes every test run with the files that it ran on."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.seen: list[str] = []

    async def tests(self, step: str, names: Any) -> testing.TestReport:
        self.seen.append(f"{step} {content_hash(dict(self.changed))}")
        return await super().tests(step, names)


async def test_killed_anywhere_it_repeats_nothing(tmp_path: Path) -> None:
    """The process ends right after each write to the disk in turn, the first try on."""
    given = ({"data.py": PROGRAM}, {"tests/test_data.py": LONG})
    effects = first = 0

    def counted(session: Session) -> Session:
        real = session.once

        async def once(*args: Any, **named: Any) -> dict[str, Any]:
            nonlocal effects, first
            effects += 1
            first = first or ("/reduce/" in args[0] and effects)
            return await real(*args, **named)

        session.once = once  # type: ignore[method-assign]
        return session

    hands = Counted(*given)
    with ledger_at(tmp_path / "undisturbed") as ledger:
        whole = await write_all(counted(session_of(ledger, ScriptedChat(SOME), hands=hands)))
    assert text_of(whole) == SMALL
    undisturbed = hands.seen
    assert len(undisturbed) == len(set(undisturbed))
    assert first
    for at in range(first, effects + 1):
        hands, model = Counted(*given), ScriptedChat(SOME)
        for kill in (at, 0):
            with ledger_at(tmp_path / str(at)) as ledger, suppress(Killed):
                patch = await write_all(killed_after(session_of(ledger, model, hands=hands), kill))
        assert patch == whole
        assert hands.seen == undisturbed
        assert len(model.asked) == 1


async def test_each_try_is_a_step_of_the_machine(tmp_path: Path) -> None:
    """So that a ticket can be stopped between two of them."""
    with ledger_at(tmp_path) as ledger:
        session = session_of(ledger, ScriptedChat(LARGE), hands=hands_of())
        steps = 1
        while await take_step(session) == "step":
            steps += 1
        tries = [e for e in ledger.effects.of("T-0001") if e.key.count("/reduce/") and e.result]
        assert steps == 1 + sum(e.key.rpartition("/reduce/")[2].count("/") == 0 for e in tries)
        assert len(session.turns) == 1
        assert steps > 2
