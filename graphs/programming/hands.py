"""What the loop reaches the world through: typed tools, the tests, the change as it stands."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from pydantic import BaseModel

from labcrew.domain.chat import ToolOffer
from labcrew.domain.skills import RuleResult
from labcrew.domain.testing import TestReport
from tools.mcp_offers import McpOffer
from tools.programming.looking_back import Undone
from tools.programming.telling import Told


class Hands(Protocol):
    """The tools of one ticket's programmer.

    Args of each method that acts: `step` names the logical step, the same on every re-run.
    """

    outside: Mapping[str, McpOffer]
    """Tools of outside servers, by the name under which they are offered; a session sets those that
    it began with."""

    @property
    def offers(self) -> Mapping[str, ToolOffer]:
        """All tools, as a model is told of them."""

    @property
    def calls(self) -> Mapping[str, type[BaseModel]]:
        """Tool → the type of its arguments."""

    async def use(self, step: str, name: str, call: BaseModel) -> Told:
        """Runs a tool whose arguments were checked.

        Raises:
            ToolError: what the tool, or the policy, says of its failure.
        """

    async def write(self, step: str, path: str, text: str) -> str:
        """Puts a whole file into the change. Raises ToolError."""

    async def restore(self, step: str, path: str) -> str:
        """Takes a file of the change back to the base commit. Raises ToolError."""

    async def tests(self, step: str, names: Sequence[str]) -> TestReport:
        """Runs tests on the change as it stands, in a fresh sandbox. Raises ToolError."""

    async def baseline(self, step: str, names: Sequence[str]) -> TestReport:
        """Runs tests on the base commit; test files of the change that are named are laid over it.

        Raises ToolError.
        """

    async def change(self) -> dict[str, str]:
        """Path → whole text of each file of the change."""

    async def editable(self) -> dict[str, str]:
        """Path → text on the base commit of the Python files that may be changed."""

    async def base(self, paths: Sequence[str]) -> dict[str, str]:
        """Path → text on the base commit of those paths that it has."""

    async def test_files(self) -> dict[str, str]:
        """Path → text of test files, the ticket's own among them."""

    async def alike(self, step: str) -> tuple[str, ...]:
        """Other places where what the change took out still stands: `path:line text`."""

    def house(self) -> str:
        """The lab's house rules, which end the system prompt; empty without any."""

    async def rules(self, step: str) -> tuple[RuleResult, ...]:
        """How the change keeps to the lab's rules."""

    async def left_behind(self, step: str) -> Undone:
        """What the change added and did not finish: `path:line text`."""
