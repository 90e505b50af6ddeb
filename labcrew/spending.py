"""A ticket's account for chat models: an upper bound is set aside before a call, and what was used
is written down afterwards.

Calls that are under way count, so calls side by side can't pass a bound together, and room for each
retry or fallback of a call is set aside before it is sent (see attempts.py). A bound can be passed
by one request at most: by what its endpoint uses beyond the upper bound that was set aside.

What is set aside is a small file of the home before the call begins, and is taken away once the
ledger has the call; a file that a killed process left counts as spent in full until `reconcile`
settles it: by the answer, where the process got so far as to keep it, else at the upper bound.
"""

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from labcrew import beneath
from labcrew.domain.base import Model
from labcrew.domain.chat import Tokens
from labcrew.domain.programming import ModelCall
from labcrew.domain.spending import Amount, Bounds, Limits, Price
from labcrew.errors import BoundaryError, ModelFailure, NotFound
from labcrew.ledger import Ledger
from labcrew.ports import Clock, SystemClock

Measure = Literal["tokens", "usd", "seconds"]
WARN_AT = (0.5, 0.8)
WARNED, EXHAUSTED = "spending.warned", "spending.exhausted"
"""Lines: a bound is used so far, and what would pass it was not begun."""
INTERRUPTED = "interrupted: labcrew ended before the answer came"
_FILE_BYTES = 1 << 16
_WHOLE = ".json"
"""How a reservation's file ends once it is written to its end."""
_OF_A_TICKET: dict[Measure, str] = {
    "tokens": "model_tokens",
    "usd": "model_usd",
    "seconds": "seconds",
}
"""What a ticket's own bounds are called."""


class Reservation(Model):
    """What was set aside for a call that is under way.

    Args:
        call: as the ledger has it if nothing more is heard: all of the upper bound used.
        settled: what came of it, known but not in the ledger yet.
    """

    call: ModelCall
    settled: ModelCall | None = None


class Account:
    """What one ticket spends on models. Safe to share between threads and tasks of one process.

    Args:
        ledger: fenced by the ticket's lease.
        ticket: or a draft; empty: the home's own.
        folder: where reservations are kept, labcrew's own.
        bounds: what may be spent, as it stands now: a person may raise it at any time.
        prices: model → price; a model without one is bound by tokens and seconds alone, and the
            ledger says so.
        clock: tells how long calls under way have been waited for.
    """

    def __init__(
        self,
        ledger: Ledger,
        ticket: str,
        folder: Path,
        bounds: Callable[[], Bounds],
        prices: Mapping[str, Price],
        clock: Clock | None = None,
    ) -> None:
        self.ledger, self.ticket = ledger, ticket
        self._folder, self._bounds, self._prices = folder, bounds, prices
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._held: dict[str, Reservation] = {}
        self._since: dict[str, float] = {}
        self._spent: dict[str, Amount] = {}
        self._number = 0
        self._said: set[str] = set()
        for call in ledger.model_calls.of(ticket):
            self._add(call)
            self._number = max(self._number, _number_of(call.id))
        self._reconcile()

    def reserve(self, call: ModelCall, *, prices_of: tuple[str, ...] = ()) -> Reservation:
        """Sets an upper bound aside; answers it with the call's id.

        Args:
            call: as it would be if it used the most that it can; without an id.
            prices_of: other models that may answer it, the dearest one's price counts.

        Raises:
            ModelFailure: over_budget, for it does not fit beside what is spent and under way.
        """
        return self._set_aside(call, prices_of, None)

    def extend(
        self, held: Reservation, call: ModelCall, *, prices_of: tuple[str, ...] = ()
    ) -> Reservation:
        """Sets more aside for a call under way, before another request of it; answers it.

        Args:
            call: as it would be if it used the most that it can with that request; with an id.
            prices_of: as for `reserve`.

        Raises:
            ModelFailure: over_budget; what was set aside before stays so.
        """
        return self._set_aside(call, prices_of, held)

    def _set_aside(
        self, call: ModelCall, prices_of: tuple[str, ...], before: Reservation | None
    ) -> Reservation:
        bounds = self._bounds()
        usd = self._price(call.tokens, (call.model, *prices_of))
        with self._lock:
            others = [held for held in self._held.values() if held is not before]
            trouble = self._too_much(call, usd, bounds, others)
            if trouble is None:
                self._number += before is None
                id = before.call.id if before else f"{self.ticket}/call/{self._number:06d}"
                known = {"id": id, "usd": usd, "estimated": True, "outcome": INTERRUPTED}
                made = Reservation(call=call.model_copy(update=known))
                self._held[id] = made
                self._since.setdefault(id, self._clock.monotonic())
        if trouble is not None:
            what, said, data = trouble
            self._say(f"exhausted/{what}", EXHAUSTED, {"because": said, **data})
            raise ModelFailure(
                said, "Raise the ticket's budget to go on with models.", kind="over_budget"
            )
        try:
            self._write(made)
        except BaseException:
            with self._lock:
                if before is not None:
                    self._held[made.call.id] = before
                else:
                    self._let_go(made.call.id)
            raise
        money = (bounds.usd, bounds.agents.get(call.agent, Limits()).usd)
        if any(most is not None for most in money):
            for name in dict.fromkeys((call.model, *prices_of)):
                if name not in self._prices:
                    said = f"no price is set for {name}: it is not bound by money"
                    self._say(f"unpriced/{name}", "spending.unpriced", {"because": said})
        return made

    def answered(self, held: Reservation, call: ModelCall) -> None:
        """Keeps what came of a call beside its reservation, so that a kill before it is settled
        neither loses the answer nor counts more than was used.
        """
        self._write(held.model_copy(update={"settled": call}))

    def settle(self, held: Reservation, call: ModelCall) -> None:
        """Writes down what a call used, and warns at 50 and 80 %.

        Args:
            call: with what it really used; its id is the reservation's.

        Raises:
            LeaseLost, StorageFull, LedgerError: it stays set aside, as if all of it were used.
        """
        self.ledger.model_calls.put(call, actor=call.agent, kind="model.called")
        with self._lock:
            self._let_go(call.id)
            self._add(call)
        self._file(call.id).unlink(missing_ok=True)
        self._warn()

    def usd(self, tokens: Tokens, model: str) -> float | None:
        """What tokens of a model cost; None: it has no price."""
        price = self._prices.get(model)
        return None if price is None else price.of(tokens)

    def spent(self) -> dict[str, Amount]:
        """Agent → what the ledger says it used."""
        with self._lock:
            return dict(self._spent)

    def held(self) -> int:
        """Tokens that are set aside for calls under way."""
        with self._lock:
            return sum(held.call.tokens.total for held in self._held.values())

    def _too_much(
        self,
        call: ModelCall,
        usd: float | None,
        bounds: Bounds,
        all_held: list[Reservation],
    ) -> tuple[str, str, dict[str, object]] | None:
        """The bound that a call does not fit into: its name, why in words, and typed.

        Args:
            all_held: what is set aside for other calls.
        """
        own, its = self._spent.get(call.agent, Amount()), bounds.agents.get(call.agent, Limits())
        mine = [held for held in all_held if held.call.agent == call.agent]
        scopes: list[tuple[str, Limits, Amount, list[Reservation]]] = [
            ("", bounds, total(self._spent), all_held),
            (call.agent, its, own, mine),
        ]
        needs = {"tokens": call.tokens.total, "usd": usd, "seconds": call.duration_s}
        for agent, limits, amount, held in scopes:
            flights = self._under_way(held)
            for measure, most, used in _against(limits, amount):
                need, flight = needs[measure], flights[measure]
                if most is None or need is None:
                    continue
                amounts = used + flight + need
                # How long a call takes nobody knows before: one begins while any time is left.
                if amounts > most or (measure == "seconds" and amounts >= most):
                    name = _name(measure, agent)
                    typed: dict[str, object] = (
                        {"bound": "agent", "agent": agent, measure: most}
                        if agent
                        else {"bound": name}
                    )
                    ran = 0.0 if agent else bounds.runs_s
                    said = _words(name, measure, most, used, flight, need, ran)
                    return f"{name}/{most}", said, typed
        return None

    def _under_way(self, held: list[Reservation]) -> dict[Measure, float]:
        """What is set aside for calls, and how long they have been waited for."""
        now = self._clock.monotonic()
        return {
            "tokens": sum(one.call.tokens.total for one in held),
            "usd": sum(one.call.usd or 0.0 for one in held),
            "seconds": sum(now - self._since[one.call.id] for one in held),
        }

    def _let_go(self, id: str) -> None:
        self._held.pop(id, None)
        self._since.pop(id, None)

    def _warn(self) -> None:
        bounds = self._bounds()
        with self._lock:
            spent = dict(self._spent)
        scopes: list[tuple[str, Limits, Amount]] = [("", bounds, total(spent))]
        scopes += [(a, limits, spent[a]) for a, limits in bounds.agents.items() if a in spent]
        for agent, limits, amount in scopes:
            for measure, most, used in _against(limits, amount):
                for share in WARN_AT:
                    if most and used >= share * most:
                        name = _name(measure, agent)
                        self._say(
                            f"{name}/{most:g}/{share:.0%}",
                            WARNED,
                            {"bound": name, "of": most, "used": used, "share": share},
                        )

    def _say(self, what: str, kind: str, data: dict[str, object]) -> None:
        """A line that is written once, whoever asks again."""
        key = f"{self.ticket}/spending/{what}"
        if key not in self._said:
            self.ledger.events.append(
                ticket=self.ticket, actor="worker", kind=kind, key=key, data=data
            )
            self._said.add(key)

    def _price(self, tokens: Tokens, names: tuple[str, ...]) -> float | None:
        known = [self._prices[name].at_most(tokens) for name in names if name in self._prices]
        return max(known) if known else None

    def _add(self, call: ModelCall) -> None:
        self._spent[call.agent] = _with(self._spent.get(call.agent), call)

    def _reconcile(self) -> None:
        """Settles what a killed process left set aside; this process is the ticket's only one."""
        if not self._folder.is_dir():
            return
        for file in sorted(self._folder.iterdir()):
            held = self._read(file.name)
            if held is None or self.ledger.model_calls.find(held.call.id) is not None:
                file.unlink()
            else:
                self._number = max(self._number, _number_of(held.call.id))
                self.settle(held, held.settled or held.call)

    def _file(self, id: str) -> Path:
        return self._folder / f"{_number_of(id):06d}{_WHOLE}"

    def _read(self, name: str) -> Reservation | None:
        if not name.endswith(_WHOLE):
            return None  # a write that was cut off: what it is of never began
        try:
            return Reservation.model_validate_json(beneath.read(self._folder, name, _FILE_BYTES))
        except (NotFound, BoundaryError, ValidationError):
            return None

    def _write(self, held: Reservation) -> None:
        place = self._file(held.call.id)
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        partial = place.with_suffix(f".{os.getpid()}.partial")
        partial.write_text(held.model_dump_json(), encoding="utf-8")
        partial.replace(place)


def total(spent: Mapping[str, Amount]) -> Amount:
    """What all agents used together."""
    amounts = spent.values()
    return Amount(
        calls=sum(a.calls for a in amounts),
        tokens=Tokens(
            prompt=sum(a.tokens.prompt for a in amounts),
            cached=sum(a.tokens.cached for a in amounts),
            completion=sum(a.tokens.completion for a in amounts),
        ),
        usd=sum(a.usd for a in amounts),
        unpriced=sum(a.unpriced for a in amounts),
        seconds=sum(a.seconds for a in amounts),
    )


def spent_by(calls: Iterable[ModelCall]) -> dict[str, Amount]:
    """Agent → what these calls used."""
    spent: dict[str, Amount] = {}
    for call in calls:
        spent[call.agent] = _with(spent.get(call.agent), call)
    return spent


def _with(spent: Amount | None, call: ModelCall) -> Amount:
    """What was used, and a call more."""
    return (spent or Amount()).plus(call.tokens, call.usd, call.duration_s, call.unpriced)


def _against(limits: Limits, amount: Amount) -> Iterator[tuple[Measure, float | None, float]]:
    """Each measure with its bound and what was used."""
    yield "tokens", limits.tokens, amount.tokens.total
    yield "usd", limits.usd, amount.usd
    ran = limits.runs_s if isinstance(limits, Bounds) else 0.0
    yield "seconds", limits.seconds, amount.seconds + ran


def _name(measure: Measure, agent: str) -> str:
    """What a bound is called; without an agent it is the ticket's."""
    return f"spending.{agent}.{measure}" if agent else _OF_A_TICKET[measure]


def _words(
    name: str,
    measure: Measure,
    bound: float,
    used: float,
    held: float,
    need: float,
    runs_s: float,
) -> str:
    if measure == "seconds":
        waited = used + held + need - runs_s
        ran = f"runs took {runs_s:,.0f} s and " if runs_s else ""
        return f"{name} allows {bound:,.0f} s, and {ran}models were waited for {waited:,.0f} s"

    def spelt(amount: float) -> str:
        return f"{amount:,.4g}" if measure == "usd" else f"{amount:,.0f}"

    flight = f", {spelt(held)} set aside for calls under way" if held else ""
    return (
        f"{name} allows {spelt(bound)}: {spelt(used)} used{flight},"
        f" and this call may need {spelt(need)}"
    )


def _number_of(id: str) -> int:
    last = id.rpartition("/")[2]
    return int(last) if last.isdecimal() else 0
