"""How literature clients reach the web: one fixed host, one deadline, one cap, no redirects."""

import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

import requests
from requests.exceptions import (
    ConnectionError as UnreachableError,
)
from requests.exceptions import (
    InvalidHeader,
    ProxyError,
    RequestException,
    Timeout,
)

from labcrew.errors import SourceUnreachable, ToolError

T = TypeVar("T")
DEADLINE_S = 8.0
CAP_MB = 8
_CHUNK = 65_536


class BoundedSession(requests.Session):
    """A requests session whose answers have all arrived by a deadline, within a cap.

    requests' own time-out counts each read alone, so a server that trickles holds a caller forever.

    Args:
        deadline_s: seconds for one request, from connecting to its last byte.
        cap_mb: most MiB an answer may have.
        accepts: whether a successful answer's bytes look like what was asked for.
    """

    def __init__(
        self,
        deadline_s: float = DEADLINE_S,
        cap_mb: int = CAP_MB,
        accepts: Callable[[bytes], bool] = lambda _body: True,
    ) -> None:
        super().__init__()
        self._deadline_s = deadline_s
        self._cap = cap_mb << 20
        self._accepts = accepts

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Sends one request, reading its whole answer. Raises RequestException past a bound."""
        ends = time.monotonic() + self._deadline_s
        kwargs.update(stream=True, timeout=self._deadline_s / 2, allow_redirects=False)
        response = super().send(request, **kwargs)
        body = bytearray()
        try:
            for chunk in response.iter_content(_CHUNK):
                body += chunk
                if len(body) > self._cap:
                    raise RequestException(f"the answer is larger than {self._cap >> 20} MiB")
                if time.monotonic() > ends:
                    raise Timeout(f"no whole answer within {self._deadline_s:g} s")
        finally:
            response.close()
        if response.ok and not self._accepts(bytes(body)):
            raise RequestException("the answer is not what this service sends")
        response._content = bytes(body)
        return response


def ask(source: str, call: Callable[[], T], deadline_s: float = DEADLINE_S) -> T:
    """Runs a client library's call; turns all that can go wrong into two errors.

    The call runs in a thread that is given up at the deadline, because no time-out of a socket
    bounds the resolver's.

    Args:
        source: for the messages.
        call: blocks; whatever it raises is reported.
        deadline_s: seconds.

    Raises:
        SourceUnreachable: no connection, or no answer in time.
        ToolError: an answer of no use: an error status, garbage.
    """
    answer: list[T] = []
    trouble: list[BaseException] = []

    def run() -> None:
        try:
            answer.append(call())
        except BaseException as error:  # a thread has nobody else to tell
            trouble.append(error)

    thread = threading.Thread(target=run, name=f"ask-{source}", daemon=True)
    thread.start()
    thread.join(deadline_s)
    if answer:
        return answer[0]
    remedy = "The review goes on without it; set literature.online: false to skip it."
    if not trouble:
        raise SourceUnreachable(f"{source} gave no answer within {deadline_s:g} s.", remedy)
    error = trouble[0]
    if isinstance(error, Timeout):
        raise SourceUnreachable(f"{source} gave no answer in time.", remedy) from error
    if isinstance(error, UnreachableError | ProxyError | InvalidHeader):
        raise SourceUnreachable(f"{source} can't be reached from here.", remedy) from error
    status = getattr(error, "status", None) or getattr(
        getattr(error, "response", None), "status_code", None
    )
    if status is not None:
        what = "asks for fewer requests" if status == 429 else "answered with an error"
        raise ToolError(f"{source} {what} (HTTP {status}).", remedy) from error
    if isinstance(error, Exception):
        raise ToolError(
            f"{source} gave an answer of no use: {type(error).__name__}: {str(error)[:200]}.",
            remedy,
        ) from error
    raise error
