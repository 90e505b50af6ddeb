"""A browser's session: a signed cookie, bound to the token it was begun with."""

import hashlib
import hmac
import secrets
from datetime import timedelta

import jwt
from pydantic import ValidationError

from desk.web.access import Access, Caller
from labcrew.domain.base import Model
from labcrew.ports import Clock

_ALGORITHM = "HS256"
_CODE_LASTS = timedelta(minutes=15)


class Session(Model):
    """What a cookie says: its own id, the token's id, and when it ends (seconds of the epoch)."""

    id: str
    token: str
    ends: float


class Sessions:
    """Begins, finds and ends sessions. They survive the server; removing a token ends its own.

    Args:
        access: the tokens, and the key that signs.
        clock: when a session ends.
        lasts: how long one lasts.
    """

    def __init__(self, access: Access, clock: Clock, lasts: timedelta) -> None:
        self._access = access
        self._clock = clock
        self.lasts = lasts
        self._codes: dict[str, tuple[str, float]] = {}

    def begin(self, caller: Caller) -> tuple[str, Session]:
        """A new session and the cookie that carries it."""
        ends = (self._clock.now() + self.lasts).timestamp()
        session = Session(id=secrets.token_hex(16), token=caller.id, ends=ends)
        return jwt.encode(session.model_dump(), self._access.key, _ALGORITHM), session

    def find(self, cookie: str) -> tuple[Caller, Session] | None:
        """Who comes with this cookie; None: it is forged, over, ended, or its token is gone."""
        key = self._access.key
        if not key or len(cookie) > 1000:
            return None
        try:
            said = jwt.decode(cookie, key, algorithms=[_ALGORITHM])
            session = Session.model_validate(said)
        except (jwt.InvalidTokenError, ValidationError):
            return None
        caller = self._access.caller_by_id(session.token)
        return None if caller is None or not self.stands(session) else (caller, session)

    def stands(self, session: Session) -> bool:
        """Whether a session is not over, not ended, and its token still there."""
        return (
            session.ends > self._clock.now().timestamp()
            and not self._access.ended(session.id)
            and self._access.caller_by_id(session.token) is not None
        )

    def end(self, session: Session) -> None:
        """Ends a session, also for whoever has copied its cookie."""
        self._access.end_session(session.id, session.ends)

    def csrf(self, session: Session) -> str:
        """What a page of this session sends along with every change."""
        return hmac.new(
            self._access.key, b"csrf:" + session.id.encode(), hashlib.sha256
        ).hexdigest()

    def code_for(self, token: str) -> str:
        """A code that signs in once, in place of a token; for a while, at this server alone."""
        caller = self._access.caller(token)
        assert caller is not None
        code = secrets.token_urlsafe(24)
        ends = (self._clock.now() + _CODE_LASTS).timestamp()
        self._codes[hashlib.sha256(code.encode()).hexdigest()] = caller.id, ends
        return code

    def use_code(self, code: str) -> Caller | None:
        """Who a code signs in, and uses it up; None: nobody."""
        id, ends = self._codes.pop(hashlib.sha256(code.encode()).hexdigest(), ("", 0.0))
        return self._access.caller_by_id(id) if ends > self._clock.now().timestamp() else None
