"""Workers killed at every step, in every effect and at random leave what an unharmed one leaves."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.crash.driving import Driven, crashing, left, same
from tests.crash.killing import both_sides
from tests.crash.stories import WHOLE_WAY

pytestmark = [pytest.mark.engine, pytest.mark.crash]


@pytest.fixture(scope="module")
def drivers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Driven]]:
    with crashing(tmp_path_factory.mktemp("crashes")) as crashes:
        yield {m: crashes.drive("whole", m) for m in ("none", "nodes", "effects", "random")}


@pytest.fixture(scope="module")
def unharmed(drivers: dict[str, Driven]) -> dict[str, Any]:
    assert drivers["none"].wait() == 1
    found = left(drivers["none"])
    assert found["ticket"]["outcome"].startswith("merged")
    assert len(found["trials"]) == len(found["starts"]) == 6
    assert found["incidents"]
    assert len(found["merge_requests"]) == 1
    assert set(found["containers"].values()) == {1}
    return found


def test_killed_before_and_after_every_step(
    drivers: dict[str, Driven], unharmed: dict[str, Any]
) -> None:
    driven = drivers["nodes"]
    lives = driven.wait()
    expected = both_sides(WHOLE_WAY)
    # A gate's step ends only once it is decided; both sides of it were met all the same.
    assert driven.killed_at() == expected
    assert lives == len(expected) + 1
    same(unharmed, left(driven))


def test_killed_in_the_middle_of_every_effect(
    drivers: dict[str, Driven], unharmed: dict[str, Any]
) -> None:
    driven = drivers["effects"]
    lives = driven.wait()
    killed = driven.killed_at()
    assert lives == len(killed) + 1
    for effect in (
        "start t-001-000-trial",
        "start t-001-mr0-smoke",
        "run t-001-000-validation",
        "run t-001-000-holdout",
        "land T-001",
        "publish T-001",
        "collect t-001-000-trial",
    ):
        assert {f"before {effect}", f"after {effect}"} <= killed
    # Left behind by this one, and removed by the next life as an orphan.
    assert "before remove t-001-000-trial" in killed
    assert any(point.startswith("after merge") for point in killed)
    same(unharmed, left(driven))


def test_killed_at_random(drivers: dict[str, Driven], unharmed: dict[str, Any]) -> None:
    assert drivers["random"].wait() >= 5
    same(unharmed, left(drivers["random"]))
