"""Every programming tool as a model is offered it."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from pydantic import BaseModel, ValidationError

from labcrew.domain.chat import ToolOffer
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import ToolError
from tools.programming.asides import ask_person, finish, note
from tools.programming.bisecting import bisect_commits
from tools.programming.editing import apply_diff, replace_text, restore_file, write_file
from tools.programming.looking_back import find_alike, left_behind
from tools.programming.reading import read_file, search_files
from tools.programming.reproducing import smallest_reproduction
from tools.programming.running import run_command
from tools.programming.telling import Told
from tools.programming.testing import baseline_tests, run_tests
from tools.toolbox import Tool

Kind = Literal["reads", "runs", "edits", "speaks"]


@dataclass(frozen=True)
class Offered:
    """A tool and how a model is told of it.

    Args:
        offer: name, description and JSON schema.
        tool: is run by Toolbox.use; it answers a `Told`, whose `text` the model reads.
        kind: what it does: `reads` and `runs` change nothing of the change, `edits` do, `speaks`
            (note, ask_person, finish) are said rather than done.
    """

    offer: ToolOffer
    tool: Tool[Any, Told, AssignedTicket]
    kind: Kind

    def call(self, arguments: str) -> BaseModel:
        """The arguments that a model wrote, checked.

        Raises ToolError with what is wrong, in words for the model.
        """
        try:
            read: BaseModel = self.tool.call.model_validate_json(arguments or "{}")
        except ValidationError as error:
            wrong = "; ".join(
                f"{'.'.join(str(part) for part in item['loc']) or 'arguments'}: {item['msg']}"
                for item in error.errors(include_url=False, include_input=False)[:5]
            )
            known = ", ".join(self.tool.call.model_fields) or "none"
            raise ToolError(
                f"The arguments of {self.tool.name} are not valid: {wrong}.",
                f"Its arguments are: {known}.",
            ) from None
        return read


def _offered(tool: Tool[Any, Any, AssignedTicket], kind: Kind, description: str) -> Offered:
    schema = tool.call.model_json_schema()
    schema.pop("description", None)
    _without_titles(schema)
    offer = ToolOffer(name=tool.name, description=description, parameters=schema)
    return Offered(offer=offer, tool=tool, kind=kind)


def _without_titles(schema: Any) -> None:
    """Takes out what pydantic adds and no model needs: each costs tokens at every step."""
    if isinstance(schema, dict):
        if isinstance(schema.get("title"), str):
            del schema["title"]
        for value in schema.values():
            _without_titles(value)
    elif isinstance(schema, list):
        for value in schema:
            _without_titles(value)


_ALL = (
    _offered(
        read_file, "reads",
        "Shows lines of a file with their numbers, as the change has it; shows a folder's entries.",
    ),
    _offered(
        search_files, "reads",
        "Searches all files for a regular expression; shows path:line:text.",
    ),
    _offered(
        replace_text, "edits",
        "Replaces a text that stands exactly once in a file. Copy `old` exactly, without line"
        " numbers, with enough lines to be unique.",
    ),
    _offered(
        apply_diff, "edits", "Applies a unified diff; all of it, or nothing where a hunk fails.",
    ),
    _offered(write_file, "edits", "Writes a whole file: a new one, or all of its text anew."),
    _offered(restore_file, "edits", "Takes all of your edits of a file back."),
    _offered(
        run_command, "runs",
        "Runs a shell line at the repository's root, without a network. Files that it changes are"
        " no part of the change: edit with the editing tools alone.",
    ),
    _offered(
        run_tests, "runs",
        "Runs tests on your change in a fresh copy of the repository: pytest ids or files, or all.",
    ),
    _offered(
        baseline_tests, "runs",
        "Runs tests without your change, to see what failed before; test files of yours that you"
        " name are laid over it.",
    ),
    _offered(
        find_alike, "reads",
        "Looks for other places with the pattern that your change took out.",
    ),
    _offered(
        left_behind, "reads",
        "Looks for what your change left undone: TODO, empty functions, debugging output.",
    ),
    _offered(
        bisect_commits, "runs",
        "Finds the commit since which a command fails, trying each in a fresh copy.",
    ),
    _offered(
        smallest_reproduction, "runs",
        "Finds the smallest command that fails with the same traceback as a given one.",
    ),
    _offered(
        note, "speaks", "Keeps a note that you will see later, when older steps are summarised.",
    ),
    _offered(
        ask_person, "speaks",
        "Asks a person what only a person can know; the work waits for the answer.",
    ),
    _offered(
        finish, "speaks",
        "Says that the work is done. The tests are run before it is believed.",
    ),
)  # fmt: skip
OFFERS: Mapping[str, Offered] = MappingProxyType({offered.offer.name: offered for offered in _ALL})
"""By name, in the order in which they are offered."""
