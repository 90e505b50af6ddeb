"""What was approved is merged where the plan gate said: at the forge, or here."""

from dataclasses import replace
from typing import Any

import pytest

from graphs.forging import merge, withdraw
from labcrew.deciding import decide
from labcrew.errors import ForgeError
from tests.desk.conftest import git
from tests.doubles.faulty import Around
from tests.doubles.forge_server import ALICE, STRANGER, Fault
from tests.graphs.forge_world import ID, Scene
from tools.make_change import MergeBranch, merge_branch


async def test_an_approval_there_lets_it_be_merged_there_and_once(scene: Scene) -> None:
    scene.prepare()
    await scene.propose()
    gate = scene.merge_gate()
    scene.there().approvals.append({"user": STRANGER[0], "at": "2026-01-02T00:00:00Z"})
    await scene.look()
    assert scene.said(gate.id) is None
    scene.there().approvals.append({"user": ALICE[0], "at": "2026-01-02T00:00:00Z"})
    await scene.look()
    decision = scene.said(gate.id)
    assert (decision.kind, decision.by) == ("accept", f"alice at {scene.settings.kind}")
    call = MergeBranch(target="main", commit=scene.request.commit, merge_request=scene.request.id)
    tools = scene.work.toolbox("merge_request", scene.assigned, "merge")
    assert (await tools.use(merge_branch, call)).state == "merged"
    assert (await tools.use(merge_branch, call)).state == "already"
    assert scene.server.head("main") == scene.request.commit
    assert git(scene.root / "lab", "rev-parse", "main") != scene.request.commit


async def test_what_was_accepted_before_it_stood_there_is_merged_there_and_not_here(
    scene: Scene,
) -> None:
    scene.prepare()
    scene.server.faults = [Fault(".", 503, times=99)]
    assert not await scene.propose()
    decide(scene.ledger, scene.clock, scene.merge_gate().id, "accept", by="ada")
    with pytest.raises(ForgeError, match=f"{ID}-MR0 does not stand at .* yet") as caught:
        await merge(scene.work, scene.assigned, scene.request)
    assert "labcrew up" in caught.value.remedy
    ended(scene, caught.value.message)
    base = git(scene.root / "lab", "rev-parse", "main")
    await scene.look()
    assert scene.request.status == "open"
    scene.server.faults = []
    await scene.look()
    assert (scene.request.status, scene.there().state) == ("merged", "merged")
    assert scene.server.head("main") == scene.request.commit
    assert git(scene.root / "lab", "rev-parse", "main") == base


async def test_a_forge_that_came_back_after_the_gate_is_proposed_to_before_it_merges(
    scene: Scene,
) -> None:
    scene.prepare()
    scene.server.faults = [Fault(".", 503)]
    assert not await scene.propose()
    decide(scene.ledger, scene.clock, scene.merge_gate().id, "accept", by="ada")
    assert (await merge(scene.work, scene.assigned, scene.request)).state == "merged"
    assert scene.there().state == "merged"


@pytest.mark.parametrize("named", ["none", "another"])
async def test_where_settings_name_another_forge_it_is_neither_merged_nor_closed(
    scene: Scene, named: str
) -> None:
    scene.prepare()
    await scene.propose()
    decide(scene.ledger, scene.clock, scene.merge_gate().id, "accept", by="ada")
    other: Any = None if named == "none" else Around(scene.forge, name="gitlab elsewhere lab/toy")
    work = replace(scene.work, bench=replace(scene.work.bench, forge=other))
    base = git(scene.root / "lab", "rev-parse", "main")
    with pytest.raises(ForgeError, match=f"does not name {scene.forge.name} any more"):
        await merge(work, scene.assigned, scene.request)
    await withdraw(work, scene.assigned, scene.request)
    assert scene.there().state == "open"
    assert git(scene.root / "lab", "rev-parse", "main") == base


async def test_what_waits_for_its_branch_here_stays_here_though_a_forge_is_set_now(
    scene: Scene,
) -> None:
    scene.prepare(forge="")
    decide(scene.ledger, scene.clock, scene.merge_gate().id, "accept", by="ada")
    ended(scene, "main is checked out")
    await scene.look()
    assert scene.server.calls == []
    assert scene.request.merge_note == "main is checked out"


def ended(scene: Scene, note: str) -> None:
    """The ticket came to its end with its merge request approved and not merged."""
    noted = scene.request.model_copy(update={"merge_note": note})
    scene.ledger.merge_requests.put(noted, actor="merge_request")
    done = scene.assigned.model_copy(update={"status": "done"})
    scene.ledger.tickets.put(done, actor="coordinator")
