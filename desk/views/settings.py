"""What the lab has set, by group, with where each value comes from; secrets are never shown."""

import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, SecretStr
from pydantic_core import to_jsonable_python

from labcrew.domain.base import Model
from labcrew.redaction import Redaction
from labcrew.settings import Settings

_PREFIX = "LABCREW_"
_LONGEST = 500


class Setting(Model):
    """One value.

    Args:
        name: as it stands in labcrew.toml, with its group.
        source: the file, an environment variable, or labcrew's own default.
    """

    name: str
    value: str
    about: str
    source: Literal["labcrew.toml", "environment", "default"]


class Group(Model):
    """Settings that belong together."""

    name: str
    about: str
    settings: tuple[Setting, ...]


def settings_of(
    settings: Settings, file: Path, redact: Redaction, environment: Mapping[str, str] = os.environ
) -> tuple[Group, ...]:
    """Every setting.

    Args:
        settings: as they were read when the board began.
        file: the home's labcrew.toml; says which values come from it.
        redact: takes out what looks like a secret.
        environment: says which values come from variables.
    """
    written: dict[str, Any] = {}
    if file.is_file():
        written = tomllib.loads(file.read_text(encoding="utf-8", errors="replace"))
    names = {name.upper() for name in environment if name.upper().startswith(_PREFIX)}

    def source(path: tuple[str, ...]) -> Literal["labcrew.toml", "environment", "default"]:
        spelt = [f"{_PREFIX}{'__'.join(path[:end]).upper()}" for end in range(1, len(path) + 1)]
        if any(name in names for name in spelt):
            return "environment"
        here: Any = written
        for part in path:
            if not isinstance(here, dict) or part not in here:
                return "default"
            here = here[part]
        return "labcrew.toml"

    general: list[Setting] = []
    groups: list[Group] = []
    for name, field in Settings.model_fields.items():
        value = getattr(settings, name)
        about = field.description or ""
        if not isinstance(value, BaseModel | dict):
            general.append(_setting((name,), value, about, source, redact))
            continue
        leaves = tuple(
            _setting(path, leaf, said, source, redact)
            for path, leaf, said in _leaves((name,), value)
        )
        groups.append(Group(name=name, about=about, settings=leaves))
    return (Group(name="general", about="", settings=tuple(general)), *groups)


def _leaves(path: tuple[str, ...], value: Any, about: str = "") -> Iterator[tuple[Any, Any, str]]:
    if isinstance(value, BaseModel):
        for name, field in type(value).model_fields.items():
            yield from _leaves((*path, name), getattr(value, name), field.description or "")
    elif isinstance(value, dict) and len(path) == 1:
        for name, entry in value.items():
            yield from _leaves((*path, str(name)), entry)
    else:
        yield path, value, about


def _setting(
    path: tuple[str, ...], value: Any, about: str, source: Any, redact: Redaction
) -> Setting:
    return Setting(
        name=".".join(path), value=_shown(path[-1], value, redact), about=about, source=source(path)
    )


def _shown(name: str, value: Any, redact: Redaction) -> str:
    if isinstance(value, SecretStr):
        return "set; not shown"
    if value is None or value == "" or value == () or value == {}:
        return "\N{EN DASH}"
    # Free-form values may hold what people should not have put there: names alone are shown.
    if isinstance(value, dict):
        return ", ".join(f"{key}: set; not shown" for key in value)
    if isinstance(value, list | tuple):
        return ", ".join(_shown(name, entry, redact) for entry in value)[:_LONGEST]
    if isinstance(value, bool):
        return "yes" if value else "no"
    plain = to_jsonable_python(value, fallback=str)
    return redact(str(plain))[:_LONGEST]
