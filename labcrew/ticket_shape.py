"""What a ticket's fields are, read off the models: for error messages and the field reference."""

import types
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from labcrew.domain.base import Model
from labcrew.domain.ticket import Ticket

_WORDS = {str: "text", int: "whole number", float: "number", bool: "true or false"}


class Field(Model):
    """One field as people read it.

    Args:
        path: dotted from the ticket, e.g. "metric.direction"; a list's entries are "data[]", a
            table's are "search_space.<name>", a variant's follow its type in brackets.
        type: in words, e.g. "number > 0".
        required: whether it must be given.
        default: as YAML would spell it; empty when required.
        about: what it means.
    """

    path: str
    type: str
    required: bool
    default: str
    about: str


def fields(model: type[BaseModel] = Ticket, prefix: str = "") -> Iterator[Field]:
    """Every field of a model and of the models in it, depth first, in the order of declaration."""
    for name, info in model.model_fields.items():
        path = f"{prefix}{name}"
        default = None if info.is_required() else info.get_default(call_default_factory=True)
        yield Field(
            path=path,
            type=type_words(info),
            required=info.is_required(),
            default="" if info.is_required() else _yaml(default),
            about=info.description or _about(info),
        )
        for inner, suffix in _models(info.annotation):
            yield from fields(inner, f"{path}{suffix}.")


def type_words(info: FieldInfo) -> str:
    """A field's type and limits in words, e.g. "whole number, 1 to 50"."""
    words = _annotation_words(info.annotation)
    limits = [
        text
        for constraint in info.metadata
        for attribute, spelling in (
            ("gt", "> {}"),
            ("ge", "≥ {}"),
            ("lt", "< {}"),
            ("le", "≤ {}"),
            ("min_length", "at least {} long"),
            ("max_length", "at most {} long"),
        )
        if (limit := getattr(constraint, attribute, None)) is not None
        for text in [spelling.format(limit)]
    ]
    return ", ".join([words, *limits])


def lookup(location: Sequence[str | int], root: type[BaseModel] = Ticket) -> FieldInfo | None:
    """The field at a validation error's location, None where there is none."""
    return _walk(location, root)[1]


def known_names(location: Sequence[str | int], root: type[BaseModel] = Ticket) -> tuple[str, ...]:
    """The field names that are known where `location` points; empty if it is not a model."""
    model = _walk(location, root)[0]
    return tuple(model.model_fields) if model is not None else ()


def variants(info: FieldInfo) -> tuple[str, ...]:
    """The values that a field lists, as text: those of a Literal, or of a union's discriminator."""
    found: list[str] = []
    for annotation in _flatten(info.annotation):
        if get_origin(annotation) is Literal:
            found += [str(value) for value in get_args(annotation)]
    return tuple(found)


def _walk(
    location: Sequence[str | int], root: type[BaseModel]
) -> tuple[type[BaseModel] | None, FieldInfo | None]:
    annotation: Any = root
    info: FieldInfo | None = None
    for part in location:
        options = _flatten(annotation)
        tagged = [o for o in options if _is_model(o) and _tag(o) == part]
        owner = next((o for o in options if _is_model(o) and part in o.model_fields), None)
        container = next((o for o in options if get_origin(o) in (dict, tuple, list)), None)
        if tagged:
            annotation = tagged[0]
        elif owner is not None:
            info = owner.model_fields[part]
            annotation = info.annotation
        elif container is not None:
            inner = get_args(container)
            annotation = inner[1] if get_origin(container) is dict else inner[0]
        else:
            return None, None
    models = [o for o in _flatten(annotation) if _is_model(o)]
    return (models[0] if models else None), info


def _models(annotation: Any) -> Iterator[tuple[type[BaseModel], str]]:
    options = _flatten(annotation)
    direct = [o for o in options if _is_model(o)]
    for option in direct:
        yield option, f" ({_tag(option)})" if len(direct) > 1 else ""
    for option in options:
        inner = get_args(option)
        if get_origin(option) is dict:
            for model, suffix in _models(inner[1]):
                yield model, f".<name>{suffix}"
        elif get_origin(option) in (tuple, list):
            for model, suffix in _models(inner[0]):
                yield model, f"[]{suffix}"


def _flatten(annotation: Any) -> list[Any]:
    if get_origin(annotation) is Annotated:
        return _flatten(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return [leaf for option in get_args(annotation) for leaf in _flatten(option)]
    return [annotation]


def _is_model(option: Any) -> bool:
    return isinstance(option, type) and issubclass(option, BaseModel)


def _tag(model: type[BaseModel]) -> str | None:
    info = model.model_fields.get("type")
    values = get_args(info.annotation) if info is not None else ()
    return values[0] if get_origin(info.annotation if info else None) is Literal else None


def _annotation_words(annotation: Any) -> str:
    words: list[str] = []
    for option in _flatten(annotation):
        origin = get_origin(option)
        if option is type(None):
            continue
        if origin is Literal:
            words.append("one of " + ", ".join(str(value) for value in get_args(option)))
        elif origin is dict:
            words.append(f"table of name: {_annotation_words(get_args(option)[1])}")
        elif origin in (tuple, list):
            words.append(f"list of {_annotation_words(get_args(option)[0])}")
        elif _is_model(option):
            words.append(f"{_tag(option)} table" if _tag(option) else "table")
        else:
            words.append(_WORDS.get(option, getattr(option, "__name__", str(option))))
    return " or ".join(dict.fromkeys(words))


def _about(info: FieldInfo) -> str:
    docs = [(o.__doc__ or "").split("\n")[0] for o in _flatten(info.annotation) if _is_model(o)]
    docs += [
        (model.__doc__ or "").split("\n")[0]
        for model, suffix in _models(info.annotation)
        if suffix.startswith("[]")
    ]
    return " ".join(docs[:1])


def _yaml(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, BaseModel):
        return "its own defaults"
    if isinstance(value, Mapping):
        return "{}" if not value else str(value)
    if isinstance(value, tuple):
        return "[" + ", ".join(str(item) for item in value) + "]"
    return f'"{value}"' if value == "" else str(value)
