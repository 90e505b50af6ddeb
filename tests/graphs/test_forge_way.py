"""A ticket's whole way with a forge: proposed, sent back there, approved there, merged there."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from graphs.following import Following
from tests.contracts.test_forges import SERVERS
from tests.doubles.forge_server import ALICE, PROJECT, TOKEN, ForgeServer
from tests.graphs.tiny import REPORTED, Lab, lab_at, make_tiny, run

pytestmark = pytest.mark.engine
_SHORT: dict[str, Any] = REPORTED | {"seeds": [0], "budget": {"trials": 6}}


@pytest.fixture
def at_forge(
    tmp_path: Path, tracking: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Lab, ForgeServer]]:
    user = make_tiny(tmp_path / "tiny")
    with SERVERS["gitlab"](tmp_path / "forge") as server:
        for name, value in {
            "FORGE__KIND": "gitlab", "FORGE__PROJECT": PROJECT, "FORGE__URL": server.url,
            "FORGE_TOKEN": TOKEN,
        }.items():  # fmt: skip
            monkeypatch.setenv(f"LABCREW_{name}", value)
        user.git("push", "-q", str(server.bare), "main:main")
        with lab_at(tmp_path, user, tracking) as lab:
            yield lab, server
            sandboxes = lab.parts.bench.sandboxes
            for status in sandboxes.list():
                sandboxes.remove(status.name)


def test_from_the_plan_to_the_merge_there(at_forge: tuple[Lab, ForgeServer]) -> None:
    lab, server = at_forge
    assigned = lab.assign(**_SHORT)
    run(lab, assigned.id, yes=False)
    (plan,) = lab.office.inbox()
    assert plan.shown["forge"] in plan.description
    lab.office.decide(assigned.id, "accept", "ada")
    run(lab, assigned.id, yes=False)
    (there,) = server.requests.values()
    first = lab.ledger.merge_requests.get(f"{assigned.id}-MR0")
    assert server.head("labcrew/T-001") == first.commit
    assert server.statuses[-1][:2] == (first.commit, "success")
    assert first.description in there.text

    look(lab, server)
    there.comments.append({"id": 1, "user": ALICE[0], "text": "/labcrew revise Try more."})
    look(lab, server)
    run(lab, assigned.id, yes=False)
    lab.office.decide(assigned.id, "accept", "ada")
    run(lab, assigned.id, yes=False)
    second = lab.ledger.merge_requests.get(f"{assigned.id}-MR1")
    assert [r.number for r in server.requests.values()] == [there.number]
    assert server.head("labcrew/T-001") == second.commit
    assert [c.resolved_by_revision for c in lab.ledger.comments.of(assigned.id)] == [1]

    there.approvals.append({"user": ALICE[0], "at": "2026-01-02T00:00:00Z"})
    look(lab, server)
    done = run(lab, assigned.id, yes=False)
    assert (done.status, there.state) == ("done", "merged")
    assert done.outcome == f"merged at {server.url}/{PROJECT}/-/merge_requests/{there.number}"
    assert lab.ledger.merge_requests.get(second.id).status == "merged"
    assert lab.ledger.verify() == []


def test_what_is_turned_down_here_is_closed_there(at_forge: tuple[Lab, ForgeServer]) -> None:
    lab, server = at_forge
    assigned = lab.assign(**_SHORT)
    for kind in ("accept", "ignore"):
        run(lab, assigned.id, yes=False)
        lab.office.decide(assigned.id, "accept" if kind == "accept" else "ignore", "ada")
    run(lab, assigned.id, yes=False)
    (there,) = server.requests.values()
    assert there.state == "closed"


def look(lab: Lab, server: ForgeServer) -> None:
    from tests.contracts.test_forges import settings_of

    asyncio.run(Following(lab.parts.work, settings_of(server, "gitlab")).look())
