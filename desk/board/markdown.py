"""Markdown of tickets, gates and merge requests as HTML: untrusted, so little of it is kept."""

import re

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup

from sandboxes.text import clean

_MOST = 200_000
_MOST_CELLS = 5_000
_TAGS = {
    *("p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote"),
    *("pre", "code", "em", "strong", "del", "a"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
_PLAIN = MarkdownIt("commonmark", {"html": False}).enable("strikethrough")
_PARSER = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
_BLANK = re.compile(r"\n[ \t]*\n")
_UNDER_A_HEAD = re.compile(r"[-:|>\s]+")
_HEADING = re.compile(r"(?<=</h)[1-6](?=>)|(?<=<h)[1-6](?=>)")


def rendered(text: str) -> Markup:
    """The HTML of a text: no pictures, no raw HTML; links say that they lead elsewhere.

    Args:
        text: Markdown, untrusted; what is beyond 200,000 characters is left out, and tables of
            more than 5,000 cells in all are not laid out; it says so.
    """
    cut = clean(text[:_MOST])
    if len(text) > _MOST:
        cut += f"\n\n*{len(text) - _MOST:,} more characters are not shown.*"
    parser = _PARSER
    if _cells(cut) > _MOST_CELLS:
        parser = _PLAIN
        cut += "\n\n*The tables are too large to be laid out.*"
    html = nh3.clean(
        parser.render(cut),
        tags=_TAGS,
        attributes={"a": {"href"}, "ol": {"start"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
        strip_comments=True,
    )
    # A page has its own first and second headings.
    lowered = _HEADING.sub(lambda level: str(min(6, int(level[0]) + 2)), html)
    return Markup(lowered)  # noqa: S704 - nh3 has just cleaned it


def _cells(text: str) -> int:
    """At least as many as the cells of all tables: a short row is filled up to the head's width, so
    a few thousand characters could ask for hundreds of thousands.
    """
    total = 0
    for block in _BLANK.split(text):
        lines = block.split("\n")
        widest = max(
            (line.count("|") + 1 for line in lines if _UNDER_A_HEAD.fullmatch(line)), default=0
        )
        total += widest * len(lines)
    return total
