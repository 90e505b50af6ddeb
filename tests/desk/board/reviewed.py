"""A ticket with a merge request that changes real files, and pages read as a browser would."""

from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from desk.wiring import Opened
from labcrew.domain.review import MergeRequest, SmokeTest
from labcrew.domain.ticket import AssignedTicket
from labcrew.ticket_file import read_ticket
from tests.desk import records
from tests.desk.conftest import git

EVIL = "\"><script>alert(1)</script><img src=x onerror=alert(2)>'{{7*7}}"
LINK = "[see](javascript:alert(3)) <a href='javascript:alert(4)' onclick='x()'>y</a> ![p](http://x/p.png)"


def assigned(opened: Opened, toy: Path, **fields: Any) -> AssignedTicket:
    """A ticket on the toy repository."""
    file = toy / "ticket.md"
    ticket = read_ticket(file).model_copy(update=fields)
    return opened.office().assign(ticket, source=str(file), by="ada", beside=toy)


def committed(opened: Opened, toy: Path, ticket: str, files: dict[str, bytes]) -> str:
    """A commit with these files on top of the repository's, in the ticket's trusted copy."""
    repository = toy / "toy"
    for path, content in files.items():
        place = repository / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "work")
    return opened.office().repositories.take(ticket, repository, "HEAD", snapshot=False)


def reviewed(
    opened: Opened, toy: Path, files: dict[str, bytes], **fields: Any
) -> tuple[AssignedTicket, MergeRequest]:
    """An open merge request that changes these files, and its gate."""
    ticket = assigned(opened, toy)
    commit = committed(opened, toy, ticket.id, files)
    made = records.merge_request(opened, ticket, records.trial(opened, ticket.id, 1))
    smoke = SmokeTest(command="python train.py", exit_code=0, passed=True, detail="", duration_s=1)
    found = made.model_copy(update={"commit": commit, "smoke": smoke, **fields})
    opened.ledger.merge_requests.put(found, actor="merge_request")
    return ticket, found


class Page(HTMLParser):
    """What a browser would make of a page; `wrong` lists what could run."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.wrong: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        self.tags.append((tag, named))
        if tag in ("iframe", "object", "embed", "style", "base", "math"):
            self.wrong.append(f"<{tag}>")
        if tag == "script" and not named.get("src", "").startswith("/static/"):
            self.wrong.append(f"<script {named}>")
        if tag == "img" and not named.get("src", "").startswith("/api/v1/"):
            self.wrong.append(f"<img {named}>")
        for name, value in named.items():
            if name.startswith("on") or name == "style":
                self.wrong.append(f"{tag} {name}={value}")
            if name in ("href", "src", "action", "formaction", "xlink:href"):
                scheme = urlsplit(value.strip()).scheme.lower()
                if scheme not in ("", "http", "https", "mailto"):
                    self.wrong.append(f"{tag} {name}={value}")

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).split())
