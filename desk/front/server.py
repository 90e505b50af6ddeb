"""Asks a labcrew server over HTTP: signed, patient with a lost answer, clear about refusals."""

import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import quote

import httpx2
from pydantic import BaseModel, ValidationError

from desk.loopback import is_loopback
from labcrew.errors import Conflict, InputError, LabcrewError, NotFound, TicketError

M = TypeVar("M", bound=BaseModel)
API = "/api/v1"
_TIMEOUT = httpx2.Timeout(60, connect=10)
_ATTEMPTS = 4
_PAUSE_S = 0.5


class Unreachable(LabcrewError):
    """No answer comes from the server."""


class Server:
    """One server and who asks it.

    Args:
        url: where its board is, e.g. https://lab.example.org.
        token: the caller's; it goes to this server and nowhere else.
        pause: waits some seconds before the next attempt.
        transport: default: the network's.

    Raises:
        InputError: the address can't be one of a server, or would show the token on its way.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        pause: Callable[[float], None] = time.sleep,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        self.url = checked_address(url)
        self._pause = pause
        self._client = httpx2.Client(
            base_url=f"{self.url}{API}",
            headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
            timeout=_TIMEOUT,
            transport=transport,
            trust_env=by_proxy(self.url),
        )

    def close(self) -> None:
        """Lets go of connections."""
        self._client.close()

    def get(self, path: str, model: type[M], **query: Any) -> M:
        """Reads something. Raises LabcrewError."""
        asked = {name: value for name, value in query.items() if value is not None}
        return self._answer(lambda: self._client.get(path, params=asked), model)

    def send(
        self,
        method: str,
        path: str,
        model: type[M],
        body: Mapping[str, Any] | None = None,
        *,
        timeout_s: float | None = None,
    ) -> M:
        """Does something, once however often its answer is lost on the way. Raises LabcrewError."""
        key = {"Idempotency-Key": uuid.uuid4().hex}
        timeout = _TIMEOUT if timeout_s is None else httpx2.Timeout(timeout_s, connect=10)
        return self._answer(
            lambda: self._client.request(
                method, path, json=body if body is not None else {}, headers=key, timeout=timeout
            ),
            model,
        )

    @contextmanager
    def events(
        self, after: int, ticket: str | None, timeout_s: float | None, *, once: bool
    ) -> Iterator[Any]:
        """The stream of the ledger's lines with numbers above `after`. Raises LabcrewError.

        Args:
            once: it ends with the newest that there is.
        """
        query: dict[str, Any] = {"after": after} | ({} if ticket is None else {"ticket": ticket})
        query |= {"once": True} if once else {}
        timeout = httpx2.Timeout(timeout_s, connect=10)
        headers = {"Accept": "text/event-stream"}
        with (
            self._told(),
            self._client.stream(
                "GET", "/events", params=query, headers=headers, timeout=timeout
            ) as response,
        ):
            if response.status_code != 200:
                response.read()
                self._refuse(response)
            yield httpx2.EventSource(response)

    def _answer(self, ask: Callable[[], httpx2.Response], model: type[M]) -> M:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                with self._told():
                    response = ask()
                break
            except Unreachable:
                if attempt == _ATTEMPTS:
                    raise
                self._pause(_PAUSE_S * 2 ** (attempt - 1))
        if not response.is_success:
            self._refuse(response)
        try:
            return model.model_validate_json(response.content)
        except ValidationError:
            raise LabcrewError(
                f"{self.url} answers something else than this labcrew understands.",
                "Is it a labcrew board, and of the same version? See `labcrew --version` there.",
            ) from None

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Says in words why no answer comes."""
        try:
            yield
        except httpx2.TimeoutException:
            raise Unreachable(
                f"{self.url} did not answer in time.", "It may be busy; try again."
            ) from None
        except (httpx2.TransportError, httpx2.InvalidURL) as error:
            if "ssl" in str(error).lower() or "certificate" in str(error).lower():
                raise LabcrewError(
                    f"{self.url} can't be trusted: {error}.",
                    "Set SSL_CERT_FILE to the lab's own certificate, or ask who runs the server.",
                ) from None
            raise Unreachable(
                f"No labcrew answers at {self.url}: {error}.",
                "Is it running? Start one with `labcrew board`.",
            ) from None

    def _refuse(self, response: httpx2.Response) -> None:
        """Raises what the server says."""
        status = response.status_code
        try:
            problem = response.json()
            detail, remedy = str(problem["detail"]), str(problem.get("remedy", ""))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise LabcrewError(
                f"{self.url} is not a labcrew board: it answers {status}.", "Check the address."
            ) from None
        if status == 401:
            raise InputError(
                f"{self.url} does not know this token.",
                "Set LABCREW_TOKEN to one of yours; whoever keeps that lab makes them.",
            )
        if status == 404 and problem.get("title") == "NotFound":
            raise NotFound(detail, remedy)
        if status == 409:
            now = problem.get("now")
            facts = now if isinstance(now, dict) else {}
            raise Conflict(detail, remedy, **{str(k): str(v) for k, v in facts.items()})
        if status == 422:
            fields = problem.get("fields") or ()
            lines = [f"{f.get('field')}: {f.get('message')}" for f in fields if isinstance(f, dict)]
            kind = TicketError if problem.get("title") == "TicketError" else InputError
            raise kind("\n".join([detail, *lines]), remedy)
        if 400 <= status < 500:
            raise InputError(detail, remedy)
        raise LabcrewError(detail, remedy)


def checked_address(url: str) -> str:
    """A server's address without a slash at its end.

    Raises InputError: it can't be one of a server, or would show a token on its way.
    """
    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL as error:
        raise InputError(f"{url} is not an address: {error}.") from None
    if parsed.scheme not in ("http", "https") or not parsed.host or parsed.userinfo:
        raise InputError(
            f"{parsed.copy_with(userinfo=b'')} is not a server's address.",
            "E.g. http://127.0.0.1:8080, or https://lab.example.org",
        )
    if parsed.scheme == "http" and not is_loopback(parsed.host):
        raise InputError(
            f"Over http:// your token would be readable on its way to {parsed.host}.",
            "Use https://, or forward a port: ssh -L 8080:127.0.0.1:8080 HOST, and name"
            " http://127.0.0.1:8080.",
        )
    return str(parsed).rstrip("/")


def by_proxy(address: str) -> bool:
    """Whether a server may be asked by a proxy that the environment names.

    Args:
        address: as `checked_address` answers it.
    """
    # Plain http is spoken to this machine alone: a proxy would be shown the token.
    return address.startswith("https:")


def spelt(part: str) -> str:
    """An id or a name as one part of a path. Raises InputError for one that would lead elsewhere:
    `..` is folded away before anything is asked.
    """
    if part in ("", ".", ".."):
        raise InputError(f"{part!r} names nothing.")
    try:
        return quote(part, safe="")
    except UnicodeEncodeError:
        raise InputError("A name holds half a character.") from None
