"""What this machine's pip needs to reach its package index.

The build of labcrew's own image gets it, in a stage that is thrown away. An install gets none of it
but the certificates and local folders: its proxy has the rest (network/rules.py).
"""

from __future__ import annotations

import os
import re
import shlex
import ssl
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from labcrew.errors import EnvironmentBroken

_SETTINGS = ("index-url", "extra-index-url", "trusted-host", "find-links", "timeout", "proxy")
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")


@dataclass(frozen=True)
class HostPip:
    """The host's pip configuration, read once.

    Attributes:
        settings: pip's settings by name, local addresses taken out.
        folders: local folders of packages, absolute paths on the host.
        certificates: a PEM bundle, or empty when the machine has none.
        proxies: the proxy variables that are set.
    """

    settings: dict[str, str]
    folders: tuple[Path, ...]
    certificates: bytes
    proxies: dict[str, str]

    @property
    def index(self) -> str:
        """The address of the first package index: a setting, else what pip itself falls back to.

        Raises EnvironmentBroken where there is neither.
        """
        found = self.settings.get("index-url") or _default_index()
        if not found:
            raise EnvironmentBroken(
                "The package index is not known: there is no pip here, and no setting names one",
                "Install pip, or set PIP_INDEX_URL to the index's address.",
            )
        return found

    def environment(self, root: str) -> dict[str, str]:
        """Variables for pip in a container.

        Args:
            root: the folder there that holds `ca.pem`.
        """
        variables = {
            f"PIP_{name.upper().replace('-', '_')}": value for name, value in self.settings.items()
        }
        variables |= self.proxies | {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}
        if self.certificates:
            bundle = f"{root}/ca.pem"
            variables |= {"PIP_CERT": bundle, "SSL_CERT_FILE": bundle, "REQUESTS_CA_BUNDLE": bundle}
        return variables

    def shell(self, root: str) -> str:
        """The same as lines of a shell script."""
        variables = self.environment(root)
        return "".join(f"{name}={shlex.quote(value)}\n" for name, value in variables.items())


def host_pip() -> HostPip:
    """Reads pip's configuration, the certificate bundle and the proxies of this machine."""
    found: dict[str, str] = {}
    for line in _pip_config():
        key, _, value = line.partition("=")
        name = key.rpartition(".")[2]
        if name in _SETTINGS and key.startswith(("global.", "install.", ":env:.")):
            text = value.strip().strip("'\"").replace("\\n", " ")
            # Lists from a file and from the environment add up; others: the environment wins.
            lists = name in {"extra-index-url", "find-links", "trusted-host"}
            found[name] = f"{found[name]} {text}" if lists and name in found else text
    settings: dict[str, str] = {}
    folders: list[Path] = []
    for name, value in found.items():
        kept = []
        for part in dict.fromkeys(value.split()):
            local = _local(part) if name not in {"timeout", "trusted-host", "proxy"} else None
            if local is None:
                kept.append(part)
            elif name == "find-links" and _open_to_all(local) and local not in folders:
                folders.append(local)
        if kept:
            settings[name] = " ".join(kept)
    proxies = {name: os.environ[name] for name in _PROXIES if os.environ.get(name)}
    return HostPip(settings, tuple(folders), _certificates(), proxies)


def _pip_config() -> list[str]:
    said = _pip("config", "list")
    if said is not None:
        # Environment variables override files: pip lists them after, so later lines win.
        return sorted(said.splitlines(), key=lambda line: line.startswith(":env:"))
    return [
        f":env:.{name}={os.environ[variable]}"
        for name in _SETTINGS
        if (variable := f"PIP_{name.upper().replace('-', '_')}") in os.environ
    ]


def _default_index() -> str:
    """What pip's own help says that it falls back to; nothing where no pip says so."""
    words = " ".join((_pip("download", "--help") or "").split())
    found = re.search(r"--index-url <url> [^()]*\(default (https?://[^\s()]+)\)", words)
    return found[1] if found else ""


def _pip(*arguments: str) -> str | None:
    """What the machine's pip answers; None where there is none."""
    for command in ([sys.executable, "-P", "-m", "pip"], ["pip"], ["pip3"]):
        try:
            # Elsewhere than in the user's folder: a stranger's clone may hold a pip.py.
            done = subprocess.run(
                [*command, *arguments], capture_output=True, text=True, timeout=30, cwd="/"
            )
        except (OSError, subprocess.TimeoutExpired):
            continue
        if done.returncode == 0:
            return done.stdout
    return None


def _local(address: str) -> Path | None:
    parts = urlsplit(address)
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    return None if parts.scheme else Path(address).expanduser().absolute()


def _open_to_all(folder: Path) -> bool:
    """Whether a sandbox's user could read the folder; else it is as good as not there."""
    return folder.is_dir() and folder.stat().st_mode & 0o005 == 0o005


def _certificates() -> bytes:
    named = os.environ.get("SSL_CERT_FILE") or os.environ.get("REQUESTS_CA_BUNDLE")
    defaults = ssl.get_default_verify_paths()
    for path in (named, defaults.cafile, "/etc/ssl/certs/ca-certificates.crt"):
        if path and Path(path).is_file():
            return Path(path).read_bytes()
    return b""
