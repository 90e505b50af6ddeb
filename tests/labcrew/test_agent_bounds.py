"""An agent's own bounds: tokens, money and seconds, never passed with calls side by side."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labcrew.agent_limits import RAISED, agent_limits
from labcrew.domain.chat import Tokens
from labcrew.domain.spending import Amount, Bounds, Limits
from labcrew.errors import ModelFailure, SettingsError
from labcrew.settings import Settings
from labcrew.spending import Account, Reservation
from tests.doubles.bench import FixedClock
from tests.labcrew.test_spending import TICKET, Lab, a_lab, would_use

WRITER, JUDGE = "merge_request", "coordinator"


class HandClock(FixedClock):
    """A clock that a test moves."""

    passed = 0.0

    def monotonic(self) -> float:
        return self.passed


class Timed(Lab):
    """A lab whose account reads a clock that a test moves."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.clock = HandClock()

    def account(self) -> Account:
        folder = self.root / "reserved"
        return Account(
            self.ledger, TICKET, folder, lambda: self.bounds, self.prices, clock=self.clock
        )

    def warned(self) -> list[tuple[str, float]]:
        lines = self.ledger.events.of(TICKET, kind="spending.warned")
        return [(line.data["bound"], line.data["share"]) for line in lines]


@pytest.fixture
def lab() -> Iterator[Timed]:
    with a_lab(Timed) as made:
        yield made


CALL = st.tuples(
    st.sampled_from([WRITER, JUDGE]),
    st.integers(0, 400),  # prompt
    st.integers(1, 400),  # most completion
    st.floats(0, 1),  # the share of it that is used
    st.floats(0, 20),  # seconds that pass before what follows
    st.booleans(),  # whether it is settled before the next ones begin
)
LIMITS = st.builds(
    Limits,
    tokens=st.none() | st.integers(0, 2000),
    usd=st.none() | st.floats(0, 0.02),
    seconds=st.none() | st.floats(0, 60),
)


@settings(max_examples=60)
@given(calls=st.lists(CALL, max_size=20), writer=LIMITS, judge=LIMITS)
def test_no_agent_passes_its_own_bounds(
    calls: list[tuple[str, int, int, float, float, bool]], writer: Limits, judge: Limits
) -> None:
    limits = {WRITER: writer, JUDGE: judge}
    with a_lab(Timed) as lab:
        lab.bounds = Bounds(tokens=1_000_000, agents=limits)
        account = lab.account()
        open_: list[tuple[str, Reservation, int, float]] = []
        for agent, prompt, completion, share, seconds, at_once in calls:
            refused = ""
            waited = account.spent().get(agent, Amount()).seconds
            waited += sum(lab.clock.passed - began for who, _, _, began in open_ if who == agent)
            most = limits[agent].seconds
            try:
                held = account.reserve(would_use(agent, prompt, completion))
            except ModelFailure as failure:
                refused = f"{failure.kind}: {failure.message}"
            if refused:
                assert refused.startswith(f"over_budget: spending.{agent}.")
                continue
            assert most is None or waited < most
            open_.append((agent, held, int(completion * share), lab.clock.passed))
            lab.clock.passed += seconds
            for who, one, used, began in [*open_] if at_once else []:
                tokens = Tokens(prompt=one.call.tokens.prompt, completion=used)
                came = {"tokens": tokens, "duration_s": lab.clock.passed - began}
                usd = account.usd(tokens, "double")
                account.settle(one, one.call.model_copy(update={**came, "usd": usd}))
                open_.remove((who, one, used, began))
        for agent, amount in account.spent().items():
            most_tokens, most_usd = limits[agent].tokens, limits[agent].usd
            assert most_tokens is None or amount.tokens.total <= most_tokens
            assert most_usd is None or amount.usd <= most_usd + 1e-12
        # What is left under way counts in full for the process that comes up next.
        again = lab.account().spent()
        for agent, amount in again.items():
            most_tokens, most_usd = limits[agent].tokens, limits[agent].usd
            assert most_tokens is None or amount.tokens.total <= most_tokens
            assert most_usd is None or amount.usd <= most_usd + 1e-12


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (Limits(tokens=199), r"spending\.coordinator\.tokens allows 199"),
        (Limits(usd=0.0001), r"spending\.coordinator\.usd allows 0\.0001"),
        (Limits(seconds=5), r"spending\.coordinator\.seconds allows 5 s, .* waited for 5 s"),
    ],
)
def test_what_is_under_way_counts(lab: Timed, limits: Limits, said: str) -> None:
    lab.bounds = Bounds(tokens=10_000, agents={JUDGE: limits})
    account = lab.account()
    account.reserve(would_use(JUDGE, 1, 1))
    lab.clock.passed = 5
    with pytest.raises(ModelFailure, match=said):
        account.reserve(would_use(JUDGE, 99, 99))
    account.reserve(would_use(WRITER, 99, 99))


def test_the_tickets_seconds_count_what_is_under_way(lab: Timed) -> None:
    lab.bounds = Bounds(tokens=10_000, seconds=8)
    account = lab.account()
    for agent in (JUDGE, WRITER):
        account.reserve(would_use(agent, 1, 1))
    lab.clock.passed = 3
    account.reserve(would_use(JUDGE, 1, 1))
    lab.clock.passed = 4
    with pytest.raises(ModelFailure, match="seconds allows 8 s, and models were waited for 9 s"):
        account.reserve(would_use(JUDGE, 1, 1))


def test_seconds_are_warned_of_once_however_often_a_run_ends(lab: Timed) -> None:
    account = lab.account()
    for runs_s in (1, 5, 6, 8, 9, 10, 11):
        lab.bounds = Bounds(tokens=10_000, seconds=10, runs_s=runs_s)
        if runs_s < 10:
            held = account.reserve(would_use(JUDGE, 1, 1))
            account.settle(held, would_use(JUDGE, 1, 1).model_copy(update={"id": held.call.id}))
            continue
        with pytest.raises(
            ModelFailure, match=f"allows 10 s, and runs took {runs_s} s and models were waited for"
        ):
            account.reserve(would_use(JUDGE, 1, 2))
    lines = lab.ledger.events.of(TICKET)
    warned = [(e.data["of"], e.data["share"]) for e in lines if e.kind == "spending.warned"]
    assert warned == [(10, 0.5), (10, 0.8)]
    assert sum(e.kind == "spending.exhausted" for e in lines) == 1


def test_each_measure_of_an_agent_warns_once_a_bound(lab: Timed) -> None:
    lab.bounds = Bounds(
        tokens=1_000_000, agents={WRITER: Limits(tokens=200, usd=0.002, seconds=10)}
    )
    account = lab.account()
    told = []
    for _ in range(2):
        held = account.reserve(would_use(WRITER, 50, 50))
        account.settle(held, held.call.model_copy(update={"duration_s": 4.0}))
        told.append(lab.warned())
    first = [(f"spending.{WRITER}.tokens", 0.5)]
    assert told[0] == first
    assert told[1] == [
        *first,
        (f"spending.{WRITER}.tokens", 0.8),
        (f"spending.{WRITER}.usd", 0.5),
        (f"spending.{WRITER}.usd", 0.8),
        (f"spending.{WRITER}.seconds", 0.5),
        (f"spending.{WRITER}.seconds", 0.8),
    ]


def test_an_agent_with_money_and_a_model_without_a_price(lab: Timed) -> None:
    lab.prices = {}
    lab.bounds = Bounds(tokens=10_000, agents={WRITER: Limits(usd=0.1)})
    lab.account().reserve(would_use(JUDGE, 1, 1))
    assert lab.kinds().count("spending.unpriced") == 0
    lab.account().reserve(would_use(WRITER, 1, 1))
    assert lab.kinds().count("spending.unpriced") == 1


def test_what_a_person_gave_is_added_to_the_measure_that_it_is_of(lab: Timed) -> None:
    spending = Settings(
        spending={"merge_request": {"tokens": 500, "usd": 2.0}, "coordinator": 100}
    ).spending
    # The first line is as labcrew wrote it before agents had bounds but tokens.
    raised: list[dict[str, Any]] = [{"tokens": 500}, {"usd": 1.0}, {"seconds": 5}]
    for number, more in enumerate(raised):
        lab.ledger.events.append(
            ticket=TICKET,
            actor="worker",
            kind=RAISED,
            key=f"{number}",
            data={"agent": WRITER, "by": "ada", **more},
        )
    assert agent_limits(lab.ledger, spending, TICKET) == {
        WRITER: Limits(tokens=1000, usd=3.0),
        JUDGE: Limits(tokens=100),
    }
    assert agent_limits(lab.ledger, spending, "T-2")[WRITER] == Limits(tokens=500, usd=2.0)


@pytest.mark.parametrize(
    ("written", "limits"),
    [
        ("merge_request = 500", Limits(tokens=500)),
        ("merge_request = {usd = 2, seconds = 600}", Limits(usd=2, seconds=600)),
        ("[spending.merge_request]\ntokens = 0", Limits(tokens=0)),
    ],
)
def test_settings_with_a_number_and_with_a_table(
    tmp_path: Path, written: str, limits: Limits
) -> None:
    file = tmp_path / "labcrew.toml"
    file.write_text(f"[spending]\n{written}\n")
    assert Settings.load(file).spending == {WRITER: limits}


@pytest.mark.parametrize(
    ("name", "value", "limits"),
    [
        ("LABCREW_SPENDING__MERGE_REQUEST", "500", Limits(tokens=500)),
        ("LABCREW_SPENDING__MERGE_REQUEST__USD", "2.5", Limits(usd=2.5)),
        ("LABCREW_SPENDING", '{"merge_request": 500}', Limits(tokens=500)),
    ],
)
def test_settings_by_a_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, limits: Limits
) -> None:
    monkeypatch.setenv(name, value)
    assert Settings.load(tmp_path / "none.toml").spending == {WRITER: limits}


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("2.5", r"spending\.merge_request: .*tokens = 1000000, usd = 2\.5, seconds = 600"),
        ("'much'", r"spending\.merge_request: .*usd = 2\.5"),
        ("-5", r"spending\.merge_request\.tokens: .*greater than or equal to 0"),
        ("{money = 5}", r"spending\.merge_request\.money"),
        ("{usd = inf}", r"spending\.merge_request\.usd"),
    ],
)
def test_settings_that_say_no_bound_say_how_to(tmp_path: Path, written: str, said: str) -> None:
    file = tmp_path / "labcrew.toml"
    file.write_text(f"[spending]\nmerge_request = {written}\n")
    with pytest.raises(SettingsError, match=said):
        Settings.load(file)
