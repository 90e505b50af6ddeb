"""The forges there are: a new one is a file of its own and one line here."""

import os
import time
from collections.abc import Callable, Mapping

from pydantic import SecretStr

from labcrew.domain.forge import Forge, ForgeKind, ForgeSettings
from labcrew.domain.repository import Repositories
from labcrew.errors import SettingsError
from tools.forges.github import GitHubForge
from tools.forges.gitlab import GitLabForge
from tools.forges.remote import RemoteForge

KNOWN: Mapping[ForgeKind, type[RemoteForge]] = {"gitlab": GitLabForge, "github": GitHubForge}


def forge_token(settings: ForgeSettings) -> SecretStr | None:
    """The token, read from the environment now; None where there is none."""
    value = os.environ.get(settings.token_variable, "").strip()
    return SecretStr(value) if value else None


def build_forge(
    settings: ForgeSettings,
    repositories: Repositories,
    sleep: Callable[[float], None] = time.sleep,
) -> Forge | None:
    """The forge that settings name, None where they name none; nothing is asked of it yet.

    Raises:
        SettingsError: something that it needs is missing.
    """
    if settings.kind is None:
        return None
    token = forge_token(settings)
    if not settings.project:
        raise SettingsError("[forge] project is missing.", "Say group/project or owner/name.")
    if token is None:
        raise SettingsError(
            f"[forge]: the variable {settings.token_variable} holds no token.",
            "Set it in the environment of labcrew, or leave out kind.",
        )
    return KNOWN[settings.kind](settings, token, repositories, sleep)
