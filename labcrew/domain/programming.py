"""Code that is written for a ticket: what was found out, the patch, and what it cost."""

from typing import Literal

from pydantic import Field

from labcrew.domain.base import Model, content_hash
from labcrew.domain.chat import Tokens
from labcrew.domain.sandbox import OverlayFile
from labcrew.domain.skills import RuleResult
from labcrew.domain.testing import TestReport


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
    alike_shown: tuple[str, ...] | None = Field(
        default=None, description="those that the model was shown; older patches do not say"
    )
    rules: tuple[RuleResult, ...] = Field(
        default=(), description="the lab's, and how it keeps them"
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


class FailedRun(Model):
    """How runs of the program failed, as the next writing of code is told of it."""

    trials: tuple[str, ...] = Field(description="those that failed alike")
    changed: bool = Field(description="with a patch; false: the program as it is")
    diagnosis: str = Field(description="their incident's; it quotes untrusted text")
    evidence: tuple[str, ...] = Field(default=(), description="lines of a log: untrusted text")


class ModelCall(Model):
    """One call to a model, as the ledger keeps it; secrets are taken out."""

    id: str
    ticket: str
    agent: str
    purpose: str
    model: str
    prompt_sha256: str = Field(description="of everything that was sent")
    tokens: Tokens
    usd: float | None = Field(
        default=None, ge=0, description="by the settings' prices; None: no price is known"
    )
    unpriced: int = Field(
        default=0, ge=0, description="tokens of those of its requests whose model has no price"
    )
    duration_s: float = Field(ge=0)
    outcome: str = Field(description="answered, or how it failed")
    step: str = Field(default="", description="the logical step that asked; empty: none was named")
    turn: int = Field(default=1, ge=1, description="which call of the step, retries counted")
    estimated: bool = Field(
        default=False, description="whether tokens are an upper bound, for nobody said what it used"
    )
    prompt: str = Field(default="", description="SHA-256 of the request as it is kept")
    answer: str = Field(default="", description="SHA-256 of the answer as it is kept")
    exact: bool = Field(
        default=True, description="whether both are kept whole: no secret taken out, nothing cut"
    )
