"""What GitLab and GitHub have in common: pushing, merging what was approved, capped comments."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import NoReturn
from urllib.parse import urlsplit

from pydantic import SecretStr

from labcrew.domain.forge import (
    Approver,
    CommitState,
    ForgeComment,
    ForgeIssue,
    ForgeRequest,
    ForgeSettings,
    Proposal,
)
from labcrew.domain.repository import MergeOutcome, Repositories
from labcrew.errors import ForgeError
from labcrew.plain_text import plain
from tools.forges.calls import Answered, Calls

LONGEST_TEXT = 19_000
MOST_COMMENTS = 2_000
MOST_REQUESTS = 2_000
STATUS_NAME = "labcrew/smoke-test"
LONGEST_STATUS = 140


class RemoteForge(ABC):
    """A forge that is spoken to over HTTP; implements most of `labcrew.domain.forge.Forge`.

    Args:
        settings: where it is.
        token: sent to its API and, by git, to its remote; nowhere else.
        repositories: pushes.
        sleep: waits so many seconds.
    """

    def __init__(
        self,
        settings: ForgeSettings,
        token: SecretStr,
        repositories: Repositories,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.settings = settings
        self._token = token
        self._repositories = repositories
        self._calls = Calls(self.name, settings, sleep, self._plain, token.get_secret_value())

    @property
    def name(self) -> str:
        host = urlsplit(self.settings.address).netloc
        return f"{self.settings.kind} {host} {self.settings.project}"

    def publish(self, copy: str, commit: str, branch: str, expected: str | None) -> None:
        self._repositories.push(
            copy,
            commit,
            self.settings.pushed_to,
            branch,
            expected=expected,
            token=self._token.get_secret_value(),
        )

    def open(self, proposal: Proposal) -> ForgeRequest:
        known = self.find(proposal.branch)
        if known is not None and known.state == "open":
            return known
        try:
            return self._open(proposal)
        except ForgeError as error:
            # Made by a call whose answer was lost, or by another hand.
            known = self.find(proposal.branch)
            if known is not None and known.state == "open":
                return known
            gone = error.kind == "invalid" and "branch" in error.message.lower()
            if gone or (error.kind == "invalid" and '"head"' in error.message):
                raise ForgeError(
                    error.message, "Push the branch again.", kind="branch_gone"
                ) from None
            raise

    def merge(self, number: int, branch: str, target: str, head: str) -> MergeOutcome:
        before = self.look(number)
        outcome = _as_it_stands(before, head)
        if outcome is not None:
            return outcome
        try:
            self._merge(number, head)
        except ForgeError as error:
            after = self.look(number)  # its answer may have been lost
            if after.state == "merged":
                return _as_it_stands(after, head) or _merged(after)
            if error.kind == "moved" or after.head != head:
                return _moved(after)
            if error.kind == "invalid":
                return MergeOutcome(state="refused", message=error.message)
            raise
        return _merged(before)

    @abstractmethod
    def check(self) -> str: ...

    @abstractmethod
    def issue(self, number: int) -> ForgeIssue:
        """An issue of the project; its text capped and cleaned. Raises ForgeError."""

    @abstractmethod
    def update(self, number: int, proposal: Proposal) -> None: ...

    @abstractmethod
    def comments(self, number: int) -> tuple[ForgeComment, ...]: ...

    @abstractmethod
    def approvals(self, number: int) -> tuple[Approver, ...]: ...

    @abstractmethod
    def set_status(self, commit: str, state: CommitState, text: str) -> None: ...

    @abstractmethod
    def close(self, number: int) -> None: ...

    @abstractmethod
    def find(self, branch: str) -> ForgeRequest | None: ...

    def _refuse_fork(self, url: str) -> NoReturn:
        """Raises ForgeError: a request that a stranger's fork fills is none of labcrew's."""
        raise ForgeError(
            f"{url} comes from a fork, not from a branch of {self.settings.project};"
            " nothing there counts.",
            "Decide here, or close it there.",
            kind="moved",
        )

    @abstractmethod
    def look(self, number: int) -> ForgeRequest: ...

    @abstractmethod
    def _open(self, proposal: Proposal) -> ForgeRequest: ...

    @abstractmethod
    def _merge(self, number: int, head: str) -> None: ...

    @abstractmethod
    def _plain(self, error: Exception) -> Answered | None: ...


def _as_it_stands(request: ForgeRequest, head: str) -> MergeOutcome | None:
    """How a merge ends without a call; None: it may be tried."""
    if request.state == "merged":
        if request.head == head:
            return MergeOutcome(state="already", message=f"{request.url} is merged already.")
        return MergeOutcome(
            state="refused",
            message=f"{request.url} was merged with other commits than {head[:12]}.",
        )
    if request.state == "closed":
        return MergeOutcome(state="refused", message=f"{request.url} was closed there.")
    return None if request.head == head else _moved(request)


def _merged(request: ForgeRequest) -> MergeOutcome:
    return MergeOutcome(state="merged", message=f"{request.url} is merged.")


def _moved(request: ForgeRequest) -> MergeOutcome:
    return MergeOutcome(
        state="moved",
        message=f"{request.url} holds {request.head[:12] or 'nothing'} now, which nobody approved"
        " here.",
    )


def about_old_line(text: str, line: int) -> str:
    """A remark on a line that was there before the change: the change has no line to put it at."""
    return f"{text}\n(About line {line} as it was before this change.)"


def text_of(text: object, url: str) -> str:
    """A stranger's text without odd characters, cut where it is too long for a comment."""
    shown = plain(str(text or "")).strip()
    if len(shown) <= LONGEST_TEXT:
        return shown
    return f"{shown[:LONGEST_TEXT]}\n… (cut; the whole of it stands at {url})"
