"""One writing of code: what was said and done so far, and each further thing done once."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from pydantic import BaseModel

from agents.programming.options import LoopOptions, Style, Terms
from agents.programming.turns import Outcome, Turn, spent
from graphs.programming.hands import Hands
from labcrew import calling
from labcrew.domain.base import canonical_json, content_hash
from labcrew.domain.chat import ChatModel, Manner, Message, Reply, Tokens, ToolOffer
from labcrew.domain.programming import FailedRun
from labcrew.domain.skills import RuleResult
from labcrew.domain.testing import TestReport
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import ModelFailure, ToolError
from labcrew.ledger import Ledger
from labcrew.spending import WARN_AT, WARNED
from labcrew.varying import steady
from tools.mcp_offers import McpOffer
from tools.programming.telling import Told, capped

Phase = Literal["investigate", "write_code"]
TERMS = "programming.terms"
"""A line: what the steps after it go by."""
_LOOKS = 15
"""Steps of the look before a plan, and no more than a third of the budget's."""
_LONGEST_REPLY = 200_000
_SHORTEST_ANSWER = 200
"""Characters of a tool's answer that are shown however small a model's context is."""
UNANSWERED: dict[str, str] = {
    "cut_off": "The answer was cut off before its end. Answer in fewer words.",
    "refused": "There was no answer but a refusal.",
    "invalid": "The answer could not be read.",
    "too_long": "The question was too long for the model.",
}
"""Failures that are a step without an answer, and how they are told; others stop the loop."""


class GaveUp(Exception):
    """The writing of code ends without a patch that may be merged; the text says why."""


class OutOfSteps(Exception):
    """The budget's steps are used up, and a person may give more.

    Args:
        used: how many were taken.
    """

    def __init__(self, used: int) -> None:
        super().__init__(f"{used} steps are used up")
        self.used = used


class Waits(Exception):
    """A person is asked, and has not answered yet."""

    def __init__(self, name: str, question: str) -> None:
        super().__init__(question)
        self.name, self.question = name, question


@dataclass(frozen=True)
class Acted:
    """What came of a tool.

    Args:
        text: as the model is told.
        failed: whether the tool did.
        trouble: what failed in what it ran, the same for two that failed alike.
    """

    text: str
    failed: bool = False
    trouble: str = ""


def alone(name: str, question: str) -> str:
    """What is answered to a question where there is nobody to ask."""
    return "Nobody is there to answer. Decide it yourself, and say in the summary how."


def nobody(_used: int) -> bool:
    """Whether there is a person to ask for more steps: there is none."""
    return False


@dataclass
class Session:
    """The loop's place in one ticket; everything in it can be read back from the ledger.

    Args:
        ledger: fenced by the worker's lease.
        model: who writes.
        hands: the tools.
        round: counts the beginnings within a revision, after a person asked for another try.
        said: what people and earlier looks said, for the first message.
        failed_runs: how the program failed with what an earlier round wrote, and without it.
        people: what a person answered to a question that has this name; None: not yet.
        asks: whether a person is asked for more than so many steps, and did not turn it down.
        turns: what was done so far.
        terms: what its steps went by, each as it was changed.
        start: what an earlier revision changed: path → text.
        begun: whether `start` was settled in this process.
        task: the first message of the tools style, once it was made.
        told: the lab's house rules, once they were looked up.
        memo: what the ledger holds and need not be read again.
    """

    ledger: Ledger
    assigned: AssignedTicket
    model: ChatModel
    hands: Hands
    options: LoopOptions
    phase: Phase = "write_code"
    round: int = 0
    said: tuple[str, ...] = ()
    failed_runs: tuple[FailedRun, ...] = ()
    people: Callable[[str, str], str | None] = alone
    asks: Callable[[int], bool] = nobody
    turns: list[Turn] = field(default_factory=list)
    terms: list[Terms] = field(default_factory=list)
    start: dict[str, str] = field(default_factory=dict)
    begun: bool = False
    task: str = ""
    told: str | None = None
    memo: dict[str, Any] = field(default_factory=dict)

    @property
    def style(self) -> Style:
        if self.options.style is not None:
            return self.options.style
        return "direct" if getattr(self.model, "small", False) else "tools"

    @property
    def native(self) -> bool:
        """Whether the model's endpoint knows tool calls."""
        return bool(getattr(self.model, "native_tools", True))

    @property
    def tokens(self) -> Tokens:
        return spent(self.turns)

    @property
    def steps(self) -> int:
        """Most that may be taken."""
        steps = self.assigned.budget.steps
        return min(_LOOKS, max(1, steps // 3)) if self.phase == "investigate" else steps

    @property
    def exhausted(self) -> str:
        """Why no further reply may be asked for; empty while one may."""
        most = self.options.completion_tokens
        if len(self.turns) >= self.steps:
            return f"the budget's {self.steps} steps are used up"
        if most is not None and self.tokens.completion >= most:
            return f"{most} completion tokens are used up"
        return ""

    def go_on(self) -> None:
        """Looks that a further reply may be asked for.

        Raises:
            GaveUp: it may not.
            OutOfSteps: it may not unless a person gives more.
        """
        used = len(self.turns)
        if used >= self.steps and self.asks(used):
            raise OutOfSteps(used)
        if why := self.exhausted:
            raise GaveUp(f"Given up: {why}.")

    def key(self, what: str) -> str:
        """An idempotency key: the same on every re-run."""
        a = self.assigned
        return f"{a.id}/r{a.revision}.{self.round}/{self.phase}/{what}"

    def recall(self) -> None:
        """Reads back the turns that the ledger holds, and what they went by."""
        while (event := self.ledger.events.find(self.key(f"{len(self.turns)}/turn"))) is not None:
            self.turns.append(Turn.model_validate(event.data))
        while (event := self.ledger.events.find(self.key(f"terms/{len(self.terms)}"))) is not None:
            self.terms.append(Terms.model_validate(event.data))

    def begin_step(self) -> None:
        """Notes what the next step goes by, where it is not what the one before went by."""
        steps = self.assigned.budget.steps
        now = Terms(model=self.model.name, style=self.style, steps=steps)
        if self.terms[-1:] == [now]:
            return
        self.ledger.events.note(
            ticket=self.assigned.id,
            actor="merge_request",
            kind=TERMS,
            key=self.key(f"terms/{len(self.terms)}"),
            data=now.model_dump(mode="json"),
        )
        self.terms.append(now)

    def note(self, turn: Turn) -> Turn:
        """Writes a turn down. Killed before it is on disk, it is made again from its effects."""
        self._warn(len(self.turns) + 1)  # before it: a turn that stands is warned of
        self.ledger.events.note(
            ticket=self.assigned.id,
            actor="merge_request",
            kind="programming.turn",
            key=self.key(f"{turn.step}/turn"),
            data=turn.model_dump(mode="json"),
        )
        self.turns.append(turn)
        return turn

    def _warn(self, used: int) -> None:
        """Says, once each, that a share of the steps is used."""
        a, most, said = self.assigned, self.steps, self.memo.setdefault("warned", set())
        for share in WARN_AT if self.phase == "write_code" else ():
            key = f"{a.id}/spending/steps/r{a.revision}.{self.round}/{most}/{share:.0%}"
            if used >= share * most and key not in said:
                self.ledger.events.append(
                    ticket=a.id,
                    actor="worker",
                    kind=WARNED,
                    key=key,
                    data={"bound": "steps", "of": most, "used": used, "share": share},
                )
                said.add(key)

    async def once(
        self,
        what: str,
        payload: dict[str, Any],
        perform: Callable[[], Awaitable[dict[str, Any]]],
        lost: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Does something once.

        Args:
            lost: what stands for the result where a killed process had begun it; None: it is
                harmless to begin again, so that its intent needs no commit before it.
        """

        async def find() -> dict[str, Any] | None:
            return lost

        return await self.ledger.once_async(
            self.key(what), self.assigned.id, payload, perform, find if lost is not None else None
        )

    async def ask(
        self,
        what: str,
        messages: Sequence[Message],
        *,
        shorter: Callable[[], Sequence[Message]] | None = None,
        tools: Sequence[ToolOffer] = (),
        schema: type[BaseModel] | None = None,
        manner: Manner | None = None,
    ) -> Reply:
        """The model's reply at one point, asked for once.

        Args:
            shorter: the same conversation in fewer words, for a model that finds it too long.
            manner: how it is to be written, where the model can be told.

        Returns:
            The reply; one that is empty, or cut off, has a kind of `UNANSWERED` as its `finish`.

        Raises:
            ModelFailure: of any other kind.
        """
        model = self.model
        told = getattr(model, "in_manner", None)
        if manner is not None and told is not None:
            model = told(manner)
        purpose = f"programming.{self.phase}"

        async def perform() -> dict[str, Any]:
            try:
                try:
                    reply = await model.reply(messages, tools=tools, schema=schema, purpose=purpose)
                except ModelFailure as failure:
                    if failure.kind != "too_long" or shorter is None:
                        raise
                    reply = await model.reply(
                        shorter(), tools=tools, schema=schema, purpose=purpose
                    )
            except ModelFailure as failure:
                if failure.kind not in UNANSWERED:
                    raise
                said = Message(role="assistant", content=failure.said)
                used = failure.tokens or Tokens()
                reply = Reply(message=said, model=model.name, tokens=used, finish=failure.kind)
            return _capped(reply).model_dump(mode="json")

        # Killed after the answer came and before it is noted, it is answered from the records.
        with calling.step("merge_request", self.key(f"{what}/reply")):
            return Reply.model_validate(await self.once(f"{what}/reply", {"ask": what}, perform))

    def answer(self, what: str, question: BaseModel) -> str:
        """A person's answer. Raises Waits until there is one."""
        asked = str(getattr(question, "question", ""))
        # A look's step has the number of a later step that writes code, but is another question.
        name = f"{self.phase}.{what.replace('/', '.')}"
        said = self.people(name, asked)
        if said is None:
            raise Waits(name, asked)
        return said

    async def use(self, what: str, name: str, call: BaseModel, *, lost: str = "") -> Acted:
        """Runs a tool once.

        Args:
            lost: what is said of one that a killed process had begun; none: it is run again.
        """
        return await self._acted(
            what,
            {"tool": name, "arguments": content_hash(call)},
            lambda: self.hands.use(self.key(what), name, call),
            lost,
        )

    async def write(self, what: str, path: str, text: str) -> str:
        """Puts a whole file into the change, once; answers what is wrong, or nothing."""
        payload = {"path": path, "sha256": hashlib.sha256(text.encode()).hexdigest()}

        async def act() -> Told:
            return Told(text=await self.hands.write(self.key(what), path, text))

        came = await self._acted(what, payload, act)
        return came.text if came.failed else ""

    async def put(self, what: str, files: Mapping[str, str]) -> str:
        """Makes the change these files and no others; answers what is wrong, or nothing."""
        change = await self.hands.change()
        for path in sorted({*files, *change}):
            if change.get(path) == files.get(path):
                continue
            name = self._not_done(f"{what}/write/{content_hash(path)[:12]}")
            if path not in files:
                wrong = await self.restore(name, path)
            else:
                wrong = await self.write(name, path, files[path])
            if wrong:
                return wrong
        return ""

    def _not_done(self, name: str) -> str:
        """A name for an act whose outcome does not stand: done before a process was killed, it was
        undone since, by a later act or by an earlier one gone through again; it is done again.
        """
        while (effect := self.ledger.effect(self.key(name))) and effect.result is not None:
            if effect.result.get("failed"):
                break
            name += "/again"
        return name

    async def restore(self, what: str, path: str) -> str:
        """Takes a file back to the base commit, once; answers what is wrong, or nothing."""

        async def act() -> Told:
            return Told(text=await self.hands.restore(self.key(what), path))

        came = await self._acted(what, {"restore": path}, act)
        return came.text if came.failed else ""

    async def _acted(
        self,
        what: str,
        payload: dict[str, Any],
        act: Callable[[], Awaitable[Told]],
        lost: str = "",
    ) -> Acted:
        async def perform() -> dict[str, Any]:
            try:
                told = await act()
                text = capped(told.text, self.options.answer_characters)
                return {"text": text, "trouble": told.trouble}
            except ToolError as error:
                said = f"{error.message} {error.remedy}".strip()
                return {"text": capped(said, self.options.answer_characters), "failed": True}

        gone = {"text": lost, "failed": True} if lost else None
        found = await self.once(what, payload, perform, gone)
        return Acted(str(found["text"]), bool(found.get("failed")), found.get("trouble", ""))

    async def house(self) -> str:
        """The lab's house rules as they stood when this began: prompts begin alike to the end.

        So do the tools of outside servers, and the room of a prompt, which are settled here: no
        more than the model's context holds. Rules that would leave less than a quarter of it are
        not told, for no question fits beside.
        """
        if self.told is None:

            async def perform() -> dict[str, Any]:
                prompt, answer = self._room()
                rules = self.hands.house()
                outside = {n: o.model_dump(mode="json") for n, o in self.hands.outside.items()}
                return {
                    "text": rules if len(rules) <= prompt * 3 // 4 else "",
                    "characters": prompt,
                    "answers": answer,
                    "outside": outside,
                }

            found = await self.once("house", {}, perform)
            self.told = str(found["text"])
            if "outside" in found:  # an older labcrew offered what stood when it was started
                offers = found["outside"].items()
                self.hands.outside = {n: McpOffer.model_validate(o) for n, o in offers}
            self.options = replace(
                self.options,
                prompt_characters=int(found.get("characters", self.options.prompt_characters)),
                answer_characters=int(found.get("answers", self.options.answer_characters)),
            )
        return self.told

    def _room(self) -> tuple[int, int]:
        """Characters of a prompt, and of one tool's answer in it."""
        prompt, answer = self.options.prompt_characters, self.options.answer_characters
        fits: int | None = getattr(self.model, "prompt_characters", None)
        if fits is None:
            return prompt, answer
        if self.style == "tools":
            # Beside a conversation stand its tools and, of a third, what was done before in short.
            tools = sum(len(canonical_json(o.model_dump())) for o in self.hands.offers.values())
            fits = max(fits - tools, fits // 4) * 3 // 4
        if fits >= prompt:
            return prompt, answer
        return fits, min(answer, max(fits // 4, _SHORTEST_ANSWER))

    async def rules(self, what: str) -> tuple[RuleResult, ...]:
        """How the change keeps to the lab's rules, checked once."""

        async def perform() -> dict[str, Any]:
            rules = await self.hands.rules(self.key(what))
            return {"rules": [rule.model_dump(mode="json") for rule in rules]}

        found = await self.once(what, {}, perform)
        return tuple(RuleResult.model_validate(rule) for rule in found["rules"])

    async def tests(self, what: str, names: Sequence[str]) -> TestReport:
        """Runs tests on the change, once. Raises ToolError."""

        async def perform() -> dict[str, Any]:
            report = await self.hands.tests(self.key(what), names)
            return report.model_dump(mode="json")

        return TestReport.model_validate(await self.once(what, {"tests": list(names)}, perform))

    async def tests_alone(self, what: str, files: Mapping[str, str]) -> TestReport:
        """Runs test files of the change without the rest of it, once. Raises ToolError."""
        names = tuple(sorted(files))

        async def perform() -> dict[str, Any]:
            return (await self.hands.baseline(self.key(what), names)).model_dump(mode="json")

        payload = {"tests": list(names), "sha256": content_hash(dict(files))}
        return TestReport.model_validate(await self.once(what, payload, perform))


def _capped(reply: Reply) -> Reply:
    said = reply.message
    if len(said.content) <= _LONGEST_REPLY:
        return reply
    cut = said.model_copy(update={"content": said.content[:_LONGEST_REPLY]})
    return reply.model_copy(update={"message": cut})


def outcome(
    name: str, asked: Any, text: str, *, failed: bool = False, trouble: str = "", id: str = ""
) -> Outcome:
    """What something came to, with what was asked as a hash."""
    return Outcome(
        id=id,
        name=name,
        arguments=content_hash(canonical_json(asked)),
        text=text,
        failed=failed,
        trouble=steady(trouble),
    )
