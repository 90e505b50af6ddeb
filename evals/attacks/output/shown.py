"""Hostile text where it is shown or kept: names, errors, git, the terminal, events, reports."""

from __future__ import annotations

import io
import json
import os
import subprocess
from collections.abc import Callable, Iterable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory

from evals.attacks.boxes import docker_of
from evals.attacks.output.payloads import PAYLOADS, harm
from evals.attacks.probe import Finding
from evals.attacks.stands import Stand, decoys
from labcrew.domain.measuring import Metric
from labcrew.domain.running import Run
from labcrew.domain.ticket import AssignedTicket, Ticket
from labcrew.errors import LabcrewError, ToolError
from tools.toolbox import Workbench

# Names of files may hold neither NUL nor slash; what is left is hostile enough.
_NAMES = [
    b"before " + payload.replace(b"\0", b"").replace(b"/", b"") + b" after"
    for payload in PAYLOADS.values()
]
# As text that came by a way which kept the bytes it could not read.
_TEXTS = [
    f"before {payload.decode('utf-8', 'surrogateescape')}\nafter" for payload in PAYLOADS.values()
]
# As text that came by a way which did not, and so can be stored.
_STORED = [f"before {payload.decode('utf-8', 'replace')}\nafter" for payload in PAYLOADS.values()]
_MAKE = """\
import json, os, sys
os.makedirs("/workspace/out")
for number, name in enumerate(json.loads(sys.argv[1])):
    os.close(os.open(b"/workspace/out/%d " % number + bytes.fromhex(name), os.O_CREAT))
open("/workspace/out/plain before after", "w").close()
"""


def run(bench: Workbench) -> Iterable[Finding]:
    """Every payload through each place where text is shown or kept."""
    with decoys(docker_of(bench).client) as (folder, _):
        stand = Stand(bench, folder)
        with stand.tools() as tools:
            names = json.dumps([name.hex() for name in _NAMES])
            stand.sandboxes.exec(tools, ("python3", "-c", _MAKE, names))
            yield _finding("names of collected files", _collected(stand, tools, folder))
            yield _finding("errors about files", _errors(stand, tools))
    yield _finding("paths in git", _git(bench, lambda change: "\n".join(change[0])))
    yield _finding("differences in git", _git(bench, lambda change: _printed(change[1])))
    yield _finding("tables and text on the terminal", _terminal())
    yield _finding("errors on the terminal", _failures(as_json=False))
    yield _finding("JSON on the terminal", _failures(as_json=True))
    yield _finding("progress on the terminal", _progress())
    yield from _ledger(bench)


def control(bench: Workbench) -> Iterable[Finding]:
    """The same texts printed as they are."""
    yield _finding("tables and text on the terminal", _STORED)
    yield _finding("names of collected files", [os.fsdecode(name) for name in _NAMES])


def _finding(place: str, texts: Iterable[str], *, shown: bool = True) -> Finding:
    seen = list(texts)
    bad = [what for text in seen if (what := harm(text, shown=shown))]
    return Finding(
        probe=place,
        tried=f"{len(PAYLOADS)} hostile texts as {place}",
        happened=f"{len(bad)} came through: {bad[0]}" if bad else "harmless text came through",
        verdict="breached" if bad else "held" if seen else "unknown",
    )


def _collected(stand: Stand, tools: str, folder: Path) -> Iterator[str]:
    for file in stand.sandboxes.collect(tools, "out", folder / "collected", cap_mb=8):
        yield file.path
    for path in (folder / "collected").rglob("*"):
        yield path.name


def _errors(stand: Stand, tools: str) -> Iterator[str]:
    for text in _TEXTS:
        try:
            stand.sandboxes.read_file(tools, text.replace("\0", ""))
        except LabcrewError as error:
            yield _printed(str(error))


def _git(bench: Workbench, part: Callable[[tuple[tuple[str, ...], str]], str]) -> Iterator[str]:
    """A user's repository with hostile names and content, as labcrew's copy tells of it."""
    with TemporaryDirectory(prefix="labcrew-attack-") as made:
        user = Path(made)
        _run_git(user, "init", "-q")
        base = _commit(user)
        for number, name in enumerate(_NAMES):
            path = user / f"{number} {os.fsdecode(name)}"
            path.write_bytes(list(PAYLOADS.values())[number] + b"\n")
        (user / "before after").write_text("before after\n")
        head = _commit(user)
        copy = f"attack{os.urandom(4).hex()}"
        for commit in (base, head):
            bench.repositories.take(copy, user, commit, snapshot=False)
        change = bench.repositories.change(copy, base, head)
        yield part((change.files, change.diff))


def _commit(user: Path) -> str:
    _run_git(user, "add", "-A")
    _run_git(user, "commit", "-q", "--allow-empty", "-m", "\x1b]0;title\x07 message")
    return _run_git(user, "rev-parse", "HEAD")


def _run_git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=attack", "-c", "user.email=attack@example.invalid")
    done = subprocess.run(
        ["git", "-C", str(folder), *who, *arguments], capture_output=True, check=True, text=True
    )
    return done.stdout.strip()


def _printed(text: str) -> str:
    from desk.cli.common import printable

    return printable(text)


def _terminal() -> Iterator[str]:
    from rich.table import Table

    from desk.cli.common import console, plain

    for text in _TEXTS:
        out = console()
        out.width = 400
        table = Table()
        table.add_column(plain(text))
        table.add_row(plain(f"[bold]{text}[/]"))
        with out.capture() as kept:
            out.print(table)
            out.print(plain(text))
        yield kept.get()


def _failures(*, as_json: bool) -> Iterator[str]:
    import typer

    from desk.cli.common import fail

    for text in _TEXTS:
        with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
            try:
                fail(ToolError(text, f"Look at {text}."), as_json)
            except typer.Exit:
                yield out.getvalue() + err.getvalue()


def _progress() -> Iterator[str]:
    from desk.cli.common import say

    for text in _TEXTS:
        with redirect_stderr(io.StringIO()) as err:
            say(text)
            yield err.getvalue()


def _ledger(bench: Workbench) -> Iterator[Finding]:
    from desk.live import Board
    from desk.report import report

    board = Board(bench.ledger, bench.clock)
    reports = []
    for number, text in enumerate(_STORED):
        assigned = _assigned(f"A-{number}", text)
        bench.ledger.tickets.put(assigned, actor=f"person:{text}", kind="ticket.stopped")
        reports.append(report(bench.ledger, assigned))
    yield _finding("lines of the ledger as they come", board.poll())
    yield _finding("reports", reports, shown=False)


def _assigned(id: str, text: str) -> AssignedTicket:
    ticket = Ticket.model_construct(
        title=text,
        repository=".",
        metric=Metric(name="m", direction="maximize", file="m.jsonl"),
        run=Run(command="true"),
    )
    return AssignedTicket.model_construct(
        id=id,
        ticket=ticket,
        source="attack",
        assigned_by=text,
        assigned_at="2026-01-01T00:00:00",
        repository="/nowhere",
        base_commit="0" * 40,
        target_branch=None,
        budget=ticket.budget,
        status="failed",
        outcome=text,
    )
