"""Spending on models: never over a bound with calls side by side, and right after a kill."""

import asyncio
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labcrew import calling
from labcrew.domain.chat import Reply, Tokens
from labcrew.domain.programming import ModelCall
from labcrew.domain.spending import Bounds, Limits, Price
from labcrew.errors import ModelFailure, StorageFull
from labcrew.ledger import Ledger
from labcrew.metered import ANSWERED, CANCELLED, Desk, MeteredChat
from labcrew.ports import SystemClock
from labcrew.recordings import Recordings
from labcrew.redaction import Redaction
from labcrew.spending import INTERRUPTED, Account, total
from tests.doubles.counted_chat import DoubleChat, says, user

TICKET = "T-001"
PRICES = {"double": Price(prompt=3.0, cached=0.3, completion=15.0)}


class Killed(BaseException):
    """What a process that is killed does not catch either."""


class Lab:
    """A ledger and a folder that processes come and go around."""

    def __init__(self, root: Path, prices: Mapping[str, Price] = PRICES) -> None:
        self.root, self.prices = root, prices
        self.bounds = Bounds(tokens=1_000_000)
        self.ledger = Ledger.open(
            f"sqlite:///{root / 'ledger.db'}", anchor=root / "head", clock=SystemClock()
        )

    def account(self) -> Account:
        """As a process that comes up opens it."""
        folder = self.root / "reserved"
        return Account(self.ledger, TICKET, folder, lambda: self.bounds, self.prices)

    def desk(self, redact: Redaction | None = None) -> Desk:
        recordings = Recordings(self.root / "recorded", redact or Redaction())
        return Desk(self.account(), recordings, SystemClock())

    def calls(self) -> list[ModelCall]:
        return self.ledger.model_calls.of(TICKET)

    def kinds(self) -> list[str]:
        return [event.kind for event in self.ledger.events.of(TICKET)]

    def used(self) -> int:
        return sum(call.tokens.total for call in self.calls())


AnyLab = TypeVar("AnyLab", bound=Lab)


@contextmanager
def a_lab(kind: type[AnyLab]) -> Iterator[AnyLab]:
    with TemporaryDirectory() as folder:
        lab = kind(Path(folder))
        try:
            yield lab
        finally:
            lab.ledger.close()


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    made = Lab(tmp_path)
    yield made
    made.ledger.close()


def would_use(agent: str, prompt: int, completion: int) -> ModelCall:
    return ModelCall(
        id="",
        ticket=TICKET,
        agent=agent,
        purpose="coordinator.next_move",
        model="double",
        prompt_sha256="0" * 64,
        tokens=Tokens(prompt=prompt, completion=completion),
        duration_s=0,
        outcome="",
    )


CALL = st.tuples(
    st.sampled_from(["coordinator", "merge_request", "log_monitor"]),
    st.integers(0, 400),  # prompt
    st.integers(1, 400),  # most completion
    st.floats(0, 1),  # the share of it that is used
    st.booleans(),  # whether it is settled before the next ones begin
)


@settings(max_examples=40)
@given(
    calls=st.lists(CALL, max_size=25),
    tokens=st.integers(0, 3000),
    usd=st.none() | st.floats(0, 0.02),
    agent=st.none() | st.integers(0, 1000),
)
def test_nothing_passes_a_bound(
    calls: list[tuple[str, int, int, float, bool]],
    tokens: int,
    usd: float | None,
    agent: int | None,
) -> None:
    with a_lab(Lab) as lab:
        agents = {} if agent is None else {"merge_request": Limits(tokens=agent)}
        lab.bounds = Bounds(tokens=tokens, usd=usd, agents=agents)
        account, under_way, refusals = lab.account(), [], []
        for who, prompt, completion, share, at_once in calls:
            before = total(account.spent()).tokens.total + account.held()
            try:
                held = account.reserve(would_use(who, prompt, completion))
            except ModelFailure as failure:
                refusals.append(failure.kind)
                continue
            assert before + prompt + completion <= tokens
            used = Tokens(prompt=prompt, completion=int(completion * share))
            price = account.usd(used, "double")
            settled = held.call.model_copy(update={"tokens": used, "usd": price, "outcome": "ok"})
            if at_once:
                account.settle(held, settled)
            else:
                under_way.append((held, settled))
        for held, settled in under_way:
            account.settle(held, settled)
        assert set(refusals) <= {"over_budget"}
        assert account.held() == 0
        amount = total(account.spent())
        assert amount.tokens.total == lab.used() <= tokens
        if usd is not None:
            assert amount.usd <= usd + 1e-12
        if agent is not None and "merge_request" in account.spent():
            assert account.spent()["merge_request"].tokens.total <= agent
        assert not list((lab.root / "reserved").glob("*"))
        assert lab.account().spent() == account.spent()


@pytest.mark.no_cover
@settings(max_examples=25)
@given(
    count=st.integers(1, 12),
    tokens=st.integers(0, 3000),
    used=st.integers(0, 100),
    rounds=st.lists(st.integers(1, 5), min_size=12, max_size=12),
)
def test_calls_side_by_side_stay_inside(
    count: int, tokens: int, used: int, rounds: list[int]
) -> None:
    async def all_at_once(lab: Lab) -> list[Reply | BaseException]:
        desk = lab.desk()

        async def one(number: int) -> Reply:
            chat = DoubleChat(
                lambda _: says("yes", prompt=20, completion=used), rounds=rounds[number]
            )
            with calling.step("coordinator", f"step-{number}"):
                return await MeteredChat(chat, desk).reply(user(f"{number}"))

        return await asyncio.gather(*map(one, range(count)), return_exceptions=True)

    with a_lab(Lab) as lab:
        lab.bounds = Bounds(tokens=tokens)
        answers = asyncio.run(all_at_once(lab))
        for answer in answers:
            if isinstance(answer, BaseException):
                assert isinstance(answer, ModelFailure)
                assert answer.kind == "over_budget"
        answered = sum(isinstance(answer, Reply) for answer in answers)
        assert answered == len(lab.calls())
        assert lab.used() == answered * (20 + used) <= tokens


def test_threads_share_an_account(lab: Lab) -> None:
    lab.bounds = Bounds(tokens=1000)
    account, refused = lab.account(), []
    together = threading.Barrier(8)

    def one() -> None:
        together.wait()
        try:
            held = account.reserve(would_use("coordinator", 100, 100))
        except ModelFailure:
            refused.append(1)
            return
        account.settle(held, held.call)

    threads = [threading.Thread(target=one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(lab.calls()), len(refused), lab.used()) == (5, 3, 1000)
    assert len({call.id for call in lab.calls()}) == 5


async def test_each_call_is_recorded_with_what_it_cost(lab: Lab) -> None:
    desk = lab.desk()
    chat = MeteredChat(
        DoubleChat(lambda _: says("42", prompt=1000, cached=600, completion=100)), desk
    )
    with calling.step("coordinator", "judgement/x"):
        reply = await chat.reply(user("what?"), purpose="coordinator.next_move")
    assert reply.message.content == "42"
    (call,) = lab.calls()
    assert (call.id, call.agent, call.outcome) == ("T-001/call/000001", "coordinator", ANSWERED)
    assert call.usd == pytest.approx((400 * 3 + 600 * 0.3 + 100 * 15) / 1e6)
    assert not call.estimated
    request, answer = desk.recordings.request(call.prompt), desk.recordings.reply(call.answer)
    assert request is not None
    assert request.messages[0].content == "what?"
    assert answer == reply
    assert lab.ledger.verify() == []


async def test_a_model_without_a_price_is_bound_by_tokens_and_that_is_said(lab: Lab) -> None:
    lab.prices, lab.bounds = {}, Bounds(tokens=100_000, usd=0.001)
    chat = MeteredChat(DoubleChat(), lab.desk())
    for number in range(3):
        await chat.reply(user(f"{number}"), purpose="coordinator.next_move")
    assert [call.usd for call in lab.calls()] == [None] * 3
    assert total(lab.account().spent()).unpriced == lab.used()
    assert lab.kinds().count("spending.unpriced") == 1


async def test_warnings_come_once_a_bound(lab: Lab) -> None:
    lab.bounds = Bounds(tokens=1000)
    chat = MeteredChat(DoubleChat(lambda _: says("x", prompt=60, completion=40)), lab.desk())
    told = []
    for number in range(8):
        await chat.reply(user(f"{number}"), purpose="coordinator.next_move")
        told.append(lab.kinds().count("spending.warned"))
    assert told == [0, 0, 0, 0, 1, 1, 1, 2]
    lab.bounds = Bounds(tokens=900)
    for _ in range(2):
        with pytest.raises(ModelFailure, match="model_tokens allows 900") as refused:
            await chat.reply(user("more"), purpose="coordinator.next_move")
        assert refused.value.kind == "over_budget"
    assert lab.kinds().count("spending.exhausted") == 1
    lab.bounds = Bounds(tokens=2000)  # a person raised it: it has warnings of its own
    for number in range(2):
        await chat.reply(user(f"again {number}"), purpose="coordinator.next_move")
    warned = [e.data for e in lab.ledger.events.of(TICKET) if e.kind == "spending.warned"]
    assert [(w["of"], w["share"]) for w in warned] == [(1000, 0.5), (1000, 0.8), (2000, 0.5)]


@pytest.mark.parametrize(
    ("failure", "counts"),
    [
        (ModelFailure("429", kind="rate_limited"), False),
        (ModelFailure("no route", kind="unavailable"), False),
        (ModelFailure("late", kind="timed_out"), True),
        (ModelFailure("nonsense", kind="invalid"), True),
        (RuntimeError("a fault of ours"), True),
    ],
)
async def test_a_failed_call_counts_for_all_it_may_have_used(
    lab: Lab, failure: Exception, counts: bool
) -> None:
    def fails(_: object) -> Reply:
        raise failure

    with pytest.raises(type(failure)):
        await MeteredChat(DoubleChat(fails), lab.desk()).reply(user("?"), purpose="x.y")
    (call,) = lab.calls()
    assert (call.tokens.total > 100) == counts == call.estimated
    assert call.outcome != ANSWERED


async def test_what_a_failed_call_says_it_used_is_taken(lab: Lab) -> None:
    def fails(_: object) -> Reply:
        raise ModelFailure("cut", kind="cut_off", tokens=Tokens(prompt=7, completion=3))

    with pytest.raises(ModelFailure):
        await MeteredChat(DoubleChat(fails), lab.desk()).reply(user("?"), purpose="x.y")
    assert [c.tokens.total for c in lab.calls()] == [10]


async def test_a_cancelled_call_counts(lab: Lab) -> None:
    chat = MeteredChat(DoubleChat(rounds=1_000_000), lab.desk())
    task = asyncio.create_task(chat.reply(user("?"), purpose="x.y"))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (call,) = lab.calls()
    assert (call.outcome, call.estimated) == (CANCELLED, True)


def _killed(*_: object, **__: object) -> None:
    raise Killed


async def _asks(lab: Lab, double: DoubleChat, text: str = "what?") -> Reply:
    """As a process does it that comes up, asks in a step of a name, and goes on."""
    with calling.step("merge_request", "r1/step-7"):
        return await MeteredChat(double, lab.desk()).reply(user(text), purpose="merge_request.step")


@pytest.mark.parametrize(
    ("where", "asked_again"),
    [
        ("labcrew.recordings.Recordings.keep_request", True),
        ("tests.doubles.counted_chat.DoubleChat.reply", True),
        ("labcrew.recordings.Recordings.keep_reply", True),
        ("labcrew.spending.Account.answered", True),
        ("labcrew.spending.Account.settle", False),
        ("labcrew.spending.Account._add", False),
    ],
)
async def test_killed_at_each_place(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, where: str, asked_again: bool
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(where, _killed)
        with pytest.raises(Killed):
            await _asks(lab, DoubleChat())
    # A process that comes up sees the money as spent before anything else.
    account = lab.account()
    (first,) = lab.calls()
    assert total(account.spent()).tokens.total == first.tokens.total > 0
    assert (first.outcome == INTERRUPTED) == asked_again == first.estimated
    assert account.held() == 0
    assert not list((lab.root / "reserved").glob("*"))
    double = DoubleChat()
    reply = await _asks(lab, double)
    assert reply.message.content == "to what?"
    assert len(double.asked) == int(asked_again)
    assert len(lab.calls()) == 1 + int(asked_again)
    assert lab.ledger.verify() == []


@pytest.mark.parametrize(("written", "spent"), [(0, []), (1, [20]), (2, [40])])
def test_killed_before_a_reservation_is_written_to_its_end(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, written: int, spent: list[int]
) -> None:
    def one_call(account: Account) -> Iterator[None]:
        held = account.reserve(would_use("coordinator", 10, 10))
        yield
        more = {"tokens": Tokens(prompt=20, completion=20)}
        held = account.extend(held, held.call.model_copy(update=more))
        yield
        account.answered(held, held.call.model_copy(update={"outcome": ANSWERED}))
        yield

    steps = one_call(lab.account())
    for _ in range(written):
        next(steps)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", _killed)
        with pytest.raises(Killed):
            next(steps)
    for _ in range(2):  # what comes up after that, and after that one
        assert total(lab.account().spent()).tokens.total == sum(spent)
        assert [call.tokens.total for call in lab.calls()] == spent
        assert not list((lab.root / "reserved").iterdir())
    assert {call.outcome for call in lab.calls()} <= {INTERRUPTED}


@pytest.mark.parametrize(
    ("what", "tokens"), [("keep_request", 0), ("keep_reply", None)], ids=["question", "answer"]
)
async def test_a_full_disk_costs_what_was_sent(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, what: str, tokens: int | None
) -> None:
    def full(*_: object) -> None:
        raise StorageFull("No space left.")

    with monkeypatch.context() as patch:
        patch.setattr(f"labcrew.recordings.Recordings.{what}", full)
        with pytest.raises(StorageFull):
            await _asks(lab, DoubleChat())
    account = lab.account()
    assert account.held() == 0
    spent = total(account.spent()).tokens
    whole = await _asks(lab, DoubleChat())
    assert spent.total == (whole.tokens.total if tokens is None else tokens)
    assert lab.ledger.verify() == []


async def test_killed_in_the_ledger(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer stands in the home, and the ledger does not know it yet."""
    with monkeypatch.context() as patch:
        patch.setattr("labcrew.ledger.records.Records.put", _killed)
        with pytest.raises(Killed):
            await _asks(lab, DoubleChat())
    assert lab.calls() == []
    double = DoubleChat()
    await _asks(lab, double)
    assert double.asked == []
    (call,) = lab.calls()
    assert (call.outcome, call.tokens.total, call.estimated) == (ANSWERED, 15, False)


async def test_a_question_asked_anew_in_one_process_is_asked(lab: Lab) -> None:
    await _asks(lab, DoubleChat())
    desk, double = lab.desk(), DoubleChat()
    for _ in range(2):
        with calling.step("merge_request", "r1/step-7"):
            await MeteredChat(double, desk).reply(user("what?"), purpose="merge_request.step")
    assert len(double.asked) == 1
    with calling.step("merge_request", "r1/step-7"):
        await MeteredChat(double, lab.desk()).reply(user("else?"), purpose="merge_request.step")
    assert len(double.asked) == 2


async def test_without_a_key_nothing_is_used_again(lab: Lab) -> None:
    for number in (1, 2):
        double = DoubleChat()
        await MeteredChat(double, lab.desk()).reply(user("what?"), purpose="x.y")
        assert len(double.asked) == 1
        assert len(lab.calls()) == number


async def test_an_answer_that_held_a_secret_is_not_used_again(lab: Lab) -> None:
    def tells(_: object) -> Reply:
        return says("the key is sk-abcdefghijklmnopqrstuvwxyz")

    for count in (1, 2):
        double = DoubleChat(tells)
        reply = await _asks(lab, double)
        assert "sk-abc" in reply.message.content
        assert len(double.asked) == 1
        assert [call.exact for call in lab.calls()] == [False] * count
    kept = b"".join(p.read_bytes() for p in (lab.root / "recorded").rglob("*.json"))
    assert b"sk-abc" not in kept
    assert b"[secret]" in kept


async def test_a_key_of_this_process_leaves_with_no_answer(lab: Lab) -> None:
    desk = lab.desk(Redaction(["very-own-key-1234"]))
    double = DoubleChat(lambda _: says("the key is very-own-key-1234, not sk-abcdefghijklmnopqrst"))
    reply = await MeteredChat(double, desk).reply(user("which key?"))
    # What only looks like a key may be code that a ticket needs.
    assert reply.message.content == "the key is [secret], not sk-abcdefghijklmnopqrst"


async def test_a_recorded_answer_that_was_changed_by_hand_is_not_believed(lab: Lab) -> None:
    await _asks(lab, DoubleChat())
    (call,) = lab.calls()
    file = lab.root / "recorded" / call.answer[:2] / f"{call.answer}.json"
    file.write_text(file.read_text().replace("to what?", "yes"))
    double = DoubleChat()
    assert (await _asks(lab, double)).message.content == "to what?"
    assert len(double.asked) == 1


def test_an_endpoint_that_counts_nothing_is_counted(lab: Lab) -> None:
    double = DoubleChat(lambda _: says("x", prompt=0, completion=0))
    asyncio.run(MeteredChat(double, lab.desk()).reply(user("what?"), purpose="x.y"))
    (call,) = lab.calls()
    assert call.estimated
    assert call.tokens.total > 100


def test_a_bound_that_a_person_raised_counts_at_once(lab: Lab) -> None:
    lab.bounds = Bounds(tokens=10)
    account = lab.account()
    with pytest.raises(ModelFailure):
        account.reserve(would_use("coordinator", 10, 10))
    lab.bounds = Bounds(tokens=20)
    account.reserve(would_use("coordinator", 10, 10))
    with pytest.raises(ModelFailure, match="20 set aside for calls under way"):
        account.reserve(would_use("coordinator", 1, 0))


@pytest.mark.parametrize(
    ("bounds", "said"),
    [
        (Bounds(tokens=99), "model_tokens"),
        (Bounds(tokens=10_000, usd=0.0001), "model_usd"),
        (Bounds(tokens=10_000, seconds=0), "waited for"),
        (Bounds(tokens=10_000, agents={"coordinator": Limits(tokens=99)}), "spending.coordinator"),
    ],
)
def test_each_bound_says_its_name(lab: Lab, bounds: Bounds, said: str) -> None:
    lab.bounds = bounds
    with pytest.raises(ModelFailure, match=said):
        lab.account().reserve(would_use("coordinator", 50, 50))
    assert not (lab.root / "reserved").exists() or not list((lab.root / "reserved").iterdir())
