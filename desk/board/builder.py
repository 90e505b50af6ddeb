"""A form made from a model's own description of its fields: what a file is written from."""

from collections.abc import Collection, Iterator, Mapping
from typing import Literal

from labcrew.domain.base import Model
from labcrew.ticket_shape import Field

Kind = Literal["text", "long", "number", "choice", "switch", "lines", "numbers", "pairs", "files"]


class Widget(Model):
    """How one field of a file is filled in.

    Args:
        kind: the sort of control; "pairs" is a line a name, "files" a path with a text.
        default: what the file says where nothing is filled in.
        shown: what stands in the empty control.
        choices: of a choice; the first is taken where there is no default.
    """

    path: str
    label: str
    kind: Kind
    about: str
    type: str
    required: bool
    default: str
    shown: str = ""
    choices: tuple[str, ...] = ()


class Section(Model):
    """Fields that belong together.

    Args:
        rows: a list of tables instead, each a row: "search_space" or "data".
        folded: whether one has to open it.
    """

    id: str
    title: str
    about: str
    widgets: tuple[Widget, ...] = ()
    rows: str = ""
    folded: bool = True


def beneath(every: Mapping[str, Field], name: str) -> Iterator[str]:
    """The fields of a table."""
    for path, field in every.items():
        if path.startswith(f"{name}.") and field.type != "table":
            yield path


def widget_of(field: Field, long: Collection[str], optional: Collection[str] = ()) -> Widget:
    """How a field is filled in.

    Args:
        field: of a file.
        long: paths whose texts have many lines.
        optional: tables that need not be there: to fill in a default is to say that they are.
    """
    words = field.type.split(",")[0]
    kind: Kind = "text"
    choices: tuple[str, ...] = ()
    if field.path in long:
        kind = "long"
    elif field.type.startswith("one of "):
        kind, choices = "choice", tuple(field.type.removeprefix("one of ").split(", "))
    elif words == "true or false":
        kind = "switch"
    elif words in ("number", "whole number"):
        kind = "number"
    elif words.startswith("list of whole number"):
        kind = "numbers"
    elif words.startswith("list of"):
        kind = "lines"
    elif words.startswith("table of name") and field.path.endswith(".files"):
        kind = "files"
    elif words.startswith("table of name"):
        kind = "pairs"
    default = "" if field.default in ("none", '""', "[]", "{}") else field.default
    return Widget(
        path=field.path,
        label=_label(field.path),
        kind=kind,
        about=field.about,
        type=field.type,
        required=field.required,
        default="" if field.path.startswith(tuple(f"{table}." for table in optional)) else default,
        shown=default,
        choices=choices,
    )


_UNITS = {"_s": " (s)", "_kb": " (KiB)", "_mb": " (MiB)"}
_SPELT = {"Cpus": "CPUs", "Gpus": "GPUs", "Model usd": "Model USD", "Usd per hour": "USD per hour"}


def _label(path: str) -> str:
    name = path.split(".", 1)[-1] if path.count(".") > 1 else path.rpartition(".")[2]
    for suffix, unit in _UNITS.items():
        if name.endswith(suffix):
            name = name.removesuffix(suffix) + unit
    words = name.replace("_", " ").replace(".", ": ")
    words = words[:1].upper() + words[1:]
    return _SPELT.get(words, words)
