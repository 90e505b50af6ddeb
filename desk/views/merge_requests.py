"""A merge request as a reviewer sees it: its evidence, revisions, remarks and decision."""

from collections import defaultdict
from collections.abc import Callable

from pydantic import Field

from labcrew.domain.base import Model
from labcrew.domain.experiment import Score
from labcrew.domain.review import Comment, Decision, Evidence, Gate, MergeRequest
from labcrew.errors import NotFound
from labcrew.ledger import Ledger


class Number(Model):
    """A number of the evidence with each score that it is computed from."""

    evidence: Evidence

    @property
    def key(self) -> str:
        return self.evidence.key

    @property
    def statistic(self) -> str:
        return self.evidence.statistic

    def rendered(self) -> str:
        """As the description shows it."""
        return self.evidence.rendered()

    @property
    def sources(self) -> list[tuple[Score, str]]:
        """The scores, and which side of a comparison they are."""
        against = self.evidence.against
        sides = ("this change", "baseline") if against else ("", "")
        return [
            *((score, sides[0]) for score in self.evidence.scores),
            *((score, sides[1]) for score in against),
        ]


class Review(Model):
    """A merge request with what stands around it."""

    request: MergeRequest
    gate: Gate | None = Field(description="the newest that asks about it")
    decision: Decision | None
    revisions: tuple[MergeRequest, ...] = Field(description="all of its ticket's, oldest first")
    since: MergeRequest | None = Field(
        description="the earlier one that the change is shown against; None: what it starts from"
    )
    comments: tuple[Comment, ...] = Field(description="all of its ticket's, oldest first")

    @property
    def base(self) -> str:
        """The commit that the change is shown against."""
        return self.since.commit if self.since is not None else self.request.base_commit

    @property
    def own(self) -> tuple[Comment, ...]:
        """The comments on this revision."""
        return tuple(c for c in self.comments if c.merge_request == self.request.id)

    def at_lines(self, path: str) -> dict[int, list[Comment]]:
        """This revision's comments on a file, by line; 0: on the file."""
        found: dict[int, list[Comment]] = defaultdict(list)
        for comment in self.own:
            if comment.path == path:
                found[comment.line or 0].append(comment)
        return dict(found)

    @property
    def summary(self) -> tuple[Number, ...]:
        """The numbers over several runs."""
        return self._numbers(lambda evidence: evidence.statistic != "value")

    @property
    def single(self) -> tuple[Number, ...]:
        """The numbers of one run each."""
        return self._numbers(lambda evidence: evidence.statistic == "value")

    def _numbers(self, wanted: Callable[[Evidence], bool]) -> tuple[Number, ...]:
        return tuple(Number(evidence=e) for e in self.request.evidence if wanted(e))


def review_of(ledger: Ledger, request: MergeRequest, since: str | None = None) -> Review:
    """Gathers a review.

    Args:
        ledger: only read.
        request: what is reviewed.
        since: an earlier merge request of the same ticket.

    Raises NotFound: `since` is none.
    """
    revisions = tuple(ledger.merge_requests.of(request.ticket))
    earlier = next((r for r in revisions if r.id == since), None)
    if since is not None and (earlier is None or earlier.revision >= request.revision):
        raise NotFound(f"{since[:200]} is no earlier revision of {request.id}.")
    gates = [
        gate
        for gate in ledger.gates.of(request.ticket)
        if gate.kind == "merge" and gate.shown.get("merge_request") == request.id
    ]
    gate = gates[-1] if gates else None
    return Review(
        request=request,
        gate=gate,
        decision=None if gate is None else ledger.decisions.find(gate.id),
        revisions=revisions,
        since=earlier,
        comments=tuple(ledger.comments.of(request.ticket)),
    )
