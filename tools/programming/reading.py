"""Tools that read the code as it stands: the base commit with the change over it."""

from pydantic import Field

from labcrew.code_paths import reading_trouble
from labcrew.domain.base import Model
from labcrew.domain.repository_path import RepositoryPath
from labcrew.domain.ticket import AssignedTicket
from labcrew.errors import BoundaryError, NotFound, ToolError
from tools.programming.changes import changed_files, text_now
from tools.programming.container import code_container, run_inside
from tools.programming.replacement import numbered
from tools.programming.telling import Told, shown
from tools.toolbox import Tool, Workbench

_LINES = 400
_LINE_CHARACTERS = 500
_ENTRIES = 300
_MATCHES = 100
_SEARCH_S = 60
# ripgrep, which labcrew's own image has, or what another has; all print path:line:text. Files that
# git ignores and binary ones are left out where the program can. In the last, `\d` is no digit.
_SEARCH = """
pattern=$1; path=$2; literal=$3
if command -v rg >/dev/null; then
  [ "$literal" = 1 ] && set -- -F || set --
  exec rg -nH --no-heading --color never --no-config --hidden --glob '!.git' --sort path \\
    --max-columns 500 --max-columns-preview "$@" -e "$pattern" -- "$path"
elif command -v git >/dev/null; then
  [ "$literal" = 1 ] && set -- -F || set -- -P
  exec git -c color.ui=never -c core.pager=cat grep --no-index --exclude-standard -nIH "$@" \\
    -e "$pattern" -- "$path"
else
  [ "$literal" = 1 ] && set -- -F || set -- -E
  exec grep -rnIH "$@" -e "$pattern" -- "$path"
fi
"""


class ReadFile(Model):
    """Reads a file, or lists a folder."""

    path: RepositoryPath = Field(description="in the repository; '.' lists its root")
    first: int = Field(default=1, ge=1, description="the first line, from 1")
    last: int | None = Field(
        default=None, ge=1, description=f"the last line; default: {_LINES} lines are shown"
    )


class SearchFiles(Model):
    """Searches the files' lines."""

    pattern: str = Field(
        min_length=1, max_length=1000, description="a regular expression, or a literal text"
    )
    path: RepositoryPath = Field(default=".", description="a file or folder to search in")
    literal: bool = Field(default=False, description="take the pattern as plain text")


class FileLines(Told):
    """A part of a file, its lines numbered."""

    lines: int = Field(description="how many the whole file has")


class Matches(Told):
    """Lines that matched: path:line:text."""

    count: int
    complete: bool


def listing(bench: Workbench, assigned: AssignedTicket) -> list[str]:
    """The paths of the base commit and of the change that may be read, sorted."""
    known = {
        *bench.repositories.files(assigned.id, assigned.base_commit),
        *changed_files(bench.ledger, assigned),
    }
    return sorted(path for path in known if reading_trouble(assigned.ticket, path) is None)


def _read(call: ReadFile, assigned: AssignedTicket, bench: Workbench) -> FileLines:
    if call.last is not None and call.last < call.first:
        raise ToolError(f"last ({call.last}) comes before first ({call.first}).")
    text = None if call.path == "." else text_now(bench, assigned, call.path)
    if text is None:
        paths = listing(bench, assigned)
        below = [p for p in paths if call.path == "." or p.startswith(f"{call.path}/")]
        if below:
            return _listed(call.path, below)
        text = _made_by_a_command(call.path, assigned, bench, paths)
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    if call.first > max(1, len(lines)):
        raise ToolError(f"{call.path} has {len(lines)} lines; there is no line {call.first}.")
    last = min(call.last or len(lines), call.first + _LINES - 1, len(lines))
    part = [line.rstrip("\r")[:_LINE_CHARACTERS] for line in lines[call.first - 1 : last]]
    head = f"{call.path}, lines {call.first} to {last} of {len(lines)}:"
    if not lines:
        head = f"{call.path} is empty."
    return FileLines(text=shown(f"{head}\n{numbered(part, call.first)}", 30_000), lines=len(lines))


def _listed(path: str, below: list[str]) -> FileLines:
    """A folder's own entries, each folder in it with how many files it holds."""
    begin = 0 if path == "." else len(path) + 1
    entries: dict[str, int] = {}
    for file in below:
        name, slash, _ = file[begin:].partition("/")
        entries[name + slash] = entries.get(name + slash, 0) + 1
    spelt = [f"{n}  ({c} files)" if n.endswith("/") else n for n, c in sorted(entries.items())]
    more = f"\n… {len(spelt) - _ENTRIES} more" if len(spelt) > _ENTRIES else ""
    text = f"{path} is a folder:\n" + "\n".join(spelt[:_ENTRIES]) + more
    return FileLines(text=shown(text), lines=len(spelt))


def _made_by_a_command(
    path: str, assigned: AssignedTicket, bench: Workbench, paths: list[str]
) -> str:
    """A file that only the code container has."""
    try:
        content = bench.sandboxes.read_file(code_container(assigned, bench), path, cap_mb=2)
    except (NotFound, BoundaryError, ToolError) as error:
        name = path.rsplit("/", 1)[-1]
        same = [other for other in paths if other.rsplit("/", 1)[-1] == name][:5]
        raise ToolError(
            f"There is no file {path}.",
            f"Did you mean {', '.join(same)}?" if same else "List a folder by reading it.",
        ) from error
    if b"\0" in content:
        raise ToolError(f"{path} is no text ({len(content)} bytes).")
    return content.decode("utf-8", "replace")


def _search(call: SearchFiles, assigned: AssignedTicket, bench: Workbench) -> Matches:
    done = run_inside(
        assigned,
        bench,
        ("sh", "-c", _SEARCH, "sh", call.pattern, call.path, "1" if call.literal else "0"),
        timeout_s=_SEARCH_S,
    )
    if done.timed_out:
        raise ToolError(f"The search took more than {_SEARCH_S} s: search a smaller folder.")
    if done.exit_code > 1 and not done.stdout:
        told = (done.stderr.strip().splitlines() or ["no message"])[-1][:300]
        raise ToolError(
            f"The search failed: {told}", "Set literal to true if the pattern is plain text."
        )
    found = [line.removeprefix("./") for line in done.stdout.splitlines() if line.strip()]
    found = [line for line in found if not line.startswith(".git/")]
    if not found:
        return Matches(text=f"No line matches in {call.path}.", count=0, complete=True)
    lines = [line[:_LINE_CHARACTERS] for line in found[:_MATCHES]]
    more = len(found) - len(lines)
    if more or done.truncated:
        lines.append(f"… {more}{' or more' if done.truncated else ''} further lines match")
    return Matches(
        text=shown("\n".join(lines), 20_000),
        count=len(found),
        complete=not more and not done.truncated,
    )


read_file = Tool("read_file", ReadFile, _read)
search_files = Tool("search_files", SearchFiles, _search)
