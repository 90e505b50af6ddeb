"""The policy table: what no row names is refused."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labcrew.domain.research import AgentName
from labcrew.domain.review import GateKind
from labcrew.policy import POLICY, decide

AGENTS: tuple[AgentName, ...] = get_args(AgentName)
TOOLS = sorted({row.tool for row in POLICY})


ARGUMENTS = st.dictionaries(
    st.sampled_from(["split", "path"]), st.sampled_from(["validation", "holdout", ""])
)


@given(st.sampled_from(AGENTS), st.sampled_from(TOOLS) | st.text(), ARGUMENTS)
def test_only_rows_allow(agent: AgentName, tool: str, arguments: dict[str, str]) -> None:
    verdict, because = decide(agent, tool, arguments)
    assert because
    assert verdict in ("allowed", "refused", *get_args(GateKind))
    if not any(agent in row.agents and row.tool == tool for row in POLICY):
        assert verdict == "refused"


def test_each_tool_of_the_table_exists_and_each_tool_stands_in_it() -> None:
    import tools.clean_data as clean
    import tools.evaluate as evaluate
    import tools.make_change as change
    import tools.prepare_environment as environment
    import tools.profile_data as profile
    import tools.read_library as library
    import tools.recall_memory as recall
    import tools.run_trial as trial
    import tools.search_papers as papers
    import tools.smoke_test as smoke
    import tools.track_run as track
    from tools.toolbox import Tool

    modules = (clean, evaluate, change, environment, profile, library, recall, trial, papers,
               smoke, track)  # fmt: skip
    found = {v.name for m in modules for v in vars(m).values() if isinstance(v, Tool)}
    assert found == set(TOOLS)


@pytest.mark.parametrize("agent", AGENTS)
def test_the_holdout_is_behind_the_plan_gate_and_for_one_agent(agent: AgentName) -> None:
    verdict, _ = decide(agent, "evaluate_outputs", {"split": "holdout"})
    assert verdict == ("plan" if agent == "merge_request" else "refused")


def test_spending_installing_cleaning_and_merging_need_a_person() -> None:
    assert decide("experiment_launcher", "start_trial", {})[0] == "plan"
    assert decide("experiment_launcher", "prepare_environment", {})[0] == "plan"
    assert decide("data_pipeline", "clean_data", {})[0] == "plan"
    assert decide("merge_request", "merge_branch", {})[0] == "merge"
    assert decide("log_monitor", "stop_trial", {})[0] == "allowed"
    assert decide("log_monitor", "evaluate_outputs", {"split": "validation"})[0] == "allowed"
