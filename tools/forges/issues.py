"""An issue's address becomes the text of a ticket's draft; nothing is assigned by itself."""

import json
import re
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr

from labcrew.domain.forge import ForgeIssue, ForgeKind, ForgeSettings
from labcrew.domain.repository import Repositories
from labcrew.errors import InputError
from tools.forges.known import KNOWN, forge_token

_GITLAB = re.compile(
    r"/(?P<project>[\w.-]+(?:/[\w.-]+)+)/-/(?:issues|work_items)/(?P<number>\d+)/?"
)
_GITHUB = re.compile(r"/(?P<project>[\w.-]+/[\w.-]+)/issues/(?P<number>\d+)/?")
_PUBLIC: dict[str, ForgeKind] = {"gitlab.com": "gitlab", "github.com": "github"}
_LONGEST_URL = 500


def issue_at(url: str, settings: ForgeSettings, repositories: Repositories) -> ForgeIssue:
    """The issue at an address of the lab's forge, or of gitlab.com and github.com.

    No other host is asked: an address may come from anybody who reaches the board.

    Raises:
        InputError: it is no such address.
        ForgeError: the forge does not give it.
    """
    try:
        parts = urlsplit(url.strip()[:_LONGEST_URL])
    except ValueError:
        raise InputError("This is no address.", "Give the address of an issue.") from None
    own = urlsplit(settings.address) if settings.kind is not None else None
    if own is not None and (parts.scheme, parts.netloc) == (own.scheme, own.netloc):
        kind, asked = settings.kind, settings
        token = forge_token(settings)
    elif parts.scheme == "https" and parts.netloc in _PUBLIC:
        kind, asked = _PUBLIC[parts.netloc], ForgeSettings(kind=_PUBLIC[parts.netloc])
        token = None  # the lab's own is for its own forge
    else:
        raise InputError(
            f"{parts.netloc[:80] or 'This'} is neither the forge of labcrew.toml nor gitlab.com or"
            " github.com.",
            "Give the address of an issue there, or paste its text.",
        )
    assert kind is not None
    found = (_GITLAB if kind == "gitlab" else _GITHUB).fullmatch(unquote(parts.path))
    if found is None:
        raise InputError("This is not the address of an issue.", _EXAMPLES[kind])
    there = asked.model_copy(update={"kind": kind, "project": found["project"]})
    forge = KNOWN[kind](there, token or SecretStr(""), repositories)
    return forge.issue(int(found["number"]))


_EXAMPLES: dict[ForgeKind, str] = {
    "gitlab": "It looks like https://gitlab.com/group/project/-/issues/7.",
    "github": "It looks like https://github.com/owner/repository/issues/7.",
}


def drafted(issue: ForgeIssue) -> str:
    """The text of a ticket's file for an issue, in which people fill in what is missing."""
    title = " ".join(issue.title.split())[:200] or "Untitled"
    return (
        "---\n"
        f"title: {json.dumps(title, ensure_ascii=False)}\n"
        "repository: .\n"
        "# What follows is yours to fill in; `labcrew ticket fields` explains each.\n"
        "metric: {name: accuracy, direction: maximize, pattern: 'accuracy: (.*)'}\n"
        'run: {command: "python train.py {settings}"}\n'
        "search_space: {learning_rate: {type: float, low: 0.0001, high: 1, log: true}}\n"
        "---\n"
        f"{_as_question(issue.text) or title}\n\n"
        f"From {issue.url}\n"
    )


def _as_question(text: str) -> str:
    """The issue's text; a line that would end or begin the front matter is moved in."""
    return "\n".join(f"  {line}" if line.strip() == "---" else line for line in text.splitlines())
