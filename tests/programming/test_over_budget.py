"""Where the budget for models is used up the loop waits at a gate, and goes on where it was."""

from pathlib import Path

import pytest

from graphs.accounts import ticket_bounds
from graphs.nodes.spending import ask_spending, gate_spending, spending_gate
from graphs.programming.ended import over_budget
from labcrew.deciding import decide
from labcrew.domain.chat import Message, Reply, Tokens
from labcrew.domain.review import DecisionKind
from labcrew.metered import Desk, MeteredChat
from labcrew.ports import SystemClock
from labcrew.recordings import Recordings
from labcrew.redaction import Redaction
from labcrew.settings import Settings
from labcrew.spending import Account, spent_by, total
from tests.doubles.chat import ScriptedChat
from tests.programming.sessions import MENDED, WRONG, ledger_at
from tests.programming.test_machine import Bench

TICKET = "T-0001"
MOST = 9000


def said(text: str) -> Reply:
    message = Message(role="assistant", content=text)
    return Reply(message=message, model="scripted", tokens=Tokens(prompt=5000, completion=100))


@pytest.mark.parametrize("word", ["accept", "ignore"])
async def test_a_person_raises_it_or_not(tmp_path: Path, word: DecisionKind) -> None:
    model = ScriptedChat(said(WRONG), said(MENDED))
    with ledger_at(tmp_path) as ledger:
        bench = Bench(ledger, "write_code", None, "direct", budget={"model_tokens": MOST})
        account = Account(
            ledger,
            TICKET,
            tmp_path / "under-way",
            lambda: ticket_bounds(ledger, Settings(), TICKET),
            {},
        )
        recordings = Recordings(tmp_path / "kept", Redaction())
        object.__setattr__(
            bench.work,
            "programmer",
            MeteredChat(model, Desk(account, recordings, SystemClock())),
        )
        ended = await bench.run()
        because = over_budget(ended["write_code"])
        assert f"model_tokens allows {MOST:,}" in because
        assert len(model.asked) == 1
        assert ledger.patches.find(f"{TICKET}-C0") is None
        assigned = ledger.tickets.get(TICKET)
        ask_spending(bench.work, assigned, 0, because)
        decide(ledger, SystemClock(), spending_gate(assigned, 0), word, by="ada")
        if word == "ignore":
            assert gate_spending(bench.work, spending_gate(assigned, 0)) == "finish"
            assert ledger.tickets.get(TICKET).budget.model_tokens == MOST
            return
        assert gate_spending(bench.work, spending_gate(assigned, 0)) == "more"
        bench.config["configurable"] = {"thread_id": "again"}
        ended = await bench.run()
        assert over_budget(ended["write_code"]) == ""
        assert ledger.patches.get(f"{TICKET}-C0").status == "ready"
        assert len(model.asked) == 2
        assert total(spent_by(ledger.model_calls.of(TICKET))).tokens.total == 10_200 <= 2 * MOST
