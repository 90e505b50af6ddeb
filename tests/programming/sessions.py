"""Sessions of the loop over files in memory and a scripted model."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agents.programming.options import LoopOptions
from graphs.programming.session import Session
from labcrew.domain.chat import ChatModel
from labcrew.ledger import Ledger
from labcrew.ports import SystemClock
from tests.doubles.hands import Killed, MemoryHands
from tests.ledgers import new_home
from tests.tickets import make_assigned

SPLIT = '''"""Splits."""


def shuffled(rows):
    return list(rows)


def split(rows, share):
    cut = int(len(rows) * share)
    return rows[:cut], rows[:cut]
'''
MENDED = """```python
def split(rows, share):
    cut = int(len(rows) * share)
    return rows[:cut], rows[cut:]
```"""
WRONG = """```python
def split(rows, share):
    cut = 1 + int(len(rows) * share)
    return rows[:cut], rows[:cut]
```"""
TESTS = """from data import shuffled, split


def test_halves():
    assert split([1, 2, 3, 4], 0.5) == ([1, 2], [3, 4])


def test_shuffled():
    assert shuffled([1]) == [1]
"""
ASKED: dict[str, Any] = {
    "kind": "fix",
    "title": "The validation rows are the training rows",
    "question": "split gives the first part twice.",
    "editable": ["data.py", "tests/**"],
    "tests": {
        "fail_to_pass": ["tests/test_data.py::test_halves"],
        "files": {"tests/test_data.py": TESTS},
    },
}


@contextmanager
def ledger_at(folder: Path) -> Iterator[Ledger]:
    home = new_home(folder / "home")
    with Ledger.open(home.ledger_url, anchor=home.anchor, clock=SystemClock()) as ledger:
        yield ledger


def session_of(
    ledger: Ledger,
    model: ChatModel,
    *,
    hands: MemoryHands | None = None,
    options: LoopOptions | None = None,
    **changes: Any,
) -> Session:
    """A session on the ticket about `split`, or one with other fields."""
    assigned = make_assigned(**{**ASKED, **changes})
    tests = assigned.ticket.tests
    made = hands or MemoryHands(
        {"data.py": SPLIT}, dict(tests.files) if tests else {}, ("data.py", "tests/*")
    )
    chosen = options or LoopOptions(style="direct")
    return Session(ledger=ledger, assigned=assigned, model=model, hands=made, options=chosen)


def killed_after(session: Session, at: int) -> Session:
    """Ends the process right after the result of the `at`th effect is on disk."""
    done, real = 0, session.once

    async def once(*args: Any, **named: Any) -> dict[str, Any]:
        nonlocal done
        result = await real(*args, **named)
        done += 1
        if done == at:
            raise Killed
        return result

    session.once = once  # type: ignore[method-assign]
    return session
