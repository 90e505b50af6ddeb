"""Tool that finds the commit which broke something, each trial in a fresh container."""

import time
from collections.abc import Callable, Mapping, Sequence

from pydantic import Field

from labcrew.code_paths import reading_trouble
from labcrew.domain.base import Model, content_hash
from labcrew.domain.repository_path import RepositoryPath
from labcrew.domain.sandbox import RunResult, SandboxSpec
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import BoundaryError, ToolError
from labcrew.patterns import matches
from tools.programming.bisection import Bisected, Verdict, bisect
from tools.programming.changes import changed_files, text_now
from tools.programming.container import code_image, code_limits, code_variables, code_workspace
from tools.programming.telling import Told, shown
from tools.toolbox import Tool, Workbench
from tools.trial_spec import data_inputs, hidden_paths

_CANT_TELL = 125
"""The exit code by which a command says that a commit can't be tried, as for `git bisect run`."""
_COMMITS = 500
_TRIALS = 24
_DIFF_CHARACTERS = 5000


class BisectCommits(Model):
    """Finds the first commit at which a command fails."""

    command: str = Field(
        min_length=1,
        max_length=10_000,
        description="run by `sh -c`: exit code 0 is good, 125 can't tell, others are bad",
    )
    good: str = Field(
        default="",
        max_length=64,
        description="a commit where it worked, or the beginning of its id; default: it is looked"
        " for",
    )
    files: tuple[RepositoryPath, ...] = Field(
        default=(),
        max_length=20,
        description="files that each commit gets as they stand now, such as a test that shows it",
    )
    timeout_s: float = Field(default=120, gt=0, le=3600, description="seconds a commit")
    within_s: float = Field(default=3600, gt=0, le=3600, description="seconds in all")


class FirstBad(Told):
    """The first bad commit, or those among which it is."""

    commit: str | None
    suspects: tuple[str, ...]
    trials: int


def _bisect(call: BisectCommits, assigned: AssignedTicket, bench: Workbench) -> FirstBad:
    history = bench.repositories.history(assigned.id, assigned.base_commit, _COMMITS)
    commits = list(reversed(history))
    if len(commits) < 2:
        raise ToolError("There is one commit only: nothing to bisect.")
    private = _private(assigned, bench)
    laid = _laid(call, assigned, bench)
    ended: dict[str, RunResult] = {}
    deadline = time.monotonic() + call.within_s

    def try_one(commit: str) -> Verdict:
        if time.monotonic() > deadline:
            raise ToolError(f"{call.within_s:g} s are over after {len(ended)} commits.")
        ended[commit] = _tried(call, commit, assigned, bench, laid, private.get(commit, ()))
        return _verdict(ended[commit])

    if try_one(commits[-1]) != "bad":
        raise ToolError(
            f"The command does not fail on the ticket's commit ({_how(ended[commits[-1]])}).",
            "Give a command that fails there with another exit code than 125.",
        )
    if call.good:
        good = _named(call.good, commits[:-1])
        start = commits.index(good)
        if try_one(good) != "good":
            raise ToolError(
                f"The command does not succeed on {good[:12]} ({_how(ended[good])}).",
                f"It says:\n{shown(ended[good].stderr[-1000:])}",
            )
    else:
        found = _a_good_one(commits, try_one)
        if found is None:
            last = ended[commits[0]]
            raise ToolError(
                f"The command succeeds on none of the {len(ended)} older commits that were tried.",
                f"On the oldest ({_how(last)}) it says:\n{shown(last.stderr[-1000:])}",
            )
        start = found
    known = {commit: _verdict(result) for commit, result in ended.items()}
    result = bisect(commits[start:], lambda c: known[c] if c in known else try_one(c), most=_TRIALS)
    return FirstBad(
        text=shown(_told(result, assigned, bench, commits, private)),
        commit=result.first_bad,
        suspects=result.suspects,
        trials=len(ended),
    )


def _private(assigned: AssignedTicket, bench: Workbench) -> Mapping[str, tuple[str, ...]]:
    """Commit → what nobody may see of it: today's private files lay elsewhere in older commits."""
    hidden = hidden_paths(assigned)
    if not hidden:
        return {}
    try:
        return bench.repositories.lineage(assigned.id, assigned.base_commit, hidden, _COMMITS)
    except BoundaryError as error:
        raise ToolError(
            f"What is private can't be told in older commits: {error.message}"
        ) from error


def _laid(call: BisectCommits, assigned: AssignedTicket, bench: Workbench) -> dict[str, str]:
    """Path → text of what every commit gets: the change's new files, and those that are named.

    Raises ToolError: one can't be read.
    """
    known = set(bench.repositories.files(assigned.id, assigned.base_commit))
    changed = changed_files(bench.ledger, assigned)
    laid = {path: text for path, text in changed.items() if path not in known}
    for path in call.files:
        if trouble := reading_trouble(assigned.ticket, path):
            raise ToolError(trouble)
        text = text_now(bench, assigned, path)
        if text is None:
            raise ToolError(f"There is no file {path} to lay over older commits.")
        laid[path] = text
    return laid


def _a_good_one(commits: list[str], try_one: Callable[[str], Verdict]) -> int | None:
    """The index of a good commit, looked for further and further back."""
    step, at = 1, len(commits) - 1
    while at > 0:
        at = max(0, at - step)
        if try_one(commits[at]) == "good":
            return at
        step *= 2
    return None


def _tried(
    call: BisectCommits,
    commit: str,
    assigned: AssignedTicket,
    bench: Workbench,
    laid: dict[str, str],
    private: tuple[str, ...],
) -> RunResult:
    """Runs the command on a commit, with the tests that the ticket brings laid over it.

    Args:
        laid: path → text of what else is: a script that shows the fault may be among it.
        private: patterns of what is left out of it, beside those of the ticket.
    """
    digest = content_hash({"call": call.model_dump(mode="json"), "commit": commit, "new": laid})
    workspace = code_workspace(assigned, laid, commit)
    without = tuple(dict.fromkeys((*workspace.without, *private)))
    return bench.sandboxes.run(
        SandboxSpec(
            name=f"{assigned.id}-bisect-{digest[:12]}".lower(),
            purpose="tools",
            ticket=assigned.id,
            image=code_image(bench, assigned),
            command=("/bin/sh", "-c", call.command),
            environment=code_variables(assigned),
            workspace=workspace.model_copy(update={"without": without}),
            inputs=data_inputs(assigned, {})[0],
            limits=code_limits(assigned, call.timeout_s),
        )
    )


def _named(good: str, commits: Sequence[str]) -> str:
    """The commit that an id, or its beginning, names. Raises ToolError."""
    found = [commit for commit in commits if commit.startswith(good.lower())]
    if not found:
        raise ToolError(
            f"{good} is not before the ticket's commit, by first parents.",
            "Name a commit by its id, or leave it out: then one is looked for.",
        )
    if len(found) > 1:
        raise ToolError(f"{good} is the beginning of {len(found)} commits' ids: name more of it.")
    return found[0]


def _verdict(result: RunResult) -> Verdict:
    if result.timed_out or result.exit_code == _CANT_TELL:
        return "unknown"
    return "good" if result.exit_code == 0 else "bad"


def _how(result: RunResult) -> str:
    return "it was ended" if result.timed_out else f"exit code {result.exit_code}"


def _told(
    result: Bisected,
    assigned: AssignedTicket,
    bench: Workbench,
    commits: list[str],
    private: Mapping[str, tuple[str, ...]],
) -> str:
    tried = ", ".join(f"{commit[:12]} {verdict}" for commit, verdict in result.verdicts)
    if result.first_bad is None:
        names = ", ".join(commit[:12] for commit in result.suspects[:20])
        why = "others can't be told apart" if result.complete else "the trials are used up"
        return f"The first bad commit is one of {names}; {why}. Tried: {tried or 'none'}."
    before = commits[commits.index(result.first_bad) - 1]
    change = bench.repositories.change(assigned.id, before, result.first_bad)
    unseen = (*private.get(before, ()), *private.get(result.first_bad, ()))
    hidden = {
        path
        for path in change.files
        if reading_trouble(assigned.ticket, path) is not None or matches(path, unseen)
    }
    files = ", ".join(path for path in change.files if path not in hidden)
    # A change that also touches what nobody may see, or a key, is told by its files alone.
    secret = bench.redact(change.diff) != change.diff
    diff = "" if hidden or secret else f"\n{shown(change.diff, _DIFF_CHARACTERS)}"
    return (
        f"The first bad commit is {result.first_bad}. It changes {files or 'no readable file'}."
        f" Tried: {tried or 'none but its ends'}.{diff}"
    )


bisect_commits = Tool("bisect_commits", BisectCommits, _bisect)
