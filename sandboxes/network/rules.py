"""What a proxy is told: the hosts of a run, and this machine's package index for an install."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote, urlsplit

from pydantic import Field

from labcrew.domain.base import Model
from labcrew.domain.hosts import host_rule
from sandboxes.environments.host_pip import HostPip

PORT = 3128
ADDRESS = f"http://127.0.0.1:{PORT}"
NOT_LISTED = "not on the allow-list"  # the proxy's words


class Rule(Model):
    """One entry of the allow-list, as the proxy reads it."""

    host: str
    port: int
    below: bool = False


class Index(Model):
    """A package index, its password apart from its address."""

    url: str
    authorization: str = ""
    unverified: bool = False


class ProxySettings(Model):
    """The proxy's settings; sandboxes/image/inside/proxy/settings.py documents each."""

    rules: tuple[Rule, ...] = ()
    private: dict[str, str] = Field(default_factory=dict)
    indexes: tuple[Index, ...] = ()
    certificates: str = ""
    upstream: dict[str, str] = Field(default_factory=dict)
    no_proxy: str = ""
    requests: int = 20_000
    down_bytes: int = 64 << 30
    up_bytes: int = 1 << 30
    connections: int = 64
    idle_s: float = 120.0
    head_s: float = 10.0


def for_hosts(hosts: Iterable[str], private: Iterable[str], pip: HostPip) -> ProxySettings:
    """The settings of a run that may reach hosts.

    Args:
        hosts: as a ticket names them.
        private: hosts that may have private addresses, as the home's settings name them.
        pip: what this machine itself needs to reach the network.
    """
    rules = [host_rule(host) for host in hosts]
    pinned = dict(name.partition("=")[::2] for name in private)
    return ProxySettings(
        rules=tuple(Rule(host=rule.host, port=rule.port, below=rule.below) for rule in rules),
        private=pinned,
        **_machine(pip),
    )


def for_install(hosts: Iterable[str], private: Iterable[str], pip: HostPip) -> ProxySettings:
    """The settings of an install: the machine's index, and hosts that its requirements name."""
    settings = for_hosts(hosts, private, pip)
    return settings.model_copy(
        update={"indexes": tuple(_index(url, pip) for url in _addresses(pip))}
    )


def pip_variables(pip: HostPip, folders: tuple[str, ...] = ()) -> dict[str, str]:
    """Variables for pip in a sandbox whose index the proxy serves: no address, no password.

    Args:
        pip: this machine's.
        folders: where its local folders of packages are mounted there.
    """
    count = 1 + len(pip.settings.get("extra-index-url", "").split())
    here = [f"{ADDRESS}/index/{n}/" for n in range(len(_addresses(pip)))]
    variables = {
        "PIP_INDEX_URL": here[0],
        "PIP_EXTRA_INDEX_URL": " ".join(here[1:count]),
        "PIP_FIND_LINKS": " ".join([*folders, *here[count:]]),
        "PIP_DEFAULT_TIMEOUT": pip.settings.get("timeout", "120"),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_INPUT": "1",
    }
    return {name: value for name, value in variables.items() if value} | proxy_variables()


def proxy_variables() -> dict[str, str]:
    """Variables by which programs find the proxy; their own loopback stays their own."""
    ways = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), ADDRESS)
    return ways | dict.fromkeys(("NO_PROXY", "no_proxy"), "localhost,127.0.0.1,::1")


def hosts_of(addresses: Iterable[str]) -> tuple[str, ...]:
    """The hosts that lines of a requirements file fetch from, as an allow-list.

    Raises ValueError for one that is no host name.
    """
    found = []
    for line in addresses:
        for scheme, authority in re.findall(r"([a-z+]+)://([^\s/'\"#?]+)", line, re.IGNORECASE):
            name, colon, port = authority.rpartition("@")[2].partition(":")
            own = "80" if scheme.lower() == "http" else "443"
            rule = host_rule(f"{name}:{port if colon else own}")
            found.append(f"{rule.host}:{rule.port}")
    return tuple(dict.fromkeys(found))


def _addresses(pip: HostPip) -> list[str]:
    settings = pip.settings
    return [
        pip.index,
        *settings.get("extra-index-url", "").split(),
        *settings.get("find-links", "").split(),
    ]


def _index(address: str, pip: HostPip) -> Index:
    parts = urlsplit(address)
    host = parts.hostname or ""
    place = parts.netloc.rpartition("@")[2]
    authorization = ""
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = f"Basic {base64.b64encode(pair.encode()).decode()}"
    trusted = pip.settings.get("trusted-host", "").split()
    return Index(
        url=parts._replace(netloc=place).geturl(),
        authorization=authorization,
        unverified=host in trusted or place in trusted,
    )


def _machine(pip: HostPip) -> dict[str, Any]:
    ways = {name.lower(): value for name, value in pip.proxies.items()}
    named = pip.settings.get("proxy")
    upstream = {
        kind: way for kind in ("http", "https") if (way := named or ways.get(f"{kind}_proxy"))
    }
    return {
        "certificates": pip.certificates.decode("utf-8", "replace"),
        "upstream": upstream,
        "no_proxy": ways.get("no_proxy", ""),
    }
