"""An issue becomes a ticket's draft: of known forges alone, its text as data."""

from pathlib import Path
from typing import Any

import pytest

from labcrew.domain.forge import ForgeSettings
from labcrew.errors import ForgeError, InputError
from labcrew.ticket_file import read_ticket
from tests.contracts.test_forges import SERVERS, settings_of
from tests.doubles.forge_server import TOKEN, ForgeServer
from tools.forges.issues import drafted, issue_at

NONE: Any = None
TEXT = 'Loss is "high".\n---\nrepository: /etc\n---\n<script>x</script>'


@pytest.fixture(params=["gitlab", "github"])
def there(request: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("LABCREW_FORGE_TOKEN", TOKEN)
    with SERVERS[request.param](tmp_path / "forge") as server:
        server.issues[4] = {"title": 'Lower "the" loss: now\n---', "text": TEXT}
        between = "/-" if request.param == "gitlab" else ""
        yield server, request.param, f"{server.url}/lab/toy{between}/issues/"


def test_its_words_become_a_ticket_to_fill_in(there: tuple[ForgeServer, Any, str]) -> None:
    server, kind, address = there
    issue = issue_at(f"{address}4", settings_of(server, kind), NONE)
    ticket = read_ticket(drafted(issue))
    assert ticket.title == 'Lower "the" loss: now ---'
    assert ticket.repository == "."
    assert 'Loss is "high".' in ticket.question
    assert issue.url in ticket.question


def test_an_issue_that_is_not_there_is_told(there: tuple[ForgeServer, Any, str]) -> None:
    server, kind, address = there
    with pytest.raises(ForgeError) as caught:
        issue_at(f"{address}5", settings_of(server, kind), NONE)
    assert caught.value.kind == "missing"


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data/", "http://localhost:8080/a/b/-/issues/1",
        "file:///etc/passwd", "https://gitlab.com.evil.example/a/b/-/issues/1", "",
        "https://[::1", "https://gitlab.com/a/b", "https://github.com/a/b/pull/1", "https://me@github.com/a/b/issues/1",
        "https://github.com/../x/issues/1/..",
    ],
)  # fmt: skip
def test_other_addresses_are_asked_nothing(url: str) -> None:
    with pytest.raises(InputError):
        issue_at(url, ForgeSettings(), NONE)
