"""Talking about loops of self-evolution: true answers, and steering after a yes."""

import asyncio
from pathlib import Path

import pytest

from desk.chat.building import coordinator
from desk.chat.facts import unsupported
from desk.chat.known import Known
from desk.chat.slots import names
from desk.web.access import Caller
from desk.wiring import Opened
from labcrew.domain.conversation import ChatMessage
from tests.desk.evolved import evolved
from tests.graphs.evolution.lab import SECRET


class Talk:
    """One thread of an approver."""

    def __init__(self, opened: Opened) -> None:
        self.talking = coordinator(opened)
        self.caller = Caller(name="ada", role="approver")
        self.id = self.talking.threads.open("ada").id

    def say(self, text: str) -> ChatMessage:
        return asyncio.run(self.talking.say(self.id, text, self.caller))


def words(message: ChatMessage) -> str:
    return " ".join(statement.text for statement in message.statements)


def test_what_is_said_of_a_loop_is_true_and_steers_it(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evolved(opened, tmp_path, monkeypatch)
    talk = Talk(opened)
    for question in (
        "how far is E-001?",
        "what was kept in E-001?",
        "E-001",
        "why did E-001 fail",
        "what does E-001-MR0 say",
        "what is waiting in e-001",
        "best trial of E-001",
        "tell me a joke about E-001",
    ):
        reply = talk.say(question)
        assert "E-001" in words(reply), question
        assert "after 4 of 4 rounds" in words(reply), question
        assert "Kept in round 3: skill 0.9" in words(reply), question
        assert SECRET not in words(reply)
        assert reply.proposal == ""
        for statement in reply.statements:
            assert unsupported(statement, opened.ledger) == [], statement.text
        assert reply.statements[0].rows[0].href == "/evolutions/E-001"
    assert "no loop E-007" in words(talk.say("how far is E-007?"))
    assert "can be paused, resumed and stopped" in words(talk.say("retry E-001"))
    asked = talk.say("pause E-001")
    assert opened.ledger.evolutions.get("E-001").status == "waiting"
    shown = opened.ledger.proposals.get(asked.proposal)
    assert shown.shown[0].startswith("Pause E-001, Better skill")
    talk.say("yes")
    assert opened.ledger.evolutions.get("E-001").status == "paused"
    assert "is paused; pause is for loops" in words(talk.say("pause E-001"))
    talk.say("resume it")
    talk.say("yes")
    assert opened.ledger.evolutions.get("E-001").status == "assigned"
    talk.say("accept E-001-merge-r0.1")
    talk.say("yes")
    assert opened.ledger.decisions.get("E-001-merge-r0.1").kind == "accept"
    assert words(talk.say("status of everything"))


def test_ids_of_loops_are_told_from_other_words() -> None:
    said = names("look at E-001-merge-r0.1, e-002 and E-003-MR0, not 1e-005 or e-5", Known())
    assert said.tickets == ("E-001", "E-003", "E-002")
    assert said.gate == "E-001-merge-r0.1"
    assert said.merge_request == "E-003-MR0"
