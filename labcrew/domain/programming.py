"""Code that is written for a ticket: its tests, what they gave, and the patch."""

from typing import Literal

from pydantic import Field

from labcrew.domain.base import Model, content_hash
from labcrew.domain.chat import Tokens
from labcrew.domain.repository_path import RepositoryPath
from labcrew.domain.sandbox import OverlayFile


class Tests(Model):
    """The tests that judge a ticket of kind implement or fix."""

    command: str = Field(
        default="python -m pytest -q",
        min_length=1,
        description="runs tests with pytest by `sh -c`; test files or ids are put behind it",
    )
    fail_to_pass: tuple[str, ...] = Field(
        default=(),
        max_length=200,
        description="pytest ids or files that must fail on the base commit and pass afterwards;"
        " none: a test that shows the fault or feature is written and becomes part of the change",
    )
    pass_to_pass: tuple[str, ...] = Field(
        default=(),
        max_length=2000,
        description="ids or files that passed before and must still pass; none: all that passed",
    )
    files: dict[RepositoryPath, str] = Field(
        default_factory=dict,
        description="path → text of test files that the ticket brings; laid over every run of the"
        " tests, never part of the change",
    )
    timeout_s: float = Field(default=600, gt=0, description="seconds for one run of the tests")


TestOutcome = Literal["passed", "failed", "error", "skipped", "missing"]
"""`missing`: the run's report does not speak of it, which is never a pass."""


class TestReport(Model):
    """One run of tests in a fresh sandbox."""

    outcomes: dict[str, TestOutcome] = Field(description="pytest id → outcome")
    exit_code: int | None
    timed_out: bool = False
    tail: str = Field(default="", description="the end of its output: untrusted text")
    duration_s: float = 0.0

    def passed(self, name: str) -> bool:
        """Whether all that an id or a file names passed, and something was there to pass."""
        named = [
            o
            for i, o in self.outcomes.items()
            if i == name or i.startswith(f"{name}::") or i.startswith(f"{name}[")
        ]
        return (
            bool(named)
            and all(outcome in ("passed", "skipped") for outcome in named)
            and ("passed" in named)
        )


class Patch(Model):
    """What the crew changed in the code for one revision of a ticket, and what the tests say."""

    id: str = Field(description="ticket and revision")
    ticket: str
    revision: int
    status: Literal["ready", "gave_up"]
    files: tuple[OverlayFile, ...] = Field(description="whole files as they stand now")
    summary: str = Field(description="in the model's words: untrusted text")
    because: str = Field(default="", description="why it was given up, and what was tried")
    notes: tuple[str, ...] = ()
    before: TestReport | None = Field(default=None, description="on the base commit")
    after: TestReport | None = Field(default=None, description="with the patch")
    fail_to_pass: tuple[str, ...] = ()
    pass_to_pass: tuple[str, ...] = ()
    alike: tuple[str, ...] = Field(
        default=(), description="places where the same pattern stands: path:line text"
    )
    steps: int = Field(ge=0, description="answers of the model that were acted on")
    tokens: Tokens = Tokens()
    by: str = Field(description="model:<name>")

    @property
    def code(self) -> str:
        """What a trial with this patch is told apart by: a hash of its files."""
        return content_hash([file.model_dump(mode="json") for file in self.files])


class Investigation(Model):
    """What was found out before a plan for code was shown to a person."""

    summary: str = Field(description="untrusted text")
    steps: tuple[str, ...] = ()
    files: tuple[str, ...] = Field(default=(), description="paths that it concerns")
    by: str = Field(default="rule", description="rule, or model:<name>")


class ModelCall(Model):
    """One call to a model, as the ledger keeps it; secrets are taken out."""

    id: str
    ticket: str
    agent: str
    purpose: str
    model: str
    prompt_sha256: str = Field(description="of everything that was sent")
    tokens: Tokens
    usd: float = Field(ge=0)
    duration_s: float = Field(ge=0)
    outcome: str = Field(description="answered, or how it failed")
