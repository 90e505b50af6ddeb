"""Markdown of others, as HTML that can only be read."""

from functools import cache

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup

from sandboxes.text import clean

_MOST = 200_000
_TAGS = {
    *("p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote", "hr", "br"),
    *("em", "strong", "del", "code", "pre", "a"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}


@cache
def _reader() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


def rendered(text: str) -> Markup:
    """Markdown as HTML: no script, style, image or form; links to http and https alone."""
    html = _reader().render(clean(text[:_MOST]))
    safe = nh3.clean(
        html,
        tags=_TAGS,
        attributes={"a": {"href"}},
        url_schemes={"http", "https"},
        link_rel="noopener noreferrer nofollow",
    )
    return Markup(safe)  # noqa: S704 - nh3 left nothing but these tags
