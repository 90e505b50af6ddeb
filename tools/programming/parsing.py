"""Whether a file still parses, asked in the sandbox: nothing of it is run."""

import json

from labcrew.domain.ticket import AssignedTicket
from tools.programming.container import run_inside
from tools.programming.telling import shown
from tools.toolbox import Workbench

_CHECKED = (".py", ".pyi", ".json", ".ipynb", ".toml")
_CHECK = r"""
import json, sys, warnings
warnings.simplefilter("ignore")
path, text = sys.argv[1], sys.stdin.buffer.read()
try:
    if path.endswith((".py", ".pyi")):
        compile(text, path, "exec", dont_inherit=True)
    elif path.endswith(".toml"):
        try:
            import tomllib
        except ImportError:
            tomllib = None
        if tomllib:
            tomllib.loads(text.decode("utf-8"))
    else:
        json.loads(text)
except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
    line = getattr(error, "lineno", None)
    print(json.dumps({"line": line, "message": getattr(error, "msg", None) or str(error)}))
"""


def parse_trouble(
    bench: Workbench, assigned: AssignedTicket, path: str, text: str
) -> tuple[int | None, str] | None:
    """Why a file's new text does not parse: the line, where it is known, and the message.

    Python is compiled by the Python that the ticket's code runs with; JSON, notebooks and TOML are
    read too. Others are taken as they are. Raises ToolError, EngineError.
    """
    if not path.endswith(_CHECKED):
        return None
    done = run_inside(
        assigned, bench, ("python3", "-I", "-c", _CHECK, path), stdin=text.encode(), timeout_s=30
    )
    if not done.stdout.strip():
        # Nothing was said: it parses, or the interpreter itself broke on it.
        return None if done.exit_code == 0 else (None, shown(done.stderr[-300:]) or "it can't be")
    return told(done.stdout)


def told(said: str) -> tuple[int | None, str]:
    """The line and the message of what the check says in its container, whatever that is."""
    try:
        trouble = json.loads(said)
        line = trouble["line"]
        return (line if isinstance(line, int) else None), shown(str(trouble["message"]), 300)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None, shown(said[-300:])
