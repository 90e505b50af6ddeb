"""A ledger in a folder of its own, and small records to put in it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labcrew.domain.experiment import Trial
from labcrew.domain.review import Decision, Gate
from labcrew.ledger import Ledger
from tests.labcrew.ledger.parts import Home, MakeDecision, MakeGate, MakeTrial, StandingClock


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
def home(tmp_path: Path, clock: StandingClock) -> Iterator[Home]:
    home = Home(tmp_path, clock)
    yield home
    home.close()


@pytest.fixture
def ledger(home: Home) -> Ledger:
    return home.open()


@pytest.fixture
def trial() -> MakeTrial:
    def make(number: int, ticket: str = "T", **changes: Any) -> Trial:
        values = {
            "id": f"{ticket}-{number}",
            "ticket": ticket,
            "number": number,
            "kind": "search",
            "seed": 0,
            "data": "original",
            "memory_mb": 512,
        }
        return Trial.model_validate(values | changes)

    return make


@pytest.fixture
def gate(clock: StandingClock) -> MakeGate:
    def make(id: str = "T/plan-0", shown: dict[str, Any] | None = None) -> Gate:
        return Gate(
            id=id,
            ticket="T",
            kind="plan",
            title="Plan",
            description="",
            shown=shown or {},
            allowed=("accept", "ignore"),
            safe_default="ignore",
            opened_at=clock.now(),
            expires_at=None,
        )

    return make


@pytest.fixture
def decision(clock: StandingClock) -> MakeDecision:
    def make(by: str = "ada", kind: str = "accept", gate: str = "T/plan-0") -> Decision:
        return Decision.model_validate(
            {
                "gate": gate,
                "ticket": "T",
                "kind": kind,
                "by": by,
                "at": clock.now(),
                "payload_hash": "0" * 64,
            }
        )

    return make
