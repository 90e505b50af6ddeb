"""What each endpoint of a home can do, for `labcrew doctor --model`."""

import asyncio
import json
import os
import re
from collections.abc import Callable, Sequence

from desk.models.answering import answering
from desk.models.capabilities import Capability, capabilities
from labcrew.domain.base import Model
from labcrew.errors import SettingsError
from labcrew.settings import ModelSettings, Settings


class Examined(Model):
    """One endpoint.

    Args:
        name: in settings' `models`.
        model: what it is asked for.
        where: its address, or its file.
    """

    name: str
    model: str
    where: str
    capabilities: tuple[Capability, ...]

    @property
    def settings(self) -> str:
        """What to set, as lines of labcrew.toml; empty: nothing."""
        wanted = {k: v for found in self.capabilities for k, v in found.settings.items()}
        if not wanted:
            return ""
        lines = [f"{name} = {json.dumps(value)}" for name, value in wanted.items()]
        name = self.name if re.fullmatch(r"[\w-]+", self.name, re.ASCII) else json.dumps(self.name)
        return "\n".join([f"[models.{name}]", *lines])

    @property
    def usable(self) -> bool:
        """Whether nothing that labcrew needs is missing."""
        return all(found.state != "problem" for found in self.capabilities)


def examined(
    settings: Settings, names: Sequence[str], told: Callable[[str], None] = lambda _line: None
) -> tuple[Examined, ...]:
    """Asks each endpoint what it can do; one that can't be asked is told of as a problem.

    Args:
        names: which of settings' `models`; none: all.
        told: is given a line before each endpoint is asked.

    Raises:
        SettingsError: no model is set, or one of these names is not there.
    """
    answering(settings)  # names that nobody has
    if not settings.models:
        raise SettingsError(
            "No model is set.",
            "Set LABCREW_MODELS__DEFAULT__MODEL, or [models.default] in the home's labcrew.toml.",
        )
    for name in names:
        if name not in settings.models:
            raise SettingsError(
                f"There is no model {name}.", f"Known: {', '.join(settings.models)}."
            )
    found = []
    for name in names or settings.models:
        model = settings.models[name]
        told(f"Asking {name} ({model.name}, {_where(model)})")
        found.append(
            Examined(
                name=name,
                model=model.name,
                where=_where(model),
                capabilities=tuple(asyncio.run(_all(model))),
            )
        )
    return tuple(found)


async def _all(model: ModelSettings) -> list[Capability]:
    try:
        return [*_ignored(model), *[capability async for capability in capabilities(model)]]
    except SettingsError as error:  # no key, or a file that can't be served
        detail = f"{error.message} {error.remedy}".strip()
        return [Capability(name="settings", state="problem", detail=detail)]


def _ignored(model: ModelSettings) -> list[Capability]:
    """What other programs take an address from, and labcrew does not: a key goes where settings
    say.
    """
    if model.gguf is not None or model.base_url is not None:
        return []
    return [
        Capability(
            name="settings",
            state="warning",
            detail=f"{name} is not used: OpenAI is asked. To ask there, set base_url and api_key"
            " (LABCREW_MODELS__<NAME>__BASE_URL, LABCREW_MODELS__<NAME>__API_KEY).",
        )
        for name in ("OPENAI_BASE_URL", "OPENAI_API_BASE")
        if os.environ.get(name)
    ]


def _where(model: ModelSettings) -> str:
    if model.gguf is not None:
        return str(model.gguf)
    return model.base_url or "OpenAI's own address"
