"""The local forge: requests and remarks stand in the ledger, merging is a fast-forward."""

from pathlib import Path

from labcrew.domain.forge import Approver, CommitState, ForgeComment, ForgeRequest, Proposal
from labcrew.domain.repository import MergeOutcome, Repositories
from labcrew.domain.review import MergeRequest
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import ForgeError, RepositoryError
from labcrew.ledger import Ledger

_STATES = {"open": "open", "merged": "merged", "closed": "closed", "superseded": "closed"}


class LocalForge:
    """See `labcrew.domain.forge.Forge`; a request's number is its ticket's revision.

    Args:
        ledger: holds the requests, what people said, and what they decided.
        repositories: the git boundary.
        assigned: whose requests.
    """

    def __init__(
        self, ledger: Ledger, repositories: Repositories, assigned: AssignedTicket
    ) -> None:
        self._ledger, self._repositories, self._assigned = ledger, repositories, assigned

    @property
    def name(self) -> str:
        return f"local {self._assigned.repository}"

    @property
    def _repository(self) -> Path:
        return Path(self._assigned.repository)

    def check(self) -> str:
        found = self._repositories.inspect(str(self._repository), "HEAD")
        return f"{self.name}: reached; {found.branch or 'no branch'} is checked out"

    def publish(self, copy: str, commit: str, branch: str, expected: str | None) -> None:
        try:
            self._repositories.publish(copy, commit, self._repository, branch)
        except RepositoryError as error:
            raise ForgeError(error.message, error.remedy, kind="moved") from None

    def find(self, branch: str) -> ForgeRequest | None:
        requests = self._ledger.merge_requests.of(self._assigned.id)
        found = next((r for r in reversed(requests) if r.branch == branch), None)
        return self._request(found) if found is not None else None

    def open(self, proposal: Proposal) -> ForgeRequest:
        found = self.find(proposal.branch)
        if found is None:
            raise ForgeError(
                f"The ledger has no merge request from {proposal.branch}.", kind="missing"
            )
        if not found.head:
            raise ForgeError(
                f"{self._repository} has no branch {proposal.branch}.",
                "Push the branch again.",
                kind="branch_gone",
            )
        return found

    def update(self, number: int, proposal: Proposal) -> None:
        """Does nothing: the ledger's own record is what is shown."""

    def look(self, number: int) -> ForgeRequest:
        return self._request(self._of(number))

    def comments(self, number: int) -> tuple[ForgeComment, ...]:
        id = self._of(number).id
        return tuple(
            ForgeComment(
                id=comment.id, by=comment.by, at=comment.at, text=comment.text, path=comment.path,
                line=comment.line, member=True,
            )
            for comment in self._ledger.comments.of(self._assigned.id)
            if comment.merge_request == id
        )  # fmt: skip

    def approvals(self, number: int) -> tuple[Approver, ...]:
        found = self._of(number)
        given = []
        for gate in self._ledger.gates.of(self._assigned.id):
            if gate.kind == "merge" and gate.shown.get("merge_request") == found.id:
                decision = self._ledger.decisions.find(gate.id)
                if decision is not None and decision.kind == "accept":
                    at, commit = decision.at.isoformat(), str(gate.shown.get("commit", ""))
                    given.append(Approver(by=decision.by, at=at, commit=commit))
        return tuple(given)

    def set_status(self, commit: str, state: CommitState, text: str) -> None:
        """Does nothing: the request itself tells of its smoke test."""

    def merge(self, number: int, branch: str, target: str, head: str) -> MergeOutcome:
        now = self._head(branch)
        if now and now != head:
            return MergeOutcome(
                state="moved",
                message=f"{branch} holds {now[:12]} now, which nobody approved here.",
            )
        return self._repositories.merge(self._repository, target, head)

    def close(self, number: int) -> None:
        """Does nothing: the ledger's record is closed by whoever closes it."""

    def _of(self, number: int) -> MergeRequest:
        return self._ledger.merge_requests.get(f"{self._assigned.id}-MR{number}")

    def _head(self, branch: str) -> str:
        try:
            return self._repositories.inspect(str(self._repository), f"refs/heads/{branch}").commit
        except RepositoryError:
            return ""

    def _request(self, found: MergeRequest) -> ForgeRequest:
        return ForgeRequest.model_validate(
            {
                "number": found.revision,
                "url": found.id,
                "branch": found.branch,
                "target": found.target or "",
                "head": self._head(found.branch),
                "state": _STATES[found.status],
            }
        )
