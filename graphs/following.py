"""What people do at the forge comes into the ledger: comments as work, approvals as decisions."""

import asyncio
from collections.abc import Awaitable, Mapping

from graphs.forging import merge, propose, trouble, withdraw, withdrawal_effect
from graphs.work import Work
from labcrew.deciding import decide
from labcrew.domain.forge import Approver, Forge, ForgeComment, ForgeRequest, ForgeSettings
from labcrew.domain.review import Comment, DecisionKind, Gate, MergeRequest
from labcrew.errors import BoundaryError, ForgeError, InputError, ToolError
from labcrew.plain_text import plain
from labcrew.remarks import MOST_CHARACTERS, Change, kept_remark
from tools.facts import shown_forge
from tools.forge_requests import Proposed, proposed

ASKS = "/labcrew revise"


class Following:
    """Looks at the forge for every request that waits there.

    Args:
        work: adapters; its ledger is the home's own, for no worker holds a ticket that waits.
        settings: whose word counts there.
    """

    def __init__(self, work: Work, settings: ForgeSettings) -> None:
        self._work, self._settings = work, settings
        self._not_before = 0.0

    async def look(self) -> None:
        """One round over all requests. Trouble is noted with the request; nothing is raised for it.

        Whoever asks to be left alone is, for as long as they asked.
        """
        forge = self._work.bench.forge
        if forge is None or self._work.bench.clock.monotonic() < self._not_before:
            return
        ledger = self._work.ledger
        gates = {
            str(gate.shown.get("merge_request")): gate
            for gate in ledger.gates.all(status="open")
            if gate.kind == "merge"
        }
        for request in self._of_tickets("open"):
            gate = gates.get(request.id)
            if gate is not None:
                await self._guarded(request, self._waiting(forge, request, gate))
            elif self._approved(request):
                await self._guarded(request, self._finish(request))
        for request in self._of_tickets("closed"):
            if proposed(ledger, request.id) is None:
                continue
            effect = ledger.effect(withdrawal_effect(request.id))
            if effect is None or effect.result is None:
                await self._guarded(
                    request, withdraw(self._work, self._work.assigned(request.ticket), request)
                )

    def _of_tickets(self, status: str) -> list[MergeRequest]:
        """The merge requests of tickets; those of loops go to no forge."""
        ledger = self._work.ledger
        found = ledger.merge_requests.all(status=status)
        known = ledger.tickets.some({request.ticket for request in found})
        return [request for request in found if request.ticket in known]

    async def _guarded(self, request: MergeRequest, step: Awaitable[None]) -> None:
        """One request's part of a round; what is wrong with it holds up no other."""
        try:
            await step
        except (ToolError, InputError, BoundaryError) as error:
            trouble(self._work, request, error)
            if isinstance(error, ForgeError) and error.wait_s:
                self._not_before = self._work.bench.clock.monotonic() + error.wait_s

    async def _waiting(self, forge: Forge, request: MergeRequest, gate: Gate) -> None:
        there = proposed(self._work.ledger, request.id)
        if there is None:
            await propose(self._work, self._work.assigned(request.ticket), request)
            return
        now = await asyncio.to_thread(forge.look, there.number)
        comments: tuple[ForgeComment, ...] = ()
        if self._settings.comments != "nobody":
            everybody = self._settings.comments == "everybody"
            said = await asyncio.to_thread(forge.comments, there.number)
            comments = tuple(comment for comment in said if everybody or comment.member)
        approvals: tuple[Approver, ...] = ()
        if self._settings.approvals and now.state == "open":
            approvals = await asyncio.to_thread(forge.approvals, there.number)
        ledger = self._work.ledger
        new = await asyncio.to_thread(self._new, request, comments)
        with ledger.transaction():  # of its own: they stand, whatever may be decided
            asking = self._take_up(request, comments, new)
        with ledger.transaction():
            if ledger.gates.get(gate.id).status != "open" or ledger.decisions.find(gate.id):
                return  # decided here meanwhile
            self._decide(request, gate, there, now, asking, approvals)

    def _new(self, request: MergeRequest, comments: tuple[ForgeComment, ...]) -> dict[str, Comment]:
        """Those of the comments that are not kept here yet, by the forge's id, as they will be."""
        ledger, repositories = self._work.ledger, self._work.bench.repositories
        known = self._known(request)
        bases = (request.base_commit, *(r.commit for r in ledger.merge_requests.of(request.ticket)))
        change = Change(repositories, request, bases)
        new: dict[str, Comment] = {}
        for comment in comments:
            if comment.id in known:
                continue
            text, path, line = kept_remark(change, comment.text, comment.path, comment.line)
            new[comment.id] = Comment(
                id=f"{request.id}-F-{comment.id}",
                merge_request=request.id,
                by=_somebody(comment.by, self._settings),
                at=comment.at,
                text=text,
                path=path,
                line=line,
            )
        return new

    def _take_up(
        self,
        request: MergeRequest,
        comments: tuple[ForgeComment, ...],
        new: Mapping[str, Comment],
    ) -> Comment | None:
        """Writes new comments down; answers one that asks for work and was not taken up yet."""
        ledger, known, asking = self._work.ledger, self._known(request), None
        for comment in comments:
            mine = known.get(comment.id)
            if mine is None and comment.id in new:
                mine = new[comment.id]
                ledger.comments.put(mine, actor=_actor(mine.by), kind="merge_request.commented")
            asks = comment.asks_for_changes or (
                comment.member and comment.text.strip().lower().startswith(ASKS)
            )
            if asks and mine is not None and mine.resolved_by_revision is None:
                asking = mine
        return asking

    def _known(self, request: MergeRequest) -> dict[str, Comment]:
        """The comments that are kept here, by the forge's id."""
        return {c.id.partition("-F-")[2]: c for c in self._work.ledger.comments.of(request.ticket)}

    def _decide(
        self,
        request: MergeRequest,
        gate: Gate,
        there: Proposed,
        now: ForgeRequest,
        asking: Comment | None,
        approvals: tuple[Approver, ...],
    ) -> None:
        """What was said there, as a decision at the gate here, bound to what it showed."""
        same = now.head == request.commit == gate.shown.get("commit")
        if now.state == "merged" and same:
            self._say(gate, "accept", self._settings.kind or "", f"merged at {now.url}")
        elif now.state == "closed" and same:
            self._say(gate, "ignore", self._settings.kind or "", f"closed at {now.url}")
        elif not same:
            held = "holds" if now.state == "open" else f"was {now.state} with"
            raise ForgeError(
                f"{now.url} {held}"
                f" {now.head[:12] or 'nothing'}, not {request.commit[:12]}, which was shown here;"
                " approvals there do not count.",
                "Decide here, or take the strange commits away there.",
                kind="moved",
            )
        elif asking is not None:
            self._say(gate, "respond", asking.by, asking.text)
        else:
            for each in approvals:
                # One that was given before these commits came is not for them.
                old = (each.by, each.at) in there.seen
                if not old and each.commit in ("", request.commit):
                    by = _somebody(each.by, self._settings)
                    self._say(gate, "accept", by, f"approved at {now.url}")
                    return

    def _say(self, gate: Gate, kind: DecisionKind, by: str, comment: str) -> None:
        work = self._work
        decide(
            work.ledger, work.bench.clock, gate.id, kind,
            by=by, payload_hash=gate.payload_hash, comment=comment[:MOST_CHARACTERS],
        )  # fmt: skip

    def _approved(self, request: MergeRequest) -> bool:
        """Whether a person accepted it while the forge could not or would not merge it."""
        assigned = self._work.assigned(request.ticket)
        return (
            assigned.status == "done"
            and request.target is not None
            and bool(request.merge_note)
            and bool(shown_forge(self._work.ledger, request.ticket, request.revision))
            and self._work.approved(assigned, "merge")
        )

    async def _finish(self, request: MergeRequest) -> None:
        work = self._work
        outcome = await merge(work, work.assigned(request.ticket), request)
        merged = outcome.state in ("merged", "already")
        if merged or outcome.message != request.merge_note:
            changed = {"merge_note": outcome.message, "status": "merged" if merged else "open"}
            work.ledger.merge_requests.put(
                request.model_copy(update=changed),
                actor="merge_request",
                kind="merge_request.merged" if merged else "",
            )


def _somebody(name: str, settings: ForgeSettings) -> str:
    """A person of the forge, who can't be taken for one who sits here."""
    return f"{' '.join(plain(name).split())[:60] or 'somebody'} at {settings.kind}"


def _actor(by: str) -> str:
    return f"person:{by}"
