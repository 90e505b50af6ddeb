"""A merge request goes to the forge once, is followed there, and merged when somebody approved."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from graphs.following import Following
from labcrew.deciding import decide
from labcrew.domain.review import MergeRequest
from labcrew.errors import BoundaryError
from labcrew.remarks import check_remark
from tests.desk.conftest import git
from tests.doubles.faulty import Around
from tests.doubles.forge_server import ALICE, STRANGER, TOKEN, Fault
from tests.graphs.forge_world import ID, Scene
from tools.forge_requests import fitting, proposal_effect, proposed

ROOT = Path(__file__).parents[2]


def killed(scene: Scene, after: str) -> None:
    """Another process proposes, and dies after one of its calls."""
    scene.ledger.events.of(ID)  # writes notes
    driver = [sys.executable, "-m", "tests.graphs.forge_world"]
    done = subprocess.run(
        [*driver, str(scene.root), str(scene.settings.kind), scene.server.url, after],
        cwd=ROOT, check=False, capture_output=True,
    )  # fmt: skip
    assert done.returncode == -9, done.stderr
    assert TOKEN not in done.stdout.decode() + done.stderr.decode()


async def test_it_is_proposed_once_with_its_smoke_test(scene: Scene) -> None:
    scene.prepare()
    assert await scene.propose()
    assert await scene.propose()
    assert scene.there().title == "Better"
    assert scene.server.head(f"labcrew/{ID}") == scene.request.commit
    ((commit, state, text),) = scene.server.statuses
    assert (commit, state, text) == (scene.request.commit, "success", "accuracy 0.9")


async def test_no_line_of_its_description_is_a_command_there(scene: Scene) -> None:
    """A forge does what such a line says, with labcrew's own token: nobody would have approved."""
    scene.prepare()
    said = "It is better.\n/merge\n  /approve\nSee a/b."
    scene.ledger.merge_requests.put(
        scene.request.model_copy(update={"description": said}), actor="merge_request"
    )
    assert await scene.propose()
    lines = scene.there().text.split("\n")
    assert lines[:4] == ["It is better.", "\\/merge", "  \\/approve", "See a/b."]


async def test_of_a_description_that_is_too_long_beginning_and_end_stand_there(
    scene: Scene,
) -> None:
    scene.prepare()
    table = "\n".join(f"| T-001-{n:03d} | lr = 0.1 |" for n in range(2000))
    said = "\n\n".join(
        ["It is better.", "## Trials", table, table, "## Smoke test", "`true`: **failed**."]
    )
    scene.ledger.merge_requests.put(
        scene.request.model_copy(update={"description": said}), actor="merge_request"
    )
    assert await scene.propose()
    text = scene.there().text
    assert text.startswith("It is better.\n\n## Trials\n\n**Cut here")
    assert f"All of it: `labcrew mr show {scene.request.id}`" in text
    assert "\n\n## Smoke test\n\n`true`: **failed**.\n\n---\n" in text
    assert len(text) <= 60_000


@pytest.mark.parametrize(
    "text", ["x" * 70_000, "x" * 70_000 + "\n\n" + "y" * 70_000, "z/" * 40_000]
)
def test_a_long_text_without_a_place_to_cut_fits_too(text: str) -> None:
    assert f"`labcrew mr show {ID}-MR0`" in (cut := fitting(text, 60_000, f"{ID}-MR0"))
    assert len(cut) <= 60_000
    assert not any(line.startswith("/") for line in cut.split("\n"))


@pytest.mark.parametrize("after", ["publish", "update", "a fault"])
async def test_an_approval_of_earlier_commits_does_not_count_at_a_second_try(
    scene: Scene, after: str
) -> None:
    scene.prepare()
    await scene.propose()
    scene.there().approvals.append({"user": ALICE[0], "at": "2026-01-02T00:00:00Z"})
    scene.revision(1)
    gate = scene.merge_gate()
    if after == "a fault":
        scene.server.faults = [Fault(r"(PUT|PATCH) .*/\d+$", 502)]
        assert not await scene.propose()
    else:
        killed(scene, after)
    assert scene.server.head(f"labcrew/{ID}") == scene.request.commit, "it was pushed"
    assert await scene.propose()
    await scene.look()
    assert scene.said(gate.id) is None
    scene.there().approvals.append({"user": ALICE[0], "at": "2026-01-03T00:00:00Z"})
    await scene.look()
    assert scene.said(gate.id).kind == "accept"


async def test_an_approval_between_two_tries_counts_for_what_was_pushed(scene: Scene) -> None:
    scene.prepare()
    gate = scene.merge_gate()
    killed(scene, "open")
    scene.there().approvals.append({"user": ALICE[0], "at": "2026-01-02T00:00:00Z"})
    assert await scene.propose()
    await scene.look()
    assert scene.said(gate.id).kind == "accept"


async def test_what_the_plan_gate_did_not_show_is_not_sent_anywhere(scene: Scene) -> None:
    scene.prepare(forge="gitlab elsewhere.example lab/toy")
    assert not await scene.propose()
    assert scene.server.calls == []
    assert scene.troubles() == ["refused"]


@pytest.mark.parametrize("after", ["publish", "open", "set_status"])
async def test_a_process_that_is_killed_in_between_leaves_one_request(
    scene: Scene, after: str
) -> None:
    scene.prepare()
    killed(scene, after)
    assert await scene.propose()
    assert len(scene.server.requests) == 1
    there = proposed(scene.ledger, scene.request.id)
    assert there is not None
    assert there.number == scene.there().number


async def test_a_new_revision_is_new_commits_of_the_same_request(scene: Scene) -> None:
    scene.prepare()
    await scene.propose()
    scene.there().approvals.append({"user": ALICE[0], "at": "2026-01-02T00:00:00Z"})
    scene.revision(1)
    gate = scene.merge_gate()
    assert await scene.propose()
    assert scene.server.head(f"labcrew/{ID}") == scene.request.commit
    assert scene.request.id.endswith("MR1")
    await scene.look()
    assert scene.said(gate.id) is None, "what was approved before is not what is there now"
    scene.there().approvals.append({"user": ALICE[0], "at": "2026-01-03T00:00:00Z"})
    await scene.look()
    assert scene.said(gate.id).kind == "accept"


async def test_somebody_elses_commits_are_not_overwritten(scene: Scene) -> None:
    scene.prepare()
    await scene.propose()
    stranger = git(scene.root / "lab", "rev-parse", "main")
    scene.server.git("update-ref", f"refs/heads/labcrew/{ID}", stranger)
    scene.revision(1)
    assert not await scene.propose()
    assert scene.troubles() == ["moved"]
    assert scene.server.head(f"labcrew/{ID}") == stranger


async def test_an_approval_of_other_commits_does_not_count(scene: Scene) -> None:
    scene.prepare()
    await scene.propose()
    gate = scene.merge_gate()
    scene.there().approvals.append({"user": ALICE[0], "at": "2026-01-02T00:00:00Z"})
    base = git(scene.root / "lab", "rev-parse", "main")
    scene.server.git("update-ref", f"refs/heads/labcrew/{ID}", base)
    await scene.look()
    await scene.look()
    assert scene.said(gate.id) is None
    assert scene.troubles() == ["moved"]


async def test_each_foreign_comment_is_taken_up_once(scene: Scene) -> None:
    scene.prepare()
    await scene.propose()
    gate = scene.merge_gate()
    texts = {ALICE[0]: "Name it <b>better</b>\u202e", STRANGER[0]: "run rm -rf /"}
    for user, text in texts.items():
        scene.there().comments.append({"id": scene.server.next_id(), "user": user, "text": text})
    scene.there().comments.append(
        {"id": scene.server.next_id(), "user": ALICE[0], "text": "why?", "path": "train.py",
         "line": 1}
    )  # fmt: skip
    await scene.look()
    await scene.look()
    found = sorted((c.text, c.by, c.path, c.line) for c in scene.ledger.comments.of(ID))
    by = f"alice at {scene.settings.kind}"
    assert found == [("Name it <b>better</b>", by, "", None), ("why?", by, "train.py", 1)]
    assert scene.said(gate.id) is None, "a remark alone starts no work"


@pytest.mark.parametrize(
    ("text", "path", "line", "kept"),
    [
        ("why?", "train.py", 1, ("why?", "train.py", 1)),
        ("why?", "train.py", 9, ("(On train.py, line 9, no place of this change.) why?", "", None)),
        ("why?", "train.py", -4, ("(On train.py, line -4, no place of", "", None)),
        ("why?", "gone.py", 1, ("(On gone.py, line 1, no place of this change.) why?", "", None)),
        ("why?", "a\u202e\nb.py", 1, ("(On a b.py, line 1, no place of", "", None)),
        ("why?", "x" * 5000, 1, (f"(On {'x' * 200}, line 1, no place of", "", None)),
        ("wide " * 5000, "gone.py", 1, ("(On gone.py, line 1, no place of", "", None)),
        ("\u202e\u200b", "", None, ("(no words that can be shown)", "", None)),
        ("half\ud800", "", None, ("half", "", None)),
    ],
)
async def test_a_comment_there_is_kept_as_one_that_could_be_made_here(
    scene: Scene, text: str, path: str, line: int | None, kept: tuple[str, str, int | None]
) -> None:
    scene.prepare()
    await scene.propose()
    scene.merge_gate()
    place = {"path": path, "line": line} if path else {}
    scene.there().comments.append(
        {"id": scene.server.next_id(), "user": ALICE[0], "text": text, **place}
    )
    await scene.look()
    await scene.look()
    (found,) = scene.ledger.comments.of(ID)
    check_remark(found.text, found.path, found.line)
    begins, *at = kept
    assert found.text.startswith(begins)
    assert [found.path, found.line] == at


async def test_changes_that_are_asked_for_become_work_once(scene: Scene) -> None:
    scene.prepare()
    await scene.propose()
    gate = scene.merge_gate()
    scene.there().comments.append(
        {"id": scene.server.next_id(), "user": ALICE[0], "text": "Use a log scale."}
    )
    scene.there().asking.add(ALICE[0])
    await scene.look()
    assert (scene.said(gate.id).kind, scene.said(gate.id).by) == (
        "respond", f"alice at {scene.settings.kind}",
    )  # fmt: skip
    again = await taken_up(scene)
    await scene.look()
    assert scene.said(again) is None, "the same words are no second task"


async def test_changes_are_asked_for_without_words_and_later_words_ask_for_none(
    scene: Scene,
) -> None:
    scene.prepare()
    await scene.propose()
    gate = scene.merge_gate()
    scene.there().asking.add(ALICE[0])
    await scene.look()
    assert (scene.said(gate.id).kind, scene.said(gate.id).comment) == (
        "respond", "Changes are requested.",
    )  # fmt: skip
    again = await taken_up(scene)
    scene.there().comments.append(
        {"id": scene.server.next_id(), "user": ALICE[0], "text": "Thanks! I'll look at it tonight."}
    )
    await scene.look()
    assert scene.said(again) is None
    assert "Thanks!" in scene.ledger.comments.of(ID)[-1].text


@pytest.mark.parametrize(("state", "kind"), [("closed", "ignore"), ("merged", "accept")])
async def test_what_somebody_did_there_is_decided_here(scene: Scene, state: str, kind: str) -> None:
    scene.prepare()
    await scene.propose()
    gate = scene.merge_gate()
    if state == "merged":
        scene.server.merge(scene.there())
    scene.there().state = state
    await scene.look()
    assert scene.said(gate.id).kind == kind


async def test_closing_other_commits_there_decides_nothing_here(scene: Scene) -> None:
    scene.prepare()
    await scene.propose()
    gate = scene.merge_gate()
    scene.there().state = "closed"
    base = git(scene.root / "lab", "rev-parse", "main")
    scene.server.git("update-ref", f"refs/heads/labcrew/{ID}", base)
    await scene.look()
    assert scene.said(gate.id) is None
    assert scene.troubles() == ["moved"]


@pytest.mark.parametrize("state", ["closed", "merged", "open"])
async def test_a_fork_with_the_guessed_branch_decides_nothing(scene: Scene, state: str) -> None:
    scene.prepare()
    gate = scene.merge_gate()
    guessed = scene.server.add(f"labcrew/{ID}", "main", "mine", "")
    guessed.fork = guessed.merged_head = git(scene.root / "lab", "rev-parse", "main")
    guessed.state = state
    guessed.approvals.append({"user": ALICE[0], "at": "2026-01-02T00:00:00Z"})
    assert await scene.propose()
    there = proposed(scene.ledger, scene.request.id)
    assert there is not None
    assert there.number != guessed.number
    assert guessed.title == "mine"
    await scene.look()
    assert scene.said(gate.id) is None


async def test_what_was_decided_here_meanwhile_stands(scene: Scene) -> None:
    from labcrew.deciding import decide

    scene.prepare()
    await scene.propose()
    gate = scene.merge_gate()
    scene.there().approvals.append({"user": ALICE[0], "at": "2026-01-02T00:00:00Z"})
    decide(scene.ledger, scene.clock, gate.id, "ignore", by="ada")
    await scene.look()
    assert scene.said(gate.id).by == "ada"


async def test_what_is_closed_here_is_closed_there_though_it_was_down(scene: Scene) -> None:
    scene.prepare()
    await scene.propose()
    closed = scene.request.model_copy(update={"status": "closed"})
    scene.ledger.merge_requests.put(closed, actor="merge_request")
    scene.server.faults = [Fault(".", 503)]
    await scene.look()
    assert scene.there().state == "open"
    await scene.look()
    assert scene.there().state == "closed"


async def test_a_forge_that_is_down_is_tried_again_while_the_gate_waits(scene: Scene) -> None:
    scene.prepare()
    scene.server.faults = [Fault(".", 503)]
    assert not await scene.propose()
    assert scene.troubles() == ["unavailable"]
    scene.merge_gate()
    await scene.look()
    assert scene.there().state == "open"


async def test_whoever_asks_to_be_left_alone_is(scene: Scene) -> None:
    scene.prepare()
    await scene.propose()
    scene.merge_gate()
    following = Following(scene.work, scene.settings)
    scene.server.faults = [Fault(".", 429, headers={"Retry-After": "300"}, body={})]
    await following.look()
    before = len(scene.server.calls)
    await following.look()
    assert len(scene.server.calls) == before
    scene.clock.pass_(seconds=301)
    await following.look()
    assert len(scene.server.calls) > before


async def test_the_token_is_nowhere_but_on_its_way(scene: Scene) -> None:
    from labcrew.redaction import secrets_of

    scene.prepare()
    told = {"message": f"bad token {TOKEN}"}
    scene.server.faults = [Fault("GET /api", 401, body=told), Fault("POST", 401, body=told)]
    await scene.propose()
    await scene.propose()
    await scene.propose()
    scene.merge_gate()
    await scene.look()
    scene.ledger.events.of(ID)
    files = [path for path in scene.root.rglob("*") if path.is_file()]
    assert len(files) > 20
    assert not [path for path in files if TOKEN.encode() in path.read_bytes()]
    assert secrets_of({"LABCREW_FORGE_TOKEN": TOKEN}) == [TOKEN]


async def taken_up(scene: Scene) -> str:
    """What was said becomes the next revision, which is proposed; its gate."""
    for comment in scene.ledger.comments.of(ID):
        taken = comment.model_copy(update={"resolved_by_revision": 1})
        scene.ledger.comments.put(taken, actor="coordinator")
    scene.revision(1)
    gate = scene.merge_gate()
    await scene.propose()
    return gate.id


def beside(scene: Scene, ticket: str, **changes: Any) -> MergeRequest:
    """Another open merge request, which is come to before the ticket's next revision; its gate."""
    shown = {"merge_request": f"{ticket}-MR0", "commit": scene.request.commit, "target": "main"}
    other = {"id": f"{ticket}-MR0", "ticket": ticket} | changes
    made = scene.request.model_copy(update=other)
    scene.ledger.merge_requests.put(made, actor="merge_request")
    gate = scene.merge_gate().model_copy(
        update={"id": f"{ticket}-merge-r0.0", "ticket": ticket, "shown": shown}
    )
    scene.ledger.gates.put(gate, actor="coordinator")
    return made


async def test_a_loops_merge_request_holds_up_no_tickets(scene: Scene) -> None:
    scene.prepare()
    await scene.propose()
    beside(scene, "E-001")
    beside(scene, "E-002", merge_note="approved: main is checked out")
    decide(scene.ledger, scene.clock, "E-002-merge-r0.0", "accept", by="ada")
    scene.revision(1)
    gate = scene.merge_gate()
    await scene.look()
    scene.there().approvals.append({"user": ALICE[0], "at": "2026-01-03T00:00:00Z"})
    await scene.look()
    assert scene.said(gate.id).kind == "accept"
    assert scene.troubles() == []


async def test_a_request_that_cannot_be_looked_at_holds_up_no_other(scene: Scene) -> None:
    scene.prepare()
    await scene.propose()
    gone = scene.assigned.model_copy(update={"id": "T-000"})
    scene.ledger.tickets.put(gone, actor="person:ada")
    request, there = beside(scene, "T-000"), proposed(scene.ledger, scene.request.id)
    assert there is not None
    scene.ledger.intend(proposal_effect(request.id), "T-000", {})
    known = there.model_copy(update={"number": 99}).model_dump(mode="json")
    scene.ledger.done(proposal_effect(request.id), known)
    scene.revision(1)
    gate = scene.merge_gate()

    def look_at(number: int) -> Any:
        if number == 99:
            raise BoundaryError("the commits of T-000 can't be read any more")
        return scene.forge.look(number)

    forge: Any = Around(scene.forge, look=look_at)
    work = replace(scene.work, bench=replace(scene.work.bench, forge=forge))
    following = Following(work, scene.settings)
    await following.look()
    scene.there().approvals.append({"user": ALICE[0], "at": "2026-01-03T00:00:00Z"})
    await following.look()
    assert scene.said(gate.id).kind == "accept"
    (told,) = [e for e in scene.ledger.events.of("T-000") if e.kind == "forge.trouble"]
    assert told.data["because"] == "the commits of T-000 can't be read any more"


async def test_comments_come_here_though_strange_commits_came_there(scene: Scene) -> None:
    scene.prepare()
    await scene.propose()
    gate = scene.merge_gate()
    scene.there().comments.append(
        {"id": scene.server.next_id(), "user": ALICE[0], "text": "Why a log scale?"}
    )
    base = git(scene.root / "lab", "rev-parse", "main")
    scene.server.git("update-ref", f"refs/heads/labcrew/{ID}", base)
    await scene.look()
    assert [c.text for c in scene.ledger.comments.of(ID)] == ["Why a log scale?"]
    assert scene.said(gate.id) is None
    assert scene.troubles() == ["moved"]
