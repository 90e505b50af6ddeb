"""A merge that was approved while its branch was checked out, and finished by hand."""

import subprocess
from pathlib import Path

import pytest

from desk.office import Office
from labcrew.deciding import decide
from labcrew.domain.review import Gate, MergeRequest
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import Conflict
from labcrew.home import Home
from labcrew.ledger import Ledger
from labcrew.ports import SystemClock
from labcrew.settings import Settings
from sandboxes.git.repositories import GitRepositories
from tests.doubles.bench import make_assigned


def _git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=a", "-c", "user.email=a@localhost")
    done = subprocess.run(
        ["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def _repository(folder: Path) -> tuple[str, str]:
    """A repository with main checked out and a branch ahead of it: (base, ahead)."""
    folder.mkdir()
    _git(folder, "init", "--quiet", "--initial-branch=main")
    (folder / "a").write_text("1")
    _git(folder, "add", "a")
    _git(folder, "commit", "--quiet", "-m", "one")
    base = _git(folder, "rev-parse", "HEAD")
    _git(folder, "checkout", "--quiet", "-b", "ahead")
    (folder / "a").write_text("2")
    _git(folder, "commit", "--quiet", "-am", "two")
    ahead = _git(folder, "rev-parse", "HEAD")
    _git(folder, "checkout", "--quiet", "main")
    return base, ahead


def _request(assigned: AssignedTicket, base: str, ahead: str) -> MergeRequest:
    return MergeRequest(
        id=f"{assigned.id}-MR0", ticket=assigned.id, revision=0, title="t", branch="ahead",
        target="main", base_commit=base, commit=ahead, template="", description="", evidence=(),
        gain=None, verdict="unmeasured", merge_note="main is checked out",
    )  # fmt: skip


def test_a_merge_done_by_hand_is_noticed_and_nothing_is_merged_unapproved(tmp_path: Path) -> None:
    folder = tmp_path / "user"
    base, ahead = _repository(folder)
    home = Home(tmp_path / "home")
    home.create()
    clock = SystemClock()
    with Ledger.open(home.ledger_url, anchor=home.anchor, clock=clock) as ledger:
        office = Office(home, ledger, clock, GitRepositories(home.repositories), Settings())
        assigned = make_assigned().model_copy(update={"repository": str(folder)})
        ledger.tickets.put(assigned, actor="test")
        request = _request(assigned, base, ahead)
        ledger.merge_requests.put(request, actor="test")
        assert office.finish_merge(request, "me") is None  # nobody approved it

        gate = Gate(
            id=f"{assigned.id}-merge-r0.0", ticket=assigned.id, kind="merge", title="t",
            description="", shown={"commit": ahead}, allowed=("accept", "ignore"),
            safe_default="ignore", opened_at=clock.now(), expires_at=None,
        )  # fmt: skip
        ledger.gates.put(gate, actor="test")
        decide(ledger, clock, gate.id, "accept", by="me")
        waiting = office.finish_merge(request, "me")
        assert waiting is not None
        assert waiting.status == "open"  # main is still checked out: not ours to touch
        assert _git(folder, "rev-parse", "main") == base

        _git(folder, "merge", "--quiet", "--ff-only", ahead)
        done = office.finish_merge(ledger.merge_requests.get(request.id), "me")
        assert done is not None
        assert done.status == "merged"
        assert ledger.merge_requests.get(request.id).status == "merged"
        assert ledger.verify() == []


def test_what_a_forge_merges_is_not_merged_past_it(tmp_path: Path) -> None:
    folder = tmp_path / "user"
    base, ahead = _repository(folder)
    _git(folder, "checkout", "--quiet", "ahead")
    home = Home(tmp_path / "home")
    home.create()
    clock = SystemClock()
    with Ledger.open(home.ledger_url, anchor=home.anchor, clock=clock) as ledger:
        office = Office(home, ledger, clock, GitRepositories(home.repositories), Settings())
        assigned = make_assigned().model_copy(update={"repository": str(folder)})
        ledger.tickets.put(assigned, actor="test")
        request = _request(assigned, base, ahead).model_copy(
            update={"merge_note": "405: Pipeline must succeed"}
        )
        ledger.merge_requests.put(request, actor="test")
        for kind, shown in {"plan": {"forge": "gitlab x y/z"}, "merge": {"commit": ahead}}.items():
            gate = Gate(
                id=f"{assigned.id}-{kind}-r0.0", ticket=assigned.id, kind=kind, title="t",
                description="", shown=shown, allowed=("accept", "ignore"), safe_default="ignore",
                opened_at=clock.now(), expires_at=None,
            )  # fmt: skip
            ledger.gates.put(gate, actor="test")
            decide(ledger, clock, gate.id, "accept", by="me")
        with pytest.raises(Conflict, match=r"merged at gitlab x y/z.*Pipeline must succeed"):
            office.finish_merge(request, "me")
        assert _git(folder, "rev-parse", "main") == base
        assert ledger.merge_requests.get(request.id).status == "open"
