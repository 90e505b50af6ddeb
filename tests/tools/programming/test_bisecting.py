"""Bisection: the first bad commit by few trials, in fresh containers."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, log2
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.lab import take
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import ToolError
from tests.sandboxes.fixtures import UserFolder
from tests.tools.programming.conftest import make_fix
from tools.programming.bisecting import BisectCommits, FirstBad, _named, bisect_commits
from tools.programming.bisection import Verdict, bisect
from tools.programming.editing import WriteFile, write_file
from tools.toolbox import Workbench


@given(st.integers(2, 300), st.data())
def test_the_first_bad_one_is_found_by_few_trials(count: int, data: st.DataObject) -> None:
    commits = [f"c{n}" for n in range(count)]
    first = data.draw(st.integers(1, count - 1))
    verdict: dict[bool, Verdict] = {True: "bad", False: "good"}
    found = bisect(commits, lambda c: verdict[commits.index(c) >= first])
    assert found.first_bad == commits[first]
    assert found.suspects == (commits[first],)
    assert len(found.verdicts) <= ceil(log2(count)) + 1
    assert found.complete


@given(st.integers(2, 60), st.data())
def test_unknown_ones_widen_the_suspicion_and_never_mislead(
    count: int, data: st.DataObject
) -> None:
    commits = [f"c{n}" for n in range(count)]
    first = data.draw(st.integers(1, count - 1))
    unknown = data.draw(st.sets(st.integers(1, max(1, count - 2))))

    def try_one(commit: str) -> Verdict:
        at = commits.index(commit)
        return "unknown" if at in unknown else "bad" if at >= first else "good"

    found = bisect(commits, try_one, most=100)
    assert commits[first] in found.suspects
    assert found.complete
    # All but the last of them could not be told.
    assert {commits.index(c) for c in found.suspects[:-1]} <= unknown
    tried = [commit for commit, _ in found.verdicts]
    assert len(set(tried)) == len(tried)


def test_trials_run_out() -> None:
    found = bisect([f"c{n}" for n in range(100)], lambda c: "unknown", most=3)
    assert (found.first_bad, found.complete, len(found.verdicts)) == (None, False, 3)


@dataclass
class Past:
    """A repository with a history of ten commits; the sixth breaks it."""

    assigned: AssignedTicket
    commits: list[str]


@pytest.fixture(scope="module")
def past(bench: Workbench, tmp_path_factory: pytest.TempPathFactory) -> Past:
    user = UserFolder(tmp_path_factory.mktemp("past"))
    user.git("init", "-q", "-b", "main")
    user.write("answers/holdout.csv", "secret,answers\n")
    commits = []
    for number in range(10):
        user.write("lab/value.py", f"VALUE = {2 if number < 6 else 3}\n# {number}\n")
        user.write("notes.txt", f"{number}\n")
        commits.append(user.commit(f"step {number}"))
    return Past(take(bench, make_fix(user), Path("/"), "T-6000"), commits)


CHECK = (
    "ls answers 2>/dev/null && exit 0; python -c 'from lab.value import VALUE; assert VALUE == 2'"
)


def run(bench: Workbench, past: Past, command: str = CHECK, good: str = "") -> FirstBad:
    return bisect_commits.run(BisectCommits(command=command, good=good), past.assigned, bench)


@pytest.fixture(autouse=True)
def nothing_is_left(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "bench" in request.fixturenames:
        bench: Workbench = request.getfixturevalue("bench")
        assert not [s for s in bench.sandboxes.list("T-6000") if "bisect" in s.name]


@pytest.mark.engine
def test_the_commit_that_broke_it_is_found_and_shown(bench: Workbench, past: Past) -> None:
    for good in ("", past.commits[0], past.commits[0][:10]):
        found = run(bench, past, good=good)
        assert found.commit == past.commits[6]
        assert found.trials <= 7
        assert "-VALUE = 2" in found.text
        assert "It changes lab/value.py, notes.txt." in found.text


def test_a_commit_is_named_by_the_beginning_of_its_id() -> None:
    commits = ("ab12cd", "ab34ef")
    assert _named("AB12", commits) == "ab12cd"
    with pytest.raises(ToolError, match="not before"):
        _named("HEAD~1", commits)
    with pytest.raises(ToolError, match="of 2 commits' ids"):
        _named("ab", commits)


@pytest.mark.engine
def test_commits_that_can_not_be_tried_stay_suspects(bench: Workbench, past: Past) -> None:
    command = f"grep -qE '^(4|5)$' notes.txt && exit 125; {CHECK}"
    found = run(bench, past, command, past.commits[0])
    assert found.commit is None
    assert found.suspects == tuple(past.commits[4:7])
    assert "can't be told apart" in found.text


@pytest.mark.engine
def test_a_script_of_the_change_is_tried_on_old_commits(bench: Workbench, past: Past) -> None:
    text = "from lab.value import VALUE\nassert VALUE == 2\n"
    write_file.run(WriteFile(path="new/show.py", text=text), past.assigned, bench)
    found = run(bench, past, "PYTHONPATH=. python new/show.py")
    assert found.commit == past.commits[6]


@pytest.mark.engine
def test_a_file_of_today_is_laid_over_old_commits(bench: Workbench, past: Past) -> None:
    def found(*files: str) -> str | None:
        # Today's file breaks what uses it: with it no commit was ever good.
        call = BisectCommits(command=CHECK, files=files)
        return bisect_commits.run(call, past.assigned, bench).commit

    assert found("notes.txt") == past.commits[6]
    with pytest.raises(ToolError, match="succeeds on none"):
        found("lab/value.py")
    with pytest.raises(ToolError, match=r"There is no file gone\.py"):
        found("gone.py")
    with pytest.raises(ToolError, match=r"answers/holdout\.csv"):
        found("answers/holdout.csv")


@pytest.mark.engine
def test_private_files_are_hidden_where_they_lay_then(bench: Workbench, tmp_path: Path) -> None:
    user = UserFolder(tmp_path)
    user.git("init", "-q", "-b", "main")
    answers = "".join(f"{n},answer {n}\n" for n in range(20))
    user.write("data/held.csv", answers)
    commits = []
    for number in range(5):
        if number == 3:
            (tmp_path / "data" / "held.csv").unlink()
            user.write("answers/holdout.csv", f"{answers}20,answer 20\n")
        user.write("value.py", f"VALUE = {min(number, 3)}\n# {number}\n")
        commits.append(user.commit(f"step {number}"))
    past = Past(take(bench, make_fix(user), Path("/"), "T-6001"), commits)
    # Nothing could be told of a commit in which an answer is seen.
    found = run(bench, past, "grep -rq 'answer 1' . && exit 125; ! grep -q 3 value.py")
    assert found.commit == commits[3]
    assert "It changes value.py." in found.text
    assert "held" not in found.text
    assert "answer" not in found.text
    with pytest.raises(ToolError, match="succeeds on none") as told:
        run(bench, past, "cat data/held.csv >&2; false")
    assert "answer 1" not in told.value.remedy


@pytest.mark.engine
def test_what_can_not_be_bisected_says_why(bench: Workbench, past: Past) -> None:
    for command, good, said in (
        ("true", "", "does not fail on the ticket's commit"),
        ("false", "", "succeeds on none"),
        (CHECK, past.commits[7], "does not succeed on"),
        (CHECK, "f" * 40, "not before the ticket's commit"),
    ):
        with pytest.raises(ToolError, match=said):
            run(bench, past, command, good)
