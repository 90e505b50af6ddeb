"""The reference of a ticket's fields, written from the models so that it can't be out of step."""

from collections.abc import Iterator, Sequence

from pydantic import BaseModel

from labcrew.domain.ticket import Ticket
from labcrew.ticket_shape import Field, fields

EXAMPLE = """\
---
title: Better settings for the digits network
repository: ./digits
metric: {name: accuracy, direction: maximize, target: 0.98}
run:
  command: python train.py {settings} --seed {seed} --outputs {outputs}
  timeout_s: 300
settings: {style: arguments, file: train.py}
search_space:
  learning_rate: {type: float, low: 0.001, high: 1, log: true, role: learning_rate}
  batch_size: {type: choice, choices: [16, 32, 64], role: batch_size}
evaluator:
  command: python evaluate.py --outputs {outputs} --split {split}
  private: [evaluate.py, data/holdout_labels.csv]
data:
  - {path: data/train.csv, split: train, label: label, id: id}
  - {path: data/validation.csv, split: validation, label: label, id: id}
budget: {trials: 20, hours: 2, parallel: 2, memory_mb: 1024}
editable: [train.py]
---
Which learning rate and batch size generalise best once the training data is clean?
"""

_HEAD = """\
# A ticket's fields

Written by `labcrew ticket fields --markdown` from the types that read tickets; a test keeps it so.

A ticket is a Markdown file: the fields as YAML between two lines `---`, then the question in your
own words. YAML 1.2 is read (so `on` and `no` are text); tags are refused, and so is a field that
stands twice or that nobody knows. A mistake is reported with its file, line and field.

```markdown
{example}```

Then `labcrew run ticket.md` works on it until it needs you.
"""


def reference() -> str:
    """The whole reference of tickets as Markdown."""
    return "\n".join([_HEAD.format(example=EXAMPLE), *tables("The ticket", Ticket)]) + "\n"


def tables(title: str, model: type[BaseModel]) -> list[str]:
    """Lines of Markdown: a table of a model's fields, and one for each model in it."""
    known = tuple(fields(model))
    parts = [f"## {title}", *_table(_level("", known))]
    for field in known:
        inner = _level(f"{field.path}.", known)
        if inner:
            parts += ["", f"## `{field.path}`", "", _sentence(field.about), *_table(inner)]
        for kind, rows in _variants(field.path, known).items():
            parts += ["", f"## `{field.path}.<name>` of type `{kind}`", *_table(rows)]
        listed = _level(f"{field.path}[].", known)
        if listed:
            parts += ["", f"## `{field.path}`, each entry", "", _sentence(field.about)]
            parts += _table(listed)
    return parts


def plain_lines(model: type[BaseModel] = Ticket) -> Iterator[str]:
    """The reference for a terminal: a line a field."""
    for field in fields(model):
        state = "required" if field.required else f"default {field.default}"
        yield f"{field.path}  ({field.type}; {state})"
        if field.about:
            yield f"    {_sentence(field.about)}"


def _level(prefix: str, known: Sequence[Field]) -> list[Field]:
    """The fields directly below a path."""
    found = []
    for field in known:
        rest = field.path.removeprefix(prefix)
        if field.path.startswith(prefix) and "." not in rest and "<" not in rest:
            found.append(field)
    return found


def _variants(path: str, known: Sequence[Field]) -> dict[str, list[Field]]:
    found: dict[str, list[Field]] = {}
    start = f"{path}.<name> ("
    for field in known:
        if field.path.startswith(start):
            kind, _, rest = field.path.removeprefix(start).partition(").")
            if "." not in rest:
                found.setdefault(kind, []).append(field)
    return found


def _table(rows: Sequence[Field]) -> list[str]:
    lines = ["", "| field | takes | default | meaning |", "|---|---|---|---|"]
    for field in rows:
        name = field.path.rsplit(".", 1)[-1]
        default = "**required**" if field.required else _cell(f"`{field.default}`")
        lines.append(f"| `{name}` | {_cell(field.type)} | {default} | {_cell(field.about)} |")
    return lines


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def _sentence(text: str) -> str:
    text = text.strip()
    return text if not text or text.endswith(".") else f"{text}."
