"""The policy table: which agent may use which tool with which arguments.

The first row that fits decides; what no row names is refused. "gate" rows are allowed once a person
(or `--yes`) accepted the gate of that kind for the ticket's present revision.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from labcrew.domain.research import AgentName
from labcrew.domain.review import GateKind

Arguments = dict[str, Any]


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Args:
        agents: who it speaks of.
        tool: the tool's name.
        verdict: allowed, refused, or the gate that must have been accepted.
        because: shown to the agent and to people.
        when: a condition on the call's arguments; without one the row always fits.
    """

    agents: tuple[AgentName, ...]
    tool: str
    verdict: Literal["allowed", "refused"] | GateKind
    because: str
    when: Callable[[Arguments], bool] | None = None


POLICY: tuple[Row, ...] = (
    Row(("literature_review",), "read_library", "allowed", "parsed in a sandbox, taken as data"),
    Row(("literature_review",), "search_papers", "allowed", "trusted clients, fixed hosts"),
    Row(("coordinator", "literature_review"), "recall_memory", "allowed", "reading only"),
    Row(("data_pipeline",), "profile_data", "allowed", "reading only, in a sandbox"),
    Row(("data_pipeline",), "clean_data", "plan", "taking rows out changes the criterion"),
    Row(("experiment_launcher",), "prepare_environment", "plan", "installs software"),
    Row(("experiment_launcher",), "render_settings", "allowed", "edits a copy, in a sandbox"),
    Row(("experiment_launcher",), "start_trial", "plan", "spends the budget"),
    Row(("log_monitor",), "watch_trial", "allowed", "reading only"),
    Row(("log_monitor",), "stop_trial", "allowed", "stopping is always safe"),
    Row(("log_monitor",), "collect_outputs", "allowed", "through the one reading function"),
    Row(
        ("log_monitor",),
        "evaluate_outputs",
        "allowed",
        "validation steers the search",
        when=lambda arguments: arguments.get("split") == "validation",
    ),
    Row(("log_monitor",), "track_run", "allowed", "the lab's own tracker"),
    Row(
        ("merge_request",),
        "evaluate_outputs",
        "plan",
        "the holdout is opened for the merge request alone",
    ),
    Row(("merge_request",), "make_change", "plan", "lands on a new branch in the trusted copy"),
    Row(("merge_request",), "run_smoke_test", "plan", "a fresh sandbox"),
    Row(("merge_request",), "publish_branch", "plan", "one new branch, nothing else"),
    Row(("merge_request",), "merge_branch", "merge", "a person merges"),
)


def decide(agent: AgentName, tool: str, arguments: Arguments) -> tuple[str, str]:
    """The verdict on a call and its reason; ("refused", …) where no row fits."""
    for row in POLICY:
        if agent in row.agents and tool == row.tool and (row.when is None or row.when(arguments)):
            return row.verdict, row.because
    return "refused", f"no row of the policy table lets {agent} use {tool} like this"
