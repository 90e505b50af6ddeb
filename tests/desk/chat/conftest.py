"""A small lab with tickets in every state, and a coordinator that speaks of it."""

from collections.abc import Callable

import pytest

from desk.chat.building import coordinator
from desk.chat.coordinator import Coordinator
from desk.web.access import Caller, Role
from desk.wiring import Opened
from evals.chat.home import fill
from labcrew.ports import Clock


@pytest.fixture
def talking(opened: Opened, clock: Clock) -> Coordinator:
    """Someone to talk to, in a lab where much has happened."""
    fill(opened)
    return coordinator(opened)


@pytest.fixture
def person() -> Callable[..., Caller]:
    def named(role: Role = "approver", name: str = "ada") -> Caller:
        return Caller(name=name, role=role)

    return named
