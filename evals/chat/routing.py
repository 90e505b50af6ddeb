"""Where a chat model takes a message, beside the coordinator's rules: which tool it calls first."""

from collections.abc import Callable, Sequence

from desk.chat.conversing import PROMPT
from desk.chat.intents import ACTIONS
from desk.chat.spoken_tools import offers
from desk.chat.understand import Understanding
from desk.models.questions import CHAT
from desk.web.access import Caller
from evals.chat.cases import SPLITS, Case, Split, cases, eval_names
from evals.chat.measuring import Share
from evals.judgements.measuring import ENDPOINT_FAILS, EndpointLost
from labcrew.domain.base import Model
from labcrew.domain.chat import ChatModel, Message
from labcrew.domain.conversation import Focus
from labcrew.errors import ModelFailure

_NOWHERE = "?"
"""A rule that asks back and a model that fails are right about no message."""
_ANYONE = Caller(name="ada", role="approver")
_TOOLS = frozenset(offer.name for offer in offers(_ANYONE))


class Routed(Model):
    """One split of messages that rest on no earlier one, routed one way."""

    split: Split
    way: str
    right: Share
    wrong_actions: Share


def routed(split: Split, way: str, tools: Sequence[str]) -> Routed:
    """Scores what was called for each message of a split; "" for no tool."""
    pairs = list(zip(alone(split), tools, strict=True))
    return Routed(
        split=split,
        way=way,
        right=Share.counted([tool == _tool(case.intent) for case, tool in pairs]),
        wrong_actions=Share.counted(
            [tool in ACTIONS and tool not in _meant(case) for case, tool in pairs]
        ),
    )


def alone(split: Split) -> tuple[Case, ...]:
    """The messages that are understood without those before them."""
    return tuple(case for case in cases(split) if case.focus == Focus())


def by_rule(understanding: Understanding, split: Split) -> tuple[str, ...]:
    """What the rules read."""
    known = eval_names()
    read = [understanding.read(case.say, known, case.focus).readings for case in alone(split)]
    return tuple(_tool(found[0].intent) if found else _NOWHERE for found in read)


async def by_model(chat: ChatModel, split: Split) -> tuple[str, ...]:
    """What a model calls first, told what the coordinator's is told.

    Raises:
        EndpointLost: the endpoint doesn't answer, so that nothing is measured.
    """
    called = []
    for case in alone(split):
        asked = [Message(role="system", content=PROMPT), Message(role="user", content=case.say)]
        try:
            reply = await chat.reply(asked, tools=offers(_ANYONE), purpose=CHAT)
        except ModelFailure as error:
            if error.kind in ENDPOINT_FAILS:
                raise EndpointLost(
                    f"The model {chat.name} can't be asked: {error.message}",
                    error.remedy or "See `labcrew doctor`.",
                ) from None
            called.append(_NOWHERE)
            continue
        calls = reply.message.calls
        called.append(calls[0].name if calls else "")
    return tuple(called)


async def compare(
    chat: ChatModel, understanding: Understanding, say: Callable[[str], None]
) -> tuple[Routed, ...]:
    """The rules and a model on every split."""
    found = []
    for split in SPLITS:
        found.append(routed(split, "coordinator", by_rule(understanding, split)))
        found.append(routed(split, chat.name, await by_model(chat, split)))
        say(f"{split}: {found[-1].right}")
    return tuple(found)


def _tool(intent: str) -> str:
    return intent if intent in _TOOLS else ""


def _meant(case: Case) -> tuple[str, ...]:
    return (case.intent, *([case.also.intent] if case.also else []))
