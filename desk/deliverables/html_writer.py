"""A document as one HTML file that loads nothing from anywhere."""

from base64 import b64encode
from html import escape

from desk.deliverables.document import Block, Bullets, Document, Paragraph, Table

_STYLE = """\
body { font: 16px/1.5 system-ui, sans-serif; color: #24292f; background: #fff; max-width: 60rem;
  margin: 2rem auto; padding: 0 1rem; }
h1 { line-height: 1.2; margin-bottom: .25rem; } h2 { margin-top: 2.2rem; }
.sub { color: #57606a; margin-top: 0; }
.warning { border-left: 4px solid #9a6700; background: #fff8e5; padding: .6rem 1rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .92rem; }
th, td { text-align: left; vertical-align: top; padding: .3rem .7rem;
  border-bottom: 1px solid #d0d7de; overflow-wrap: anywhere; }
th { border-bottom: 2px solid #24292f; }
figure { margin: 1rem 0; } img { max-width: 100%; height: auto; }
figcaption { color: #57606a; font-size: .92rem; }
@media print { body { margin: 0; max-width: none; } tr, figure { break-inside: avoid; } }
"""


def to_html(document: Document) -> bytes:
    """UTF-8; a policy in its head forbids scripts and loading, whatever it holds."""
    parts = [
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta http-equiv="Content-Security-Policy"'
        " content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">",
        f"<title>{escape(document.title)}</title>\n<style>\n{_STYLE}</style>\n</head>\n<body>",
        f"<h1>{escape(document.title)}</h1>",
        f'<p class="sub">{escape(document.subtitle)}</p>',
        f'<p class="warning" role="note">{escape(document.warning)}</p>',
    ]
    for section in document.sections:
        parts.append(f"<section>\n<h2>{escape(section.title)}</h2>")
        parts += [_block(block) for block in section.blocks]
        parts.append("</section>")
    return ("\n".join([*parts, "</body>\n</html>"]) + "\n").encode()


def _block(block: Block) -> str:
    if isinstance(block, Paragraph):
        return "\n".join(f"<p>{escape(line)}</p>" for line in block.text.split("\n") if line)
    if isinstance(block, Bullets):
        return "<ul>\n" + "\n".join(f"<li>{escape(item)}</li>" for item in block.items) + "\n</ul>"
    if isinstance(block, Table):
        head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in block.head)
        rows = "\n".join(
            "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>"
            for row in block.rows
        )
        return (
            f'<div class="wide"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n'
            "</tbody>\n</table></div>"
        )
    data = b64encode(block.png).decode()
    caption = escape(block.caption)
    return (
        f'<figure><img src="data:image/png;base64,{data}" alt="{caption}">'
        f"<figcaption>{caption}</figcaption></figure>"
    )
