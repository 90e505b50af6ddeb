"""What people do: assigning with every check, moving tickets, deciding at gates."""

import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from desk.office import Office
from desk.wiring import Opened
from labcrew.deciding import settled
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import (
    Conflict,
    InputError,
    LabcrewError,
    NotFound,
    RepositoryError,
    TicketError,
)
from labcrew.settings import ModelSettings, Settings
from labcrew.ticket_file import read_ticket
from tests.desk.board.reviewed import reviewed
from tests.desk.conftest import TICKET, HandClock, git
from tests.desk.records import fail, merge_request, plan_gate, superseded, trial


@pytest.fixture
def office(opened: Opened) -> Office:
    return opened.office()


def _assign(office: Office, toy: Path, text: str = TICKET) -> AssignedTicket:
    return office.assign(read_ticket(text), source="ticket.md", by="ada", beside=toy)


def test_a_ticket_is_taken_with_commit_branch_and_number(office: Office, toy: Path) -> None:
    first, second = _assign(office, toy), _assign(office, toy)
    assert (first.id, second.id) == ("T-001", "T-002")
    assert first.base_commit == git(toy / "toy", "rev-parse", "HEAD")
    assert first.target_branch == "main"
    assert first.repository == str(toy / "toy")
    (event,) = office.ledger.events.of("T-001")
    assert (event.kind, event.actor) == ("ticket.assigned", "person:ada")
    assert office.repositories.read("T-001", first.base_commit, "train.py") == b"print('hello')\n"


def test_two_people_assigning_at_once_get_two_numbers(office: Office, toy: Path) -> None:
    threads = [threading.Thread(target=_assign, args=(office, toy)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [t.id for t in office.ledger.tickets.all()] == ["T-001", "T-002", "T-003", "T-004"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("./toy", "./nowhere", "does not exist"),
        ("title:", "commit: nope\ntitle:", "nope"),
        ("title:", "branch: nope\ntitle:", "nope"),
        (
            "settings: {file: train.py}",
            "settings: {file: missing.py}",
            "settings.file: 'missing.py'",
        ),
        ("private: [evaluate.py]", "private: [hidden.py]", "evaluator.private: 'hidden.py'"),
        ("data/train.csv", "data/other.csv", "data[0].path: 'data/other.csv' is not in commit"),
        ("data/train.csv", "/no/such/file", "data[0].path: '/no/such/file' is not on this machine"),
        ("budget:", "literature: {library: papers}\nbudget:", "literature.library: 'papers'"),
        ("budget:", "environment: {requirements: r.txt}\nbudget:", "environment.requirements"),
        ("budget:", "environment: {dockerfile: Dockerfile}\nbudget:", "environment.dockerfile"),
        ("title:", "kind: fix\ntitle:", "needs a chat model"),
        ("editable: [train.py]", "", "settings.file: 'train.py' is not among the editable paths"),
        ("editable: [train.py]", "editable: ['*.yaml', data]", "name it in editable"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_starts(
    office: Office, toy: Path, old: str, new: str, said: str
) -> None:
    with pytest.raises(InputError) as caught:
        _assign(office, toy, TICKET.replace(old, new, 1))
    assert said in str(caught.value)
    assert office.ledger.tickets.count() == 0


@pytest.mark.parametrize("pattern", [".", "**", "t*.py", "**/*.py"])
def test_a_settings_file_is_editable_by_any_pattern_that_covers_it(
    office: Office, toy: Path, pattern: str
) -> None:
    text = TICKET.replace("editable: [train.py]", f'editable: ["{pattern}"]')
    assert not any("editable" in warning for warning in _assign(office, toy, text).warnings)


def test_runs_with_hosts_read_no_papers(office: Office, toy: Path) -> None:
    ticket = read_ticket(TICKET.replace("budget:", "literature: {online: true}\nbudget:", 1))
    # A ticket's file can't name hosts yet; the check stands ready.
    asking = ticket.model_copy(update={"hosts": ("data.example",)})
    with pytest.raises(TicketError) as caught:
        office.assign(asking, source="ticket.md", by="ada", beside=toy)
    assert "literature.online (true unless you say false)" in str(caught.value)
    assert "drop one of the two" in str(caught.value)
    assert office.ledger.tickets.count() == 0


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/proc/version", "belongs to the machine"),
        ("/etc/passwd", "belongs to the machine"),
        ("/dev/null", "it is a device"),
        ("/", "it is, or holds"),
    ],
)
def test_data_that_no_run_may_see_are_refused(
    office: Office, toy: Path, path: str, why: str
) -> None:
    with pytest.raises(TicketError) as caught:
        _assign(office, toy, TICKET.replace("data/train.csv", path, 1))
    assert why in str(caught.value)
    assert office.ledger.tickets.count() == 0


def test_the_home_itself_is_no_data(office: Office, toy: Path) -> None:
    secret = office.home.root / "home.json"
    with pytest.raises(TicketError, match="lies in the labcrew home"):
        _assign(office, toy, TICKET.replace("data/train.csv", str(secret), 1))


def test_all_missing_files_are_named_at_once(office: Office, toy: Path) -> None:
    text = TICKET.replace("data/train.csv", "a.csv").replace("data/holdout.csv", "b.csv")
    with pytest.raises(TicketError) as caught:
        _assign(office, toy, text)
    assert len(caught.value.message.split("\n")) == 2


def test_splits_with_the_same_content_are_refused(office: Office, toy: Path) -> None:
    repository = toy / "toy"
    (repository / "data" / "holdout.csv").write_bytes(
        (repository / "data" / "train.csv").read_bytes()
    )
    git(repository, "commit", "-qam", "overlap")
    with pytest.raises(TicketError, match="splits overlap"):
        _assign(office, toy)
    outside = toy / "copy.csv"
    outside.write_text("id,x\n1,2\n")
    with pytest.raises(TicketError, match="splits overlap"):
        _assign(office, toy, TICKET.replace("data/holdout.csv", str(outside)))


LR = "search_space: {lr: {type: float, low: 0.1, high: 1}}"
FIX = """---
title: The holdout is read in training
repository: ./toy
kind: fix
editable: [train.py]
tests: {fail_to_pass: [test_train.py]}
---
Training reads rows that it must not.
"""


def with_a_model(opened: Opened) -> Office:
    model = ModelSettings(model="m", base_url="http://127.0.0.1:1/v1")
    settings = Settings(models={"default": model})
    return Opened(opened.home, settings, opened.ledger, opened.clock).office()


def test_code_is_written_where_a_model_is_set(opened: Opened, toy: Path) -> None:
    office = with_a_model(opened)
    taken = _assign(office, toy, FIX).ticket
    assert not taken.measured
    space = TICKET[TICKET.index("search_space:") : TICKET.index("evaluator:")]
    text = TICKET.replace("title:", "kind: fix\ntitle:").replace(space, "")
    measured = _assign(office, toy, text)
    assert measured.ticket.measured


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("editable: [train.py]", "", "needs `editable`"),
        ("tests:", f"settings: {{style: environment}}\n{LR}\ntests:", "second ticket"),
    ],
)
def test_a_ticket_that_has_code_written_must_say_where(
    opened: Opened, toy: Path, old: str, new: str, said: str
) -> None:
    office = with_a_model(opened)
    with pytest.raises(InputError) as caught:
        _assign(office, toy, FIX.replace(old, new, 1))
    assert said in str(caught.value)
    assert office.ledger.tickets.count() == 0


def test_a_dirty_tree_is_a_warning_unless_it_is_taken(office: Office, toy: Path) -> None:
    (toy / "toy" / "train.py").write_text("print('new')\n")
    warned = _assign(office, toy)
    assert "not committed" in warned.warnings[0]
    taken = _assign(office, toy, TICKET.replace("title:", "snapshot: true\ntitle:"))
    assert taken.warnings == ()
    assert office.repositories.read(taken.id, taken.base_commit, "train.py") == b"print('new')\n"


def test_an_empty_repository_is_refused(office: Office, toy: Path) -> None:
    (toy / "empty").mkdir()
    git(toy / "empty", "init", "-q")
    with pytest.raises(RepositoryError):
        _assign(office, toy, TICKET.replace("./toy", "./empty"))


def test_pause_resume_stop_retry(office: Office, toy: Path, opened: Opened) -> None:
    _assign(office, toy)
    gate = plan_gate(opened, "T-001")
    assert office.pause("T-001", "ada").status == "paused"
    assert office.pause("T-001", "ada").status == "paused"
    assert office.resume("T-001", "bob").status == "assigned"
    assert office.stop("T-001", "ada").status == "stopped"
    assert office.ledger.gates.get(gate.id).status == "void"
    assert office.inbox() == []
    with pytest.raises(InputError, match="no longer asks"):
        office.decide(gate.id, "accept", "ada")
    with pytest.raises(InputError, match="is stopped; pause is for"):
        office.pause("T-001", "ada")
    assert office.retry("T-001", "ada").status == "assigned"
    with pytest.raises(NotFound):
        office.pause("T-009", "ada")
    people = [e.actor for e in office.ledger.events.of("T-001") if e.kind.startswith("ticket.")]
    assert people == [f"person:{name}" for name in ("ada", "ada", "bob", "ada", "ada")]


def test_a_ticket_that_failed_can_be_stopped(office: Office, toy: Path, opened: Opened) -> None:
    _assign(office, toy)
    fail(opened, "T-001")
    assert office.stop("T-001", "ada").status == "stopped"
    assert office.retry("T-001", "ada").status == "assigned"


def test_budgets_change_but_not_below_what_is_spent(
    office: Office, toy: Path, opened: Opened
) -> None:
    _assign(office, toy)
    assert office.change_budget("T-001", "ada", {"trials": 40, "hours": 3.5}).budget.trials == 40
    for number in range(3):
        trial(opened, "T-001", number)
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"trials": 2}, "has used 3 trials"),
        ({"trials": "many"}, "budget.trials"),
        ({"tirals": 2}, "budget.tirals"),
        ({}, "a table of its fields"),
    ]
    for changes, said in wrong:
        with pytest.raises(InputError, match=said):
            office.change_budget("T-001", "ada", changes)
    assert office.ledger.tickets.get("T-001").budget.hours == 3.5


def test_decisions_bind_to_what_was_shown_and_stand_once(
    office: Office, toy: Path, opened: Opened
) -> None:
    _assign(office, toy)
    gate = plan_gate(opened, "T-001")
    with pytest.raises(InputError, match="shows something else"):
        office.decide(gate.id, "accept", "ada", payload_hash="f" * 64)
    with pytest.raises(InputError, match="shows something else"):
        office.decide(gate.id, "accept", "ada", payload_hash=gate.payload_hash[:4])
    made = office.decide("T-001", "accept", "ada", payload_hash=gate.payload_hash[:12])
    assert (made.kind, made.by, made.payload_hash) == ("accept", "ada", gate.payload_hash)
    with pytest.raises(InputError, match=r"already decided: accept, by ada"):
        office.decide(gate.id, "ignore", "bob")
    assert office.inbox() == []


def test_two_people_deciding_at_once_make_one_decision(
    office: Office, toy: Path, opened: Opened
) -> None:
    _assign(office, toy)
    gate = plan_gate(opened, "T-001")
    refused: list[str] = []
    barrier = threading.Barrier(6)

    def decide(name: str) -> None:
        barrier.wait()
        try:
            office.decide(gate.id, "accept" if name < "d" else "ignore", name)
        except LabcrewError as error:
            refused.append(error.message)

    threads = [threading.Thread(target=decide, args=(name,)) for name in "abcdef"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 5
    winner = office.ledger.decisions.get(gate.id).by
    assert all(f"by {winner}" in message for message in refused)


def test_an_expired_gate_decides_itself_to_its_safe_default(
    office: Office, toy: Path, opened: Opened, clock: HandClock
) -> None:
    _assign(office, toy)
    gate = plan_gate(opened, "T-001")
    clock.pass_(hours=1.9)
    assert [g.id for g in office.inbox()] == [gate.id]
    clock.pass_(hours=0.2)
    with pytest.raises(InputError, match="already decided: ignore, by expired"):
        office.decide(gate.id, "accept", "ada")
    assert office.inbox() == []
    assert office.ledger.gates.get(gate.id).status == "expired"


class _Striking:
    """A clock that strikes a gate's last hour just when somebody decides."""

    def __init__(self, inner: HandClock, meanwhile: Callable[[], object]) -> None:
        self._inner, self._meanwhile = inner, meanwhile

    def now(self) -> datetime:
        self._meanwhile()
        self._meanwhile = lambda: None
        self._inner.pass_(hours=3)
        return self._inner.now()

    def monotonic(self) -> float:
        return self._inner.monotonic()


def test_a_decision_in_the_last_moment_stands(
    office: Office, toy: Path, opened: Opened, clock: HandClock
) -> None:
    _assign(office, toy)
    gate = plan_gate(opened, "T-001")
    striking = _Striking(clock, lambda: office.decide(gate.id, "accept", "ada"))
    found = settled(opened.ledger, striking, gate)
    assert found is not None
    assert (found.kind, found.by) == ("accept", "ada")


def test_a_gate_that_a_stop_made_void_in_the_last_moment_stays_void(
    office: Office, toy: Path, opened: Opened, clock: HandClock
) -> None:
    _assign(office, toy)
    gate = plan_gate(opened, "T-001")
    striking = _Striking(clock, lambda: office.stop("T-001", "ada"))
    assert settled(opened.ledger, striking, gate) is None
    assert opened.ledger.gates.get(gate.id).status == "void"


@pytest.mark.parametrize(
    ("kind", "comment", "edits", "said"),
    [
        ("respond", " ", {}, "say what should change"),
        ("accept", "", {"budget": {"trials": 3}}, "takes no edits"),
        ("edit", "", {}, "say what changes"),
        ("edit", "", {"metric": {}}, "'metric' can't be edited"),
        ("edit", "", {"budget": {"trials": 0}}, "budget.trials"),
        ("edit", "", {"budget": 3}, "a table of its fields"),
        ("edit", "", {"readmit": [["data/train.csv", 8]]}, "Row 8"),
        ("edit", "", {"readmit": "data/train.csv"}, "a list of"),
        ("edit", "", {"drop_suggestions": [2]}, "no suggestion's number"),
        ("edit", "", {"drop_suggestions": [True]}, "no suggestion's number"),
    ],
)
def test_decisions_that_do_not_fit_are_refused(
    office: Office, toy: Path, opened: Opened, kind: str, comment: str, edits: object, said: str
) -> None:
    _assign(office, toy)
    gate = plan_gate(opened, "T-001")
    with pytest.raises(InputError, match=said):
        office.decide(gate.id, kind, "ada", comment=comment, edits=edits)  # type: ignore[arg-type]
    assert office.ledger.decisions.count() == 0


def test_edits_are_completed_and_kept(office: Office, toy: Path, opened: Opened) -> None:
    _assign(office, toy)
    gate = plan_gate(opened, "T-001")
    made = office.decide(
        gate.id,
        "edit",
        "ada",
        edits={
            "budget": {"trials": 6},
            "readmit": [["data/train.csv", 7]],
            "drop_suggestions": [1],
        },
    )
    assert made.edits["budget"]["trials"] == 6
    assert made.edits["budget"]["hours"] == 1
    assert made.edits["readmit"] == [["data/train.csv", 7]]
    assert made.edits["drop_suggestions"] == [1]


def test_comments_and_the_merge_gate(office: Office, toy: Path, opened: Opened) -> None:
    _, request = reviewed(opened, toy, {"train.py": b"a\nb\nc\n"})
    first = office.comment("T-001", "ada", "Try a larger batch.", path="train.py", line=3)
    assert first.id == "T-001-MR0-C01"
    office.decide(office.merge_gate(request).id, "respond", "bob", comment="And more seeds.")
    texts = [(c.by, c.text) for c in office.ledger.comments.of("T-001")]
    assert texts == [("ada", "Try a larger batch."), ("bob", "And more seeds.")]
    with pytest.raises(InputError, match="does not wait for a decision"):
        office.merge_gate(request)
    with pytest.raises(InputError, match="1 to 20,000"):
        office.comment(request.id, "ada", "  ")


def test_a_newer_merge_request_is_not_decided_in_an_older_ones_name(
    office: Office, toy: Path, opened: Opened
) -> None:
    assigned = _assign(office, toy)
    older = merge_request(opened, assigned, trial(opened, "T-001", 1))
    newer = superseded(opened, older)
    with pytest.raises(Conflict, match="what waits for a decision is T-001-MR1"):
        office.merge_gate(office.merge_request(older.id))
    assert office.merge_gate(newer).id == "T-001-merge-r1.0"


def test_a_response_says_its_place_or_nothing_is_decided(
    office: Office, toy: Path, opened: Opened
) -> None:
    _, request = reviewed(opened, toy, {"train.py": b"a\n"})
    gate = office.merge_gate(request)
    with pytest.raises(InputError, match="not among the files"):
        office.decide(gate.id, "respond", "ada", comment="Why?", path="evaluate.py")
    with pytest.raises(InputError, match="belongs to a response"):
        office.decide(gate.id, "accept", "ada", path="train.py")
    assert office.ledger.decisions.count() == office.ledger.comments.count() == 0
    office.decide(gate.id, "respond", "ada", comment="Why?", path="train.py", line=1)
    [noted] = office.ledger.comments.of("T-001")
    assert (noted.text, noted.path, noted.line) == ("Why?", "train.py", 1)


@pytest.mark.parametrize(
    ("text", "path", "line", "said"),
    [
        ("x", "evaluate.py", None, "not among the files"),
        ("x", "../../x", None, "not among the files"),
        ("x", "../../x\n", None, "nobody sees"),
        ("x", "train.py", 3, "has 2 lines"),
        ("x", "train.py", 0, "counted from 1"),
        ("x", "data/train.csv", 1, "has 0 lines"),
        ("x", "", 1, "Name the file"),
        ("ok\u202e", "", None, "nobody sees"),
        ("ok\x1b[2J", "", None, "nobody sees"),
    ],
)
def test_remarks_that_do_not_fit_the_change_are_refused(
    office: Office, toy: Path, opened: Opened, text: str, path: str, line: int | None, said: str
) -> None:
    (toy / "toy" / "data" / "train.csv").unlink()
    _, request = reviewed(opened, toy, {"train.py": b"a\nb\n"})
    with pytest.raises(InputError, match=said):
        office.comment(request.id, "ada", text, path, line)
    assert office.ledger.comments.count() == 0


def test_names_that_the_ledger_cannot_keep(office: Office, toy: Path) -> None:
    for name in ("", "a\nb", "x" * 81, "expired"):
        with pytest.raises(InputError):
            office.assign(read_ticket(TICKET), source="x", by=name, beside=toy)
