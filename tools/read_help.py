"""Tool that reads what a program's --help says, in a sandbox: the text is untrusted."""

import json

from pydantic import Field, TypeAdapter, ValidationError

from labcrew.domain.base import Model
from labcrew.domain.draft import Draft
from labcrew.domain.survey import Setting
from labcrew.errors import ToolError
from labcrew.plain_text import HALVES, ODD
from tools.tool_container import tool_container
from tools.toolbox import Tool, Workbench

_READ = (
    "/opt/labcrew/bin/python",
    "-c",
    "import sys, json; sys.path.insert(0, '/opt/labcrew/inside');"
    " from survey.help_text import help_settings;"
    " print(json.dumps(help_settings(sys.stdin.read())))",
)
_SETTINGS: TypeAdapter[tuple[Setting, ...]] = TypeAdapter(tuple[Setting, ...])


class ReadHelp(Model):
    """Reads the options that a help text lists."""

    text: str = Field(max_length=200_000)


def _read(call: ReadHelp, draft: Draft, bench: Workbench) -> tuple[Setting, ...]:
    result = bench.sandboxes.exec(tool_container(draft, bench), _READ, stdin=call.text.encode())
    try:
        shown = ODD.sub("", HALVES.sub("", result.stdout))
        return _SETTINGS.validate_python(json.loads(shown))
    except (ValidationError, ValueError, RecursionError):
        raise ToolError("The program's --help could not be read as a list of options.") from None


read_help: Tool[ReadHelp, tuple[Setting, ...], Draft] = Tool("read_help", ReadHelp, _read)
