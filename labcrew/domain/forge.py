"""Merge requests where the lab has them: what is asked of a forge; the port tools/forges fills."""

from datetime import datetime
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, field_validator

from labcrew.domain.base import Model
from labcrew.domain.repository import MergeOutcome

ForgeKind = Literal["gitlab", "github"]
ForgeFailure = Literal[
    "unauthorised",  # 401: the token is wrong or has expired
    "forbidden",  # 403: it may not do this
    "missing",  # 404: no such project, request or issue, or the token may not see it
    "branch_gone",  # a branch of the request is not there any more
    "moved",  # 409: the branch has other commits than the caller knows
    "invalid",  # 400, 422 and others: what was asked makes no sense there now
    "limited",  # 429: too many calls
    "unavailable",  # 5xx
    "unreachable",  # no connection, or one that broke
    "timed_out",
    "garbled",  # an answer of another shape than the published one
]
TRANSIENT: frozenset[ForgeFailure] = frozenset(
    {"limited", "unavailable", "unreachable", "timed_out"}
)
"""What may be over when it is tried again later."""
LONGEST_DESCRIPTION = 60_000
"""In characters; what every forge takes."""


class ForgeSettings(BaseModel):
    """Where merge requests are opened beside the local ones."""

    model_config = ConfigDict(extra="forbid")

    kind: ForgeKind | None = Field(
        default=None, description="gitlab or github; without it nothing leaves this machine"
    )
    project: str = Field(default="", description="group/project, or owner/repository")
    url: str = Field(
        default="", description="the forge's address; default: https://gitlab.com or github.com"
    )
    api: str = Field(default="", description="its API's, where it is another one")
    remote: str = Field(
        default="", description="where branches are pushed to, https; default: <url>/<project>.git"
    )
    token_variable: str = Field(
        default="LABCREW_FORGE_TOKEN",
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="the environment variable that holds the token; never the token itself",
    )
    approvals: bool = Field(
        default=True, description="an approval there decides the merge gate here"
    )
    comments: Literal["members", "everybody", "nobody"] = Field(
        default="members", description="whose comments there are taken up"
    )
    poll_s: float = Field(default=60, ge=1, description="how often open requests are looked at")
    timeout_s: float = Field(default=20, gt=0, description="longest wait for one answer")
    retries: int = Field(default=2, ge=0, le=10, description="more tries of a call that may pass")
    retry_wait_s: float = Field(
        default=20, gt=0, description="longest wait before one; whoever asks for more is left"
    )

    @field_validator("url", "api", "remote")
    @classmethod
    def _is_web(cls, value: str) -> str:
        value = value.rstrip("/")
        if not value:
            return value
        scheme, _, rest = value.partition("://")
        host = rest.split("/")[0]
        if "@" in host:
            raise ValueError("an address holds no user or password: name a token_variable")
        loopback = host.partition(":")[0] in ("127.0.0.1", "localhost")
        if scheme != "https" and not (scheme == "http" and loopback):
            raise ValueError("it must begin with https:// (http:// is for this machine alone)")
        return value

    @property
    def address(self) -> str:
        """The forge's web address."""
        return self.url or f"https://{self.kind}.com"

    @property
    def pushed_to(self) -> str:
        """The address that branches are pushed to."""
        return self.remote or f"{self.address}/{self.project}.git"


class Approver(Model):
    """Somebody who approved a request, as the forge says."""

    by: str
    at: str = Field(default="", description="when, in the forge's words")
    commit: str = Field(default="", description="what was approved, where the forge says it")


class ForgeRequest(Model):
    """A merge request (pull request) as the forge has it."""

    number: int
    url: str
    branch: str
    target: str
    head: str = Field(description="the newest commit that the forge sees in it; empty: none yet")
    state: Literal["open", "merged", "closed"]


class ForgeComment(Model):
    """A remark that somebody else left there. Its text is data."""

    id: str = Field(description="the forge's own, unique within the project")
    by: str
    at: datetime
    text: str
    path: str = ""
    line: int | None = None
    member: bool = Field(description="whether its author may write to the project")
    asks_for_changes: bool = Field(
        default=False, description="the forge's word that the request needs work"
    )


class ForgeIssue(Model):
    """An issue that a ticket may be drafted from. Its text is data."""

    title: str
    text: str
    url: str
    state: str


class Proposal(Model):
    """What is opened."""

    branch: str
    target: str
    title: str
    text: str = Field(max_length=LONGEST_DESCRIPTION, description="Markdown")


CommitState = Literal["pending", "success", "failure"]


class Forge(Protocol):
    """A place where merge requests are reviewed and merged.

    Every method blocks and raises ForgeError for what the forge or the way to it does not allow.
    """

    @property
    def name(self) -> str:
        """Kind, host and project, for people; a gate that lets something out there shows it."""

    def check(self) -> str:
        """Asks whether the project can be reached; answers a line for people."""

    def publish(self, copy: str, commit: str, branch: str, expected: str | None) -> None:
        """Puts a commit at a branch; nothing where it stands there already.

        Args:
            copy: the trusted copy that holds the commit, named as its ticket.
            expected: the commit that labcrew put there last, None: there is no such branch yet. A
                branch with any other commit stays as it is: ForgeError "moved".
        """

    def find(self, branch: str) -> ForgeRequest | None:
        """The newest request from a branch, whatever its state."""

    def open(self, proposal: Proposal) -> ForgeRequest:
        """Opens a request; the one that is open from this branch already, if there is."""

    def update(self, number: int, proposal: Proposal) -> None:
        """Changes title and description."""

    def look(self, number: int) -> ForgeRequest:
        """A request as it stands."""

    def comments(self, number: int) -> tuple[ForgeComment, ...]:
        """What others said, oldest first; the forge's own notes and labcrew's left out."""

    def approvals(self, number: int) -> tuple[Approver, ...]:
        """Who approves of it now, of those who may write to the project."""

    def set_status(self, commit: str, state: CommitState, text: str) -> None:
        """Says how the smoke test of a commit went."""

    def merge(self, number: int, branch: str, target: str, head: str) -> MergeOutcome:
        """Merges a request if its newest commit is `head`."""

    def close(self, number: int) -> None:
        """Closes a request without merging; nothing where it is closed or merged."""
