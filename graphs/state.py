"""The graphs' state: fixed-size cursors; every collection lives in the ledger."""

from typing import Literal

from typing_extensions import TypedDict  # before 3.12 pydantic reads no other

Route = Literal[
    "plan",
    "prepare",
    "write_code",
    "gate_code",
    "gate_models",
    "design_trials",
    "launch_trials",
    "monitor_trials",
    "analyse",
    "gate_budget",
    "gate_escalation",
    "open_merge_request",
    "merge",
    "revise",
    "close",
    "reflect",
]


class TicketState(TypedDict, total=False):
    """Where one ticket stands."""

    ticket: str
    revision: int
    plan_round: int
    budget_round: int
    escalation_round: int
    code_round: int
    models_round: int
    outcome: str
    route: Route
    literature_review: str
    profile_data: str
    investigate: str
    write_code: str


class AttemptState(TypedDict, total=False):
    """Where one supervised agent stands, in its subgraph."""

    ticket: str
    revision: int
    attempts: int
    rounds: int
    rules_only: bool
    problems: str
    route: Literal["attempt", "gate", "done"]
