"""The share of steps closed with no person, on ledgers made by hand."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from labcrew.autonomy import DEFINITION, Autonomy, Facts, autonomy, closed_steps
from labcrew.domain.event import Event
from labcrew.domain.experiment import Incident, Intervention
from labcrew.domain.review import Decision, Gate
from tests.doubles.records import with_only
from tests.tickets import make_trial

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


class Book:
    """Facts, written one after the other."""

    def __init__(self) -> None:
        self.facts = Facts()

    def add(self, **more: Any) -> "Book":
        self.facts = self.facts.model_copy(
            update={name: (*getattr(self.facts, name), one) for name, one in more.items()}
        )
        return self

    def event(self, at_s: float, kind: str, id: str = "", actor: str = "a", **data: Any) -> "Book":
        number = len(self.facts.events) + 1
        return self.add(
            events=Event(
                sequence=number,
                at=BEGIN + timedelta(seconds=at_s),
                ticket="T-001",
                actor=actor,
                kind=kind,
                key=f"k{number}",
                data={"id": id} | data,
                previous="",
                hash="",
            )
        )

    def trial(self, number: int, status: str = "scored", *, begin_s: float = 0) -> "Book":
        made = make_trial(number).model_copy(update={"status": status})
        self.event(begin_s, "trial.designed", made.id)
        self.event(begin_s + 1, "trial.started", made.id)
        self.event(begin_s + 11, "trial.ended", made.id)
        return self.add(trials=made)

    def incident(
        self, number: int, *, by: str = "rule", action: str = "restart_same", helped: bool | None
    ) -> "Book":
        trial = make_trial(number).id
        id = f"{trial}-diverged"
        self.event(20, "incident.opened", id).event(22, "incident.answered", id)
        done = Intervention.model_validate(
            {"action": action, "because": "", "by": by, "helped": helped}
        )
        return self.add(
            incidents=Incident(
                id=id,
                ticket="T-001",
                trial=trial,
                kind="diverged",
                evidence=(),
                diagnosis="d",
                at_s=1,
                intervention=done,
            )
        )

    def gate(self, kind: str, shown: dict[str, Any], decided: str = "", by: str = "ada") -> "Book":
        id = f"T-001-{kind}-{len(self.facts.gates)}"
        status = "decided" if decided else "open"
        self.add(
            gates=Gate.model_validate(
                {
                    "id": id,
                    "ticket": "T-001",
                    "kind": kind,
                    "title": "t",
                    "description": "d",
                    "shown": shown,
                    "allowed": ("accept", "ignore"),
                    "safe_default": "ignore",
                    "opened_at": BEGIN,
                    "expires_at": None,
                    "status": status,
                }
            )
        )
        if decided:
            self.add(
                decisions=Decision.model_validate(
                    {
                        "gate": id,
                        "ticket": "T-001",
                        "kind": decided,
                        "by": by,
                        "at": BEGIN,
                        "payload_hash": "",
                    }
                )
            )
        return self

    def measure(self, since: datetime | None = None) -> Autonomy:
        return autonomy(self.facts, since)


def test_nothing_done_is_no_share_at_all() -> None:
    measure = Book().measure()
    assert (measure.by_count, measure.by_time, measure.closed) == (None, None, 0)
    assert measure.definition == DEFINITION


def test_a_healthy_trial_is_two_steps_closed_alone() -> None:
    measure = Book().trial(1).measure()
    assert (measure.by_count, measure.closed, measure.misses) == (1.0, 2, 0)
    assert measure.closed_s == 11, "one second to its start, ten to its end"


def test_a_record_written_again_is_no_second_step() -> None:
    book = Book().trial(1)
    again = book.event(30, "trial.ended", book.facts.trials[0].id)
    assert again.measure().closed == 2


def test_a_failure_without_an_incident_is_a_miss_and_not_closed() -> None:
    measure = Book().trial(1, "failed").measure()
    assert (measure.alone, measure.closed, measure.misses) == (1, 2, 1)
    assert measure.by_time == 1 / 11


def test_a_failure_with_an_incident_that_was_handled_is_none() -> None:
    measure = Book().trial(1, "failed").incident(1, helped=True).measure()
    assert (measure.alone, measure.closed, measure.misses) == (3, 3, 0)


def test_an_action_that_did_not_help_is_wrong_and_reversed() -> None:
    measure = Book().trial(1, "failed").incident(1, helped=False).measure()
    assert (measure.alone, measure.closed, measure.wrong_actions) == (2, 3, 1)
    unknown = Book().trial(1, "failed").incident(1, helped=None).measure()
    assert (unknown.alone, unknown.unknown_outcomes) == (3, 1)


def test_an_incident_that_another_explains_is_no_step() -> None:
    book = Book().trial(1, "failed").incident(1, helped=True)
    incident = book.facts.incidents[0]
    assert incident.intervention is not None
    part = incident.intervention.model_copy(update={"part_of": "other"})
    facts = book.facts.model_copy(
        update={"incidents": (incident.model_copy(update={"intervention": part}),)}
    )
    assert [s.name for s in closed_steps(facts)] == ["trial launched", "trial ended and scored"]


def test_what_a_person_answers_or_is_left_is_not_alone() -> None:
    about = {"incident": make_trial(1).id + "-diverged"}
    for book in (
        Book().incident(1, helped=True, by="person:ada"),
        Book().incident(1, helped=True, by="ada"),
        Book().incident(1, helped=None, action="escalate"),
        Book().incident(1, helped=True).gate("incident", about, "accept"),
    ):
        assert book.measure().alone == 0


def test_a_model_is_no_person_and_an_expired_gate_neither() -> None:
    assert Book().incident(1, helped=True, by="model:m").measure().alone == 1
    expired = Book().incident(1, helped=True)
    expired.gate("incident", {"incident": make_trial(1).id + "-diverged"}, "ignore", by="expired")
    assert (expired.measure().alone, expired.measure().escalations) == (1, 1)


def test_an_agent_that_a_person_had_to_help() -> None:
    asked = Book().event(0, "ticket.assigned").event(5, "data.profiled", "D1")
    assert asked.measure().alone == 1
    asked.gate("escalation", {"agent": "literature_review"}, "accept")
    assert asked.measure().alone == 1, "another agent's"
    asked.gate("escalation", {"agent": "data_pipeline"}, "accept")
    assert (asked.measure().alone, asked.measure().by_count) == (0, 0.0)


def test_a_plan_that_is_sent_back_or_void_was_reversed() -> None:
    def book() -> Book:
        return Book().event(0, "ticket.assigned").event(5, "plan.written", "P1")

    shown = {"plan": {"id": "P1"}}
    assert book().gate("plan", shown, "accept").measure().alone == 1
    assert book().gate("plan", shown, "respond").measure().alone == 0
    assert book().gate("plan", {"plan": {"id": "P2"}}, "respond").measure().alone == 1
    void = book().gate("plan", shown)
    gate = void.facts.gates[0].model_copy(update={"status": "void"})
    facts = void.facts.model_copy(update={"gates": (gate,)})
    assert autonomy(facts).alone == 0


def test_rows_taken_back_in_and_a_closed_request_are_reversals() -> None:
    from labcrew.domain.research import DatasetCard
    from labcrew.domain.review import MergeRequest

    book = Book().event(1, "data.profiled", "D1").event(2, "merge_request.opened", "M1")
    card, request = (
        with_only(DatasetCard, id="D1", readmitted=(3,)),
        with_only(MergeRequest, id="M1", status="closed"),
    )
    assert book.measure().alone == 2
    facts = book.facts.model_copy(update={"datasets": (card,), "requests": (request,)})
    assert autonomy(facts).alone == 0
    merged = request.model_copy(update={"status": "merged"})
    assert autonomy(facts.model_copy(update={"requests": (merged,)})).alone == 1


def test_tools_that_failed_close_nothing() -> None:
    book = Book().event(1, "tool.used", tool="prepare_environment", outcome="no such package")
    assert book.measure().closed == 0
    book.event(2, "tool.used", tool="prepare_environment", outcome="done")
    assert [share.name for share in book.measure().steps] == ["environment prepared"]


def test_an_incident_that_a_person_tells_of_is_a_miss() -> None:
    book = Book().incident(1, helped=True)
    opened = book.facts.events[0].model_copy(update={"actor": "person:ada"})
    facts = book.facts.model_copy(update={"events": (opened, *book.facts.events[1:])})
    assert autonomy(facts).misses == 1


def test_only_what_was_closed_since() -> None:
    book = Book().trial(1).trial(2, begin_s=100)
    assert book.measure(BEGIN + timedelta(seconds=50)).closed == 2
    assert book.measure(BEGIN + timedelta(seconds=500)).by_count is None


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["scored", "failed", "stopped"]),
            st.sampled_from([None, True, False]),
            st.booleans(),
        ),
        max_size=8,
    )
)
def test_the_share_is_one_and_adds_up(runs: list[tuple[str, bool | None, bool]]) -> None:
    book = Book()
    for number, (status, helped, troubled) in enumerate(runs, 1):
        book.trial(number, status, begin_s=100 * number)
        if troubled:
            book.incident(number, helped=helped)
    measure = book.measure()
    assert measure.closed == sum(share.closed for share in measure.steps)
    assert measure.alone == sum(share.alone for share in measure.steps) <= measure.closed
    assert measure.by_count is None or 0 <= measure.by_count <= 1
    assert measure.by_time is None or 0 <= measure.by_time <= 1
    assert measure.misses == sum(s != "scored" and not t for s, _, t in runs)
