"""Who may enter, and as what."""

import hashlib
import hmac
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Literal, get_args

from fastapi import Request
from pydantic import Field

from desk.web.access_file import AccessFile, Token
from labcrew.domain.base import Model
from labcrew.errors import InputError, LabcrewError, NotFound
from labcrew.ports import Clock, SystemClock

Role = Literal["viewer", "researcher", "approver"]
ROLES: tuple[Role, ...] = get_args(Role)
"""Each may what those before it may: look; assign, comment and steer; decide at gates."""

MOST_TOKENS = 1000


class NoEntry(LabcrewError):
    """Nobody knows who asks (401)."""


class NotAllowed(LabcrewError):
    """It is known who asks, and they may not (403)."""


class Caller(Model):
    """Who asks."""

    name: str
    role: Role
    id: str = Field(default="", description="of the token they entered by")

    def may(self, role: Role) -> bool:
        """Whether the caller's role includes another."""
        return ROLES.index(self.role) >= ROLES.index(role)


class Access:
    """The tokens of one home: each a name, a role and a secret, of which the hash is kept.

    Args:
        file: where they are kept, readable by its owner alone.
        clock: when a token was made.
    """

    def __init__(self, file: Path, clock: Clock | None = None) -> None:
        self._file = AccessFile(file)
        self._clock = clock or SystemClock()

    def add(self, name: str, role: Role) -> str:
        """Makes a token for a person and answers it, see `make`."""
        return self.make(name, role)[0]

    def make(self, name: str, role: Role) -> tuple[str, Token]:
        """Makes a token: its secret, which is not kept and can't be shown again; and what is kept.

        Raises:
            InputError: the name or the role is none, or there are too many tokens.
            LabcrewError: the file is damaged.
        """
        token, made = self._made(name, role)
        with self._file.changing() as admitted:
            if len(admitted.tokens) >= MOST_TOKENS:
                raise InputError(
                    f"There are {MOST_TOKENS} tokens.", "Remove some: labcrew board token list"
                )
            admitted.tokens += (made,)
        return token, made

    def add_first(self, name: str, role: Role) -> str | None:
        """A token where there is none yet, as `add` makes it; None where somebody may enter."""
        token, made = self._made(name, role)
        with self._file.changing() as admitted:
            if admitted.tokens:
                return None
            admitted.tokens = (made,)
        return token

    def remove(self, id: str) -> Token:
        """Ends a token and the sessions that were begun with it. Raises NotFound."""
        with self._file.changing() as admitted:
            found = next((t for t in admitted.tokens if t.id == id), None)
            if found is None:
                raise NotFound(f"There is no token {id}.", "See: labcrew board token list")
            admitted.tokens = tuple(t for t in admitted.tokens if t.id != id)
        return found

    def all(self) -> tuple[Token, ...]:
        """The tokens, oldest first; their secrets are not known here."""
        return self._file.read().tokens

    def caller(self, token: str) -> Caller | None:
        """Whose token it is; None: nobody's."""
        hashed, found = _hash(token), None
        for known in self._file.read().tokens:  # all of them, so that time tells nothing
            if hmac.compare_digest(known.hash, hashed):
                found = known
        return None if found is None else _caller(found)

    def caller_by_id(self, id: str) -> Caller | None:
        """Whose token has this id; None: it was removed."""
        return next((_caller(t) for t in self._file.read().tokens if t.id == id), None)

    def empty(self) -> bool:
        """Whether nobody may enter yet."""
        return not self._file.read().tokens

    @property
    def key(self) -> bytes:
        """What sessions are signed with; empty before the first token."""
        return bytes.fromhex(self._file.read().key)

    def end_session(self, id: str, until: float) -> None:
        """Remembers that a session was ended, until it would have ended by itself (a time)."""
        now = self._clock.now().timestamp()
        with self._file.changing() as admitted:
            kept = {key: end for key, end in admitted.ended.items() if end > now}
            admitted.ended = {**kept, id: until}

    def ended(self, session: str) -> bool:
        """Whether a session was ended."""
        return session in self._file.read().ended

    def _made(self, name: str, role: str) -> tuple[str, Token]:
        if not 0 < len(name) <= 80 or not name.isprintable() or name != name.strip():
            raise InputError("A name has 1 to 80 printable characters.")
        if name == "expired" or name.startswith("-"):
            raise InputError(f"{name!r} is no name of a person.", "Give another name.")
        if role not in ROLES:
            raise InputError(f"There is no role {role!r}.", f"Roles: {', '.join(ROLES)}.")
        token = f"lab_{secrets.token_urlsafe(32)}"
        at = self._clock.now()
        return token, Token(
            id=secrets.token_hex(4), name=name, role=role, hash=_hash(token), made_at=at
        )


def caller_of(request: Request) -> Caller:
    """Who asks; a route's dependency. Raises NoEntry."""
    caller: Caller | None = getattr(request.state, "caller", None)
    if caller is None:
        raise NoEntry("You are not signed in.", "Send a token, or sign in on the board.")
    return caller


def needs(role: Role) -> Callable[[Request], Caller]:
    """A route's dependency: the caller, who must have a role. Raises NoEntry, NotAllowed."""

    def check(request: Request) -> Caller:
        caller = caller_of(request)
        if not caller.may(role):
            raise NotAllowed(
                f"{caller.name} is a {caller.role} here; this is for a {role}.",
                "Ask whoever keeps this lab for another token.",
            )
        return caller

    return check


def _caller(token: Token) -> Caller:
    return Caller(name=token.name, role=token.role, id=token.id)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
