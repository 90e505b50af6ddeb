"""Pages of a package index (PEP 503, PEP 691) with every link led through the proxy."""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from html.parser import HTMLParser
from urllib.parse import urljoin

Lead = Callable[[str], str]
JSON_PAGE = "application/vnd.pypi.simple.v1+json"


def rewritten(page: bytes, kind: str, address: str, lead: Lead) -> bytes:
    """A page whose file links are replaced.

    Args:
        page: as the index sent it.
        kind: its content type.
        address: where it came from; relative links begin there.
        lead: answers the address here of an absolute one there, "" for one to leave out.

    Raises ValueError for a page that is not what it says.
    """
    if kind.startswith(JSON_PAGE):
        return _json(page, address, lead)
    reader = _Links()
    reader.feed(page.decode("utf-8", "replace"))
    reader.close()
    base = urljoin(address, reader.base)
    lines = ["<!DOCTYPE html><html><body>"]
    for href, others, text in reader.links:
        here = lead(urljoin(base, href))
        if here:
            marks = "".join(f' {name}="{html.escape(value)}"' for name, value in others)
            lines.append(f'<a href="{html.escape(here)}"{marks}>{html.escape(text)}</a><br>')
    return "\n".join([*lines, "</body></html>"]).encode()


def _json(page: bytes, address: str, lead: Lead) -> bytes:
    data = json.loads(page)
    kept = []
    for file in data.get("files", ()):
        here = lead(urljoin(address, file["url"]))
        if here:
            kept.append(file | {"url": here})
    return json.dumps(data | {"files": kept}).encode()


class _Links(HTMLParser):
    """A page's links: address, data attributes, text."""

    def __init__(self) -> None:
        super().__init__()
        self.base = ""
        self.links: list[tuple[str, list[tuple[str, str]], str]] = []
        self._open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = {name: value or "" for name, value in attrs}
        if tag == "base" and not self.base:
            self.base = known.get("href", "")
        if tag == "a" and known.get("href"):
            data = [(name, value) for name, value in known.items() if name.startswith("data-")]
            self.links.append((known["href"], data, ""))
            self._open = True

    def handle_endtag(self, tag: str) -> None:
        self._open = self._open and tag != "a"

    def handle_data(self, data: str) -> None:
        if self._open:
            href, marks, text = self.links[-1]
            self.links[-1] = (href, marks, text + data)
