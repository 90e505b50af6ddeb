"""A document as Markdown, with its plots as data addresses."""

from base64 import b64encode

from desk.deliverables.document import Block, Bullets, Document, Paragraph, Table
from labcrew.evidence import as_text, table

_LONGEST = 5_000


def to_markdown(document: Document) -> bytes:
    """UTF-8; what papers, logs or people wrote can't become markup."""
    parts = [
        f"# {as_text(document.title, _LONGEST)}",
        as_text(document.subtitle, _LONGEST),
        f"> {as_text(document.warning, _LONGEST)}",
    ]
    for section in document.sections:
        parts.append(f"## {as_text(section.title, _LONGEST)}")
        parts += [_block(block) for block in section.blocks]
    return ("\n\n".join(parts) + "\n").encode()


def _block(block: Block) -> str:
    if isinstance(block, Paragraph):
        return "\n\n".join(as_text(line, _LONGEST) for line in block.text.split("\n") if line)
    if isinstance(block, Bullets):
        return "\n".join(f"- {as_text(item, _LONGEST)}" for item in block.items)
    if isinstance(block, Table):
        rows = [[as_text(cell, _LONGEST) for cell in row] for row in block.rows]
        return table([as_text(cell, _LONGEST) for cell in block.head], rows)
    data = b64encode(block.png).decode()
    return f"![{as_text(block.caption, _LONGEST)}](data:image/png;base64,{data})"
