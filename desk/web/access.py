"""Who may enter, and as what: tokens, kept as hashes in the home."""

import hashlib
import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Literal, get_args

from fastapi import Request

from labcrew.domain.base import Model
from labcrew.errors import LabcrewError

Role = Literal["viewer", "researcher", "approver"]
ROLES: tuple[Role, ...] = get_args(Role)
"""Each may what those before it may: look; assign, comment and steer; decide at gates."""


class NoEntry(LabcrewError):
    """Nobody knows who asks (401)."""


class NotAllowed(LabcrewError):
    """It is known who asks, and they may not (403)."""


class Caller(Model):
    """Who asks."""

    name: str
    role: Role

    def may(self, role: Role) -> bool:
        """Whether the caller's role includes another."""
        return ROLES.index(self.role) >= ROLES.index(role)


class Access:
    """The tokens of one home.

    Args:
        file: where their hashes are kept, readable by its owner alone.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def add(self, name: str, role: Role) -> str:
        """Makes a token for a person and answers it; it is not kept, and can't be shown again."""
        token = f"lab_{secrets.token_urlsafe(32)}"
        known = self._known()
        known[_hash(token)] = Caller(name=name, role=role)
        partial = self._file.with_suffix(".partial")
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump({key: caller.model_dump() for key, caller in known.items()}, file)
        partial.replace(self._file)
        return token

    def caller(self, token: str) -> Caller | None:
        """Whose token it is; None: nobody's."""
        return self._known().get(_hash(token))

    def empty(self) -> bool:
        """Whether nobody may enter yet."""
        return not self._known()

    def _known(self) -> dict[str, Caller]:
        if not self._file.exists():
            return {}
        read = json.loads(self._file.read_text())
        return {key: Caller.model_validate(value) for key, value in read.items()}


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


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
