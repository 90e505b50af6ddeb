"""What the host tells the proxy, once, on standard input; it is written nowhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Rule:
    """One entry of the allow-list.

    Args:
        host: lower case; for a suffix, what follows the "*.".
        port: the one port.
        below: every name below `host`, not `host` itself.
    """

    host: str
    port: int
    below: bool = False

    def fits(self, host: str, port: int) -> bool:
        """Whether it lets this destination through."""
        named = host.endswith(f".{self.host}") if self.below else host == self.host
        return named and port == self.port


@dataclass(frozen=True)
class Index:
    """A package index that is served without its credentials.

    Args:
        url: its address, without user and password.
        authorization: the header that it wants, or nothing.
        unverified: its certificate is not checked, as the machine's pip was told.
    """

    url: str
    authorization: str = ""
    unverified: bool = False


@dataclass(frozen=True)
class Settings:
    """Everything the proxy knows.

    Args:
        rules: the allow-list.
        private: hosts that may have a private address → the address they are pinned to, or "".
        indexes: package indexes, by their place in the list.
        certificates: a PEM bundle; nothing: the system's.
        upstream: "http" and "https" → the proxy that the machine itself must use.
        no_proxy: hosts that are reached without it.
        connections: most at once.
        requests: most in all; each is a line of the journal.
        down_bytes: most that may come in over its life.
        up_bytes: most that may leave over its life.
        idle_s: seconds without a byte after which a connection ends.
        head_s: seconds in which a request's head must have come.
    """

    rules: tuple[Rule, ...] = ()
    private: dict[str, str] = field(default_factory=dict)
    indexes: tuple[Index, ...] = ()
    certificates: str = ""
    upstream: dict[str, str] = field(default_factory=dict)
    no_proxy: str = ""
    connections: int = 64
    requests: int = 20_000
    down_bytes: int = 64 << 30
    up_bytes: int = 1 << 30
    idle_s: float = 120.0
    head_s: float = 10.0


def read_settings(data: dict[str, Any]) -> Settings:
    """The settings of a JSON object. Raises TypeError for an unknown field."""
    rules = tuple(Rule(**item) for item in data.pop("rules", ()))
    indexes = tuple(Index(**item) for item in data.pop("indexes", ()))
    return Settings(rules=rules, indexes=indexes, **data)
