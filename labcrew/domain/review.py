"""Where people decide: gates, decisions, merge requests and their evidence."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from labcrew.domain.base import Model, content_hash
from labcrew.domain.experiment import Score

GateKind = Literal["plan", "budget", "escalation", "merge", "incident"]
"""An incident's gate stands beside a run that goes on; the others hold up the ticket."""
DecisionKind = Literal["accept", "edit", "respond", "ignore"]


class Gate(Model):
    """A pause for a person. The id is ticket, node and revision: a re-run makes no second one."""

    id: str
    ticket: str
    kind: GateKind
    title: str
    description: str = Field(description="Markdown: all that a person should know to decide")
    shown: dict[str, Any] = Field(description="the payload that an approval binds to")
    allowed: tuple[DecisionKind, ...]
    safe_default: DecisionKind = Field(description="what an expired gate decides")
    opened_at: datetime
    expires_at: datetime | None
    status: Literal["open", "decided", "expired", "void"] = "open"

    @property
    def payload_hash(self) -> str:
        """The hash of what is shown."""
        return content_hash(self.shown)

    def interrupt(self) -> dict[str, Any]:
        """The pause in the Agent Inbox schema."""
        return {
            "action_request": {"action": f"{self.kind}:{self.id}", "args": self.shown},
            "config": {
                "allow_accept": "accept" in self.allowed,
                "allow_edit": "edit" in self.allowed,
                "allow_respond": "respond" in self.allowed,
                "allow_ignore": "ignore" in self.allowed,
            },
            "description": self.description,
        }


class Decision(Model):
    """What a person said at a gate; bound to what was shown."""

    gate: str
    ticket: str
    kind: DecisionKind
    by: str = Field(description="a person's name, '--yes', or 'expired'")
    at: datetime
    payload_hash: str
    comment: str = Field(default="", max_length=20_000)
    edits: dict[str, Any] = Field(
        default_factory=dict, description="changed fields of what was shown; gate-specific"
    )


class Comment(Model):
    """A remark on a merge request that becomes work."""

    id: str
    merge_request: str
    by: str
    at: datetime
    text: str = Field(max_length=20_000)
    path: str = ""
    line: int | None = None
    resolved_by_revision: int | None = None


Statistic = Literal["value", "mean", "std", "gain", "gain_low", "gain_high"]


class Evidence(Model):
    """One number of a merge request: `key` is how the description refers to it."""

    key: str
    value: float
    digits: int = Field(ge=0, le=12, description="decimals when rendered")
    statistic: Statistic
    scores: tuple[Score, ...] = Field(description="what it is computed from")
    against: tuple[Score, ...] = Field(default=(), description="for a gain: the other side")

    def rendered(self) -> str:
        """The number as the description shows it."""
        return f"{self.value:.{self.digits}f}"


Verdict = Literal["improves", "no_gain", "unmeasured", "tests_pass", "no_score_before"]
"""`tests_pass`: code without a metric, whose tests failed before and pass with it.
`no_score_before`: code with which the program gives a score, where without it it gave none."""


class SmokeTest(Model):
    """A run of the merge request's own commit in a fresh sandbox."""

    command: str
    exit_code: int
    passed: bool
    detail: str
    score: float | None = None
    duration_s: float


class MergeRequest(Model):
    """A change on a branch, with its reasons and its evidence."""

    id: str
    ticket: str
    revision: int
    title: str
    branch: str
    target: str | None
    base_commit: str
    commit: str
    template: str = Field(
        description="Markdown in which {{key}} stands for a number of the evidence"
    )
    description: str = Field(description="the template with its numbers filled in")
    evidence: tuple[Evidence, ...]
    plots: tuple[str, ...] = Field(default=(), description="SVG files in the ticket's artefacts")
    smoke: SmokeTest | None = None
    gain: float | None = Field(description="holdout gain over the baseline, None: not measured")
    verdict: Verdict
    status: Literal["open", "merged", "closed", "superseded"] = "open"
    merge_note: str = ""
    wording: str = Field(default="", description="which version of the template's text wrote it")


class Verification(Model):
    """What `mr verify` found."""

    merge_request: str
    checked: int = Field(description="numbers recomputed")
    tests: int = Field(default=0, description="tests run again, of code that was written")
    problems: tuple[str, ...] = ()
    no_score_before: str = Field(
        default="", description="why there is no score to compare with; empty: there is one"
    )
    rerun: str = ""

    @property
    def holds(self) -> bool:
        return self.checked + self.tests > 0 and not self.problems
