"""A programmer's hands over files in memory; the tests run in this process."""

import sys
import traceback
import types
from collections.abc import Mapping, Sequence
from fnmatch import fnmatch

from pydantic import BaseModel

from labcrew.domain.base import Model
from labcrew.domain.chat import ToolOffer
from labcrew.domain.skills import RuleResult
from labcrew.domain.testing import TestReport
from labcrew.errors import ToolError
from tools.mcp_offers import McpOffer
from tools.programming.leftovers import left_over
from tools.programming.looking_back import Undone
from tools.programming.telling import Told
from tools.programming.testing import judged


class ReadFile(Model):
    path: str


class ReplaceText(Model):
    path: str
    old: str
    new: str


class WriteFile(Model):
    path: str
    text: str


class RunCommand(Model):
    command: str


class Killed(BaseException):
    """The end of a process."""


class RunTests(Model):
    names: tuple[str, ...] = ()


class FindAlike(Model):
    path: str = "."


class Say(Model):
    text: str


class Ask(Model):
    question: str


class Finish(Model):
    summary: str


CALLS: dict[str, type[BaseModel]] = {
    "read_file": ReadFile,
    "replace_text": ReplaceText,
    "write_file": WriteFile,
    "run_command": RunCommand,
    "run_tests": RunTests,
    "find_alike": FindAlike,
    "note": Say,
    "ask_person": Ask,
    "finish": Finish,
}


class MemoryHands:
    """Files in memory.

    Args:
        files: path → text of the base commit.
        tests: path → text of test files that the ticket brings.
        editable: patterns.
        alike: what `alike` answers.

    `dies_at` names a tool in whose middle the process ends; `told` is the lab's house rules. The
    newest edit, made once more, is answered as it was, as the real tools do for a step that was
    cut off.
    """

    def __init__(
        self,
        files: dict[str, str],
        tests: dict[str, str],
        editable: Sequence[str] = ("*",),
        alike: tuple[str, ...] = (),
    ) -> None:
        self.files, self.brought, self.patterns = files, tests, editable
        self.changed: dict[str, str] = {}
        self.runs: list[tuple[str, ...]] = []
        self.used: list[str] = []
        self.dies_at = ""
        self.newest: ReplaceText | None = None
        self.told = ""
        self.places = alike
        self.outside: Mapping[str, McpOffer] = {}
        self.calls = CALLS
        self.offers = {
            name: ToolOffer(name=name, description=name, parameters=call.model_json_schema())
            for name, call in CALLS.items()
        }

    async def use(self, step: str, name: str, call: BaseModel) -> Told:
        self.used.append(f"{step} {name}")
        if name == self.dies_at:
            raise Killed
        if isinstance(call, RunTests):
            return judged(await self.tests(step, call.names))
        return Told(text=await self._said(step, call))

    async def _said(self, step: str, call: BaseModel) -> str:
        now = {**self.files, **self.changed}
        if isinstance(call, ReadFile):
            if call.path not in now:
                raise ToolError(f"There is no {call.path}.")
            return now[call.path]
        if isinstance(call, ReplaceText):
            if call == self.newest:
                return f"{call.path} is changed."
            if now.get(call.path, "").count(call.old) != 1:
                raise ToolError(f"The text does not stand once in {call.path}.")
            await self.write(step, call.path, now[call.path].replace(call.old, call.new))
            self.newest = call
            return f"{call.path} is changed."
        if isinstance(call, WriteFile):
            return await self.write(step, call.path, call.text)
        if isinstance(call, FindAlike):
            found = [p for p in self.places if call.path in (".", p.partition(":")[0])]
            return "\n".join(found)
        return "noted"

    async def write(self, step: str, path: str, text: str) -> str:
        if not any(fnmatch(path, pattern) for pattern in self.patterns):
            raise ToolError(f"{path} is not editable.")
        self.changed[path] = text
        if self.files.get(path) == text:
            del self.changed[path]
        return f"{path} is written."

    async def restore(self, step: str, path: str) -> str:
        self.changed.pop(path, None)
        return f"{path} is as before."

    async def tests(self, step: str, names: Sequence[str]) -> TestReport:
        self.runs.append(tuple(names))
        return run({**self.files, **self.changed, **self.brought}, names)

    async def baseline(self, step: str, names: Sequence[str]) -> TestReport:
        files = {path: text for path, text in self.changed.items() if path in names}
        return run({**self.files, **files, **self.brought}, names)

    async def change(self) -> dict[str, str]:
        return dict(self.changed)

    async def editable(self) -> dict[str, str]:
        return {
            path: text
            for path, text in self.files.items()
            if any(fnmatch(path, pattern) for pattern in self.patterns)
        }

    async def base(self, paths: Sequence[str]) -> dict[str, str]:
        return {path: self.files[path] for path in paths if path in self.files}

    async def test_files(self) -> dict[str, str]:
        return {**{p: t for p, t in self.files.items() if "test_" in p}, **self.brought}

    async def alike(self, step: str) -> tuple[str, ...]:
        return self.places

    def house(self) -> str:
        return self.told

    async def rules(self, step: str) -> tuple[RuleResult, ...]:
        return ()

    async def left_behind(self, step: str) -> Undone:
        found = left_over(self.files, self.changed)
        return Undone(
            text="",
            places=tuple(str(left) for left in found if left.certain),
            doubtful=tuple(str(left) for left in found if not left.certain),
        )


def run(files: Mapping[str, str], names: Sequence[str]) -> TestReport:
    """What pytest would report of test functions without fixtures."""
    outcomes: dict[str, str] = {}
    tail: list[str] = []
    known = dict(sys.modules)
    try:
        for path, text in files.items():
            if "test_" not in path:
                module = types.ModuleType(path.removesuffix(".py").replace("/", "."))
                sys.modules[module.__name__] = module
                try:
                    exec(compile(text, path, "exec"), module.__dict__)
                except Exception as error:
                    tail.append(f"E   {type(error).__name__}: {error}")
        for path, text in files.items():
            if "test_" in path:
                _run_file(path, text, names, outcomes, tail)
    finally:
        for name in set(sys.modules) - set(known):
            del sys.modules[name]
    failed = any(came != "passed" for came in outcomes.values())
    return TestReport.model_validate(
        {"outcomes": outcomes, "exit_code": int(failed), "tail": "\n".join(tail)}
    )


def _run_file(
    path: str, text: str, names: Sequence[str], outcomes: dict[str, str], tail: list[str]
) -> None:
    scope: dict[str, object] = {"__name__": "tested"}
    try:
        exec(compile(text, path, "exec"), scope)
    except Exception as error:
        outcomes[path] = "error"
        tail.append(f"____ ERROR collecting {path} ____\nE   {type(error).__name__}: {error}")
        return
    for name, test in list(scope.items()):
        full = f"{path}::{name}"
        if not name.startswith("test_") or (names and not {full, path} & set(names)):
            continue
        try:
            test()  # type: ignore[operator]
            outcomes[full] = "passed"
        except Exception as error:
            outcomes[full] = "failed"
            _, *outer, frame = traceback.extract_tb(error.__traceback__)
            calls = "".join(f"{f.filename}:{f.lineno}: in {f.name}\n" for f in outer)
            tail.append(
                f"_____ {name} _____\n{calls}"
                f">   {frame.line}\nE   {type(error).__name__}: {error}\n\n"
                f"{frame.filename}:{frame.lineno}: {type(error).__name__}"
            )
