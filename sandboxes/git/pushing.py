"""A branch goes to a forge: over http(s), by compare-and-swap, with a token in one environment."""

import re
from base64 import b64encode
from pathlib import Path
from urllib.parse import urlsplit

from labcrew.domain.forge import ForgeFailure
from labcrew.errors import ForgeError
from sandboxes.git.git_runner import GitRunner
from sandboxes.text import clean

_TIMEOUT_S = 300.0
_TIMED_OUT = 124
_SHOWN = 300
_USER = "oauth2"  # GitLab and GitHub take any name beside a token
# What git says, and what it means; the first that fits.
_SIGNS: tuple[tuple[str, ForgeFailure], ...] = (
    (r"stale info|fetch first|non-fast-forward|\[rejected\]", "moved"),
    (r"remote rejected|pre-receive hook declined|protected", "forbidden"),
    (r"could not read (Username|Password)|Authentication failed|error: 401", "unauthorised"),
    (r"error: 403", "forbidden"),
    (r"error: 429", "limited"),
    (r"error: 5\d\d", "unavailable"),
    (r"not found|error: 404|does not appear to be a git", "missing"),
    (r"timed out|Timeout", "timed_out"),
)
_REMEDIES: dict[ForgeFailure, str] = {
    "unauthorised": "Put a token that is valid into the variable that [forge] names.",
    "forbidden": "The token must be allowed to push branches there; see the project's protections.",
    "missing": "Check project and remote under [forge] in labcrew.toml.",
    "moved": "Somebody else pushed to the branch; take their commits over or delete the branch.",
}


def push(
    git: GitRunner,
    bare: Path,
    commit: str,
    address: str,
    branch: str,
    *,
    expected: str | None,
    token: str,
) -> None:
    """See `labcrew.domain.repository.Repositories.push`."""
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or "@" in parts.netloc or not parts.hostname:
        raise ForgeError(f"{address!r} is no address to push to", kind="invalid")
    ref = f"refs/heads/{branch}"
    if not git.succeeds(bare, "check-ref-format", ref):
        raise ForgeError(f"{branch!r} can't be the name of a branch", kind="invalid")
    word = b64encode(f"{_USER}:{token}".encode()).decode()
    status, said = git.ask_elsewhere(
        bare,
        "push", "--porcelain", "--no-verify", "--no-follow-tags", "--no-signed",
        "--recurse-submodules=no", f"--force-with-lease={ref}:{expected or ''}",
        address, f"{commit}:{ref}",
        secrets={
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"http.{parts.scheme}://{parts.netloc}/.extraHeader",
            "GIT_CONFIG_VALUE_0": f"Authorization: Basic {word}",
        },
        # A redirect would carry the token to another place.
        settings=(f"protocol.{parts.scheme}.allow=always", "http.followRedirects=false"),
        timeout_s=_TIMEOUT_S,
    )  # fmt: skip
    if status == 0:
        return
    kind: ForgeFailure = "timed_out" if status == _TIMED_OUT else "unreachable"
    if status != _TIMED_OUT:
        kind = next((k for sign, k in _SIGNS if re.search(sign, said)), kind)
    told = " ".join(clean(said.encode()).replace(token, "***").replace(word, "***").split())
    raise ForgeError(
        f"Branch {branch} could not be pushed to {address}: {told[-_SHOWN:]}",
        _REMEDIES.get(kind, "It is tried again later."),
        kind=kind,
    )
