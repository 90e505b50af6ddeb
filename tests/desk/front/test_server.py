"""A server that is away, slow, untrusted, or something else; an answer that is lost."""

import httpx2
import pytest
from pydantic import BaseModel

from desk.assistants.serving import asking_server
from desk.front.server import Server, Unreachable
from labcrew.errors import Conflict, InputError, LabcrewError, NotFound, TicketError
from tests.desk.front.conftest import Served

NOBODY = "http://127.0.0.1:1"


class Answer(BaseModel):
    value: int


class Name(BaseModel):
    name: str


def server(answer: object, pauses: list[float] | None = None) -> Server:
    transport = httpx2.MockTransport(answer)  # type: ignore[arg-type]
    noted = pauses if pauses is not None else []
    return Server("http://127.0.0.1:1", "lab_x", pause=noted.append, transport=transport)


@pytest.mark.parametrize(
    "url", ["", "lab", "ftp://lab", "http://lab.example", "http://u:p@127.0.0.1", "http://10.0.0.1"]
)
def test_addresses_that_are_refused(url: str) -> None:
    with pytest.raises(InputError) as refused:
        Server(url, "lab_x")
    assert ":p@" not in refused.value.message


@pytest.mark.parametrize(
    "url", ["https://lab.example", "http://localhost:80", "http://[::1]:8080", "http://127.0.0.1/"]
)
def test_addresses_that_are_taken(url: str) -> None:
    server = Server(url, "lab_x")
    assert httpx2.URL(server.url).host == httpx2.URL(url).host
    assert not server.url.endswith("/")
    server.close()


async def test_a_token_for_this_machine_passes_no_proxy(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", NOBODY)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    server = Server(served.url, served.token())
    assert server.get("/whoami", Name).name == "ada"
    server.close()
    async with asking_server(served.url, served.token()) as client:
        assert (await client.get("/whoami")).is_success


def test_a_lost_answer_is_asked_for_again_with_the_same_key() -> None:
    keys: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        keys.append(request.headers["Idempotency-Key"])
        if len(keys) < 3:
            raise httpx2.ReadError("cut off")
        return httpx2.Response(200, json={"value": 1})

    pauses: list[float] = []
    assert server(answer, pauses).send("POST", "/x", Answer).value == 1
    assert (len(set(keys)), pauses) == (1, [0.5, 1.0])


def test_a_server_that_is_away() -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("refused")

    with pytest.raises(Unreachable, match=r"No labcrew answers at http://127\.0\.0\.1:1"):
        server(answer).get("/x", Answer)


def test_a_certificate_that_is_not_trusted_is_not_tried_again() -> None:
    asked = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        raise httpx2.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed certificate")

    with pytest.raises(LabcrewError, match="can't be trusted"):
        server(answer).get("/x", Answer)
    assert len(asked) == 1


def test_something_else_answers() -> None:
    for response in (
        httpx2.Response(200, text="<html>"),
        httpx2.Response(200, json={"other": 1}),
        httpx2.Response(404, text="nginx"),
        httpx2.Response(302, headers={"Location": "http://elsewhere"}),
        httpx2.Response(500, json=[1]),
    ):
        with pytest.raises(LabcrewError, match=r"is not a labcrew board|answers something else"):
            server(lambda _, told=response: told).get("/x", Answer)


@pytest.mark.parametrize(
    ("status", "title", "kind"),
    [
        (401, "NoEntry", InputError),
        (403, "NotAllowed", InputError),
        (404, "NotFound", NotFound),
        (409, "Conflict", Conflict),
        (413, "TooLarge", InputError),
        (422, "TicketError", TicketError),
        (422, "InputError", InputError),
        (503, "EngineUnavailable", LabcrewError),
    ],
)
def test_problems_become_errors(status: int, title: str, kind: type[LabcrewError]) -> None:
    problem = {"title": title, "detail": "This.", "remedy": "That.", "now": {"by": "bo"}}
    with pytest.raises(kind) as told:
        server(lambda _: httpx2.Response(status, json=problem)).get("/x", Answer)
    if status != 401:
        assert (told.value.message, told.value.remedy) == ("This.", "That.")
    if isinstance(told.value, Conflict):
        assert told.value.facts == {"by": "bo"}
