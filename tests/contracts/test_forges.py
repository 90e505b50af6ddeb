"""Every forge does the same: GitLab and GitHub over real HTTP, and the local one."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from desk.wiring import Opened
from labcrew.domain.forge import Forge, ForgeSettings, Proposal
from labcrew.domain.review import Comment
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import ForgeError
from sandboxes.git.repositories import GitRepositories
from tests.desk.conftest import clock, git, opened, toy  # noqa: F401
from tests.desk.records import merge_request, trial
from tests.doubles.forge_server import ALICE, PROJECT, TOKEN, ForgeServer
from tests.doubles.github_routes import github_server
from tests.doubles.gitlab_routes import gitlab_server
from tests.tickets import make_assigned
from tools.forges.known import KNOWN
from tools.forges.local import LocalForge

BRANCH = "labcrew/T-0001"
PROPOSAL = Proposal(branch=BRANCH, target="main", title="Better", text="**Why** <script>x</script>")
SERVERS: dict[str, Callable[[Path], ForgeServer]] = {
    "gitlab": gitlab_server, "github": github_server,
}  # fmt: skip


@dataclass
class Place:
    """A forge with a trusted copy `T-0001` of two commits, one after the other, on the base."""

    forge: Forge
    first: str
    second: str
    comment: Callable[[str], Any]
    approve: Callable[[], Any]
    push: Callable[[str], Any]


@pytest.fixture(params=["local", "gitlab", "github"])
def place(request: Any, tmp_path: Path, opened: Opened, toy: Path) -> Iterator[Place]:  # noqa: F811
    repository = toy / "toy"
    git(repository, "checkout", "-q", "--detach")
    commits = []
    for text in ("one", "two"):
        (repository / "train.py").write_text(text)
        git(repository, "commit", "-qam", text)
        commits.append(git(repository, "rev-parse", "HEAD"))
    repositories = GitRepositories(tmp_path / "copies")
    repositories.take("T-0001", repository, "HEAD", snapshot=False)
    if request.param == "local":
        yield _local(opened, repositories, repository, commits)
        return
    with SERVERS[request.param](tmp_path / "forge") as server:
        git(repository, "push", "-q", str(server.bare), "main:main")
        yield remote(server, request.param, repositories, repository, commits)


def _local(
    opened: Opened,  # noqa: F811
    repositories: GitRepositories,
    repository: Path,
    commits: list[str],
) -> Place:
    assigned = make_assigned().model_copy(
        update={"repository": str(repository), "target_branch": "main"}
    )
    opened.ledger.tickets.put(assigned, actor="person:ada")
    known = _known(opened, assigned, commits[0])

    def comment(text: str) -> None:
        opened.ledger.comments.put(
            Comment(id=f"{known.id}-C01", merge_request=known.id, by="alice",
                    at=opened.clock.now(), text=text),
            actor="person:alice",
        )  # fmt: skip

    def approve() -> None:
        from labcrew.deciding import decide
        from labcrew.domain.review import Gate

        gate = Gate(
            id="T-0001-merge-r0.0", ticket="T-0001", kind="merge", title="?", description="?",
            shown={"merge_request": known.id, "commit": commits[0]}, allowed=("accept",),
            safe_default="ignore", opened_at=opened.clock.now(), expires_at=None,
        )  # fmt: skip
        opened.ledger.gates.put(gate, actor="coordinator")
        decide(opened.ledger, opened.clock, gate.id, "accept", by="alice")

    return Place(
        LocalForge(opened.ledger, repositories, assigned), commits[0], commits[1], comment, approve,
        lambda commit: git(repository, "branch", "-f", BRANCH, commit),
    )  # fmt: skip


def _known(opened: Opened, assigned: AssignedTicket, commit: str) -> Any:  # noqa: F811
    made = merge_request(opened, assigned, trial(opened, assigned.id, 1))
    known = made.model_copy(update={"branch": BRANCH, "commit": commit, "target": "main"})
    opened.ledger.merge_requests.put(known, actor="merge_request")
    return known


def settings_of(server: ForgeServer, kind: Any, **fields: Any) -> ForgeSettings:
    return ForgeSettings(kind=kind, project=PROJECT, url=server.url, timeout_s=1, **fields)


def remote(
    server: ForgeServer,
    kind: Any,
    repositories: GitRepositories,
    repository: Path,
    commits: list[str],
) -> Place:
    forge = KNOWN[kind](
        settings_of(server, kind), SecretStr(TOKEN), repositories, lambda seconds: None
    )

    def request() -> Any:
        return next(iter(server.requests.values()))

    return Place(
        forge,
        commits[0],
        commits[1],
        lambda text: request().comments.append(
            {"id": server.next_id(), "user": ALICE[0], "text": text}
        ),
        lambda: request().approvals.append({"user": ALICE[0], "at": "2026-01-02T00:00:00Z"}),
        lambda commit: git(
            repository, "push", "-qf", str(server.bare), f"{commit}:refs/heads/{BRANCH}"
        ),
    )


def test_a_branch_is_published_once(place: Place) -> None:
    place.forge.publish("T-0001", place.first, BRANCH, None)
    place.forge.publish("T-0001", place.first, BRANCH, None)
    made = place.forge.open(PROPOSAL)
    assert (made.head, made.branch, made.target, made.state) == (
        place.first, BRANCH, "main", "open",
    )  # fmt: skip


def test_a_branch_that_somebody_else_moved_stays(place: Place) -> None:
    place.push(place.second)
    with pytest.raises(ForgeError) as caught:
        place.forge.publish("T-0001", place.first, BRANCH, None)
    assert caught.value.kind == "moved"
    assert caught.value.remedy


def test_a_request_is_opened_once_and_found_by_its_branch(place: Place) -> None:
    place.forge.publish("T-0001", place.first, BRANCH, None)
    first, again = place.forge.open(PROPOSAL), place.forge.open(PROPOSAL)
    assert first == again == place.forge.find(BRANCH) == place.forge.look(first.number)
    assert place.forge.find("labcrew/T-0999") is None


def test_without_its_branch_no_request_is_opened(place: Place) -> None:
    with pytest.raises(ForgeError) as caught:
        place.forge.open(PROPOSAL)
    assert caught.value.kind == "branch_gone"


def test_comments_and_approvals_are_read(place: Place) -> None:
    place.forge.publish("T-0001", place.first, BRANCH, None)
    number = place.forge.open(PROPOSAL).number
    assert (place.forge.comments(number), place.forge.approvals(number)) == ((), ())
    place.comment("Please name it better.")
    place.approve()
    (comment,) = place.forge.comments(number)
    assert (comment.by, comment.text, comment.member) == ("alice", "Please name it better.", True)
    assert place.forge.comments(number) == (comment,)
    (approver,) = place.forge.approvals(number)
    assert approver.by == "alice"
    assert approver.commit in ("", place.first)


def test_it_merges_what_was_approved_and_only_once(place: Place) -> None:
    place.forge.publish("T-0001", place.first, BRANCH, None)
    number = place.forge.open(PROPOSAL).number
    place.forge.update(number, PROPOSAL)
    place.forge.set_status(place.first, "success", "accuracy 0.9")
    assert place.forge.merge(number, BRANCH, "main", place.first).state == "merged"
    assert place.forge.merge(number, BRANCH, "main", place.first).state == "already"
    place.forge.close(number)


def test_it_does_not_merge_other_commits_than_were_approved(place: Place) -> None:
    place.forge.publish("T-0001", place.first, BRANCH, None)
    number = place.forge.open(PROPOSAL).number
    place.push(place.second)
    outcome = place.forge.merge(number, BRANCH, "main", place.first)
    assert outcome.state == "moved"
    assert place.second[:12] in outcome.message


def test_it_tells_that_it_can_be_reached(place: Place) -> None:
    assert "reached" in place.forge.check()
    assert TOKEN not in place.forge.check()
