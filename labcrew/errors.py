"""Every error labcrew raises on purpose.

LabcrewError
├── InputError            what a person gave is wrong: nothing was started (exit code 2)
│   ├── TicketError       a ticket's file, with line and field (also a ValueError)
│   ├── SettingsError     a setting or an environment variable (also a ValueError)
│   ├── SkillError        a skill's file, with line and field (also a ValueError)
│   ├── RepositoryError   the repository or commit that a ticket names
│   ├── DraftRefused      no ticket can be drafted from this repository as it is
│   ├── Conflict          what stands now is not what was seen: look again (see `facts`)
│   └── NotFound          no such ticket, gate, trial or merge request (also a LookupError)
├── ToolError             a tool's call failed: the agent that called is told, the ticket goes on
│   ├── PolicyRefused     the policy table says no (also a PermissionError)
│   ├── ToolChanged       an outside server's tool is not what a person approved any more
│   ├── SourceUnreachable a literature source doesn't answer now (also a ConnectionError)
│   ├── ForgeError        a forge, or the way to it, does not allow what was asked, and how
│   └── GateRequired      the policy table says a person decides first (also a PermissionError)
├── EngineError           the Docker engine is missing, stopped or refused
│   ├── EngineUnavailable no engine answers
│   └── OutcomeUnknown    the engine was lost in mid-call: the effect may or may not stand
│       └── RunnerLost    a tool container's runner died or lied in mid-call
├── EnvironmentBroken     a ticket's software environment can't be installed
├── OutputExceeded        a command that asks while it runs printed more than is listened to
├── BoundaryError         something a sandbox made may not cross to the host
├── StorageFull           a disk or a cap is full (also an OSError)
├── MemoryDamaged         the memory's index can't be used; it can be made anew from the ledger
├── LedgerError           the ledger is locked, damaged or was changed by hand
│   └── LeaseLost         another worker holds the ticket now
├── ReplayError           what was recorded of a ticket can't be gone through again
│   └── Differs           what comes out of the records is not what the ledger says
├── EvidenceError         a number can't be traced to the outputs it came from
└── JudgementError        a chat model gave no usable answer (the rule takes over)
    └── ModelFailure      a call to its endpoint failed, and how
        └── ToolsRefused  the endpoint takes no tools: it can be asked in another way
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from labcrew.domain.chat import FailureKind, Tokens
    from labcrew.domain.forge import ForgeFailure
    from labcrew.domain.mcp import McpTool
    from labcrew.domain.ticket_problem import TicketProblem


class LabcrewError(Exception):
    """The root: `message` says what happened and where, `remedy` what to do about it."""

    exit_code = 4

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message if not remedy else f"{message}\n  {remedy}")
        self.message = message
        self.remedy = remedy


class InputError(LabcrewError):
    exit_code = 2


class TicketError(InputError, ValueError):
    """`problems` is the same as the message, one by one, where lines or fields are known."""

    def __init__(
        self, message: str, remedy: str = "", problems: "tuple[TicketProblem, ...]" = ()
    ) -> None:
        super().__init__(message, remedy)
        self.problems = problems


class SettingsError(InputError, ValueError):
    pass


class SkillError(InputError, ValueError):
    pass


class RepositoryError(InputError):
    pass


class DraftRefused(InputError):
    pass


class Conflict(InputError):
    """`facts` is what stands now, for programs: who decided and when, or the status."""

    def __init__(self, message: str, remedy: str = "", **facts: str) -> None:
        super().__init__(message, remedy)
        self.facts = facts


class NotFound(InputError, LookupError):
    pass


class ToolError(LabcrewError):
    pass


class PolicyRefused(ToolError, PermissionError):
    pass


class GateRequired(ToolError, PermissionError):
    pass


class ToolChanged(ToolError):
    """`found` is the tool as the server describes it now; None where it offers it no more."""

    def __init__(self, message: str, remedy: str = "", *, found: "McpTool | None") -> None:
        super().__init__(message, remedy)
        self.found = found


class SourceUnreachable(ToolError, ConnectionError):
    pass


class ForgeError(ToolError):
    """`kind` says how; `wait_s` is how long the forge asked to be left alone, in seconds."""

    def __init__(
        self, message: str, remedy: str = "", *, kind: "ForgeFailure", wait_s: float | None = None
    ) -> None:
        super().__init__(message, remedy)
        self.kind = kind
        self.wait_s = wait_s


class EngineError(LabcrewError):
    pass


class EngineUnavailable(EngineError):
    pass


class OutcomeUnknown(EngineError):
    pass


class RunnerLost(OutcomeUnknown):
    """`by_call`: the call killed what watched over it, which an honest one doesn't."""

    def __init__(self, message: str, remedy: str = "", *, by_call: bool = False) -> None:
        super().__init__(message, remedy)
        self.by_call = by_call


class EnvironmentBroken(LabcrewError):
    """`log` is the installer's end, at most 8,000 characters; empty where nothing was started."""

    def __init__(self, message: str, remedy: str = "", log: str = "") -> None:
        super().__init__(message, remedy)
        self.log = log


class OutputExceeded(LabcrewError):
    pass


class BoundaryError(LabcrewError):
    pass


class StorageFull(LabcrewError, OSError):
    pass


class MemoryDamaged(LabcrewError):
    pass


class LedgerError(LabcrewError):
    pass


class LeaseLost(LedgerError):
    pass


class ReplayError(LabcrewError):
    pass


class Differs(ReplayError):
    """`what` is the ledger's key or a call's id; `recorded` its words, `replayed` these."""

    def __init__(self, what: str, recorded: str, replayed: str) -> None:
        super().__init__(f"{what} does not come out as it is recorded.")
        self.what, self.recorded, self.replayed = what, recorded, replayed


class EvidenceError(LabcrewError):
    pass


class JudgementError(LabcrewError):
    pass


class ModelFailure(JudgementError):
    """`kind` says how; `retry_after_s` is what the endpoint asked for; `tokens` is what the call
    used all the same, where the endpoint said so, and `usd` their price, where whoever asked knows
    it; `said` is what had been written of an answer that was cut off.
    """

    def __init__(
        self,
        message: str,
        remedy: str = "",
        *,
        kind: "FailureKind",
        retry_after_s: float | None = None,
        tokens: "Tokens | None" = None,
        usd: float = 0.0,
        said: str = "",
    ) -> None:
        super().__init__(message, remedy)
        self.said = said
        self.usd = usd
        self.kind = kind
        self.retry_after_s = retry_after_s
        self.tokens = tokens

    @property
    def passes(self) -> bool:
        """Whether it may be over in a while: nobody who asked is at fault."""
        return self.kind in ("unavailable", "rate_limited", "timed_out")


class ToolsRefused(ModelFailure):
    pass
