"""The policy table: which agent may use which tool with which arguments.

The first row of an agent and a tool whose arguments all fit decides; what no row names is refused.
Each argument has a condition, and an argument without one is refused. "plan" and "merge" rows wait
until a person (or `--yes`) accepted the gate of that kind for the ticket's present revision.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, get_args

from labcrew import policy_changes as changes
from labcrew import policy_coding as coding
from labcrew import policy_drafts as drafts
from labcrew import policy_evolution as evolution
from labcrew import policy_mcp as mcp
from labcrew import policy_plain as plain
from labcrew import policy_preparing as preparing
from labcrew import policy_trials as trials
from labcrew.domain.research import AgentName
from labcrew.domain.review import GateKind
from labcrew.policy_facts import Call, Condition


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Args:
        agents: who it speaks of.
        tool: the tool's name.
        verdict: allowed, or the gate that must have been accepted.
        because: shown to the agent and to people.
        arguments: argument → what it must be.
    """

    agents: tuple[AgentName, ...]
    tool: str
    verdict: Literal["allowed"] | GateKind
    because: str
    arguments: Mapping[str, Condition]


@dataclass(frozen=True)
class Ruling:
    """What the table says of a call.

    Args:
        verdict: "waits" for a gate that was not accepted.
        because: why, in words for agents and people.
        gate: the gate that it rests on, or waits for.
    """

    verdict: Literal["allowed", "refused", "waits"]
    because: str
    gate: GateKind | None = None


def _row(
    agents: str,
    tool: str,
    verdict: Literal["allowed"] | GateKind,
    because: str,
    /,
    **args: Condition,
) -> Row:
    named: tuple[Any, ...] = tuple(agents.split())
    return Row(named, tool, verdict, because, MappingProxyType(args))


_EVERYBODY = " ".join(get_args(AgentName))
POLICY: tuple[Row, ...] = (
    _row("coordinator", "survey_repository", "allowed", "reading only, in a sandbox"),
    _row(
        "literature_review", "read_library", "allowed", "parsed in a sandbox, taken as data",
        folder=preparing.library,
    ),
    _row(
        "literature_review", "search_papers", "allowed", "trusted clients, fixed hosts",
        queries=preparing.own_words, limit=preparing.twenty_at_most,
    ),
    _row(
        "coordinator literature_review", "recall_memory", "allowed", "reading only",
        scope=plain.anything, query=plain.anything, limit=plain.anything,
        commit=plain.anything,
        data_hash=plain.anything,
        repository=plain.anything,
        holding=plain.anything,
    ),
    _row(
        "data_pipeline", "profile_data", "allowed", "reading only, in a sandbox",
        paths=preparing.paths_of_the_data,
    ),
    _row(
        "data_pipeline", "clean_data", "plan", "taking rows out changes the criterion",
        path=preparing.training_file, sha256=plain.checksum, rows=preparing.approved_rows,
    ),
    _row(
        "experiment_launcher", "prepare_environment", "plan", "installs software",
        key=preparing.approved_environment, approved=plain.true,
    ),
    _row(
        "experiment_launcher", "read_help", "allowed", "read in a sandbox, for a draft",
        text=drafts.text_of_a_draft,
    ),
    _row(
        "experiment_launcher", "install_environment", "allowed",
        "a draft's software, from the package index alone; its Dockerfile waits for a person",
        number=drafts.number_of_a_try, environment=drafts.plain_environment,
        because=plain.anything,
        variables=drafts.few_variables,
    ),
    _row(
        "experiment_launcher", "render_settings", "allowed", "edits a copy, in a sandbox",
        file=trials.settings_file, values=trials.values_of_a_run,
        style=trials.style_of_the_settings,
    ),
    _row(
        "experiment_launcher", "render_settings", "allowed", "edits a draft's copy, in a sandbox",
        file=drafts.file_of_a_draft, values=plain.anything, style=drafts.file_or_source,
    ),
    _row(
        "experiment_launcher", "start_trial", "plan", "spends the budget",
        trial=trials.own_planned_trial, image=preparing.approved_image,
        cleaned=trials.cleaned_copies,
        overlay=trials.settings_overlay, hosts=trials.hosts_shown,
    ),
    _row(
        "experiment_launcher", "first_run", "allowed",
        "in a sandbox without a network, within what a draft may spend",
        id=drafts.own_first_run, image=drafts.installed_image, command=plain.anything,
        environment=plain.anything, overlay=plain.anything, outputs=plain.anything,
        cpus=drafts.few_cpus, memory_mb=drafts.modest_memory, timeout_s=drafts.an_hour_at_most,
        disk_mb=drafts.modest_disk,
    ),
    _row("log_monitor", "watch_trial", "allowed", "reading only", trial=trials.own_trial),
    _row("log_monitor", "stop_trial", "allowed", "stopping is always safe", trial=trials.own_trial),
    _row(
        "log_monitor", "collect_outputs", "allowed", "through the one reading function",
        trial=trials.own_trial,
    ),
    _row(
        "log_monitor", "inspect_checkpoints", "allowed", "reading only, in a sandbox",
        trial=trials.own_trial,
    ),
    _row(
        "log_monitor", "free_space", "allowed",
        "old checkpoints in a trial's own container; the newest and the last good one stay",
        trial=trials.own_trial, since_step=trials.step_or_nothing,
    ),
    _row(
        "log_monitor", "evaluate_outputs", "allowed", "validation steers the search",
        subject=trials.own_run, folder=trials.outputs_of_the_subject,
        expected_sha256=plain.checksum,
        split=trials.validation, seed=trials.seed, commit=trials.commit_of_the_run,
        image=preparing.approved_image, data_sha256=plain.checksum_or_nothing,
        container=trials.judge_container,
    ),
    _row(
        "log_monitor", "track_run", "allowed", "the lab's own tracker",
        run=trials.tracked_run,
    ),
    _row(
        "merge_request", "evaluate_outputs", "plan",
        "the holdout is opened for the merge request alone",
        subject=trials.own_trial, folder=trials.outputs_of_the_subject,
        expected_sha256=plain.checksum,
        split=trials.holdout, seed=trials.seed, commit=trials.base_commit,
        image=preparing.approved_image, data_sha256=plain.checksum_or_nothing,
        container=trials.judge_container,
    ),
    _row(
        "merge_request", "read_file", "allowed", "reading only", path=coding.readable_path,
        first=plain.anything, last=plain.anything,
    ),
    _row(
        "merge_request", "search_files", "allowed", "reading only, in a sandbox",
        pattern=plain.anything, path=coding.readable_path, literal=plain.anything,
    ),
    _row(
        "merge_request", "replace_text", "plan", "changes the code", path=coding.editable_path,
        old=plain.anything, new=plain.anything,
    ),
    _row(
        "merge_request", "apply_diff", "plan", "changes the code", diff=coding.editable_diff,
    ),
    _row(
        "merge_request", "write_file", "plan", "changes the code", path=coding.editable_path,
        text=plain.anything,
    ),
    _row(
        "merge_request", "restore_file", "plan", "takes a change of the code back",
        path=coding.editable_path,
    ),
    _row(
        "merge_request", "run_command", "allowed",
        "in a sandbox without a network; what it changes there is no part of the change",
        command=coding.for_code, timeout_s=drafts.an_hour_at_most,
    ),
    _row(
        "merge_request", "run_tests", "allowed", "a fresh sandbox without a network",
        names=coding.few_tests,
    ),
    _row(
        "merge_request", "baseline_tests", "allowed", "a fresh sandbox without a network",
        names=coding.few_tests,
    ),
    _row(
        "merge_request", "find_alike", "allowed", "reading only", path=coding.readable_path,
    ),
    _row(
        "merge_request", "left_behind", "allowed", "reading only", path=coding.readable_path,
    ),
    _row(
        "merge_request", "bisect_commits", "allowed", "fresh sandboxes without a network",
        command=coding.for_code, good=coding.commit_id, files=coding.readable_paths,
        timeout_s=drafts.an_hour_at_most, within_s=drafts.an_hour_at_most,
    ),
    _row(
        "merge_request", "smallest_reproduction", "allowed", "a sandbox without a network",
        command=coding.for_code, timeout_s=drafts.an_hour_at_most,
    ),
    _row("merge_request", "note", "allowed", "kept with the ticket", text=coding.for_code),
    _row(
        "merge_request", "ask_person", "allowed", "a person is asked", question=coding.for_code,
    ),
    _row(
        "merge_request", "finish", "allowed", "the tests judge, not its word",
        summary=coding.for_code,
    ),
    _row(
        "merge_request", "make_change", "plan", "lands on a new branch in the trusted copy",
        files=changes.files_of_the_change, message=changes.change_message,
        editable=changes.own_editable,
        ref=changes.change_ref,
    ),
    _row(
        "merge_request", "run_smoke_test", "plan", "a fresh sandbox",
        subject=changes.own_smoke_test, commit=changes.own_change, template=changes.smoke_command,
        values=trials.in_the_search_space, seed=trials.seed, image=preparing.approved_image,
        cleaned=trials.cleaned_copies,
    ),
    _row(
        "merge_request", "publish_branch", "plan", "one new branch, nothing else",
        commit=changes.own_change, branch=changes.own_branch,
    ),
    _row(
        "merge_request", "merge_branch", "merge", "a person merges",
        target=changes.shown_target, commit=changes.shown_commit,
        merge_request=changes.shown_request,
    ),
    _row(
        "merge_request", "propose_change", "plan",
        "the change leaves for the forge that the plan gate named, nothing else does",
        merge_request=changes.own_request, commit=changes.own_change, forge=changes.shown_forge,
    ),
    _row(
        "merge_request", "withdraw_change", "allowed", "closes what it opened there",
        merge_request=changes.own_request_of_any_revision,
    ),
    _row(
        "experiment_launcher", "run_candidate", "plan",
        "spends the loop's budget, each run in a sandbox without scorer, answers or network",
        files=evolution.program, jobs=evolution.jobs, image=evolution.prepared_image,
        parallel=evolution.parallel_runs, until_halted=evolution.a_switch,
    ),
    _row(
        "experiment_launcher", "score_outputs", "plan",
        "the base commit's scorer, in a sandbox of its own",
        code=evolution.a_hash, runs=evolution.raw_runs, cases=evolution.cases,
        image=evolution.prepared_image, twice=evolution.a_switch,
    ),
    _row(
        "merge_request", "record_round", "plan", "a commit in the trusted copy",
        parent=evolution.a_commit, round=evolution.own_round, champion=evolution.champion,
    ),
    _row(
        "merge_request", "publish_kept", "plan", "two new branches, nothing else",
        kept=evolution.kept_rounds, tip=evolution.a_commit,
    ),
    _row(
        "merge_request", "merge_kept", "merge", "a person merges",
        target=evolution.shown_target, commit=evolution.shown_commit,
    ),
    _row(
        _EVERYBODY, "call_mcp_tool", "allowed",
        "settings let this agent use it without a gate; what it answers taints the ticket",
        server=mcp.ungated_server, tool=mcp.approved_tool, arguments=mcp.fitting_arguments,
    ),
    _row(
        _EVERYBODY, "call_mcp_tool", "plan",
        "settings let this agent use it; what it answers taints the ticket",
        server=mcp.named_server, tool=mcp.approved_tool, arguments=mcp.fitting_arguments,
    ),
)  # fmt: skip


def decide(call: Call) -> Ruling:
    """The table's word on a call; refused where no row fits.

    Args:
        call: who asks for what, with the facts that the conditions need.
    """
    refusal = f"no row of the policy table lets {call.agent} use {call.tool}"
    for row in POLICY:
        if call.agent not in row.agents or call.tool != row.tool:
            continue
        gate = None if row.verdict == "allowed" else row.verdict
        if gate is not None and call.facts.approval(gate) is None:
            return Ruling("waits", row.because, gate)
        trouble = _trouble(row, call)
        if trouble is None:
            return Ruling("allowed", row.because, gate)
        refusal = trouble
    return Ruling("refused", refusal)


def in_words(condition: Condition) -> str:
    """What an argument must be: the first line of its condition's docstring, without its dot."""
    return (condition.__doc__ or condition.__name__).splitlines()[0].rstrip(".")


def _trouble(row: Row, call: Call) -> str | None:
    unknown = sorted(set(call.arguments) - set(row.arguments))
    if unknown:
        return f"the table says nothing of its argument {unknown[0]}"
    for name, condition in row.arguments.items():
        try:
            fits = condition(call, call.arguments.get(name))
        except (TypeError, ValueError, AttributeError, LookupError):
            fits = False  # not even of the right shape
        if not fits:
            return f"{name} must be: {in_words(condition)}"
    return None
