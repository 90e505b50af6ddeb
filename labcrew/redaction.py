"""Takes secrets out of text before it is kept."""

import re
from collections.abc import Iterable, Mapping

_MARK = "[secret]"
_SHORTEST = 8
"""A value of fewer characters is left: words of the text would be taken for it."""
_NAMES = re.compile(
    r"(?i)(?:^|_)(?:api_?key|key|token|secret|password|passwd|credentials?)(?:_|$)|(?i:_pat$)"
)
_NOT_SECRET = re.compile(r"(?:/[\w.+-]+)+/?|\d+|true|false")  # a path, a number, a switch

# Each shape is the issuer's own prefix, so that hashes and code are left alone.
_SHAPES = re.compile(
    r"""
      -----BEGIN[ ][A-Z ]*PRIVATE[ ]KEY-----.*?(?:-----END[ ][A-Z ]*PRIVATE[ ]KEY-----|\Z)
    | \b(?:sk|pk|rk)-[A-Za-z0-9_-]{16,}          # OpenAI and those who follow it
    | \bgh[pousr]_[A-Za-z0-9]{20,}               # GitHub
    | \bgithub_pat_[A-Za-z0-9_]{20,}
    | \bglpat-[A-Za-z0-9_-]{16,}                 # GitLab
    | \bhf_[A-Za-z0-9]{20,}                      # Hugging Face
    | \bxox[abeoprs]-[A-Za-z0-9-]{10,}           # Slack
    | \b(?:AKIA|ASIA)[A-Z0-9]{16}\b              # AWS
    | \bAIza[A-Za-z0-9_-]{30,}                   # Google
    | \blsv2_(?:pt|sk)_[A-Za-z0-9_]{16,}         # LangSmith
    | \bnpm_[A-Za-z0-9]{30,}
    | \bpypi-[A-Za-z0-9_-]{30,}
    | \beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{5,}  # a JSON web token
    """,
    re.VERBOSE | re.DOTALL,
)
_HEADER = re.compile(
    r"(?i)\b((?:proxy-)?authorization[\"']?\s*[:=]\s*[\"']?(?:bearer|basic|token)\s+)"
    r"(?!\[secret\])[^\s\"',;]{6,}"
)
_BARE_HEADER = re.compile(
    r"(?i)\b((?:(?:proxy-)?authorization|(?:x-)?api-key)[\"']?\s*[:=]\s*[\"']?)"
    r"[A-Za-z0-9._~+/-]{16,}=*(?![A-Za-z0-9._~+/(\[-])"
)
_BEARER = re.compile(r"(?i)(\bbearer\s+)(?!\[secret\])[A-Za-z0-9._~+/-]{16,}=*")
_LOGIN = re.compile(r"(\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@]{0,100}:)[^\s/@]{1,200}(?=@)")


class Redaction:
    """Knows the secrets of this process, and the shapes of common ones.

    Args:
        known: secrets by value; those under 8 characters are left in texts.
    """

    def __init__(self, known: Iterable[str] = ()) -> None:
        values = sorted({v for v in known if len(v) >= _SHORTEST}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, values))) if values else None

    def without_known(self, text: str) -> str:
        """The text with the secrets of this process as [secret]; what only looks like one stays."""
        return text if self._known is None else self._known.sub(_MARK, text)

    def __call__(self, text: str) -> str:
        """The text with every secret that is known, or looks like one, as [secret]."""
        text = self.without_known(text)
        text = _SHAPES.sub(_MARK, text)
        text = _HEADER.sub(rf"\1{_MARK}", text)
        text = _BARE_HEADER.sub(rf"\1{_MARK}", text)
        text = _BEARER.sub(rf"\1{_MARK}", text)
        return _LOGIN.sub(rf"\1{_MARK}", text)


def secrets_of(environment: Mapping[str, str]) -> list[str]:
    """The values of variables that are named like a secret (…KEY, …TOKEN, …PASSWORD)."""
    return [
        value
        for name, value in environment.items()
        if _NAMES.search(name) and not _NOT_SECRET.fullmatch(value)
    ]
