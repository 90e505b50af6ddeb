"""Reads a ticket from Markdown with YAML front matter, and says precisely what is wrong with it."""

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from labcrew.domain.base import Model
from labcrew.domain.ticket import Ticket
from labcrew.domain.ticket_problem import TicketProblem
from labcrew.errors import TicketError
from labcrew.ticket_shape import known_names, lookup, type_words, variants
from labcrew.ticket_yaml import Node, Trouble, parse, shown

MOST_BYTES = 1_000_000
MOST_FRONT_MATTER = 200_000
_FENCE = "---"
M = TypeVar("M", bound=Model)
_REMEDY = "`labcrew ticket fields` lists every field, and shows an example."


def read_ticket(source: Path | str, *, name: str = "ticket.md") -> Ticket:
    """Reads a ticket, see `read_front_matter`."""
    return read_front_matter(source, Ticket, name=name)


def read_front_matter(source: Path | str, model: type[M], *, name: str, remedy: str = _REMEDY) -> M:
    """Reads Markdown whose front matter holds a model's fields, and whose text is its `question`.

    Args:
        source: the file, or its text.
        model: what the fields are those of.
        name: how messages call the text; a file goes by its own name.
        remedy: where all fields are told of.

    Raises:
        TicketError: all that is wrong, a line each: "ticket.md:17, field metric.direction: …".
    """
    if isinstance(source, Path):
        name, text = source.name, ticket_text(source)
    else:
        text = source
        if len(text) > MOST_BYTES:
            raise TicketError(f"{name} is larger than 1 MB.", "A ticket is text; link the rest.")
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    front, body, first, body_line = _split(lines, name, remedy)
    try:
        root = parse(front, first)
        if root.pairs is None:
            raise Trouble(root.line, "the front matter must be a table of fields, 'title: …'")
        values = root.value()
    except Trouble as trouble:
        raise _wrong(
            name, [TicketProblem(line=trouble.line, message=f"{trouble.message}.")], remedy
        ) from None
    question = body.strip()
    if question:
        if "question" in values:
            raise _wrong(
                name,
                [
                    TicketProblem(
                        line=root.line_of(["question"]),
                        field="question",
                        message="the question stands here and below the front matter.",
                    )
                ],
                "Keep the one below.",
            )
        values["question"] = question
    try:
        return model.model_validate(values)
    except ValidationError as error:
        rows = []
        for detail in error.errors(include_url=False):
            location, said = _explain(detail, model)
            line = body_line if location[:1] == ("question",) else root.line_of(location)
            rows.append((line, _dotted(location, root), said))
        problems = [
            TicketProblem(line=line, field=field, message=said)
            for line, field, said in dict.fromkeys(sorted(rows))
        ]
        raise _wrong(name, problems, remedy) from None


def ticket_of(fields: Mapping[str, object]) -> Ticket:
    """A ticket from its fields, as a form has them. Raises TicketError."""
    try:
        return Ticket.model_validate(dict(fields))
    except ValidationError as error:
        rows = []
        for detail in error.errors(include_url=False):
            location, said = _explain(detail)
            rows.append((_dotted(location, _node_of(fields)), said))
        problems = [
            TicketProblem(field=field, message=said) for field, said in dict.fromkeys(sorted(rows))
        ]
        raise _wrong("The ticket", problems) from None


def _node_of(value: object) -> Node:
    """A form's value as if it had been read from a file, to find the way in it."""
    if isinstance(value, Mapping):
        return Node(line=1, pairs={str(k): (1, _node_of(inner)) for k, inner in value.items()})
    if isinstance(value, list | tuple):
        return Node(line=1, items=[_node_of(inner) for inner in value])
    return Node(line=1, plain=value)


def _wrong(name: str, problems: Sequence[TicketProblem], remedy: str = _REMEDY) -> TicketError:
    lines = [
        f"{name}{f':{p.line}' if p.line else ''}{f', field {p.field}' if p.field else ''}:"
        f" {p.message}"
        for p in problems
    ]
    return TicketError("\n".join(lines), remedy, tuple(problems))


def ticket_text(path: Path) -> str:
    """A ticket's file as text, at most 1 MB. Raises TicketError."""
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise TicketError(f"{path} can't be read: {reason}.") from None
    if len(raw) > MOST_BYTES:
        raise TicketError(f"{path.name} is larger than 1 MB.", "A ticket is text; link the rest.")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise TicketError(f"{path.name}:{line}: not UTF-8 text.", "Save it as UTF-8.") from None


def _split(lines: list[str], name: str, remedy: str) -> tuple[str, str, int, int]:
    """Front matter, body, the lines before the front matter, the body's first line."""
    start = next((i for i, line in enumerate(lines) if line.strip()), 0)
    if lines[start].rstrip() != _FENCE:
        said = (
            "it must begin with a line '---', then its fields as YAML, then '---', then the"
            " question."
        )
        raise _wrong(name, [TicketProblem(line=start + 1, message=said)], remedy)
    for end in range(start + 1, len(lines)):
        if lines[end].rstrip() == _FENCE:
            break
    else:
        said = "the front matter that begins here has no closing '---'."
        raise _wrong(name, [TicketProblem(line=start + 1, message=said)], "")
    front = "\n".join(lines[start + 1 : end])
    if len(front) > MOST_FRONT_MATTER:
        raise TicketError(
            f"{name}: the front matter is longer than {MOST_FRONT_MATTER} characters."
        )
    body_line = next((i for i in range(end + 1, len(lines)) if lines[i].strip()), end) + 1
    return front, "\n".join(lines[end + 1 :]), start + 1, body_line


def _explain(
    detail: ErrorDetails, model: type[BaseModel] = Ticket
) -> tuple[tuple[str | int, ...], str]:
    """Where an error stands and what it says, with what would be allowed."""
    location, kind = detail["loc"], detail["type"]
    info = lookup(location, model)
    given = detail.get("input")
    if kind == "extra_forbidden":
        names = known_names(location[:-1], model)
        return (
            location,
            f"unknown field.{_nearest(str(location[-1]), names)} Known here: {_list(names)}.",
        )
    if kind == "missing":
        about = f" Allowed: {type_words(info)}" if info is not None else ""
        if info is not None and info.description:
            about += f" ({info.description})"
        return location, f"missing.{about}{'.' if about else ''}"
    if kind in ("union_tag_not_found", "union_tag_invalid"):
        context = detail.get("ctx", {})
        allowed = tuple(
            tag.strip("' ")
            for tag in str(context.get("expected_tags", "float, int, choice")).split(",")
        )
        if kind == "union_tag_not_found":
            return location, f"needs a type; allowed: {_list(allowed)}."
        tag = str(context.get("tag", ""))
        return (
            (*location, "type"),
            f"{shown(tag, 60)} is not allowed.{_nearest(tag, allowed)} Allowed: {_list(allowed)}.",
        )
    if kind == "literal_error" and info is not None:
        allowed = variants(info)
        near = _nearest(given, allowed) if isinstance(given, str) else ""
        return location, f"{shown_value(given)} is not allowed.{near} Allowed: {_list(allowed)}."
    if kind == "value_error":
        said = detail["msg"].removeprefix("Value error, ")
        return location or _led_by(said, model), _end(_printable(said))
    said = _printable(detail["msg"].removeprefix("Input "))
    allowed_words = f" Allowed: {type_words(info)}." if info is not None else ""
    quotes = (
        " Put it in quotes."
        if kind == "string_type" and isinstance(given, bool | int | float)
        else ""
    )
    return location, f"{_end(said)} It is {shown_value(given)}.{quotes}{allowed_words}"


def shown_value(value: object) -> str:
    """A value of the file for a message, short and free of control characters."""
    if isinstance(value, str):
        return shown(value, 60)
    if isinstance(value, dict | list):
        return "a table" if isinstance(value, dict) else "a list"
    if value is None:
        return "empty"
    return str(value).lower() if isinstance(value, bool) else shown(str(value), 60).strip("'")


def _led_by(message: str, model: type[BaseModel]) -> tuple[str, ...]:
    """The field that a whole-ticket check speaks of: its message begins with the field's name."""
    words = message.split(" ", 1)[0].rstrip(":").split(".")
    return tuple(words) if words[0] in known_names((), model) else ()


def _dotted(location: Sequence[str | int], root: Node) -> str:
    """The location as a person writes it: without the tags that pydantic puts in for variants."""
    node = root
    parts: list[str] = []
    for position, part in enumerate(location):
        last = position == len(location) - 1
        if node.pairs is not None and part in node.pairs:
            node = node.pairs[str(part)][1]
        elif node.items is not None and isinstance(part, int):
            node = node.items[part] if part < len(node.items) else node
            parts[-1:] = [f"{parts[-1] if parts else ''}[{part}]"]
            continue
        elif not last or _is_variant(node, part):
            continue
        parts.append(_printable(str(part))[:80])
    return ".".join(parts)


def _is_variant(node: Node, part: str | int) -> bool:
    kind = (node.pairs or {}).get("type")
    return kind is not None and kind[1].plain == part


def _nearest(word: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(word[:80], known, n=1, cutoff=0.6)
    return f" Did you mean {near[0]}?" if near else ""


def _list(names: Sequence[str]) -> str:
    return ", ".join(names) if names else "nothing"


def _end(sentence: str) -> str:
    return sentence if sentence.endswith((".", "?")) else f"{sentence}."


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)[:500]
