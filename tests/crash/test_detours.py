"""Workers killed where a ticket is revised, asks for budget, escalates or has code written: what is
left is what an unharmed one leaves.
"""

from collections.abc import Iterator

import pytest

from graphs.ticket import ticket_graph
from tests.crash.driving import Crashes, crashing, left, same
from tests.crash.killing import both_sides
from tests.crash.stories import WHOLE_WAY

pytestmark = [pytest.mark.engine, pytest.mark.crash]
_REVISION = (
    "plan gate_plan prepare design_trials launch_trials monitor_trials"
    " analyse gate_budget open_merge_request smoke_test gate_merge merge reflect"
)
_CODE = (
    "intake literature_review profile_data investigate plan gate_plan prepare write_code"
    " weigh_patch gate_models gate_code open_merge_request smoke_test gate_merge merge reflect"
)
DETOURS = {
    "revised": both_sides("revise") | {f"{point} of revision 1" for point in both_sides(_REVISION)},
    "hopeless": both_sides("gate_escalation close"),
    "code": both_sides(_CODE),
}
"""Where a story's worker is killed: steps that the whole way has too are met without it, but for
code's, which do other work there."""


def test_the_stories_meet_every_step() -> None:
    points = both_sides(WHOLE_WAY).union(*DETOURS.values())
    assert {point.split()[1] for point in points} == set(ticket_graph().nodes)


@pytest.fixture(scope="module")
def crashes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crashes]:
    with crashing(tmp_path_factory.mktemp("detours")) as crashes:
        for story in DETOURS:
            crashes.drive(story, "none")
            met = both_sides(WHOLE_WAY) - DETOURS[story]
            crashes.drive(story, "nodes", met=met)
        yield crashes


@pytest.mark.parametrize("story", DETOURS)
def test_killed_before_and_after_every_step(crashes: Crashes, story: str) -> None:
    unharmed, killed = (d for d in crashes.driven if d.folder.name.startswith(f"{story}-"))
    assert unharmed.wait() == 1
    lives = killed.wait()
    assert killed.killed_at() == DETOURS[story]
    assert lives == len(DETOURS[story]) + 1
    same(left(unharmed), left(killed))
