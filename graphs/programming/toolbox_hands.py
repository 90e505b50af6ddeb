"""The programmer's hands on a real ticket: every act goes through the toolbox and its policy."""

import asyncio
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from pydantic import BaseModel

from agents.programming.critique import is_test
from graphs.work import Work
from labcrew.code_paths import editing_trouble
from labcrew.domain.chat import ToolOffer
from labcrew.domain.skills import RuleResult
from labcrew.domain.testing import TestReport, Tests
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import ToolError
from tools.call_mcp_tool import call_mcp_tool
from tools.house_rules import kept_rules
from tools.mcp_offers import McpArguments, McpOffer, mcp_offers
from tools.programming.base_files import base_texts
from tools.programming.changes import base_text, changed_files
from tools.programming.editing import RestoreFile, WriteFile, restore_file, write_file
from tools.programming.looking_back import (
    FindAlike,
    LeftBehind,
    Undone,
    find_alike,
    left_behind,
)
from tools.programming.offers import OFFERS
from tools.programming.telling import Told
from tools.programming.testing import RunTests, baseline_tests, few_enough, run_tests
from tools.toolbox import Toolbox

_FILES, _FILE_CHARACTERS = 400, 100_000
"""Of what is looked through for places: more would be no small repository any more."""


class ToolboxHands:
    """The tools of the agent merge_request for one ticket."""

    def __init__(self, work: Work, assigned: AssignedTicket) -> None:
        self._work, self._assigned = work, assigned
        self.outside: Mapping[str, McpOffer] = mcp_offers("merge_request", assigned, work.bench)
        self._editable: dict[str, str] | None = None
        self._tests: dict[str, str] | None = None

    @property
    def offers(self) -> Mapping[str, ToolOffer]:
        return {
            **{name: offered.offer for name, offered in OFFERS.items()},
            **{name: outside.offer for name, outside in self.outside.items()},
        }

    @property
    def calls(self) -> Mapping[str, type[BaseModel]]:
        return {
            **{name: offered.tool.call for name, offered in OFFERS.items()},
            **dict.fromkeys(self.outside, McpArguments),
        }

    async def use(self, step: str, name: str, call: BaseModel) -> Told:
        outside = self.outside.get(name)
        if outside is not None and isinstance(call, McpArguments):
            answer = await self._box(step).use(call_mcp_tool, outside.call(call))
            return Told(text=answer.text)
        told: Told = await self._box(step).use(OFFERS[name].tool, call)
        return told

    async def write(self, step: str, path: str, text: str) -> str:
        return (await self._box(step).use(write_file, WriteFile(path=path, text=text))).text

    async def restore(self, step: str, path: str) -> str:
        return (await self._box(step).use(restore_file, RestoreFile(path=path))).text

    async def tests(self, step: str, names: Sequence[str]) -> TestReport:
        return (await self._box(step).use(run_tests, RunTests(names=few_enough(names)))).report

    async def baseline(self, step: str, names: Sequence[str]) -> TestReport:
        return (await self._box(step).use(baseline_tests, RunTests(names=few_enough(names)))).report

    async def change(self) -> dict[str, str]:
        return await asyncio.to_thread(changed_files, self._work.ledger, self._assigned)

    async def editable(self) -> dict[str, str]:
        if self._editable is None:
            self._editable = await asyncio.to_thread(
                self._texts, lambda path: editing_trouble(self._assigned.ticket, path) is None
            )
        return dict(self._editable)

    async def base(self, paths: Sequence[str]) -> dict[str, str]:
        return await asyncio.to_thread(self._read, paths)

    async def test_files(self) -> dict[str, str]:
        if self._tests is None:
            brought = (self._assigned.ticket.tests or Tests()).files
            self._tests = {**await asyncio.to_thread(self._texts, is_test), **brought}
        return dict(self._tests)

    async def alike(self, step: str) -> tuple[str, ...]:
        return (await self._box(step).use(find_alike, FindAlike())).places

    def house(self) -> str:
        return self._work.crew.judge.told("merge_request")

    async def rules(self, step: str) -> tuple[RuleResult, ...]:
        bench, embedder = self._work.bench, self._work.crew.embedder
        change = await self.change()
        return await asyncio.to_thread(kept_rules, self._assigned, bench, embedder, change)

    async def left_behind(self, step: str) -> Undone:
        return await self._box(step).use(left_behind, LeftBehind())

    def _box(self, step: str) -> Toolbox[AssignedTicket]:
        return self._work.toolbox("merge_request", self._assigned, step)

    def _texts(self, wanted: Any) -> dict[str, str]:
        texts = base_texts(
            self._work.bench, self._assigned, lambda path: path.endswith(".py") and wanted(path)
        )
        return dict(islice(((p, t) for p, t in texts if len(t) <= _FILE_CHARACTERS), _FILES))

    def _read(self, paths: Sequence[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for path in paths:
            try:
                text = base_text(self._work.bench, self._assigned, path)
            except ToolError:
                continue
            if text is not None and len(text) <= _FILE_CHARACTERS:
                found[path] = text
        return found
