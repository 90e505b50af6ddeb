"""What stands before every route: where a request comes from, how large it is, who sends it."""

import hmac
import logging

from fastapi import Request
from fastapi.responses import HTMLResponse, Response
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from desk.web.access import NoEntry, NotAllowed
from desk.web.answering import SIGN_IN, for_programs, refusal, told
from desk.web.body import TooLarge, bounded
from desk.web.lab import Lab
from labcrew.errors import LabcrewError

CSRF = "x-csrf-token"
SAFE = frozenset(("GET", "HEAD"))
POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none';"
    " form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_HERE = frozenset(("127.0.0.1", "localhost", "[::1]"))
_LOG = logging.getLogger(__name__)
# A browser sends no SameSite=Strict cookie with a link from elsewhere; the page's own reload does.
_ONCE_MORE = '<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0">'


class Refused(NotAllowed):
    """Refused for where it comes from, whoever asks (403)."""


class Guard:
    """A middleware: lets a request through to the routes, or answers it itself.

    Args:
        app: everything behind it.
        lab: who may enter.
    """

    def __init__(self, app: ASGIApp, lab: Lab) -> None:
        self._app = app
        self._lab = lab
        self._names = {name.lower() for name in lab.opened.settings.board.hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "websocket":  # the board has none, from wherever they come
                await send({"type": "websocket.close", "code": 1008})
                return
            await self._app(scope, receive, send)
            return
        request, answered = Request(scope), False

        async def send_guarded(message: Message) -> None:
            nonlocal answered
            if message["type"] == "http.response.start":
                answered = True
                _add_headers(MutableHeaders(scope=message))
            await send(message)

        try:
            answer = self._stopped(request)
            if answer is None:
                received = await bounded(request, receive)
                await self._app(scope, received, send_guarded)
                return
        except TooLarge as error:
            answer = refusal(request, 413, "TooLarge", error.message, error.remedy)
        except LabcrewError as error:
            answer = told(request, error)
        except Exception:
            _LOG.exception("%s %s failed", request.method, request.url.path)
            if answered:
                raise
            answer = refusal(
                request,
                500,
                "ServerError",
                "Something went wrong here; it is in the board's log.",
                "Try again; if it stays, tell whoever keeps this lab.",
            )
        await answer(scope, receive, send_guarded)

    def _stopped(self, request: Request) -> Response | None:
        """An answer in the routes' place, else None. Raises LabcrewError."""
        self._check_host(request)
        self._check_origin(request)
        self._find_caller(request)
        if request.state.caller is not None or _open_to_all(request.url.path):
            return None
        came = request.headers.get("sec-fetch-site")
        if came == "cross-site" and request.method == "GET" and not for_programs(request):
            return HTMLResponse(_ONCE_MORE)
        raise NoEntry("You are not signed in.", "Send a token, or sign in on the board.")

    def _check_host(self, request: Request) -> None:
        """A name that was made to point here is not this board's (DNS rebinding)."""
        host = request.headers.get("host", "").lower()
        name, _, port = host.rpartition(":") if not host.endswith("]") else (host, "", "")
        name, port = (name, port) if name else (host, "")
        server = request.scope.get("server") or ("", None)
        if host in self._names or (name in _HERE and (port or "80") == str(server[1])):
            return
        raise Refused(
            "This board has another name.",
            "Use the address that `labcrew board` printed, or name this host in [board] hosts.",
        )

    def _check_origin(self, request: Request) -> None:
        """Pages of other sites, and of other ports, neither act nor read here."""
        origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
        if origin is not None:
            host = request.headers.get("host", "").lower()
            foreign = origin.lower() not in (f"http://{host}", f"https://{host}")
        else:
            visits = (
                request.method in SAFE
                and request.headers.get("sec-fetch-mode") == "navigate"
                and request.headers.get("sec-fetch-dest") == "document"
                and not for_programs(request)
            )
            foreign = site in ("cross-site", "same-site") and not visits
        if foreign:
            raise Refused("Another site's page asks for this.", "Open the board itself.")

    def _find_caller(self, request: Request) -> None:
        """Who asks, by token or cookie. Raises Refused for a change without the page's mark."""
        state = request.state
        state.caller, state.session, state.csrf = None, None, ""
        given = request.headers.get("authorization")
        if given is not None:
            kind, _, token = given.partition(" ")
            if kind.lower() == "bearer":
                state.caller = self._lab.access.caller(token.strip())
            return
        cookie = request.cookies.get(self._lab.cookie)
        found = self._lab.sessions.find(cookie) if cookie else None
        if found is None:
            return
        state.caller, state.session = found
        state.csrf = self._lab.sessions.csrf(state.session)
        if request.method in SAFE or request.url.path == SIGN_IN:
            return
        if not hmac.compare_digest(request.headers.get(CSRF, "").encode(), state.csrf.encode()):
            raise Refused("This did not come from a page of yours.", "Load the page again.")


def _open_to_all(path: str) -> bool:
    return path == SIGN_IN or path.startswith("/static/")


def _add_headers(headers: MutableHeaders) -> None:
    for name, value in HEADERS.items():
        headers.setdefault(name, value)
    headers.setdefault("Cache-Control", "no-store")
